-- MetricEvent JSON: what a service reports itself about one LLM call, in camelCase.
-- Yields: requests
-- Recognised by: timestamp, service, model, latencyMs
-- Reads: timestamp, requestId, service, endpoint, model, provider, latencyMs, tokensInput, tokensOutput, costUsd, qualityScore, statusCode, errorType, retryCount
-- Failures: recorded
--
-- Units: timestamp milliseconds since 1970; latencyMs milliseconds; costUsd US dollars; qualityScore 0 to 100, in all records
-- that spell it in camelCase. A score is never guessed to be of 0 to 1 because it is small: 0.9 of 100 is a bad answer.
SELECT
    from_epoch("timestamp", 1000) AS ts,
    -- The record has no id. Rows that agree in every field are taken for one delivered twice, which also makes one of two
    -- calls of the same service in the same millisecond with the same latency, tokens and cost.
    coalesce(
        nullif(trim(CAST(requestId AS VARCHAR)), ''),
        CASE
            WHEN malformed IS NULL THEN md5(CAST(json_array(
                "timestamp", service, endpoint, model, provider, latencyMs, tokensInput, tokensOutput, costUsd, qualityScore,
                statusCode, errorType, retryCount
            ) AS VARCHAR))
        END
    ) AS request_id,
    service,
    endpoint,
    provider,
    model,
    latencyMs AS latency_ms,
    tokensInput AS input_tokens,
    tokensOutput AS output_tokens,
    costUsd AS cost_usd,
    number(qualityScore) / 100 AS quality,
    statusCode AS status_code,
    lower(CAST(errorType AS VARCHAR)) AS error_type,
    retryCount AS retry_count,
    origin,
    malformed,
    source_row
FROM raw
