-- What the hashes of gate_rows.sql stand for.
-- Input:  gate_side.
-- Output: priced_by (hash), provider, model; two rows where a provider has two names. No order.
SELECT DISTINCT hash(provider, model) AS priced_by, canonical_provider(provider) AS provider, coalesce(model, 'unknown') AS model
FROM gate_side
WHERE side IS NOT NULL
