-- One row a cell: its key and its counts of requests. Answers of the gateway's own cache count in n and weight only.
-- The definition that the fold in the program follows; for databases that reduce by themselves.
-- Input:  events.
-- Output: cell (hash), the key columns, span (0 window, 1 the window before, 2 earlier), n (rows); the rest are sums of
--         weights in requests. Order: by the key.
SELECT
    cell,
    service,
    complexity,
    provider,
    model,
    config_version,
    variant,
    span,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) / 1e3 AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * weight_milli) AS DOUBLE) / 1e6 AS weight_squared,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit), 0) AS DOUBLE) / 1e3 AS served,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND outcome = 'success'), 0) AS DOUBLE) / 1e3 AS succeeded,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND fault = 'provider'), 0) AS DOUBLE) / 1e3 AS provider_errors,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND fault = 'caller'), 0) AS DOUBLE) / 1e3 AS caller_errors,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND outcome = 'success' AND cost_nano IS NULL), 0) AS DOUBLE)
        / 1e3 AS unpriced,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND fault = 'unseen'), 0) AS DOUBLE) / 1e3 AS unseen,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND outcome = 'timeout'), 0) AS DOUBLE) / 1e3 AS timeouts,
    CAST(coalesce(sum(weight_milli) FILTER (NOT cache_hit AND retried), 0) AS DOUBLE) / 1e3 AS retried
FROM events
GROUP BY cell, service, complexity, provider, model, config_version, variant, span
ORDER BY service, complexity NULLS FIRST, provider NULLS FIRST, model, config_version NULLS FIRST, variant NULLS FIRST, span
