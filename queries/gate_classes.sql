-- The classes of failures of a gate, the most frequent first.
-- Input:   gate_side.
-- Output:  class (hash, as in gate_rows.sql), error_class.
SELECT hash(error_class) AS class, error_class
FROM gate_side
WHERE error_class IS NOT NULL AND side IS NOT NULL
GROUP BY error_class
ORDER BY count(*) DESC, error_class
LIMIT 100
