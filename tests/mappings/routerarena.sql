-- RouterArena's cached answers: cost and score of every prompt for each of two models.
-- Yields: requests
-- Failures: not recorded
--
-- Neither time nor latency was published: noon of a day and one millisecond stand in.
SELECT
    TIMESTAMP '2026-01-01 12:00:00' AS ts,
    concat_ws('/', model, prompt_id) AS request_id,
    model AS service,
    provider,
    model,
    1 AS latency_ms,
    input_tokens,
    output_tokens,
    cost_usd,
    score AS quality,
    CASE status WHEN 'ok' THEN 'success' ELSE 'error' END AS outcome,
    origin,
    malformed,
    source_row
FROM raw
