-- Requests of services with a rollout under way, each with the side that served it.
-- Input:   unique_rows; watched_services (place, service, from_us, until_us, whole), watched_versions (place, config_version, side).
-- Output:  place (of the service), minute (since 1970, UTC), stratum (hash of what makes requests alike: endpoint, complexity, length of
--          the input in steps of four times), side (0 candidate, 1 control, 2 neither or both), priced_by (hash, as in side_models.sql),
--          ts_us, kind (as in logged.sql), weight_milli, latency (ms), input, cached, written and output tokens, cost (US dollars, NULL
--          where the source does not tell), quality; NULL = unknown. No order: what is counted adds up to the same in any.
-- Side:    the variants `candidate` and `baseline` say it themselves, else the config version does. Where the two disagree, nobody knows.
--          Where the new configuration serves everything, a variant says nothing: some routers call whatever serves alone the baseline.
WITH sided AS (
    SELECT
        s.place,
        s.whole,
        e.*,
        CASE lower(e.variant) WHEN 'candidate' THEN 0 WHEN 'baseline' THEN 1 END AS by_variant,
        v.side AS by_version
    FROM unique_rows AS e
    JOIN watched_services AS s ON s.service = e.service AND e.ts_us >= s.from_us AND e.ts_us < s.until_us
    LEFT JOIN watched_versions AS v ON v.place = s.place AND v.config_version = e.config_version
    WHERE NOT e.cache_hit
)
SELECT
    CAST(place AS INTEGER) AS place,
    ts_us // 60000000 AS minute,
    hash(endpoint, complexity, CAST(floor(log2(input_tokens + 1) / 2) AS INTEGER)) AS stratum,
    CAST(CASE
        WHEN whole THEN coalesce(by_version, 0)
        WHEN by_variant <> by_version THEN 2
        ELSE coalesce(by_variant, by_version, 2)
    END AS TINYINT) AS side,
    hash(provider, model) AS priced_by,
    ts_us,
    CAST(CASE
        WHEN fault = 'unseen' THEN 4
        WHEN outcome = 'success' THEN 1
        WHEN fault = 'provider' THEN 2
        ELSE 3
    END AS TINYINT) AS kind,
    weight_milli,
    latency_ms,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    output_tokens,
    cost_usd,
    quality
FROM sided
