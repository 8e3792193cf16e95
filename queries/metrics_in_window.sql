-- Figures of the window that a threshold is written for. Rates that a source counts itself (errors of requests) are divided here.
-- Input:   metrics.
-- Setting: window_start_us, window_end_us.
-- Output:  service, measure (0 latency p95 ms, 1 error rate, 2 cost per request US dollars, 3 quality), values (list, ascending), requests
--          (NULL where any figure does not tell). Order: service, measure.
SELECT service, measure, list_sort(list(value)) AS figures, CASE WHEN count(*) = count(n) THEN sum(n) END AS requests
FROM (
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
    FROM metrics
    WHERE reject IS NULL AND ts_us >= getvariable('window_start_us') AND ts_us < getvariable('window_end_us')
)
WHERE measure IS NOT NULL
GROUP BY service, measure
ORDER BY service, measure
