-- Where people saw changes in series: how many changes each of them saw. An empty list is a finding of no change.
-- Yields: metrics
-- Reads: well_log, uk_coal_employ, run_log, quality_control_5
WITH series AS (
    SELECT
        origin,
        malformed,
        source_row,
        unnest(['well_log', 'uk_coal_employ', 'run_log', 'quality_control_5']) AS name,
        unnest([well_log, uk_coal_employ, run_log, quality_control_5]) AS seen
    FROM raw
),
annotator AS (
    SELECT
        *,
        unnest(json_keys(seen)) AS annotator
    FROM series
)
SELECT
    make_timestamp(0) AS ts,
    name AS service,
    annotator AS metric,
    'changes' AS statistic,
    json_array_length(seen, '$.' || annotator) AS value,
    origin,
    malformed,
    source_row
FROM annotator
