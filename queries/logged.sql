-- Requests with the probability with which the router chose what served them, segment after segment, each in the order of time.
-- Input:  unique_rows.
-- Output: segment and arm (hashes, as in logged_arms.sql), ts_us, kind (as in scan.sql), propensity (above 0, at most 1), latency (ms),
--         input, cached, written and output tokens, cost (US dollars, NULL where the source does not tell), quality; NULL = unknown.
SELECT
    hash(service, complexity) AS segment,
    hash(provider, model, config_version) AS arm,
    ts_us,
    CAST(CASE
        WHEN fault = 'unseen' THEN 4
        WHEN outcome = 'success' THEN 1
        WHEN fault = 'provider' THEN 2
        ELSE 3
    END AS TINYINT) AS kind,
    propensity,
    latency_ms,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    output_tokens,
    cost_usd,
    quality
FROM unique_rows
WHERE NOT cache_hit AND propensity > 0 AND propensity <= 1
ORDER BY segment, ts_us, hash(source, request_id)
