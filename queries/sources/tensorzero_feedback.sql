-- TensorZero feedback: the tables `float_metric_feedback` and `boolean_metric_feedback`.
-- Yields: scores
-- Recognised by: target_id, metric_name, value
-- Reads: id, target_id, metric_name, value, created_at
-- Failures: recorded
--
-- A target is an inference or an episode and the row does not say which. Ids are unique over both, so it is given as either:
-- as a request it is found alone, as a trace it is every inference of the episode.
-- Booleans are 1 and 0; floats are kept as they are, on the scale declared for the metric.
SELECT
    created_at AS ts,
    target_id AS request_id,
    target_id AS trace_id,
    metric_name AS name,
    score_value(value) AS value,
    id AS score_id,
    origin,
    malformed,
    source_row
FROM raw
