-- Requests of a lake as an engine reads them, and which of them it can reduce: the head of every statement of this folder.
-- One text for every engine (Spark, Sail, DuckDB): only what all of them understand alike, and never a cast of a decimal literal, an `ln`
-- of what may be zero, a sum that may not fit, or an integer division. The program fills in {{...}}; see docs/scale.md.
-- Input:   {{relation}}, with the columns of the canonical layout that there are. {{columns}} gives them names and types: texts as they
--          stand, numbers as DOUBLE, `ts_us` in microseconds since 1970, UTC, `cache_hit` as BOOLEAN.
-- Setting: {{range}} on `ts`; {{future}}, later rows are rejects (microseconds since 1970); {{once}}, a condition that leaves out ids that
--          occur more than once.
-- Output:  judged, with `outcome` (1 success, 2 error, 3 timeout, 4 cancelled, 5 anything else) and `plain`.
-- A row is plain where judge.sql would let it pass, and where every engine reads its texts alike. All others, which are few, come to the
-- program whole and are judged there: reasons of rejects need no second wording here. So a test too many costs time and never a count.
WITH typed AS (
    SELECT
{{columns}}
    FROM {{relation}}
    WHERE {{range}}
),
known AS (
    SELECT
        *,
        CASE WHEN stated_status BETWEEN 100 AND 599 THEN stated_status END AS status,
        CASE stated_outcome
            WHEN 'success' THEN 1
            ELSE CASE lower(trim(stated_outcome))
                WHEN 'success' THEN 1
                WHEN 'error' THEN 2
                WHEN 'timeout' THEN 3
                WHEN 'cancelled' THEN 4
                ELSE CASE
                    WHEN trim(stated_outcome) <> '' THEN 5
                    WHEN lower(error_type) LIKE '%timeout%' OR stated_status IN (408, 504) THEN 3
                    WHEN stated_status = 499 THEN 4
                    WHEN stated_status BETWEEN 400 AND 599 OR trim(error_type) <> '' THEN 2
                    WHEN stated_status BETWEEN 100 AND 399 THEN 1
                END
            END
        END AS outcome
    FROM typed
),
judged AS (
    SELECT
        *,
        -- A double holds these microseconds to the last.
        coalesce(ts_us BETWEEN -9007199254740992 AND {{future}}
            AND NOT cache_hit_unreadable
            AND {{bytes}}(request_id) <= 128 AND {{filled:request_id}}
            AND {{bytes}}(service) <= 128 AND {{filled:service}}
            AND outcome < 5
            -- A request that failed early may never have reached a model.
            AND (model IS NULL OR {{bytes}}(model) <= 256) AND (outcome > 1 OR model IS NOT NULL AND {{filled:model}})
            AND coalesce({{bytes}}(provider), 0) <= 256
            AND coalesce({{bytes}}(config_version), 0) <= 256
            AND coalesce({{bytes}}(variant), 0) <= 256
            AND coalesce({{bytes}}(endpoint), 0) <= 256
            -- Engines differ in the lower case of other letters, and in what they trim.
            AND coalesce({{bytes}}(provider) = length(provider), true)
            AND coalesce({{bytes}}(stated_outcome) = length(stated_outcome), true)
            AND coalesce({{bytes}}(error_type) = length(error_type), true)
            AND coalesce({{bytes}}(complexity) = length(complexity), true)
            AND coalesce(lower(trim(complexity)) IN ('', 'simple', 'medium', 'complex'), true)
            -- Latencies of failures are used for nothing.
            AND (outcome > 1 OR coalesce(latency, CASE WHEN cache_hit THEN 0 ELSE -1 END) BETWEEN 0 AND 604800000
                AND coalesce(ttft, 0) BETWEEN 0 AND coalesce(latency, 604800000))
            AND coalesce(input, 0) BETWEEN 0 AND 1e9 AND coalesce(input = floor(input), true)
            AND coalesce(output, 0) BETWEEN 0 AND 1e9 AND coalesce(output = floor(output), true)
            AND coalesce(cached, 0) BETWEEN 0 AND 1e9 AND coalesce(cached = floor(cached), true)
            AND coalesce(cache_write, 0) BETWEEN 0 AND 1e9 AND coalesce(cache_write = floor(cache_write), true)
            AND coalesce(cached, 0) + coalesce(cache_write, 0) <= coalesce(input, 2e9)
            AND coalesce(cost, 0) BETWEEN 0 AND 1e6
            AND coalesce(score, 0) BETWEEN 0 AND 1
            AND coalesce(retries, 0) BETWEEN 0 AND 1e6
            AND coalesce(row_weight, 1) BETWEEN 1e-3 AND 1e6
            AND {{exact}}
            AND {{once}}, false) AS plain
    FROM known
)
