-- Good rows of the lookback window, one for each (source, request_id): the one that knows most, ties by content so that the
-- order of the input never matters.
-- Setting: lookback_start_us, window_end_us, all_good.
CREATE OR REPLACE TEMP TABLE repeated_rows AS
SELECT * EXCLUDE (reject, place)
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY source, request_id
            ORDER BY
                (endpoint IS NOT NULL)::INT + (provider IS NOT NULL)::INT + (config_version IS NOT NULL)::INT
                + (variant IS NOT NULL)::INT + (complexity IS NOT NULL)::INT + (latency_ms IS NOT NULL)::INT
                + (ttft_ms IS NOT NULL)::INT + (input_tokens IS NOT NULL)::INT + (output_tokens IS NOT NULL)::INT
                + (cost_usd IS NOT NULL)::INT + (quality IS NOT NULL)::INT DESC,
                ts_us, service, model, provider, config_version, variant, endpoint, complexity, outcome, fault, cache_hit, retried,
                latency_ms, ttft_ms, input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, cost_usd,
                quality, weight_milli, propensity
        ) AS place
    FROM rows
    WHERE (getvariable('all_good') OR reject IS NULL)
        AND ts_us >= getvariable('lookback_start_us') AND ts_us < getvariable('window_end_us')
        AND hash(source, request_id) IN (FROM duplicate_identities)
)
WHERE place = 1;

CREATE OR REPLACE TEMP VIEW unique_rows AS
SELECT * EXCLUDE (reject)
FROM rows
WHERE (getvariable('all_good') OR reject IS NULL)
    AND ts_us >= getvariable('lookback_start_us') AND ts_us < getvariable('window_end_us')
    AND hash(source, request_id) NOT IN (FROM duplicate_identities)
UNION ALL
FROM repeated_rows
