-- Models by number of requests.
-- Input:  rows.
-- Output: provider, model, requests, failed at the provider (share), latency p50 and p95 of successes (ms, approximate), share with a cost,
--         share with a score, models in all. Order: most first, then by name.
SELECT
    provider,
    model,
    count(*) AS n,
    count(*) FILTER (fault = 'provider') / count(*) AS failed,
    approx_quantile(latency_ms, 0.5) AS p50,
    approx_quantile(latency_ms, 0.95) AS p95,
    count(cost_usd) / count(*) AS costed,
    count(quality) / count(*) AS scored,
    count(*) OVER () AS models
FROM rows
WHERE reject IS NULL
GROUP BY provider, model
ORDER BY n DESC, provider NULLS FIRST, model
LIMIT 20
