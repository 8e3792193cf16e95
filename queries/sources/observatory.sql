-- Observatory's table `llm_traces`, or an export of it.
-- Yields: requests
-- Recognised by: trace_id, span_id, duration_ms, prompt_tokens
-- Identity: trace_id || ':' || span_id
-- Time: ts
-- Reads: ts, trace_id, span_id, span_name, provider, model, prompt_tokens, completion_tokens, total_cost_usd, duration_ms, ttft_ms, status_code, error_message, attributes, resource_attributes, sample_rate
-- Failures: recorded
--
-- Units: duration_ms and ttft_ms milliseconds; total_cost_usd US dollars. `status_code` is the word of the trace (OK, ERROR,
-- UNSET), no HTTP status; UNSET is a success, as OpenTelemetry has it.
-- The table has no column for the service: it is the attribute `service.name` of the resource, or else of the span. The
-- variant and the version are attributes of the span, `llmopt.variant` and `llmopt.config_version`.
WITH spans AS (
    SELECT
        source_row,
        ts,
        trace_id,
        span_id,
        span_name,
        provider,
        model,
        prompt_tokens,
        completion_tokens,
        total_cost_usd,
        duration_ms,
        ttft_ms,
        upper(CAST(status_code AS VARCHAR)) AS ending,
        error_message,
        document(attributes) AS labels,
        document(resource_attributes) AS resource,
        sample_rate,
        origin,
        malformed
    FROM raw
)
SELECT
    ts,
    trace_id || ':' || span_id AS request_id,
    trace_id,
    span_id,
    coalesce(resource ->> 'service.name', labels ->> 'service.name') AS service,
    span_name AS endpoint,
    provider,
    model,
    labels ->> 'llmopt.variant' AS variant,
    labels ->> 'llmopt.config_version' AS config_version,
    duration_ms AS latency_ms,
    ttft_ms,
    prompt_tokens AS input_tokens,
    completion_tokens AS output_tokens,
    total_cost_usd AS cost_usd,
    CASE WHEN ending IN ('OK', 'UNSET') THEN 'success' END AS outcome,
    CASE
        WHEN ending = 'ERROR' THEN coalesce(lower(labels ->> 'error.type'), error_class(error_message), 'error')
    END AS error_type,
    -- A rate outside of 0 to 1 is none; one that is no number stays one, and the row a reject.
    CASE
        WHEN number(sample_rate) <= 0 OR number(sample_rate) BETWEEN 1 AND 1e300 THEN 1
        ELSE 1 / number(sample_rate)
    END AS weight,
    origin,
    malformed,
    source_row,
    -- Parents and chains repeat the time of the calls below them.
    CASE
        WHEN malformed IS NULL AND coalesce(ending, '') <> 'ERROR' AND coalesce(CAST(prompt_tokens AS VARCHAR), '') = ''
            THEN 'span without tokens: a parent or a chain'
    END AS skipped
FROM spans
