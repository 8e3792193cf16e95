-- Log-binned histograms of every metric: one row for each cell, metric and bin that occurs.
-- Bin of a value x > 0: ceil(ln x / ln gamma), gamma = 1.01 / 0.99, so that every quantile is within 1 %; -32768 holds zeros.
-- The definition that the fold in the program follows; for databases that reduce by themselves.
-- Input:  events.
-- Output: cell (hash), metric (0 latency ms, 1 ttft ms, 2 input tokens, 3 output tokens, 4 cost US dollars, 5 quality), bin,
--         n (rows), weight (sum of weight_milli), total (weighted sum of the whole-number values). No order: both sums are
--         whole numbers, so that merging them gives the same in any order.
WITH measured AS (
    SELECT cell, weight_milli, 0 AS metric, latency_micro AS value, 1e3 AS scale FROM events
    UNION ALL
    SELECT cell, weight_milli, 1, ttft_micro, 1e3 FROM events
    UNION ALL
    SELECT cell, weight_milli, 2, input_tokens, 1e0 FROM events
    UNION ALL
    SELECT cell, weight_milli, 3, output_tokens, 1e0 FROM events
    UNION ALL
    SELECT cell, weight_milli, 4, cost_nano, 1e9 FROM events
    UNION ALL
    SELECT cell, weight_milli, 5, quality_micro, 1e6 FROM events
)
SELECT
    cell,
    metric,
    CASE WHEN value > 0 THEN CAST(ceil(ln(value / scale) / ln(1.01 / 0.99)) AS INTEGER) ELSE -32768 END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * value) AS DOUBLE) AS total
FROM measured
WHERE value IS NOT NULL
GROUP BY cell, metric, bin
