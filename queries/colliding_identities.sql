-- Identities that stand for different requests: repeated rows that disagree in service or model, or lie a second apart. A real
-- duplicate is the same request, told twice.
-- Input:   unique_rows, not deduplicated yet; duplicate_identities.
-- Output:  n (identities), example (text, NULL when there is none).
SELECT count(*) AS n, min(request_id || ' in ' || array_to_string(services, ' and ')) AS example
FROM (
    SELECT source, request_id, list_sort(list_distinct(list(service)))[:2] AS services
    FROM unique_rows
    WHERE hash(source, request_id) IN (FROM duplicate_identities)
    GROUP BY source, request_id
    HAVING count(DISTINCT service) > 1 OR count(DISTINCT model) > 1 OR max(ts_us) - min(ts_us) > 1000000
)
