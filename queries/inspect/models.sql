-- Models by number of requests.
-- Input:  rows.
-- Output: provider, model, requests, failed at the provider (share), latency p50 and p95 of successes (ms, to one percent), share with a
--         cost, share with a score, models in all. Order: most first, then by name.
-- Percentiles come from counts of latencies that differ by less than a percent: these are the same in whatever order rows are read.
WITH counted AS (
    SELECT
        canonical_provider(provider) AS provider,
        -- A failure may have no model: the answer that never came.
        coalesce(model, 'unknown') AS model,
        CASE WHEN latency_ms IS NOT NULL THEN CAST(round(100 * ln(greatest(latency_ms, 0.001))) AS INTEGER) END AS bin,
        count(*) AS n,
        count(*) FILTER (fault = 'provider') AS failed,
        count(cost_usd) AS costed,
        count(quality) AS scored
    FROM rows
    WHERE reject IS NULL
    GROUP BY ALL
),
ranked AS (
    SELECT
        *,
        sum(n) OVER (PARTITION BY provider, model ORDER BY bin NULLS LAST) AS so_far,
        sum(n) FILTER (bin IS NOT NULL) OVER (PARTITION BY provider, model) AS timed
    FROM counted
)
SELECT
    provider,
    model,
    CAST(sum(n) AS BIGINT) AS requests,
    sum(failed) / sum(n) AS failed,
    exp(min(bin) FILTER (so_far >= 0.5 * timed) / 100) AS p50,
    exp(min(bin) FILTER (so_far >= 0.95 * timed) / 100) AS p95,
    sum(costed) / sum(n) AS costed,
    sum(scored) / sum(n) AS scored,
    count(*) OVER () AS models
FROM ranked
GROUP BY provider, model
ORDER BY requests DESC, provider NULLS FIRST, model
LIMIT 20
