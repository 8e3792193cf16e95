-- Judges typed rows of any layout; a row that breaks a rule carries its first broken one in `reject`.
-- Input:   typed, one row a request: the columns that src/observe/typed.rs lists, texts trimmed, numbers as DOUBLE (NaN where the
--          source holds text that is no number), `ts_us` in microseconds since 1970, UTC.
-- Output:  rows in the units of the canonical layout, and `reject` (NULL when the row is good).
--          Provider and model stay as the source has them, the model of an early failure NULL: what they are called is settled once
--          a key, in keys.sql, and not once a row.
-- Setting: future_limit_us (microseconds since 1970, UTC).
-- NULL in a measurement means unknown, never zero. A row that is no request of a model is passed over, which `reject` tells.
WITH judged AS (
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
    trace_id,
    span_id,
    response_id,
    service,
    endpoint,
    provider,
    model,
    config_version,
    variant,
    complexity,
    domain,
    -- Only beside a failure.
    CASE WHEN outcome <> 'success' THEN coalesce(error_type, 'status ' || CAST(CAST(status AS INTEGER) AS VARCHAR), outcome) END AS error_class,
    outcome,
    -- Refusals the caller brought about are kept apart from failures of the provider.
    CASE
        -- Beside a success in a log without failures, nobody knows how many there were.
        WHEN outcome = 'success' THEN CASE WHEN records_failures THEN 'none' ELSE 'unseen' END
        WHEN outcome = 'cancelled' THEN 'caller'
        WHEN outcome = 'error' AND status BETWEEN 400 AND 499 AND status NOT IN (408, 429) THEN 'caller'
        ELSE 'provider'
    END AS fault,
    cache_hit,
    -- An attempt after others of the same request.
    coalesce(retries, 0) > 0 AS retried,
    -- Failed requests are often logged with a latency of zero, or with that of the failure: only successes count.
    CASE WHEN outcome = 'success' AND NOT cache_hit THEN latency END AS latency_ms,
    latency AS stated_latency_ms,
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
    -- Only an off-policy estimate asks for it, and counts what cannot be; a plan does without, so it breaks no row.
    propensity,
    CASE
        -- Nearly every row passes these tests, which are cheap and imply that no rule below is broken: then none is looked at.
        -- `coalesce` around an OR makes it a value; as a condition it would sort the rows of either side together.
        WHEN malformed IS NULL AND skipped IS NULL AND NOT cache_hit_unreadable
            AND NOT ts_missing AND ts_us <= getvariable('future_limit_us')
            AND strlen(request_id) <= 128
            AND strlen(service) <= 128
            AND outcome IN ('success', 'error', 'timeout', 'cancelled')
            AND coalesce(stated_outcome IS NOT NULL OR stated_status IS NULL OR status IS NOT NULL, false)
            AND strlen(model) <= 256
            AND coalesce(strlen(provider), 0) + coalesce(strlen(config_version), 0) + coalesce(strlen(variant), 0)
                + coalesce(strlen(endpoint), 0) <= 256
            AND coalesce(complexity IN ('simple', 'medium', 'complex'), true)
            AND coalesce(latency, CASE WHEN outcome = 'success' THEN -1 ELSE 0 END) BETWEEN 0 AND 604800000
            AND coalesce(ttft, 0) BETWEEN 0 AND coalesce(latency, 0)
            AND coalesce(input, 0) BETWEEN 0 AND 1e9 AND coalesce(input = floor(input), true)
            AND coalesce(output, 0) BETWEEN 0 AND 1e9 AND coalesce(output = floor(output), true)
            AND coalesce(cached, 0) BETWEEN 0 AND 1e9 AND coalesce(cached = floor(cached), true)
            AND coalesce(cache_write, 0) BETWEEN 0 AND 1e9 AND coalesce(cache_write = floor(cache_write), true)
            AND coalesce(coalesce(cached, cache_write) IS NULL OR coalesce(cached, 0) + coalesce(cache_write, 0) <= input, false)
            AND coalesce(cost, 0) BETWEEN 0 AND 1e6
            AND coalesce(score, 0) BETWEEN 0 AND 1
            AND coalesce(retries, 0) BETWEEN 0 AND 1e6
            AND coalesce(row_weight, 1) BETWEEN 0.001 AND 1e6
            THEN NULL
        WHEN malformed IS NOT NULL THEN malformed
        WHEN skipped IS NOT NULL THEN 'passed over: ' || skipped
        WHEN ts_missing THEN 'ts: empty'
        WHEN ts_us IS NULL THEN 'ts: not a time with a zone (RFC 3339)'
        WHEN ts_us > getvariable('future_limit_us') THEN 'ts: in the future'
        WHEN request_id IS NULL THEN 'request_id: empty'
        WHEN length(request_id) > 128 THEN 'request_id: over 128 characters'
        WHEN service IS NULL THEN 'service: empty'
        WHEN length(service) > 128 THEN 'service: over 128 characters'
        -- A name is shown to people, row by row and cell by cell; a megabyte is none.
        WHEN length(model) > 256 THEN 'model: over 256 characters'
        WHEN length(provider) > 256 THEN 'provider: over 256 characters'
        WHEN length(config_version) > 256 THEN 'config_version: over 256 characters'
        WHEN length(variant) > 256 THEN 'variant: over 256 characters'
        WHEN length(endpoint) > 256 THEN 'endpoint: over 256 characters'
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
    CASE WHEN reject IS NOT NULL THEN whole_row END AS source_row
FROM judged
