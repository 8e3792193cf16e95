-- What the choices of a router were between, and how many of them carry the probability with which they were made. Answers of the
-- gateway's own cache were nobody's choice.
-- Input:  unique_rows.
-- Output: segment (hash), arm (hash), service, complexity, provider, model, config_version, rows, missing (rows without a propensity),
--         invalid (with one that is none), least and most (weight_milli); two rows where a provider has two names.
SELECT
    hash(service, complexity) AS segment,
    hash(provider, model, config_version) AS arm,
    service,
    complexity,
    canonical_provider(provider) AS provider,
    coalesce(model, 'unknown') AS model,
    config_version,
    count(*) AS rows,
    count(*) FILTER (propensity IS NULL) AS missing,
    -- NaN is above every number.
    count(*) FILTER (propensity <= 0 OR propensity > 1) AS invalid,
    min(weight_milli) AS least,
    max(weight_milli) AS most
FROM unique_rows
WHERE NOT cache_hit
GROUP BY ALL
ORDER BY service, complexity, provider, model, config_version, arm
