-- One user's log of a coding assistant: whole seconds, US dollars; what never completed has no model.
-- Yields: requests
-- Failures: recorded
SELECT
    from_epoch(start_unix_s, 1) AS ts,
    event_seq AS request_id,
    'assistant' AS service,
    model,
    number(latency_s) * 1000 AS latency_ms,
    prompt_tokens AS input_tokens,
    completion_tokens AS output_tokens,
    cost_usd,
    CASE status WHEN 'ok' THEN 'success' WHEN 'no_completion' THEN 'error' END AS outcome,
    origin,
    malformed,
    source_row
FROM raw
