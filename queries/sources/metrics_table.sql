-- The table `metrics`: one measurement of one metric a row, without the request it belongs to.
-- Yields: metrics
-- Recognised by: time, metric_name, value
-- Time: time
-- Reads: time, metric_name, value, service, endpoint, model, provider
-- Failures: recorded
--
-- Thresholds only: latency, cost and tokens of one request stand in rows that nothing joins.
-- Units are in the metric's name; a name that is none of the optimizer's metrics is passed over. Quality is 0 to 1.
SELECT
    "time" AS ts,
    service,
    endpoint,
    provider,
    model,
    metric_name AS metric,
    'last' AS statistic,
    number(value) AS value,
    1 AS n,
    origin,
    malformed,
    source_row,
    CASE
        WHEN metric_name NOT IN (
            'latency_ms', 'ttft_ms', 'cost_usd', 'error_rate', 'quality', 'requests', 'input_tokens', 'output_tokens'
        ) THEN 'metric ' || metric_name
    END AS skipped
FROM raw
