-- CloudEvents `com.llmdevops.observatory.metric.v1`: metrics that Observatory has already aggregated.
-- Yields: metrics
-- Recognised by: specversion, type, data
-- Reads: type, time, data
-- Failures: recorded
--
-- Thresholds only: percentiles of two events cannot be merged, and no test of variants is possible without requests.
-- One event gives a row for each statistic of its aggregation; the `value` beside an aggregation is its mean and is left out.
-- Units are those of `data.unit`. One that is missing or strange leaves NaN, a reject, and not a number of unknown size.
-- Quality is 0 to 1 in these events, unlike the 0 to 100 of the camelCase records.
WITH events AS (
    SELECT source_row, origin, malformed, "type" AS kind, "time" AS ts, document(data) AS body FROM raw
),
named AS (
    SELECT
        *,
        body ->> 'metric_name' AS name,
        lower(coalesce(body ->> 'unit', '')) AS unit,
        body -> 'attributes' AS labels,
        CASE WHEN json_type(body -> 'aggregation') = 'OBJECT' THEN body -> 'aggregation' END AS aggregation
    FROM events
),
scaled AS (
    SELECT
        *,
        CASE name
            WHEN 'llm.request.duration' THEN 'latency_ms'
            WHEN 'llm.request.cost' THEN 'cost_usd'
            WHEN 'llm.response.quality' THEN 'quality'
            WHEN 'llm.model.error_rate' THEN 'error_rate'
        END AS metric,
        CASE
            WHEN name = 'llm.request.duration' AND unit = 'ms' THEN 1
            WHEN name = 'llm.request.duration' AND unit = 's' THEN 1000
            WHEN name = 'llm.request.cost' AND unit = 'usd' THEN 1
            WHEN name IN ('llm.response.quality', 'llm.model.error_rate') AND unit IN ('', '1') THEN 1
            WHEN name = 'llm.model.error_rate' AND unit IN ('%', 'percent') THEN 0.01
            ELSE CAST('NaN' AS DOUBLE)
        END AS factor
    FROM named
)
SELECT
    ts,
    labels ->> 'service' AS service,
    labels ->> 'endpoint' AS endpoint,
    labels ->> 'provider' AS provider,
    labels ->> 'model' AS model,
    metric,
    shown.statistic,
    shown.value,
    CASE WHEN aggregation IS NULL THEN 1 ELSE number(aggregation ->> 'count') END AS n,
    origin,
    malformed,
    source_row,
    CASE
        WHEN malformed IS NOT NULL THEN NULL
        WHEN kind <> 'com.llmdevops.observatory.metric.v1' THEN 'type ' || kind
        WHEN name IS NOT NULL AND metric IS NULL THEN 'metric ' || name
    END AS skipped
FROM scaled
-- An event without any statistic stays, as a row without a value, and is rejected as such.
LEFT JOIN LATERAL (
    VALUES
        ('last', CASE WHEN aggregation IS NULL THEN number(body ->> 'value') * factor END),
        ('mean', number(aggregation ->> 'sum') / nullif(number(aggregation ->> 'count'), 0) * factor),
        ('sum', number(aggregation ->> 'sum') * factor),
        ('count', number(aggregation ->> 'count')),
        ('p50', number(aggregation ->> 'p50') * factor),
        ('p90', number(aggregation ->> 'p90') * factor),
        ('p95', number(aggregation ->> 'p95') * factor),
        ('p99', number(aggregation ->> 'p99') * factor)
) AS shown (statistic, value) ON shown.value IS NOT NULL
