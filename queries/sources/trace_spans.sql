-- Observatory's table `trace_spans`, which its writer fills where somebody has made the table.
-- Yields: requests
-- Recognised by: trace_id, span_id, service_name, duration_us
-- Time: start_time
-- Reads: trace_id, span_id, name, service_name, start_time, duration_us, status, status_message, attributes
-- Failures: recorded
--
-- Units: duration_us MICROseconds; `llm.latency.ttft_ms` milliseconds; `llm.cost.amount_usd` US dollars.
-- The writer puts the environment where the service belongs, or the words llm-service. Such a name is none: it would make one
-- service of all. Then only the attribute `service.name` or `--default-service` tells.
WITH spans AS (
    SELECT
        source_row,
        trace_id,
        span_id,
        name,
        nullif(nullif(CAST(service_name AS VARCHAR), 'llm-service'), coalesce(document(attributes) ->> 'deployment.environment', ''))
            AS stated_service,
        start_time,
        duration_us,
        lower(CAST(status AS VARCHAR)) AS ending,
        status_message,
        attributes,
        document(attributes) AS labels,
        origin,
        malformed
    FROM raw
)
SELECT
    start_time AS ts,
    CAST(trace_id AS VARCHAR) || ':' || span_id AS request_id,
    trace_id,
    span_id,
    coalesce(labels ->> 'service.name', stated_service) AS service,
    name AS endpoint,
    labels ->> 'llm.provider' AS provider,
    labels ->> 'llm.model' AS model,
    labels ->> 'llmopt.variant' AS variant,
    labels ->> 'llmopt.config_version' AS config_version,
    number(duration_us) / 1000 AS latency_ms,
    labels ->> 'llm.latency.ttft_ms' AS ttft_ms,
    labels ->> 'llm.usage.prompt_tokens' AS input_tokens,
    labels ->> 'llm.usage.completion_tokens' AS output_tokens,
    labels ->> 'llm.cost.amount_usd' AS cost_usd,
    CASE WHEN ending IN ('ok', 'unset') THEN 'success' END AS outcome,
    CASE
        WHEN ending = 'error' THEN coalesce(lower(labels ->> 'error.type'), error_class(status_message), 'error')
    END AS error_type,
    origin,
    malformed,
    source_row,
    CASE
        WHEN malformed IS NULL AND (labels ->> 'llm.model') IS NULL
            AND (labels IS NOT NULL OR coalesce(trim(CAST(attributes AS VARCHAR)), '') = '')
            THEN 'span without a model: no LLM call'
    END AS skipped
FROM spans
