-- Facts that are worth a second look: nothing here is wrong by itself, and much of what fools an analysis looks like this.
-- Input:  rows.
-- Output: kind, subject (text or NULL), n (rows it is about), of (rows it is a part of), value (in the unit of the kind, or NULL), detail.
--         Order: kind, n descending, subject.
WITH good AS (
    SELECT
        *,
        coalesce(provider || '/', '') || coalesce(model, 'unknown') AS name,
        -- What two spellings of one model have in common: no maker in front, no case, no date or `latest` at the end.
        regexp_replace(
            regexp_replace(lower(regexp_replace(model, '^.*/', '')), '[-@:]?(20\d{2}-?\d{2}-?\d{2}|latest)$', ''), '[^a-z0-9]', '', 'g'
        ) AS bare_name
    FROM (SELECT * REPLACE (canonical_provider(provider) AS provider, coalesce(model, 'unknown') AS model) FROM rows WHERE reject IS NULL)
),
longest AS (
    SELECT name, count(*) AS replies, max(output_tokens) AS cap, min(output_tokens) AS least
    FROM good
    WHERE outcome = 'success' AND output_tokens IS NOT NULL
    GROUP BY name
),
latencies AS (
    SELECT CAST(round(100 * ln(greatest(latency_ms, 0.001))) AS INTEGER) AS bin, count(*) AS n
    FROM good
    WHERE latency_ms IS NOT NULL
    GROUP BY bin
),
-- The latency in the middle, to one percent, whatever the order of rows.
middle AS (
    SELECT exp(min(bin) / 100) AS latency
    FROM (SELECT bin, sum(n) OVER (ORDER BY bin) AS so_far, sum(n) OVER () AS timed FROM latencies)
    WHERE so_far >= 0.5 * timed
),
minutes AS (
    SELECT minute, minute - lag(minute) OVER (ORDER BY minute) - 1 AS silent
    FROM (SELECT DISTINCT ts_us // 60000000 AS minute FROM good)
)
SELECT 'failures_without_latency' AS kind, name AS subject, count(*) FILTER (stated_latency_ms = 0) AS n, count(*) AS of,
    NULL::DOUBLE AS value, NULL::VARCHAR AS detail
FROM good
WHERE outcome <> 'success'
GROUP BY name
HAVING n > 0
UNION ALL
SELECT 'mostly_failing', name, count(*) FILTER (fault = 'provider'), count(*), NULL, NULL
FROM good
GROUP BY name
HAVING count(*) >= 20 AND count(*) FILTER (fault = 'provider') > 0.5 * count(*)
UNION ALL
SELECT 'free_with_tokens', name, count(*) FILTER (cost_usd = 0), count(*), NULL, NULL
FROM good
WHERE outcome = 'success' AND NOT cache_hit AND coalesce(input_tokens, 0) + coalesce(output_tokens, 0) > 0 AND cost_usd IS NOT NULL
GROUP BY name
HAVING count(*) FILTER (cost_usd = 0) > 0
UNION ALL
SELECT 'one_model_several_names', NULL, count(*), NULL, NULL, string_agg(DISTINCT model, ', ' ORDER BY model)
FROM good
WHERE bare_name <> ''
GROUP BY bare_name
HAVING count(DISTINCT model) > 1
UNION ALL
SELECT 'replies_at_the_cap', name, count(*), any_value(replies), any_value(cap),
    CASE WHEN count(*) FILTER (quality = 0) > 0 THEN CAST(count(*) FILTER (quality = 0) AS VARCHAR) END
FROM good
JOIN longest USING (name)
WHERE outcome = 'success' AND output_tokens = cap AND cap >= 16 AND least < cap
GROUP BY name
HAVING count(*) >= 3 AND count(*) >= 0.02 * any_value(replies)
UNION ALL
SELECT 'empty_replies', name, count(*) FILTER (output_tokens = 0), count(*), NULL, NULL
FROM good
WHERE outcome = 'success' AND output_tokens IS NOT NULL
GROUP BY name
HAVING count(*) FILTER (output_tokens = 0) > 0
UNION ALL
SELECT 'shared_times', NULL, count(*), count(DISTINCT ts_us), NULL, NULL
FROM good
HAVING count(*) >= 100 AND count(DISTINCT ts_us) * 5 <= count(*)
UNION ALL
SELECT 'silence', NULL, 0, NULL, max(silent), CAST(arg_max(minute - silent, silent) AS VARCHAR)
FROM minutes
HAVING max(silent) >= 3 AND max(silent) >= 0.05 * (max(minute) - min(minute) + 1)
UNION ALL
SELECT 'latency_in_seconds', NULL, count(*), NULL, (SELECT latency FROM middle), NULL
FROM good
WHERE latency_ms IS NOT NULL
HAVING count(*) >= 20 AND 2 * count(*) FILTER (latency_ms < 60) > count(*)
    AND 2 * count(*) FILTER (output_tokens > 30) > count(output_tokens)
UNION ALL
SELECT 'latency_in_microseconds', NULL, count(*), NULL, (SELECT latency FROM middle), NULL
FROM good
WHERE latency_ms IS NOT NULL
HAVING count(*) >= 20 AND 2 * count(*) FILTER (latency_ms > 300000) > count(*)
UNION ALL
SELECT 'whole_seconds', NULL, count(*), NULL, NULL, NULL
FROM good
WHERE latency_ms IS NOT NULL
HAVING count(*) >= 20 AND count(*) FILTER (latency_ms % 1000 <> 0) = 0
UNION ALL
SELECT 'same_input', NULL, count(*), NULL, max(input_tokens), NULL
FROM good
WHERE input_tokens IS NOT NULL
HAVING count(*) >= 50 AND min(input_tokens) = max(input_tokens)
UNION ALL
SELECT 'no_failures', NULL, count(*), NULL, NULL, NULL
FROM good
HAVING count(*) >= 1000 AND count(*) FILTER (outcome <> 'success') = 0
ORDER BY kind, n DESC, subject
