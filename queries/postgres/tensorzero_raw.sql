-- TensorZero's inferences of a window, one row each, joined with what their model calls used.
-- Parameters: $1 start (inclusive) and $2 end (exclusive), timestamptz.
-- Columns: those that queries/sources/tensorzero.sql reads; milliseconds, tokens, US dollars.
-- Order: created_at, id.
-- An inference may call several models (retries, best of n): tokens and cost are sums, the model is that of the last call.
-- The sum of costs is NULL when one call has none: a part of a cost is not the cost.
-- feedback_value stays empty here: feedback has many names and scales and is read by tensorzero_feedback_raw.sql.
WITH inferences AS (
    SELECT id, episode_id, function_name, variant_name, created_at, processing_time_ms, ttft_ms, snapshot_hash
    FROM tensorzero.chat_inferences
    WHERE created_at >= $1 AND created_at < $2
    UNION ALL
    SELECT id, episode_id, function_name, variant_name, created_at, processing_time_ms, ttft_ms, snapshot_hash
    FROM tensorzero.json_inferences
    WHERE created_at >= $1 AND created_at < $2
),
calls AS (
    SELECT
        m.inference_id,
        CASE WHEN count(*) = count(m.input_tokens) THEN sum(m.input_tokens) END AS input_tokens,
        CASE WHEN count(*) = count(m.output_tokens) THEN sum(m.output_tokens) END AS output_tokens,
        CASE WHEN count(*) = count(m.cost) THEN sum(m.cost) END AS cost,
        bool_and(m.cached) AS cached
    FROM tensorzero.model_inferences AS m
    -- Partitions are by time: a call is stored near its inference, and a day more covers the slowest.
    WHERE m.created_at >= $1 - INTERVAL '1 hour' AND m.created_at < $2 + INTERVAL '1 day'
        AND EXISTS (SELECT 1 FROM inferences AS i WHERE i.id = m.inference_id)
    GROUP BY m.inference_id
),
last_calls AS (
    SELECT DISTINCT ON (m.inference_id) m.inference_id, m.model_name, m.model_provider_name
    FROM tensorzero.model_inferences AS m
    WHERE m.created_at >= $1 - INTERVAL '1 hour' AND m.created_at < $2 + INTERVAL '1 day'
        AND EXISTS (SELECT 1 FROM inferences AS i WHERE i.id = m.inference_id)
    ORDER BY m.inference_id, m.created_at DESC, m.id DESC
)
SELECT
    i.id,
    i.episode_id,
    i.function_name,
    i.variant_name,
    i.created_at,
    i.processing_time_ms,
    i.ttft_ms,
    encode(i.snapshot_hash, 'hex') AS snapshot_hash,
    l.model_name,
    l.model_provider_name,
    c.input_tokens,
    c.output_tokens,
    c.cost,
    c.cached,
    CAST(NULL AS DOUBLE PRECISION) AS feedback_value
FROM inferences AS i
LEFT JOIN calls AS c ON c.inference_id = i.id
LEFT JOIN last_calls AS l ON l.inference_id = i.id
ORDER BY i.created_at, i.id
