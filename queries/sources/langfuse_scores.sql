-- Langfuse scores export (`scores/`).
-- Yields: scores
-- Recognised by: name, data_type, string_value, observation_id
-- Reads: id, timestamp, trace_id, observation_id, name, value, data_type
-- Failures: recorded
--
-- Only numbers and booleans: the value of a text is always 0, and that of a category is its place in a list, not a grade.
-- The value is kept as it is; its scale is declared by name where quality is configured.
-- A score of an observation is joined to that one alone: the observation may be a tool or a retriever, and must then not be
-- spread over the generations of its trace.
SELECT
    utc("timestamp") AS ts,
    nullif(trim(CAST(observation_id AS VARCHAR)), '') AS request_id,
    CASE WHEN coalesce(trim(CAST(observation_id AS VARCHAR)), '') = '' THEN trace_id END AS trace_id,
    name,
    number(value) AS value,
    id AS score_id,
    origin,
    malformed,
    source_row,
    CASE
        WHEN data_type NOT IN ('NUMERIC', 'BOOLEAN') THEN 'data_type ' || data_type
        WHEN malformed IS NULL AND coalesce(trim(CAST(observation_id AS VARCHAR)), '') = ''
            AND coalesce(trim(CAST(trace_id AS VARCHAR)), '') = '' THEN 'of a session or a dataset run'
    END AS skipped
FROM raw
