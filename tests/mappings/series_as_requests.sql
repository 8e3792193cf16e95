-- The same series, each point as one request of that latency.
-- Yields: requests
-- Reads: timestamp, value
-- Failures: not recorded
SELECT
    utc("timestamp") AS ts,
    -- A point is what its time and value say: of two that agree in both, one was sent twice.
    "timestamp" || ' ' || value AS request_id,
    'series' AS service,
    'unnamed' AS model,
    value AS latency_ms,
    'success' AS outcome,
    origin,
    malformed,
    source_row
FROM raw
