-- What the hashes of sides.sql stand for.
-- Input:  unique_rows, watched_services.
-- Output: priced_by (hash), provider, model; two rows where a provider has two names. No order.
SELECT DISTINCT hash(provider, model) AS priced_by, canonical_provider(provider) AS provider, coalesce(model, 'unknown') AS model
FROM unique_rows
WHERE service IN (SELECT service FROM watched_services)
