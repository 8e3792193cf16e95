-- Events as the fold reads them: one row an event, streamed, so that no more than a few batches are in memory at once.
-- Input:  events.
-- Output: cell (hash), minute (since 1970, UTC), kind (0 answer of the gateway's own cache, 1 success, 2 failure of the provider,
--         3 failure the caller brought about), weight_milli, the six values as whole numbers (NULL = unknown), and the key of the
--         cell. No order: what is folded adds up to the same in any.
SELECT
    cell,
    ts_us // 60000000 AS minute,
    CAST(CASE
        WHEN cache_hit THEN 0
        WHEN outcome = 'success' THEN 1
        WHEN fault = 'provider' THEN 2
        ELSE 3
    END AS TINYINT) AS kind,
    weight_milli,
    latency_micro,
    ttft_micro,
    input_tokens,
    output_tokens,
    cost_nano,
    quality_micro,
    span,
    service,
    complexity,
    provider,
    model,
    config_version
FROM events
