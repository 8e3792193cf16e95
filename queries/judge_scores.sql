-- Judges typed scores of any layout; a row that breaks a rule carries its first broken one in `reject`.
-- Input:   typed, one row a score: texts trimmed, `value` as DOUBLE (NaN where the source holds text that is no number), `ts_us`
--          in microseconds since 1970, UTC; score_scales (name, worst, best, weight) as the policy declares them.
-- Output:  the keys, name, score (0 worst to 1 best), ts_us, score_id, and `reject` (NULL when the row is good).
-- Setting: future_limit_us (microseconds since 1970, UTC).
-- A score without a declared scale means nothing; it is passed over by name, so that a typing mistake shows.
WITH judged AS (
    SELECT
        t.*,
        s.name IS NOT NULL AS declared,
        (value - s.worst) / (s.best - s.worst) AS score
    FROM typed AS t
    LEFT JOIN score_scales AS s
        ON s.name = t.name
)
SELECT
    source,
    origin,
    ts_us,
    request_id,
    response_id,
    trace_id,
    span_id,
    name,
    score,
    score_id,
    CASE
        WHEN malformed IS NOT NULL THEN malformed
        WHEN skipped IS NOT NULL THEN 'passed over: ' || skipped
        WHEN name IS NULL THEN 'score: no name'
        WHEN NOT declared THEN 'passed over: score `' || name || '` without a scale in the policy'
        WHEN request_id IS NULL AND response_id IS NULL AND trace_id IS NULL THEN 'score: names no request, response or trace'
        WHEN value IS NULL THEN 'score: empty'
        WHEN isnan(value) THEN 'score: not a finite number'
        WHEN score < 0 OR score > 1 THEN 'score: outside the scale of `' || name || '`'
        WHEN ts_us IS NULL AND NOT ts_missing THEN 'ts: not a time with a zone (RFC 3339)'
        WHEN ts_us > getvariable('future_limit_us') THEN 'ts: in the future'
    END AS reject,
    CASE WHEN reject IS NOT NULL THEN whole_row END AS source_row
FROM judged
