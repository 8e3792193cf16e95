-- OpenTelemetry metrics as OTLP/JSON lines: what SDKs have aggregated before anyone asked.
-- Yields: metrics
-- Recognised by: resourceSpans; resourceLogs; resourceMetrics
-- Reads: resourceSpans, resourceLogs, resourceMetrics
-- Failures: recorded
--
-- Thresholds only: quantiles of two points cannot be merged, and no test of variants is possible without requests.
-- Traps: durations are seconds. A cumulative point holds everything since the process started, so only its difference from the
-- point before it is read, and the first one not at all. Failures are points of their own, told by `error.type`: they count for
-- the error rate and not for the latency. A quantile is spread evenly within its bucket: no truer than the bounds are close.
WITH parsed AS (
    SELECT
        *,
        TRY(from_json(
            "resourceMetrics",
            '[{"resource": {"attributes": [{"key": "VARCHAR", "value": "VARCHAR"}]},
               "scopeMetrics": [{"scope": {"name": "VARCHAR"}, "metrics": ["VARCHAR"]}]}]'
        )) AS tree
    FROM (SELECT * REPLACE (CAST("resourceMetrics" AS VARCHAR) AS "resourceMetrics") FROM raw)
),
line AS (
    SELECT
        origin,
        source_row,
        tree,
        coalesce(
            malformed,
            'resourceMetrics: ' || CASE
                WHEN otlp_has_gaps(list_transform(tree, lambda r: list_transform(r."scopeMetrics", lambda s: s.metrics)))
                    THEN otlp_fault("resourceMetrics", 'scopeMetrics', 'metrics')
            END,
            CASE
                WHEN "resourceSpans" IS NULL AND "resourceLogs" IS NULL AND "resourceMetrics" IS NULL
                    THEN 'line: none of resourceSpans, resourceLogs and resourceMetrics'
            END
        ) AS malformed
    FROM parsed
),
resource AS (
    SELECT
        origin,
        malformed,
        CASE WHEN malformed IS NOT NULL THEN source_row END AS whole_line,
        -- A line that cannot be taken apart goes on as one metric that is nothing, so that it is counted.
        unnest(CASE
            WHEN malformed IS NULL THEN tree
            ELSE [{'resource': NULL, 'scopeMetrics': [{'scope': NULL, 'metrics': [NULL]}]}]
        END) AS item
    FROM line
),
scope AS (
    SELECT
        * EXCLUDE item,
        otlp_attributes(item.resource.attributes) AS around,
        unnest(item."scopeMetrics") AS item
    FROM resource
),
metric_text AS (SELECT * EXCLUDE item, item.scope.name AS scope, unnest(item.metrics) AS text FROM scope),
taken_apart AS (
    SELECT
        *,
        TRY(from_json(
            text,
            '{"name": "VARCHAR", "unit": "VARCHAR",
              "histogram": {"aggregationTemporality": "VARCHAR", "dataPoints": ["VARCHAR"]},
              "exponentialHistogram": {"aggregationTemporality": "VARCHAR", "dataPoints": ["VARCHAR"]},
              "sum": {"aggregationTemporality": "VARCHAR", "dataPoints": ["VARCHAR"]}, "gauge": {"dataPoints": ["VARCHAR"]}}'
        )) AS metric
    FROM metric_text
),
named AS (
    SELECT
        * EXCLUDE (malformed, text, metric),
        text AS metric_text,
        metric.name AS name,
        lower(coalesce(metric.unit, '')) AS unit,
        coalesce(
            metric.histogram."dataPoints",
            metric."exponentialHistogram"."dataPoints",
            metric.sum."dataPoints",
            metric.gauge."dataPoints"
        ) AS points,
        metric.gauge."dataPoints" IS NOT NULL AS is_gauge,
        upper(coalesce(
            metric.histogram."aggregationTemporality",
            metric."exponentialHistogram"."aggregationTemporality",
            metric.sum."aggregationTemporality"
        )) AS temporality,
        coalesce(
            malformed,
            CASE WHEN metric IS NULL OR text IS NULL OR text NOT LIKE '{%' THEN 'metrics: holds something that is no object' END
        ) AS malformed,
        CASE
            WHEN metric.name IN (
                'gen_ai.client.operation.duration', 'gen_ai.server.request.duration', 'llm.request.duration'
            ) THEN 'latency_ms'
            WHEN metric.name IN ('gen_ai.client.operation.time_to_first_chunk', 'gen_ai.server.time_to_first_token')
                THEN 'ttft_ms'
            WHEN metric.name = 'gen_ai.client.token.usage' THEN 'tokens'
            WHEN metric.name = 'llm.request.cost' THEN 'cost_usd'
            WHEN metric.name = 'llm.response.quality' THEN 'quality'
            WHEN metric.name = 'llm.model.error_rate' THEN 'error_rate'
        END AS kind
    FROM taken_apart
),
point_text AS (
    SELECT
        * EXCLUDE points,
        -- What is not read goes on as one row a metric, not one a point, to be passed over by name.
        unnest(CASE WHEN malformed IS NOT NULL OR kind IS NULL OR points IS NULL THEN [NULL] ELSE points END) AS text,
        CASE
            WHEN malformed IS NOT NULL THEN NULL
            WHEN kind IS NULL THEN 'metric ' || coalesce(name, 'without a name')
            WHEN points IS NULL THEN 'metric ' || name || ': no histogram, sum or gauge'
        END AS unread,
        -- A unit that is missing or strange makes NaN, a reject, and not a number of unknown size.
        CASE
            WHEN kind IN ('latency_ms', 'ttft_ms') AND (unit = 's' OR (unit = '' AND name LIKE 'gen_ai.%')) THEN 1000
            WHEN kind IN ('latency_ms', 'ttft_ms') AND unit = 'ms' THEN 1
            WHEN kind = 'tokens' THEN 1
            WHEN kind = 'cost_usd' AND unit IN ('usd', '{usd}') THEN 1
            WHEN kind IN ('quality', 'error_rate') AND unit IN ('', '1') THEN 1
            WHEN kind = 'error_rate' AND unit = '%' THEN 0.01
            ELSE CAST('NaN' AS DOUBLE)
        END AS factor
    FROM named
),
point AS (
    SELECT
        *,
        TRY(from_json(
            text,
            '{"attributes": [{"key": "VARCHAR", "value": "VARCHAR"}], "startTimeUnixNano": "VARCHAR", "timeUnixNano": "VARCHAR",
              "count": "VARCHAR", "sum": "VARCHAR", "max": "VARCHAR", "bucketCounts": ["DOUBLE"], "explicitBounds": ["DOUBLE"],
              "asInt": "VARCHAR", "asDouble": "VARCHAR"}'
        )) AS point
    FROM point_text
),
series AS (
    SELECT
        * EXCLUDE malformed,
        otlp_attributes(point.attributes) AS a,
        nanoseconds(point."timeUnixNano") AS time_ns,
        temporality IN ('2', 'AGGREGATION_TEMPORALITY_CUMULATIVE') AS is_cumulative,
        number(point.count) AS count,
        number(coalesce(point.sum, point."asDouble", point."asInt")) AS total,
        lag({'count': count, 'total': total, 'buckets': point."bucketCounts"}) OVER (
            PARTITION BY name, unit, temporality, around, scope, point.attributes, point."explicitBounds", point."startTimeUnixNano"
            -- Points of the same time are ordered too, so that every run pairs them alike.
            ORDER BY time_ns, count, total, text
        ) AS before,
        coalesce(
            malformed,
            CASE WHEN unread IS NULL AND (point IS NULL OR text IS NULL OR text NOT LIKE '{%')
                THEN 'dataPoints: holds something that is no object' END
        ) AS malformed
    FROM point
),
difference AS (
    SELECT
        origin,
        malformed,
        coalesce(text, metric_text, whole_line) AS source_row,
        make_timestamp(time_ns // 1000) AS ts,
        attribute(around, 'service.name') AS service,
        attribute(a, 'gen_ai.operation.name') AS operation,
        coalesce(attribute(a, 'gen_ai.provider.name'), attribute(a, 'gen_ai.system'), attribute(a, 'provider')) AS provider,
        coalesce(attribute(a, 'gen_ai.request.model'), attribute(a, 'model')) AS model_requested,
        coalesce(attribute(a, 'gen_ai.response.model'), model_requested) AS model,
        attribute(a, 'error.type') IS NOT NULL AS has_failed,
        name,
        CASE WHEN kind <> 'tokens' THEN kind ELSE attribute(a, 'gen_ai.token.type') || '_tokens' END AS metric,
        is_gauge,
        point.count IS NOT NULL AS is_histogram,
        factor,
        point."explicitBounds" AS bounds,
        CASE WHEN is_cumulative THEN NULL ELSE number(point.max) END AS largest,
        CASE WHEN is_cumulative THEN count - before.count ELSE count END AS count,
        CASE WHEN is_cumulative THEN total - before.total ELSE total END AS total,
        CASE
            WHEN is_cumulative THEN list_transform(point."bucketCounts", lambda b, i: b - before.buckets[i])
            ELSE point."bucketCounts"
        END AS buckets,
        CASE
            WHEN malformed IS NOT NULL THEN NULL
            WHEN unread IS NOT NULL THEN unread
            WHEN attribute(a, 'gen_ai.operation.name') IN ('invoke_agent', 'execute_tool', 'invoke_workflow', 'create_agent')
                THEN 'operation ' || attribute(a, 'gen_ai.operation.name')
            WHEN kind = 'tokens' AND coalesce(attribute(a, 'gen_ai.token.type'), '') NOT IN ('input', 'output')
                THEN 'gen_ai.token.type neither input nor output'
            WHEN is_gauge OR temporality IN ('1', 'AGGREGATION_TEMPORALITY_DELTA') THEN NULL
            WHEN is_cumulative IS NOT TRUE THEN 'neither delta nor cumulative'
            WHEN before IS NULL THEN 'cumulative, and the first point'
            WHEN before.count > count OR before.total > total THEN 'cumulative, and less than before'
        END AS skipped
    FROM series
),
statistic AS (
    SELECT
        *,
        unnest(CASE
            WHEN malformed IS NOT NULL OR skipped IS NOT NULL THEN [NULL]
            WHEN is_gauge THEN [{'name': 'last', 'quantile': NULL}]
            WHEN NOT is_histogram THEN [{'name': 'sum', 'quantile': NULL}]
            WHEN count = 0 OR has_failed AND metric IN ('latency_ms', 'ttft_ms') THEN []
            ELSE [
                {'name': 'mean', 'quantile': NULL}, {'name': 'sum', 'quantile': NULL}, {'name': 'count', 'quantile': NULL},
                {'name': 'p50', 'quantile': 0.5}, {'name': 'p90', 'quantile': 0.9},
                {'name': 'p95', 'quantile': 0.95}, {'name': 'p99', 'quantile': 0.99}
            ]
        END) AS shown
    FROM difference
),
placed AS (
    SELECT
        *,
        shown.quantile * list_sum(buckets) AS rank,
        list_position(list_transform(buckets, lambda b, i: list_sum(buckets[:i]) >= rank), true) AS bucket
    FROM statistic
),
valued AS (
    SELECT
        *,
        factor * CASE
            WHEN shown.name = 'mean' THEN total / count
            WHEN shown.name = 'count' THEN count / factor
            WHEN shown.quantile IS NULL THEN total
            WHEN len(buckets) = 0 OR len(buckets) = 1 AND len(bounds) = 0 THEN NULL
            WHEN len(buckets) <> len(bounds) + 1 OR list_count(buckets) < len(buckets) OR list_count(bounds) < len(bounds)
                OR list_min(buckets) < 0 THEN CAST('NaN' AS DOUBLE)
            -- The last bucket is open: the largest value seen, or else its lower end, which the quantile is not below.
            WHEN bucket = len(buckets) THEN greatest(largest, bounds[-1])
            ELSE coalesce(bounds[bucket - 1], 0)
                + (bounds[bucket] - coalesce(bounds[bucket - 1], 0))
                * (rank - coalesce(list_sum(buckets[:bucket - 1]), 0)) / buckets[bucket]
        END AS value
    FROM placed
)
SELECT
    origin,
    malformed,
    skipped,
    CASE WHEN skipped IS NULL THEN source_row END AS source_row,
    ts,
    service,
    operation AS endpoint,
    provider,
    model,
    metric,
    shown.name AS statistic,
    value,
    CASE WHEN is_histogram THEN count END AS n
FROM valued
-- A histogram without buckets, or whose quantile cannot be told, has no quantiles; its mean remains.
WHERE shown.quantile IS NULL OR value IS NOT NULL
UNION ALL BY NAME
-- A failed call often never learns which model would have answered: the rate is that of the model that was asked for.
SELECT
    any_value(origin) AS origin,
    ts,
    service,
    operation AS endpoint,
    provider,
    model_requested AS model,
    unnest(['requests', 'error_rate']) AS metric,
    unnest(['count', 'mean']) AS statistic,
    unnest([sum(count), sum(count) FILTER (has_failed) / sum(count)]) AS value,
    sum(count) AS n
FROM difference
WHERE metric = 'latency_ms' AND is_histogram AND malformed IS NULL AND skipped IS NULL AND count > 0
GROUP BY name, ts, service, operation, provider, model_requested
