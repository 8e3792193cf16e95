-- Hashes of ids that occur more than once. Two ids with one hash are only looked at for nothing.
-- Input:   {{relation}}, {{range}} on `ts`; {{request_id}}, the id as text; {{most}}, more than these are not asked for.
-- Output:  identity (hash). No order.
SELECT identity
FROM (
    SELECT {{hash:tidy}} AS identity
    FROM (
        SELECT {{trimmed:request_id}} AS tidy
        FROM (SELECT {{request_id}} AS request_id FROM {{relation}} WHERE {{range}}) AS ids
    ) AS tidied
    WHERE tidy <> ''
) AS hashes
GROUP BY identity
HAVING count(*) > 1
LIMIT {{most}}
