-- The canonical layout: one row a request, in the names and units of docs/sources.md.
-- Yields: requests
-- Recognised by: ts, latency_ms
-- Identity: request_id
-- Time: ts
-- Reads: ts, request_id, trace_id, span_id, response_id, service, endpoint, provider, model, config_version, variant, latency_ms, ttft_ms, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, cost_usd, quality, outcome, status_code, error_type, retry_count, complexity, weight, cache_hit, user_segment, domain, propensity
SELECT
    origin,
    malformed,
    source_row,
    ts,
    request_id,
    trace_id,
    span_id,
    response_id,
    service,
    endpoint,
    provider,
    model,
    config_version,
    variant,
    latency_ms,
    ttft_ms,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    output_tokens,
    cost_usd,
    quality,
    outcome,
    status_code,
    error_type,
    retry_count,
    complexity,
    weight,
    cache_hit,
    user_segment,
    domain,
    propensity
FROM raw
