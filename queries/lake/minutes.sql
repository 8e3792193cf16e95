-- Counts and totals a minute and cell: what rollup_minutes.sql and, added up, rollup_cells.sql say.
-- Input:   events of events.sql.
-- Output:  cell (hash), the key columns tidied, span, minute (since 1970), n (rows), oldest_us, newest_us; weight, weight_squared and the
--          counts of rollup_cells.sql as sums of weight_milli; latency, cost and quality (totals as DECIMAL(38,0)) with the weight_milli
--          behind them; rows_…, how many rows have a value: what bins.sql gives must add up to the same. No order; a key may come several
--          times, from cells whose texts differ by spaces or by names of the provider: they add up.
SELECT
    cell,
    {{trimmed:service}} AS service,
    nullif(lower(trim(complexity)), '') AS complexity,
    {{canonical_provider:nullif(lower(trim(provider)), '')}} AS provider,
    -- A request that failed early may never have reached a model, and is a failure all the same.
    coalesce(nullif({{trimmed:model}}, ''), 'unknown') AS model,
    nullif({{trimmed:config_version}}, '') AS config_version,
    nullif({{trimmed:variant}}, '') AS variant,
    span, minute, n, oldest_us, newest_us, weight, weight_squared, succeeded, provider_errors, caller_errors, unpriced, timeouts, retried,
    latency, latency_weight, cost, cost_weight, quality, quality_weight,
    rows_latency, rows_ttft, rows_input, rows_output, rows_cost, rows_quality
FROM (
    SELECT
        cell, service, complexity, provider, model, config_version, variant, span, minute,
        count(*) AS n,
        min(ts_us) AS oldest_us,
        max(ts_us) AS newest_us,
        {{tally:true}} AS weight,
        {{squares}} AS weight_squared,
        {{tally:kind = 1}} AS succeeded,
        {{tally:kind IN (2, 5)}} AS provider_errors,
        {{tally:kind = 3}} AS caller_errors,
        {{tally:kind = 1 AND cost IS NULL}} AS unpriced,
        {{tally:kind = 5}} AS timeouts,
        {{tally:kind > 0 AND retried}} AS retried,
        {{total:latency}} AS latency,
        {{tally:latency IS NOT NULL}} AS latency_weight,
        {{total:cost}} AS cost,
        {{tally:cost IS NOT NULL}} AS cost_weight,
        {{total:quality}} AS quality,
        {{tally:quality IS NOT NULL}} AS quality_weight,
        count(latency) AS rows_latency,
        count(ttft) AS rows_ttft,
        count(input) AS rows_input,
        count(output) AS rows_output,
        count(cost) AS rows_cost,
        count(quality) AS rows_quality
    FROM events
    GROUP BY cell, service, complexity, provider, model, config_version, variant, span, minute
) AS grouped
