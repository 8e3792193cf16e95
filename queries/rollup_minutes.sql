-- Totals a minute and cell, for spend over time and for the variation between time buckets.
-- The definition that the fold in the program follows; for databases that reduce by themselves.
-- Input:  events.
-- Output: cell (hash), minute (since 1970, UTC), cost, cost_weight, quality, quality_weight, latency, latency_weight: sums of the
--         whole-number values times weight_milli, with the weight_milli behind them. Order: minute, cell.
SELECT
    cell,
    ts_us // 60000000 AS minute,
    CAST(coalesce(sum(CAST(weight_milli AS HUGEINT) * cost_nano), 0) AS DOUBLE) AS cost,
    CAST(coalesce(sum(weight_milli) FILTER (cost_nano IS NOT NULL), 0) AS DOUBLE) AS cost_weight,
    CAST(coalesce(sum(CAST(weight_milli AS HUGEINT) * quality_micro), 0) AS DOUBLE) AS quality,
    CAST(coalesce(sum(weight_milli) FILTER (quality_micro IS NOT NULL), 0) AS DOUBLE) AS quality_weight,
    CAST(coalesce(sum(CAST(weight_milli AS HUGEINT) * latency_micro), 0) AS DOUBLE) AS latency,
    CAST(coalesce(sum(weight_milli) FILTER (latency_micro IS NOT NULL), 0) AS DOUBLE) AS latency_weight
FROM events
GROUP BY cell, minute
ORDER BY minute, cell
