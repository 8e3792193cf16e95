-- ASOS experiments: the variances at each checkpoint, where they were published.
-- Yields: metrics
SELECT
    make_timestamp(CAST(number(time_since_start) * 86400000000 AS BIGINT)) AS ts,
    experiment_id || '/' || unnest(['control', 'treatment']) AS service,
    'metric ' || metric_id AS metric,
    'variance' AS statistic,
    unnest([variance_c, variance_t]) AS value,
    unnest([count_c, count_t]) AS n,
    origin,
    malformed,
    source_row
FROM raw
