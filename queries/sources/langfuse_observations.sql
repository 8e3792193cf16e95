-- Langfuse observations export (`observations_v2/`, also `observations/`) whose latencies are in seconds.
-- Yields: requests
-- Recognised by: provided_model_name, start_time, usage_details
-- Ask: latencies of this Langfuse export are seconds if its blob storage integration was created on or after 2026-04-01 (langfuse_observations), milliseconds if before (langfuse_observations_ms); the file does not say which
-- Reads: id, trace_id, type, name, level, status_message, version, release, start_time, provided_model_name, usage_details, metadata, prompt_name, prompt_version, total_cost, latency, time_to_first_token, trace_name
-- Failures: recorded
--
-- Units: start_time UTC without a zone; latency and time_to_first_token seconds; total_cost US dollars.
-- Rows that are no generation (spans, tools, retrievers) are passed over. Quality comes from the scores file (`--scores`).
-- Parts of a usage add up here: Langfuse takes cached and reasoning tokens out of `input` and `output`.
-- The export names no provider. Exports of the older kind have no trace name: give `--default-service`.
WITH observations AS (
    SELECT
        *,
        source_row,
        document(usage_details) AS tokens,
        document(metadata) AS labels,
        upper(CAST(level AS VARCHAR)) AS severity,
        nullif(trim(CAST(prompt_name AS VARCHAR)), '') AS prompt
    FROM raw
)
SELECT
    utc(start_time) AS ts,
    id AS request_id,
    trace_id,
    id AS span_id,
    trace_name AS service,
    name AS endpoint,
    provided_model_name AS model,
    coalesce(prompt || coalesce(':' || nullif(trim(CAST(prompt_version AS VARCHAR)), ''), ''), labels ->> 'variant') AS variant,
    coalesce(nullif(trim(CAST(version AS VARCHAR)), ''), nullif(trim(CAST(release AS VARCHAR)), '')) AS config_version,
    number(latency) * 1000 AS latency_ms,
    -- Empty when the answer was not streamed.
    number(time_to_first_token) * 1000 AS ttft_ms,
    CASE
        -- Text that is no document stands for its number, so that it is rejected and not taken for unknown.
        WHEN tokens IS NULL THEN number(usage_details)
        ELSE number(tokens ->> 'input') + coalesce(number(tokens ->> 'input_cached_tokens'), 0)
            + coalesce(number(tokens ->> 'cache_read_input_tokens'), 0)
            + coalesce(number(tokens ->> 'cache_creation_input_tokens'), 0)
    END AS input_tokens,
    number(coalesce(tokens ->> 'input_cached_tokens', tokens ->> 'cache_read_input_tokens')) AS cached_input_tokens,
    number(tokens ->> 'cache_creation_input_tokens') AS cache_write_tokens,
    number(tokens ->> 'output') + coalesce(number(tokens ->> 'output_reasoning_tokens'), 0) AS output_tokens,
    total_cost AS cost_usd,
    -- The level is the only sign of a failure; an export without it does not say how calls ended.
    CASE WHEN severity IN ('DEBUG', 'DEFAULT', 'WARNING') THEN 'success' END AS outcome,
    CASE WHEN severity = 'ERROR' THEN coalesce(error_class(status_message), 'error') END AS error_type,
    origin,
    malformed,
    source_row,
    CASE WHEN "type" <> 'GENERATION' THEN 'type ' || "type" END AS skipped
FROM observations
