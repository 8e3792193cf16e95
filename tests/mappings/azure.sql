-- Azure's LLM trace: arrivals and tokens, and nothing else.
-- Yields: requests
-- Failures: not recorded
--
-- Latency, model and outcome are not in it. A pace of 20 ms a token stands in, so that arrivals can be looked at as those of requests.
SELECT
    utc("TIMESTAMP") AS ts,
    "TIMESTAMP" AS request_id,
    'trace' AS service,
    'unnamed' AS model,
    number("GeneratedTokens") * 20 AS latency_ms,
    "ContextTokens" AS input_tokens,
    "GeneratedTokens" AS output_tokens,
    'success' AS outcome,
    origin,
    malformed,
    source_row
FROM raw
