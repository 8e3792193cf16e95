-- Turns rows of the canonical layout into typed events; a row that breaks a rule carries its first broken one in `reject`.
-- Input:   raw, one row a request, every canonical column present (NULL where the source lacks it); `ts_us` already read.
-- Output:  the typed columns below, in the units of the canonical layout, and `reject` (NULL when the row is good).
-- Setting: default_service (text or NULL), future_limit_us (microseconds since 1970, UTC).
-- NULL in a measurement means unknown, never zero. Text that is not a number is a reject, not a NULL.
WITH typed AS (
    SELECT
        source,
        origin,
        ts_us,
        ts_missing,
        malformed,
        nullif(trim(CAST(request_id AS VARCHAR)), '') AS request_id,
        coalesce(nullif(trim(CAST(service AS VARCHAR)), ''), getvariable('default_service')) AS service,
        nullif(trim(CAST(endpoint AS VARCHAR)), '') AS endpoint,
        canonical_provider(lower(nullif(trim(CAST(provider AS VARCHAR)), ''))) AS provider,
        nullif(trim(CAST(model AS VARCHAR)), '') AS model,
        nullif(trim(CAST(config_version AS VARCHAR)), '') AS config_version,
        nullif(trim(CAST(variant AS VARCHAR)), '') AS variant,
        nullif(lower(trim(CAST(complexity AS VARCHAR))), '') AS complexity,
        nullif(lower(trim(CAST(outcome AS VARCHAR))), '') AS stated_outcome,
        nullif(lower(trim(CAST(error_type AS VARCHAR))), '') AS error_type,
        number(latency_ms) AS latency,
        number(ttft_ms) AS ttft,
        number(input_tokens) AS input,
        number(cached_input_tokens) AS cached,
        number(cache_write_tokens) AS cache_write,
        number(output_tokens) AS output,
        number(cost_usd) AS cost,
        number(quality) AS score,
        -- A code that is no HTTP status says nothing; it must not hide a failure that another column states.
        CASE WHEN number(status_code) BETWEEN 100 AND 599 THEN number(status_code) END AS status,
        number(status_code) AS stated_status,
        number(retry_count) AS retries,
        number(weight) AS row_weight,
        raw AS whole_row,
        coalesce(TRY_CAST(cache_hit AS BOOLEAN), false) AS cache_hit,
        cache_hit IS NOT NULL AND TRY_CAST(cache_hit AS BOOLEAN) IS NULL AND CAST(cache_hit AS VARCHAR) <> ''
            AS cache_hit_unreadable
    FROM raw
),
judged AS (
    SELECT
        *,
        CASE
            WHEN stated_outcome IS NOT NULL THEN stated_outcome
            WHEN error_type LIKE '%timeout%' OR status IN (408, 504) THEN 'timeout'
            WHEN status = 499 THEN 'cancelled'
            WHEN status >= 400 OR error_type IS NOT NULL THEN 'error'
            WHEN status >= 100 THEN 'success'
        END AS outcome
    FROM typed
)
SELECT
    source,
    origin,
    ts_us,
    request_id,
    service,
    endpoint,
    provider,
    -- A request that failed early may never have reached a model, and is a failure all the same.
    coalesce(model, 'unknown') AS model,
    config_version,
    variant,
    complexity,
    outcome,
    -- Refusals the caller brought about are kept apart from failures of the provider.
    CASE
        WHEN outcome = 'success' THEN 'none'
        WHEN outcome = 'cancelled' THEN 'caller'
        WHEN outcome = 'error' AND status BETWEEN 400 AND 499 AND status NOT IN (408, 429) THEN 'caller'
        ELSE 'provider'
    END AS fault,
    cache_hit,
    -- Failed requests are often logged with a latency of zero, or with that of the failure: only successes count.
    CASE WHEN outcome = 'success' AND NOT cache_hit THEN latency END AS latency_ms,
    CASE WHEN outcome = 'success' AND NOT cache_hit THEN ttft END AS ttft_ms,
    CASE WHEN NOT cache_hit THEN input END AS input_tokens,
    CASE WHEN NOT cache_hit THEN cached END AS cached_input_tokens,
    CASE WHEN NOT cache_hit THEN cache_write END AS cache_write_tokens,
    CASE WHEN NOT cache_hit THEN output END AS output_tokens,
    CASE WHEN NOT cache_hit THEN cost END AS cost_usd,
    -- A failure is counted as one; a score of zero for it would count it twice.
    CASE WHEN outcome = 'success' THEN score END AS quality,
    CASE WHEN coalesce(row_weight, 1) BETWEEN 0.001 AND 1e6 THEN CAST(round(coalesce(row_weight, 1) * 1000) AS BIGINT) END
        AS weight_milli,
    CASE
        WHEN malformed IS NOT NULL THEN malformed
        WHEN ts_missing THEN 'ts: empty'
        WHEN ts_us IS NULL THEN 'ts: not a time with a zone (RFC 3339)'
        WHEN ts_us > getvariable('future_limit_us') THEN 'ts: in the future'
        WHEN request_id IS NULL THEN 'request_id: empty'
        WHEN length(request_id) > 128 THEN 'request_id: over 128 characters'
        WHEN service IS NULL THEN 'service: empty'
        WHEN length(service) > 128 THEN 'service: over 128 characters'
        WHEN outcome IS NULL THEN 'outcome: neither it nor status_code nor error_type is known'
        WHEN outcome NOT IN ('success', 'error', 'timeout', 'cancelled')
            THEN 'outcome: not success, error, timeout or cancelled'
        WHEN stated_status IS NOT NULL AND status IS NULL AND stated_outcome IS NULL AND error_type IS NULL
            THEN 'status_code: not an HTTP status'
        WHEN cache_hit_unreadable THEN 'cache_hit: not true or false'
        -- Latencies of failures are used for nothing, so a broken one must not make the failure disappear.
        WHEN outcome = 'success' AND model IS NULL THEN 'model: empty on a success'
        WHEN outcome = 'success' AND isnan(latency) THEN 'latency_ms: not a finite number'
        WHEN outcome = 'success' AND latency < 0 THEN 'latency_ms: negative'
        WHEN outcome = 'success' AND latency > 604800000 THEN 'latency_ms: above seven days or infinite'
        WHEN outcome = 'success' AND latency IS NULL AND NOT cache_hit THEN 'latency_ms: empty on a success'
        WHEN outcome = 'success' AND isnan(ttft) THEN 'ttft_ms: not a finite number'
        WHEN outcome = 'success' AND ttft < 0 THEN 'ttft_ms: negative'
        WHEN outcome = 'success' AND ttft > latency THEN 'ttft_ms: above latency_ms'
        WHEN isnan(input) OR isnan(output) OR isnan(cached) OR isnan(cache_write) THEN 'tokens: not a finite number'
        WHEN input < 0 OR output < 0 OR cached < 0 OR cache_write < 0 THEN 'tokens: negative'
        WHEN input > 1e9 OR output > 1e9 OR cached > 1e9 OR cache_write > 1e9 THEN 'tokens: above 1e9 or infinite'
        WHEN input <> floor(input) OR output <> floor(output) OR cached <> floor(cached)
            OR cache_write <> floor(cache_write) THEN 'tokens: not whole'
        WHEN coalesce(cached, 0) + coalesce(cache_write, 0) > input THEN 'tokens: cached above input_tokens'
        WHEN isnan(cost) THEN 'cost_usd: not a finite number'
        WHEN cost < 0 THEN 'cost_usd: negative'
        WHEN cost > 1e6 THEN 'cost_usd: above 1e6 or infinite'
        WHEN isnan(score) THEN 'quality: not a finite number'
        WHEN score < 0 OR score > 1 THEN 'quality: outside 0 to 1'
        WHEN isnan(retries) OR retries < 0 OR retries > 1e6 THEN 'retry_count: not a count'
        WHEN complexity NOT IN ('simple', 'medium', 'complex') THEN 'complexity: not simple, medium or complex'
        WHEN isnan(row_weight) OR row_weight < 0.001 OR row_weight > 1e6 THEN 'weight: outside 0.001 to 1e6'
    END AS reject,
    -- What stood in the source, for whoever mends it.
    CASE WHEN reject IS NOT NULL THEN CAST(to_json(whole_row) AS VARCHAR) END AS source_row
FROM judged
