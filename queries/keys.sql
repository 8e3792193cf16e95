-- What the hashes of scan.sql stand for. Two keys with one hash would be two rows here, so a collision cannot pass unseen.
-- Input:  unique_rows.
-- Output: cell (hash), service, complexity, provider, model, config_version, variant; two rows where a provider has two names. No
--         order.
SELECT
    hash(service, complexity, provider, model, config_version, variant) AS cell,
    service,
    complexity,
    canonical_provider(provider) AS provider,
    -- A request that failed early may never have reached a model, and is a failure all the same.
    coalesce(model, 'unknown') AS model,
    config_version,
    variant
FROM (SELECT DISTINCT service, complexity, provider, model, config_version, variant FROM unique_rows)
