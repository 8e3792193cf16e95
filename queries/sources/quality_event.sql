-- QualityEvent v1: scores that came after their requests, one row each.
-- Yields: scores
-- Recognised by: ts, name, raw_value
-- Time: ts
-- Reads: ts, request_id, trace_id, span_id, response_id, name, raw_value, id
-- Failures: recorded
--
-- A row names its request by one of request_id, response_id, or trace_id with or without span_id. raw_value is a number, or true
-- or false (1 and 0), on the scale declared for the name. Of several scores of one request and name the latest counts.
SELECT
    ts,
    request_id,
    trace_id,
    span_id,
    response_id,
    name,
    score_value(raw_value) AS value,
    id AS score_id,
    origin,
    malformed,
    source_row
FROM raw
