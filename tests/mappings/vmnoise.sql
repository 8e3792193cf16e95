-- Latency of PostgreSQL on three machines, in milliseconds, one mean a run; the file is not in order.
-- Yields: metrics
SELECT
    utc(starttime) AS ts,
    "VM_id" AS service,
    'latency_ms' AS metric,
    'last' AS statistic,
    value,
    1 AS n,
    origin,
    malformed,
    source_row
FROM raw
