-- LiteLLM spend logs: the table "LiteLLM_SpendLogs" or an export of it.
-- Yields: requests
-- Recognised by: request_id, startTime, endTime, spend
-- Identity: request_id
-- Time: startTime
-- Reads: request_id, call_type, spend, prompt_tokens, completion_tokens, startTime, endTime, request_duration_ms, completionStartTime, model, model_id, model_group, custom_llm_provider, metadata, cache_hit, status
-- Failures: recorded
--
-- Units: times without a zone are UTC; request_duration_ms milliseconds; spend US dollars of the request.
-- Service is the model group a caller asked for, variant the deployment that served. Who keeps services apart by team or by tag
-- maps them in a file of their own (`--mapping`).
WITH logs AS (
    SELECT
        source_row,
        request_id,
        call_type,
        spend,
        prompt_tokens,
        completion_tokens,
        utc("startTime") AS started,
        utc("completionStartTime") AS first_token,
        coalesce(trim(CAST("completionStartTime" AS VARCHAR)), '') <> '' AS first_token_stated,
        utc("endTime") AS ended,
        request_duration_ms,
        model,
        model_id,
        nullif(trim(CAST(model_group AS VARCHAR)), '') AS model_group,
        custom_llm_provider,
        cache_hit,
        document(metadata) AS labels,
        lower(coalesce(nullif(trim(CAST(status AS VARCHAR)), ''), document(metadata) ->> 'status')) AS ending,
        document(metadata) -> 'error_information' ->> 'error_class' AS class,
        document(metadata) -> 'error_information' ->> 'error_code' AS code,
        origin,
        malformed
    FROM raw
)
SELECT
    started AS ts,
    request_id,
    model_group AS service,
    call_type AS endpoint,
    custom_llm_provider AS provider,
    model,
    model_id AS variant,
    coalesce(labels -> 'spend_logs_metadata' ->> 'config_version', labels ->> 'config_version') AS config_version,
    -- Releases before the duration was logged have only the two times.
    coalesce(number(request_duration_ms), EXTRACT(EPOCH FROM (ended - started)) * 1000) AS latency_ms,
    -- A call that was not streamed has its end as the time of its first token.
    CASE
        WHEN first_token <> ended THEN EXTRACT(EPOCH FROM (first_token - started) * 1000)
        WHEN first_token IS NULL AND first_token_stated THEN CAST('NaN' AS DOUBLE PRECISION)
    END AS ttft_ms,
    prompt_tokens AS input_tokens,
    completion_tokens AS output_tokens,
    -- Nothing spent on tokens means that LiteLLM knew no price, not that they were free.
    CASE
        WHEN number(spend) = 0 AND (number(prompt_tokens) > 0 OR number(completion_tokens) > 0) THEN NULL
        ELSE number(spend)
    END AS cost_usd,
    -- Older releases mark failures alone, so a row with metadata and no mark is a success; one with neither says nothing.
    CASE
        WHEN ending = 'success' THEN 'success'
        WHEN ending IS NULL AND class IS NULL AND ltrim(CAST(labels AS VARCHAR)) LIKE '{%' THEN 'success'
    END AS outcome,
    CASE WHEN ending = 'failure' OR ending IS NULL THEN code END AS status_code,
    CASE
        WHEN ending = 'failure' THEN lower(coalesce(nullif(class, ''), nullif(code, ''), 'failure'))
        WHEN ending IS NULL THEN lower(nullif(class, ''))
    END AS error_type,
    -- Text, `True` or `False`; `None` where no cache is set up.
    CASE
        WHEN lower(trim(CAST(cache_hit AS VARCHAR))) = 'none' THEN 'false'
        ELSE lower(nullif(trim(CAST(cache_hit AS VARCHAR)), ''))
    END AS cache_hit,
    origin,
    malformed,
    source_row,
    -- Calls the proxy refused before it looked for a model (a missing or unknown key) never were LLM requests.
    CASE
        WHEN ending = 'failure' AND model_group IS NULL AND coalesce(trim(CAST(model AS VARCHAR)), '') = ''
            THEN 'refused by the proxy before a model was chosen'
    END AS skipped
FROM logs
