-- The table `quality_evaluations`: what an evaluator thought of an answer, overall and by dimension.
-- Yields: scores
-- Recognised by: request_id, overall_score, evaluation_method
-- Reads: id, timestamp, request_id, overall_score, dimension_scores
-- Failures: recorded
--
-- The overall score is named `overall`, a dimension `dimension.` and its name. Both are of 0 to 100 in this table; as with every
-- score the scale is declared by name, and the value kept as it is.
WITH evaluations AS (
    SELECT
        source_row,
        "timestamp" AS ts,
        request_id,
        id,
        number(overall_score) AS overall,
        map_entries(TRY_CAST(document(dimension_scores) AS MAP (VARCHAR, VARCHAR))) AS dimensions,
        origin,
        malformed
    FROM raw
)
SELECT ts, request_id, 'overall' AS name, overall AS value, id AS score_id, origin, malformed, source_row
FROM evaluations
UNION ALL
SELECT ts, request_id, 'dimension.' || given.score.key, number(given.score.value), id, origin, malformed, source_row
FROM evaluations, unnest(dimensions) AS given (score)
WHERE given.score.value IS NOT NULL
