-- A series of times without a zone and values, read as milliseconds of latency.
-- Yields: metrics
-- Reads: timestamp, value
SELECT
    utc("timestamp") AS ts,
    'series' AS service,
    'latency_ms' AS metric,
    'last' AS statistic,
    value,
    1 AS n,
    origin,
    malformed,
    source_row
FROM raw
