-- What requests of a gate are told apart by.
-- Input:   gate_side.
-- Output:  slice (hash, as in gate_rows.sql), service, endpoint, complexity, domain; NULL = unknown.
SELECT DISTINCT hash(service, endpoint, complexity, domain) AS slice, service, endpoint, complexity, domain
FROM gate_side
WHERE side IS NOT NULL
ORDER BY ALL
