-- Judges typed figures over many requests; a row that breaks a rule carries its first broken one in `reject`.
-- Input:   typed, one row a figure: texts trimmed, numbers as DOUBLE (NaN where the source holds text that is no number), `ts_us` in
--          microseconds since 1970, UTC.
-- Output:  service, provider, model, metric, statistic, value (ms, US dollars, shares), n (requests behind it, NULL = unknown), and `reject`.
-- Setting: future_limit_us (microseconds since 1970, UTC).
SELECT
    source,
    origin,
    ts_us,
    service,
    provider,
    model,
    metric,
    statistic,
    value,
    n,
    CASE
        WHEN malformed IS NOT NULL THEN malformed
        WHEN skipped IS NOT NULL THEN 'passed over: ' || skipped
        WHEN ts_missing THEN 'ts: empty'
        WHEN ts_us IS NULL THEN 'ts: not a time with a zone (RFC 3339)'
        WHEN ts_us > getvariable('future_limit_us') THEN 'ts: in the future'
        WHEN service IS NULL THEN 'service: empty'
        WHEN length(service) > 128 THEN 'service: over 128 characters'
        WHEN length(metric) > 256 OR length(statistic) > 256 OR length(model) > 256 OR length(provider) > 256
            THEN 'name: over 256 characters'
        WHEN metric IS NULL OR statistic IS NULL THEN 'metric: no name'
        WHEN value IS NULL THEN 'value: empty'
        WHEN isnan(value) OR value < 0 OR value > 1e15 THEN 'value: not a finite number from 0'
        WHEN metric IN ('error_rate', 'quality') AND value > 1 THEN 'value: outside 0 to 1'
        WHEN isnan(n) OR n < 0 OR n > 1e15 THEN 'n: not a count'
    END AS reject,
    CASE WHEN reject IS NOT NULL THEN whole_row END AS source_row
FROM typed
