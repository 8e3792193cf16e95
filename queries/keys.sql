-- What the hashes of scan.sql stand for. Two keys with one hash would be two rows here, so a collision cannot pass unseen.
-- Input:  unique_rows.
-- Output: cell (hash), service, complexity, provider, model, config_version, variant. No order.
SELECT
    hash(service, complexity, provider, model, config_version, variant) AS cell,
    service,
    complexity,
    provider,
    model,
    config_version,
    variant
FROM unique_rows
GROUP BY service, complexity, provider, model, config_version, variant
