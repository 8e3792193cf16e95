-- Figures of the window that a threshold is written for. Single measurements (statistic `last`) of latency, cost and quality come to
-- one figure over the window; figures over many requests cannot be merged and are listed.
-- Input:   metrics.
-- Setting: window_start_us, window_end_us.
-- Output:  service, measure (0 latency p95 ms, 1 error rate, 2 cost per request US dollars, 3 quality), figures (list, ascending),
--          requests (NULL where any figure does not tell). Order: service, measure.
WITH inside AS (
    SELECT service, metric, statistic, value, n
    FROM metrics
    WHERE reject IS NULL AND ts_us >= getvariable('window_start_us') AND ts_us < getvariable('window_end_us')
),
figures AS (
    SELECT
        service,
        CASE
            WHEN metric = 'latency_ms' AND statistic = 'p95' THEN 0
            WHEN metric = 'error_rate' THEN 1
            WHEN metric = 'cost_usd' AND statistic = 'mean' THEN 2
            WHEN metric = 'quality' AND statistic = 'mean' THEN 3
        END AS measure,
        value,
        n
    FROM inside
    UNION ALL
    SELECT
        service,
        CASE metric WHEN 'latency_ms' THEN 0 WHEN 'cost_usd' THEN 2 WHEN 'quality' THEN 3 END,
        CASE WHEN metric = 'latency_ms' THEN quantile_disc(value, 0.95) ELSE avg(value) END,
        count(*)
    FROM inside
    WHERE statistic = 'last' AND metric IN ('latency_ms', 'cost_usd', 'quality')
    GROUP BY service, metric
)
SELECT service, measure, list_sort(list(value)) AS figures, CASE WHEN count(*) = count(n) THEN sum(n) END AS requests
FROM figures
WHERE measure IS NOT NULL
GROUP BY service, measure
ORDER BY service, measure
