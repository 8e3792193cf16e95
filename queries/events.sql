-- Events ready to be reduced: unique, priced, with the key of their cell and their values as whole numbers. The definition that the
-- fold in the program follows; for databases that reduce by themselves.
-- Whole numbers add up to the same total in any order, so that a parallel scan gives the same bytes every time:
-- milliseconds × 1e3, US dollars × 1e9, quality × 1e6, weights × 1e3.
-- Input:   unique_rows; prices (provider, model, input, output, cached_input, cache_write: US dollars per token; provider ''
--          serves rows that do not tell theirs, where every provider asks the same).
-- Setting: window_start_us, before_start_us.
-- cost_nano is what the source reported, else tokens × price of a success; NULL where the model has no price or tokens are
-- missing. A failure costs what the source says it cost: providers do not charge for refusing.
CREATE OR REPLACE TEMP VIEW events AS
SELECT
    ts_us,
    service,
    complexity,
    e.provider AS provider,
    e.model AS model,
    config_version,
    variant,
    CASE
        WHEN ts_us >= getvariable('window_start_us') THEN 0
        WHEN ts_us >= getvariable('before_start_us') THEN 1
        ELSE 2
    END AS span,
    hash(service, complexity, e.provider, e.model, config_version, variant, span) AS cell,
    outcome,
    fault,
    cache_hit,
    retried,
    weight_milli,
    CAST(round(latency_ms * 1e3) AS BIGINT) AS latency_micro,
    CAST(round(ttft_ms * 1e3) AS BIGINT) AS ttft_micro,
    CAST(input_tokens AS BIGINT) AS input_tokens,
    CAST(output_tokens AS BIGINT) AS output_tokens,
    CAST(round(1e9 * coalesce(
        cost_usd,
        CASE WHEN outcome = 'success' THEN (input_tokens - coalesce(cached_input_tokens, 0) - coalesce(cache_write_tokens, 0)) * p.input
            + coalesce(cached_input_tokens, 0) * coalesce(p.cached_input, p.input)
            + coalesce(cache_write_tokens, 0) * coalesce(p.cache_write, p.input)
            + output_tokens * p.output END
    )) AS BIGINT) AS cost_nano,
    CAST(round(quality * 1e6) AS BIGINT) AS quality_micro
FROM (
    SELECT * REPLACE (canonical_provider(provider) AS provider, coalesce(model, 'unknown') AS model) FROM unique_rows
) AS e
LEFT JOIN prices AS p
    ON p.provider = coalesce(e.provider, '') AND p.model = e.model
