-- Log-binned histograms of every metric: what rollup_bins.sql says, one row for each cell, metric and bin that occurs.
-- Input:   events of events.sql. Every row is read once and looked at six times, which takes a third of reading it six times.
-- Output:  cell (hash, as minutes.sql gives it), metric (0 latency ms, 1 ttft ms, 2 input tokens, 3 output tokens, 4 cost US dollars,
--          5 quality), bin (-32768 holds zeros), n (rows), weight (sum of weight_milli), total (DECIMAL(38,0), weighted sum of the
--          whole-number values). No order.
-- The divisor is ln(1.01 / 0.99) in the doubles of the program: engines calculate such a literal in decimals.
, spread AS (
    -- Spark brings the rows of a cell together before they become six, not after; for the others it is a comment.
    SELECT /*+ REBALANCE(cell) */ cell, weight_milli, latency, ttft, input, output, cost, quality
    FROM events
),
measured AS (
    SELECT
        cell,
        weight_milli,
        metric,
        CASE metric WHEN 0 THEN latency WHEN 1 THEN ttft WHEN 2 THEN input WHEN 3 THEN output WHEN 4 THEN cost ELSE quality END AS value,
        CASE metric WHEN 0 THEN 1e3 WHEN 1 THEN 1e3 WHEN 2 THEN 1e0 WHEN 3 THEN 1e0 WHEN 4 THEN 1e9 ELSE 1e6 END AS scale
    FROM spread
    CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5)) AS six (metric)
),
binned AS (
    SELECT
        cell,
        metric,
        CASE WHEN value > 0 THEN CAST(ceil(ln(CAST(value AS DOUBLE) / scale) / 0.020000666706669435e0) AS INT) ELSE -32768 END AS bin,
        value,
        weight_milli
    FROM measured
    WHERE value IS NOT NULL
)
SELECT cell, metric, bin, count(*) AS n, {{tally:true}} AS weight, {{total:value}} AS total
FROM binned
GROUP BY cell, metric, bin
