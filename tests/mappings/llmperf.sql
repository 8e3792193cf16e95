-- LLMPerf's individual runs: seconds; failures carry a latency of 0 or of their own.
-- Yields: requests
-- Failures: recorded
SELECT
    -- The file tells when a run ended, not when a request started.
    from_epoch(run_end_unix_s, 1) AS ts,
    concat_ws('/', provider, model, seq) AS request_id,
    'bench' AS service,
    provider,
    model,
    number(e2e_latency_s) * 1000 AS latency_ms,
    number(ttft_s) * 1000 AS ttft_ms,
    input_tokens,
    output_tokens,
    CASE status WHEN 'ok' THEN 'success' ELSE 'error' END AS outcome,
    error_code AS status_code,
    error_type,
    origin,
    malformed,
    source_row
FROM raw
