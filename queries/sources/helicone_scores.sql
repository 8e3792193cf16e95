-- Helicone scores: the column `scores` of the same export that has the requests.
-- Yields: scores
-- Recognised by: request_id, request_created_at, scores
-- Reads: request_id, request_created_at, scores
-- Failures: recorded
--
-- One row for each score of a request. Values are whole numbers on a scale that only its owner knows; they are kept as they are.
-- A score has no time of its own: it gets that of the request.
SELECT
    utc(request_created_at) AS ts,
    request_id,
    given.score.key AS name,
    CASE WHEN given.score IS NULL THEN number(scores) ELSE number(given.score.value) END AS value,
    origin,
    malformed,
    source_row
FROM raw
-- What could not be read, the line or its scores, stays one row, to be rejected as such; a request without scores has none.
LEFT JOIN LATERAL unnest(map_entries(TRY_CAST(document(scores) AS MAP (VARCHAR, VARCHAR)))) AS given (score) ON true
WHERE malformed IS NOT NULL
    OR given.score.value IS NOT NULL
    OR coalesce(json_type(document(scores)), '') NOT IN ('OBJECT', 'NULL') AND coalesce(trim(CAST(scores AS VARCHAR)), '') <> ''
