-- Metric JSON: the per-query record of a model selector, with `modelUsed`, `costUSD` and `errorOccurred`.
-- Yields: requests
-- Recognised by: timestamp, modelUsed, latencyMs
-- Reads: timestamp, requestId, id, service, modelUsed, latencyMs, tokensInput, tokensOutput, qualityScore, costUSD, errorOccurred, errorType, queryComplexity, domain
-- Failures: recorded
--
-- A layout apart from MetricEvent: that one spells the cost `costUsd`, and names of columns do not differ by case.
-- Units: timestamp milliseconds since 1970; latencyMs milliseconds; costUSD US dollars; qualityScore 0 to 100. The record's
-- other scores, accuracy and relevance, are of 0 to 1 and are not the quality.
-- The record names no service: give `--default-service`.
SELECT
    from_epoch("timestamp", 1000) AS ts,
    coalesce(nullif(trim(CAST(requestId AS VARCHAR)), ''), CAST(id AS VARCHAR)) AS request_id,
    service,
    modelUsed AS model,
    lower(CAST(queryComplexity AS VARCHAR)) AS complexity,
    domain,
    latencyMs AS latency_ms,
    tokensInput AS input_tokens,
    tokensOutput AS output_tokens,
    costUSD AS cost_usd,
    number(qualityScore) / 100 AS quality,
    -- A call that says both "no error" and its error is left to the rules on errors; one that says neither is a reject.
    CASE
        WHEN TRY_CAST(errorOccurred AS BOOLEAN) AND lower(coalesce(CAST(errorType AS VARCHAR), '')) LIKE '%timeout%' THEN 'timeout'
        WHEN TRY_CAST(errorOccurred AS BOOLEAN) THEN 'error'
        WHEN NOT TRY_CAST(errorOccurred AS BOOLEAN) AND coalesce(trim(CAST(errorType AS VARCHAR)), '') = '' THEN 'success'
    END AS outcome,
    lower(CAST(errorType AS VARCHAR)) AS error_type,
    origin,
    malformed,
    source_row
FROM raw
