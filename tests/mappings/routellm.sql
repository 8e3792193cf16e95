-- Two models' answers to the same questions, both in one row; questions the models may have been trained on are left out.
-- Yields: requests
-- Reads: prompt_id, prompt_sha8, mixtral_8x7b_correct, gpt_4_1106_correct, contaminated
-- Failures: not recorded
--
-- Neither time nor latency was published: noon of a day and one millisecond stand in.
WITH answered AS (
    SELECT
        *,
        unnest(['mixtral-8x7b', 'gpt-4-1106']) AS model,
        unnest([mixtral_8x7b_correct, gpt_4_1106_correct]) AS correct
    FROM raw
)
SELECT
    TIMESTAMP '2026-01-01 12:00:00' AS ts,
    -- The same question asked twice is one; where no hash of it is known, its number stands for it.
    concat_ws('/', coalesce(prompt_sha8, prompt_id), model) AS request_id,
    'questions' AS service,
    model,
    1 AS latency_ms,
    correct AS quality,
    'success' AS outcome,
    origin,
    malformed,
    source_row,
    CASE contaminated WHEN '1' THEN 'contaminated' END AS skipped
FROM answered
