-- TensorZero's feedback of a window, one row each.
-- Parameters: $1 start (inclusive) and $2 end (exclusive), timestamptz, of when the feedback came.
-- Columns: those that queries/sources/tensorzero_feedback.sql reads; a boolean is 1 or 0.
-- Order: created_at, id.
SELECT id, target_id, metric_name, value, created_at
FROM tensorzero.float_metric_feedback
WHERE created_at >= $1 AND created_at < $2
UNION ALL
SELECT id, target_id, metric_name, CASE WHEN value THEN 1.0 ELSE 0.0 END, created_at
FROM tensorzero.boolean_metric_feedback
WHERE created_at >= $1 AND created_at < $2
ORDER BY created_at, id
