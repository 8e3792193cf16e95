-- Log-binned histograms of every metric: one row for each cell, metric and bin that occurs.
-- Bin of a value x > 0: ceil(ln x / ln gamma), gamma = 1.01 / 0.99, so that every quantile is within 1 %; -32768 holds zeros.
-- Input:  events.
-- Output: cell (hash), metric (0 latency ms, 1 ttft ms, 2 input tokens, 3 output tokens, 4 cost US dollars, 5 quality), bin,
--         n (rows), weight (sum of weight_milli), total (weighted sum of the whole-number values). No order: both sums are
--         whole numbers, so that merging them gives the same in any order.
SELECT
    cell,
    0::INTEGER AS metric,
    CASE WHEN latency_micro > 0 THEN ceil(ln(latency_micro / 1e3) / ln(1.01 / 0.99))::INTEGER ELSE (-32768)::INTEGER END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * latency_micro) AS DOUBLE) AS total
FROM events
WHERE latency_micro IS NOT NULL
GROUP BY cell, bin
UNION ALL
SELECT
    cell,
    1::INTEGER AS metric,
    CASE WHEN ttft_micro > 0 THEN ceil(ln(ttft_micro / 1e3) / ln(1.01 / 0.99))::INTEGER ELSE (-32768)::INTEGER END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * ttft_micro) AS DOUBLE) AS total
FROM events
WHERE ttft_micro IS NOT NULL
GROUP BY cell, bin
UNION ALL
SELECT
    cell,
    2::INTEGER AS metric,
    CASE WHEN input_tokens > 0 THEN ceil(ln(input_tokens / 1) / ln(1.01 / 0.99))::INTEGER ELSE (-32768)::INTEGER END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * input_tokens) AS DOUBLE) AS total
FROM events
WHERE input_tokens IS NOT NULL
GROUP BY cell, bin
UNION ALL
SELECT
    cell,
    3::INTEGER AS metric,
    CASE WHEN output_tokens > 0 THEN ceil(ln(output_tokens / 1) / ln(1.01 / 0.99))::INTEGER ELSE (-32768)::INTEGER END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * output_tokens) AS DOUBLE) AS total
FROM events
WHERE output_tokens IS NOT NULL
GROUP BY cell, bin
UNION ALL
SELECT
    cell,
    4::INTEGER AS metric,
    CASE WHEN cost_nano > 0 THEN ceil(ln(cost_nano / 1e9) / ln(1.01 / 0.99))::INTEGER ELSE (-32768)::INTEGER END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * cost_nano) AS DOUBLE) AS total
FROM events
WHERE cost_nano IS NOT NULL
GROUP BY cell, bin
UNION ALL
SELECT
    cell,
    5::INTEGER AS metric,
    CASE WHEN quality_micro > 0 THEN ceil(ln(quality_micro / 1e6) / ln(1.01 / 0.99))::INTEGER ELSE (-32768)::INTEGER END AS bin,
    CAST(count(*) AS BIGINT) AS n,
    CAST(sum(weight_milli) AS DOUBLE) AS weight,
    CAST(sum(CAST(weight_milli AS HUGEINT) * quality_micro) AS DOUBLE) AS total
FROM events
WHERE quality_micro IS NOT NULL
GROUP BY cell, bin
