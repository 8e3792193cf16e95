-- ASOS experiments: counts are cumulative, so only what a checkpoint adds to the one before is a number of visitors.
-- Yields: metrics
WITH counted AS (
    SELECT
        *,
        number(count_t) AS count,
        lag(count) OVER (
            PARTITION BY experiment_id, variant_id, metric_id ORDER BY number(time_since_start), count
        ) AS before
    FROM raw
)
SELECT
    make_timestamp(CAST(number(time_since_start) * 86400000000 AS BIGINT)) AS ts,
    concat_ws('/', experiment_id, variant_id, metric_id) AS service,
    'requests' AS metric,
    'sum' AS statistic,
    count - before AS value,
    NULL AS n,
    origin,
    malformed,
    source_row,
    CASE WHEN before IS NULL THEN 'cumulative, and the first point' END AS skipped
FROM counted
