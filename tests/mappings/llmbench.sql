-- Two runs of a benchmark over several providers: seconds, US dollars, quality of 0 to 100.
-- Yields: requests
-- Failures: recorded
SELECT
    utc("timestamp") AS ts,
    concat_ws('/', "timestamp", model) AS request_id,
    'bench' AS service,
    provider,
    model,
    number(latency_s) * 1000 AS latency_ms,
    input_tokens,
    output_tokens,
    cost_usd,
    number(quality_score_0_100) / 100 AS quality,
    CASE status WHEN 'ok' THEN 'success' ELSE 'error' END AS outcome,
    error_kind AS error_type,
    origin,
    malformed,
    source_row
FROM raw
