-- Services by number of requests.
-- Input:  rows.
-- Output: service, requests, share of all, services in all. Order: most first, then by name.
SELECT service, count(*) AS n, count(*) / sum(count(*)) OVER () AS share, count(*) OVER () AS services
FROM rows
WHERE reject IS NULL
GROUP BY service
ORDER BY n DESC, service
LIMIT 20
