-- What the column of the arms holds, the most frequent first.
-- Input:  gate_arms.
-- Output: arm.
SELECT arm
FROM gate_arms
WHERE arm IS NOT NULL
GROUP BY arm
ORDER BY count(*) DESC, arm
LIMIT 10
