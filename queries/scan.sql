-- Events as the fold reads them: one row an event, streamed, so that no more than a few batches are in memory at once. Texts stay
-- behind: their hashes go, and keys.sql tells what these stand for.
-- Input:  unique_rows.
-- Output: identity (hash), cell (hash), ts_us (microseconds since 1970, UTC), kind (0 answer of the gateway's own cache, 1 success,
--         2 failure of the provider, 3 failure the caller brought about, 4 success in a log without failures,
--         5 time-out; 8 more where it is an attempt after others), weight_milli, latency and ttft (ms), input, cached, written
--         and output tokens, cost (US dollars, NULL where the source does not tell), quality (0 to 1); NULL = unknown. No order: what
--         is folded adds up to the same in any.
SELECT
    hash(source, request_id) AS identity,
    hash(service, complexity, provider, model, config_version, variant) AS cell,
    ts_us,
    CAST(CASE
        WHEN cache_hit THEN 0
        WHEN fault = 'unseen' THEN 4
        WHEN outcome = 'success' THEN 1
        WHEN outcome = 'timeout' THEN 5
        WHEN fault = 'provider' THEN 2
        ELSE 3
    END + CASE WHEN retried THEN 8 ELSE 0 END AS TINYINT) AS kind,
    weight_milli,
    latency_ms,
    ttft_ms,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    output_tokens,
    cost_usd,
    quality
FROM unique_rows
