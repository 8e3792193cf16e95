-- Our own request log: columns when, app, llm, seconds, first_token, ok, problem, usd, stars.
-- Yields: requests
-- Reads: when, id, app, llm, seconds, first_token, ok, problem, tokens_in, tokens_out, usd, stars
-- Failures: recorded
--
-- optimizer plan --dry-run --from log.csv --mapping examples/mapping.sql
--
-- A mapping is one SELECT over `raw` that gives columns the names of the canonical layout; write down what you know of your
-- log and leave the rest out. Text may stay text: number() and the checks on every row come after it.
SELECT
    -- Our clock is UTC and does not say so.
    utc("when") AS ts,
    id AS request_id,
    app AS service,
    -- `openai/gpt-4o`
    split_part(llm, '/', 1) AS provider,
    split_part(llm, '/', 2) AS model,
    -- Seconds here, milliseconds there.
    number(seconds) * 1000 AS latency_ms,
    number(first_token) * 1000 AS ttft_ms,
    tokens_in AS input_tokens,
    tokens_out AS output_tokens,
    -- We log 0 where we do not know; for the optimizer 0 is free and empty is unknown.
    nullif(number(usd), 0) AS cost_usd,
    CASE lower(ok) WHEN 'yes' THEN 'success' WHEN 'no' THEN 'error' END AS outcome,
    problem AS error_type,
    -- 1 to 5 stars become 0 to 1.
    (number(stars) - 1) / 4 AS quality,
    -- The next three always end a mapping: the file, what was wrong with the line, and the line as it stood.
    origin,
    malformed,
    source_row,
    -- Rows that are no request may be passed over; they are counted with the reason given here.
    CASE WHEN llm = 'none' THEN 'no model was called' END AS skipped
FROM raw
