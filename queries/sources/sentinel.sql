-- Sentinel TelemetryEvent: NDJSON dumped from the Kafka topic `llm.telemetry`.
-- Yields: requests
-- Recognised by: event_id, service_name, prompt, response
-- Reads: event_id, timestamp, service_name, trace_id, span_id, model, prompt, response, latency_ms, cost_usd, metadata, errors
-- Failures: recorded
--
-- Units: timestamp RFC 3339; latency_ms milliseconds; cost_usd US dollars. Tokens stand inside `prompt` and `response`.
-- The event names no provider and no time to first token. Endpoint, variant, version and retries are keys of `metadata`, where a
-- service has put them. An event without the list `errors` does not say how it ended and is a reject; an empty list is success.
SELECT
    "timestamp" AS ts,
    event_id AS request_id,
    trace_id,
    span_id,
    service_name AS service,
    document(metadata) ->> 'endpoint' AS endpoint,
    model,
    document(metadata) ->> 'variant' AS variant,
    document(metadata) ->> 'config_version' AS config_version,
    latency_ms,
    -- Text that is no document stands for its number, so that it is rejected and not taken for unknown.
    CASE WHEN document(prompt) IS NULL THEN prompt ELSE document(prompt) ->> 'tokens' END AS input_tokens,
    CASE WHEN document(response) IS NULL THEN response ELSE document(response) ->> 'tokens' END AS output_tokens,
    cost_usd,
    CASE WHEN json_type(document(errors)) = 'ARRAY' AND json_array_length(document(errors)) = 0 THEN 'success' END AS outcome,
    CASE
        WHEN json_type(document(errors)) = 'NULL' THEN NULL
        WHEN json_type(document(errors)) <> 'ARRAY' OR document(errors) IS NULL
            THEN error_class(CAST(errors AS VARCHAR))
        WHEN json_array_length(document(errors)) > 0 THEN coalesce(error_class(document(errors) ->> 0), 'error')
    END AS error_type,
    document(metadata) ->> 'retry_count' AS retry_count,
    origin,
    malformed,
    source_row
FROM raw
