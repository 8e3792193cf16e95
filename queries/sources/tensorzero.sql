-- TensorZero inferences joined with their model calls, as `queries/postgres/tensorzero_raw.sql` gives them.
-- Yields: requests
-- Recognised by: function_name, variant_name, processing_time_ms, model_provider_name
-- Reads: id, episode_id, function_name, variant_name, created_at, processing_time_ms, ttft_ms, snapshot_hash, model_name, model_provider_name, input_tokens, output_tokens, cost, cached, feedback_value
-- Failures: not recorded
--
-- No single table of TensorZero has an inference's model, tokens and cost, so a plain export of one cannot be read: run that
-- query, or give its result as a file.
-- Units: processing_time_ms and ttft_ms milliseconds; cost US dollars over all model calls of the inference, empty when one of
-- them has none. feedback_value is a score of 0 to 1 that a query of one's own may add; scores on any other scale come from
-- tensorzero_feedback. TensorZero stores no failures: every row is a success, and no error rate can be had from them.
SELECT
    created_at AS ts,
    id AS request_id,
    -- Feedback may be for a whole episode: that is the trace.
    episode_id AS trace_id,
    function_name AS service,
    model_provider_name AS provider,
    model_name AS model,
    variant_name AS variant,
    -- psql prints bytes as \x and their digits.
    lower(CASE
        WHEN left(CAST(snapshot_hash AS VARCHAR), 2) = '\x' THEN substr(CAST(snapshot_hash AS VARCHAR), 3)
        ELSE CAST(snapshot_hash AS VARCHAR)
    END) AS config_version,
    processing_time_ms AS latency_ms,
    ttft_ms,
    input_tokens,
    output_tokens,
    cost AS cost_usd,
    score_value(feedback_value) AS quality,
    'success' AS outcome,
    cached AS cache_hit,
    origin,
    malformed,
    source_row
FROM raw
