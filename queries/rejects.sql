-- Every rejected row with its reason, for people to mend.
-- Input:  rows.
-- Output: reject, origin (file), and what could be read of the row. Order: origin, reject, then content.
SELECT reject, origin, request_id, make_timestamp(ts_us) AS ts_utc, service, provider, model, outcome, latency_ms, ttft_ms,
    input_tokens, output_tokens, cost_usd, quality
FROM rows
WHERE reject IS NOT NULL
ORDER BY ALL
