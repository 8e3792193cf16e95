-- Plain rows of judged.sql, priced, with the key of their cell and their values as whole numbers: what events.sql says.
-- Setting: {{span}}, where in time a row falls; {{prices}}, rows of which no two hold for one request. Lines that end in `-- priced` go
--          where there are none, lines that end in `-- unpriced` where there are some.
-- Output:  events. The texts of the key are as they stand, empty where there is none; `cell` is their hash with the span, by which
--          bins.sql knows a cell: a group of a few numbers is several times faster than one of seven texts.
, prices (provider, model, from_us, until_us, from_minute, to_minute, above_tokens, upto_tokens, input, cached, cache_write, output) AS ( -- priced
    VALUES -- priced
{{prices}}
), -- priced
priced AS ( -- priced
    SELECT -- priced
        e.*, -- priced
        -- A kind of token that does not occur needs no price.
        CASE -- priced
            WHEN e.cost IS NOT NULL OR p.model IS NULL THEN e.cost -- priced
            ELSE CASE WHEN e.input - coalesce(e.cached, 0) - coalesce(e.cache_write, 0) = 0 THEN 0e0 -- priced
                    ELSE (e.input - coalesce(e.cached, 0) - coalesce(e.cache_write, 0)) * p.input END -- priced
                + CASE WHEN coalesce(e.cached, 0) = 0 THEN 0e0 ELSE e.cached * p.cached END -- priced
                + CASE WHEN coalesce(e.cache_write, 0) = 0 THEN 0e0 ELSE e.cache_write * p.cache_write END -- priced
                + CASE WHEN e.output = 0 THEN 0e0 ELSE e.output * p.output END -- priced
        END AS paid -- priced
    FROM (SELECT *, CAST(floor(CAST(ts_us AS DOUBLE) / 6e7) AS BIGINT) AS minute FROM judged WHERE plain) AS e -- priced
    -- The model is NULL for rows that need no price, and NULL joins nothing.
    LEFT JOIN prices AS p -- priced
        ON p.model = CASE WHEN e.cost IS NULL AND e.outcome = 1 AND NOT e.cache_hit THEN {{trimmed:e.model}} END -- priced
        AND p.provider = CASE WHEN e.cost IS NULL THEN coalesce({{canonical_provider:lower(trim(e.provider))}}, '') END -- priced
        AND e.ts_us >= p.from_us AND e.ts_us < p.until_us -- priced
        -- Before 1970 the rest of a division is negative.
        AND (e.minute % 1440 + 1440) % 1440 >= p.from_minute AND (e.minute % 1440 + 1440) % 1440 < p.to_minute -- priced
        AND e.input > p.above_tokens AND e.input <= p.upto_tokens -- priced
), -- priced
, priced AS ( -- unpriced
    SELECT *, cost AS paid, CAST(floor(CAST(ts_us AS DOUBLE) / 6e7) AS BIGINT) AS minute FROM judged WHERE plain -- unpriced
), -- unpriced
valued AS (
    SELECT
        coalesce(service, '') AS service,
        coalesce(complexity, '') AS complexity,
        coalesce(provider, '') AS provider,
        coalesce(model, '') AS model,
        coalesce(config_version, '') AS config_version,
        coalesce(variant, '') AS variant,
        {{span}} AS span,
        ts_us,
        minute,
        -- As scan.sql says: 0 the gateway's own cache, 1 success, 2 failure of the provider, 3 of the caller, 5 time-out.
        CASE
            WHEN cache_hit THEN 0
            WHEN outcome = 1 THEN 1
            WHEN outcome = 3 THEN 5
            WHEN outcome = 4 THEN 3
            WHEN outcome = 2 AND status BETWEEN 400 AND 499 AND status NOT IN (408, 429) THEN 3
            ELSE 2
        END AS kind,
        coalesce(retries, 0) > 0 AS retried,
        {{whole:(coalesce(row_weight, 1) * 1000)}} AS weight_milli,
        CASE WHEN outcome = 1 AND NOT cache_hit THEN {{whole:(latency * 1e3)}} END AS latency,
        CASE WHEN outcome = 1 AND NOT cache_hit THEN {{whole:(ttft * 1e3)}} END AS ttft,
        CASE WHEN NOT cache_hit THEN CAST(input AS BIGINT) END AS input,
        CASE WHEN NOT cache_hit THEN CAST(output AS BIGINT) END AS output,
        -- What no whole number of 64 bits holds is the largest, as in the program.
        CASE WHEN NOT cache_hit AND paid IS NOT NULL
            THEN CASE WHEN paid * 1e9 < 9223372036854775808e0 THEN {{whole:(paid * 1e9)}} ELSE 9223372036854775807 END END AS cost,
        CASE WHEN outcome = 1 THEN {{whole:(score * 1e6)}} END AS quality
    FROM priced
),
events AS (
    SELECT *, {{hash:service, complexity, provider, model, config_version, variant, span}} AS cell
    FROM valued
)
