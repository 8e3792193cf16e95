-- Helicone requests: the ClickHouse table `request_response_rmt`, exported as JSONEachRow.
-- Yields: requests
-- Recognised by: request_id, request_created_at, latency, status
-- Reads: request_id, request_created_at, response_id, latency, time_to_first_token, status, prompt_tokens, completion_tokens, model, provider, target_url, properties, cost, cache_reference_id
-- Failures: recorded
--
-- Units: times without a zone are UTC; latency and time_to_first_token milliseconds; cost BILLIONTHS of a US dollar, 0 for unknown.
-- Service, variant and version are the custom properties `service`, `variant` and `config_version`. ClickHouse writes a map in
-- CSV with single quotes, which is no JSON: properties are then unread, so export JSONEachRow.
-- Prompt tokens that a provider read from its cache are in columns of their own and not read here; the cost knows them.
SELECT
    utc(request_created_at) AS ts,
    request_id,
    response_id,
    document(properties) ->> 'service' AS service,
    nullif(regexp_extract(CAST(target_url AS VARCHAR), '^[a-z]+://[^/?#]+(/[^?#]*)', 1), '') AS endpoint,
    lower(CAST(provider AS VARCHAR)) AS provider,
    model,
    document(properties) ->> 'variant' AS variant,
    document(properties) ->> 'config_version' AS config_version,
    latency AS latency_ms,
    -- No answer takes no time: 0 stands for one that was not streamed.
    nullif(number(time_to_first_token), 0) AS ttft_ms,
    prompt_tokens AS input_tokens,
    completion_tokens AS output_tokens,
    nullif(number(cost), 0) / 1e9 AS cost_usd,
    -- Codes below zero are Helicone's own (cancelled, refused by a guard, still pending): no success in any case.
    CASE WHEN number(status) < 0 THEN 'error' END AS outcome,
    status AS status_code,
    CASE WHEN number(status) < 0 OR number(status) BETWEEN 400 AND 599 THEN CAST(status AS VARCHAR) END AS error_type,
    -- `cache_enabled` says only that a cache was asked for; a hit names the request it repeats.
    CASE
        WHEN coalesce(trim(CAST(cache_reference_id AS VARCHAR)), '') IN ('', '00000000-0000-0000-0000-000000000000') THEN false
        ELSE true
    END AS cache_hit,
    origin,
    malformed,
    source_row
FROM raw
