-- What the source holds: rows by reject reason (NULL = good), with the time they span.
-- Input:   rows, every typed row of every source.
-- Output:  reject (text), n (rows), oldest_us, newest_us (microseconds since 1970). Order: reject, NULL first.
SELECT reject, count(*) AS n, min(ts_us) AS oldest_us, max(ts_us) AS newest_us
FROM rows
GROUP BY reject
ORDER BY reject NULLS FIRST
