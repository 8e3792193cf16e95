-- FeedbackEvent: what users thought of answers, said (thumbs, stars) or shown by what they did next.
-- Yields: scores
-- Recognised by: event_type, data, metadata
-- Reads: id, timestamp, event_type, data, metadata
-- Failures: recorded
--
-- `data` holds the signals, one event as many as it likes; each is a score with a name of its own:
--   thumbs                                   `thumbs`                     true or false, up or down
--   explicit_rating, or rating or stars      `rating`                     1 to 5
--   retries, or retry_count or retry         `implicit.retry`             how often the user asked again
--   edit_distance                            `implicit.edit_distance`     how far the user changed the answer
--   task_completed, or task_completion       `implicit.task_completion`   true or false, or a share
--   dwell_time_ms                            `implicit.dwell_time_ms`     milliseconds
-- Values are kept as they are. Which way is better, and between which ends, is declared by name: nobody can tell from an edit
-- distance of 12 whether it is much, and a retry is worse the more there are.
-- The request is named in `data` or in `metadata`: request_id, response_id, or trace_id with or without span_id.
WITH events AS (
    SELECT
        source_row,
        "timestamp" AS ts,
        id,
        lower(trim(CAST(event_type AS VARCHAR))) AS kind,
        CASE WHEN kind = 'feedback' THEN document(data) END AS body,
        document(metadata) AS labels,
        origin,
        malformed
    FROM raw
)
SELECT
    ts,
    coalesce(body ->> 'request_id', labels ->> 'request_id') AS request_id,
    coalesce(body ->> 'trace_id', labels ->> 'trace_id') AS trace_id,
    coalesce(body ->> 'span_id', labels ->> 'span_id') AS span_id,
    coalesce(body ->> 'response_id', labels ->> 'response_id') AS response_id,
    shown.name,
    score_value(shown.value) AS value,
    id AS score_id,
    origin,
    malformed,
    source_row,
    CASE
        WHEN malformed IS NOT NULL THEN NULL
        WHEN kind <> 'feedback' THEN 'event_type ' || kind
        WHEN shown.name IS NULL AND body IS NOT NULL THEN 'no signal that is known'
    END AS skipped
FROM events
LEFT JOIN LATERAL (
    VALUES
        ('thumbs', body ->> 'thumbs'),
        ('rating', coalesce(body ->> 'explicit_rating', body ->> 'rating', body ->> 'stars')),
        ('implicit.retry', coalesce(body ->> 'retries', body ->> 'retry_count', body ->> 'retry')),
        ('implicit.edit_distance', body ->> 'edit_distance'),
        ('implicit.task_completion', coalesce(body ->> 'task_completed', body ->> 'task_completion')),
        ('implicit.dwell_time_ms', body ->> 'dwell_time_ms')
) AS shown (name, value) ON shown.value IS NOT NULL
