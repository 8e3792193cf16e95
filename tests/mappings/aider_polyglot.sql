-- A leaderboard: one row a benchmark of many cases, with the mean of its seconds and the sum of its cost.
-- Yields: requests
-- Failures: not recorded
SELECT
    utc(date) AS ts,
    concat_ws('/', date, model, edit_format, reasoning_effort) AS request_id,
    'leaderboard' AS service,
    model,
    number(seconds_per_case) * 1000 AS latency_ms,
    -- A total of 0 means a free preview or nobody wrote it down: unknown.
    nullif(number(total_cost_usd), 0) / number(test_cases) AS cost_usd,
    number(pass_rate_2_pct) / 100 AS quality,
    'success' AS outcome,
    test_cases AS weight,
    origin,
    malformed,
    source_row
FROM raw
