-- Everything that a slice of a table comes to, one row a cell: what events.sql, rollup_cells.sql, rollup_bins.sql, rollup_minutes.sql and
-- census.sql say together, in one read of the table. The program fills in {{...}} and the macros of macros.sql; see docs/pushdown.md.
-- {{RAW}}       the columns that the layout reads, of the rows in the slice that PostgreSQL can judge exactly
-- {{MAPPING}}   the layout's own SQL
-- {{SPACED}}    false; where a unique index is trusted to tell that no id repeats, whether the id stands between spaces, which such an index
--               does not see: `request_id IS NOT NULL AND trimmed(request_id) IS DISTINCT FROM as_text(request_id)`
-- {{SERVICE}}   the default service as a literal, or NULL
-- {{FUTURE}}    microseconds since 1970; later rows are rejects
-- {{WINDOW}}, {{BEFORE}}   where the window and the window before start, microseconds since 1970
-- {{PRICES}}    rows of prices, no two of which hold for the same request; lines that end in `-- priced` go where there are none,
--               lines that end in `-- unpriced` where there are some
-- {{W}}         `weighted_` where the layout gives rows weights, else nothing
-- Output: reject and the key (all NULL for rejects), n (rows), oldest_us, newest_us, spaced (ids that stand between spaces), the counts of
-- rollup_cells.sql as sums of weight_milli, the minutes (since 1970) with their totals and weights, and the bins of six metrics. A total
-- of -1 did not fit. No order; a key may come several times where its texts differ by spaces or by names of the provider: they add up.
-- Each OFFSET 0 keeps the planner from copying an expression to every place that uses it, which costs far more than the step.
WITH raw AS (
{{RAW}}
),
mapped AS (
{{MAPPING}}
),
typed AS (
    SELECT
        ts IS NULL AS ts_missing,
        microseconds(ts) AS ts_us,
        trimmed(malformed) AS malformed,
        trimmed(skipped) AS skipped,
        id_of(request_id) AS request_id,
        {{SPACED}} AS spaced,
        -- Texts of the key stay as they stand until they are grouped: a few thousand keys are tidied instead of every row.
        as_text(service) AS service,
        as_text(provider) AS provider,
        as_text(model) AS model,
        as_text(config_version) AS config_version,
        as_text(variant) AS variant,
        as_text(endpoint) AS endpoint,
        lowered(complexity) AS complexity,
        lowered(error_type) AS error_type,
        outcome_of(outcome) AS stated_outcome,
        number(latency_ms) AS latency,
        number(ttft_ms) AS ttft,
        number(input_tokens) AS input,
        number(cached_input_tokens) AS cached,
        number(cache_write_tokens) AS cache_write,
        number(output_tokens) AS output,
        number(cost_usd) AS cost,
        number(quality) AS score,
        number(status_code) AS stated_status,
        number(retry_count) AS retries,
        number(weight) AS row_weight,
        flag(cache_hit) AS cache_hit,
        flag_unreadable(cache_hit) AS cache_hit_unreadable
    FROM mapped
    OFFSET 0
),
known AS (
    SELECT
        ts_missing, ts_us, malformed, skipped, request_id, spaced, service, provider, model,
        config_version, variant, endpoint, complexity, error_type, stated_outcome, latency, ttft, input, cached, cache_write, output, cost, score,
        stated_status, retries, row_weight, cache_hit, cache_hit_unreadable, status,
        -- 1 success, 2 error, 3 timeout, 4 cancelled, 5 anything else: numbers compare faster than words.
        CASE
            WHEN stated_outcome = 'success' THEN 1
            WHEN stated_outcome IS NOT NULL
                THEN CASE stated_outcome WHEN 'error' THEN 2 WHEN 'timeout' THEN 3 WHEN 'cancelled' THEN 4 ELSE 5 END
            WHEN error_type LIKE '%timeout%' OR status IN (408, 504) THEN 3
            WHEN status = 499 THEN 4
            WHEN status >= 400 OR error_type IS NOT NULL THEN 2
            WHEN status >= 100 THEN 1
        END AS outcome
    FROM (SELECT *, CASE WHEN stated_status BETWEEN 100 AND 599 THEN stated_status END AS status FROM typed) AS coded
    OFFSET 0
),
judged AS (
    SELECT
        *,
        CASE
            -- Nearly every row passes these tests, which are cheap and imply that no rule below is broken.
            WHEN malformed IS NULL AND skipped IS NULL AND NOT cache_hit_unreadable
                AND ts_us <= {{FUTURE}}
                AND octet_length(request_id) <= 128
                AND ascii(service) BETWEEN 33 AND 126 AND octet_length(service) <= 128
                AND outcome < 5
                AND (stated_outcome IS NOT NULL OR stated_status IS NULL OR status IS NOT NULL)
                AND ascii(model) BETWEEN 33 AND 126 AND octet_length(model) <= 256
                AND coalesce(octet_length(provider), 0) + coalesce(octet_length(config_version), 0) + coalesce(octet_length(variant), 0)
                    + coalesce(octet_length(endpoint), 0) <= 256
                AND (complexity IS NULL OR complexity IN ('simple', 'medium', 'complex'))
                AND coalesce(latency, CASE WHEN outcome = 1 THEN -1 ELSE 0 END) BETWEEN 0 AND 604800000
                AND coalesce(ttft, 0) BETWEEN 0 AND coalesce(latency, 0)
                AND coalesce(input, 0) BETWEEN 0 AND 1e9 AND coalesce(input = floor(input), true)
                AND coalesce(output, 0) BETWEEN 0 AND 1e9 AND coalesce(output = floor(output), true)
                AND coalesce(cached, 0) BETWEEN 0 AND 1e9 AND coalesce(cached = floor(cached), true)
                AND coalesce(cache_write, 0) BETWEEN 0 AND 1e9 AND coalesce(cache_write = floor(cache_write), true)
                AND coalesce(coalesce(cached, cache_write) IS NULL OR coalesce(cached, 0) + coalesce(cache_write, 0) <= input, false)
                AND coalesce(cost, 0) BETWEEN 0 AND 1e6
                AND coalesce(score, 0) BETWEEN 0 AND 1
                AND coalesce(retries, 0) BETWEEN 0 AND 1e6
                AND coalesce(row_weight, 1) BETWEEN 0.001 AND 1e6
                THEN NULL
            WHEN malformed IS NOT NULL THEN malformed
            WHEN skipped IS NOT NULL THEN 'passed over: ' || skipped
            WHEN ts_missing THEN 'ts: empty'
            WHEN ts_us IS NULL THEN 'ts: not a time with a zone (RFC 3339)'
            WHEN ts_us > {{FUTURE}} THEN 'ts: in the future'
            WHEN request_id IS NULL THEN 'request_id: empty'
            WHEN length(request_id) > 128 THEN 'request_id: over 128 characters'
            WHEN coalesce(trimmed(service), {{SERVICE}}) IS NULL THEN 'service: empty'
            WHEN length(coalesce(trimmed(service), {{SERVICE}})) > 128 THEN 'service: over 128 characters'
            WHEN length(trimmed(model)) > 256 THEN 'model: over 256 characters'
            WHEN length(trimmed(provider)) > 256 THEN 'provider: over 256 characters'
            WHEN length(trimmed(config_version)) > 256 THEN 'config_version: over 256 characters'
            WHEN length(trimmed(variant)) > 256 THEN 'variant: over 256 characters'
            WHEN length(trimmed(endpoint)) > 256 THEN 'endpoint: over 256 characters'
            WHEN outcome IS NULL THEN 'outcome: neither it nor status_code nor error_type is known'
            WHEN outcome = 5
                THEN 'outcome: not success, error, timeout or cancelled'
            WHEN stated_status IS NOT NULL AND status IS NULL AND stated_outcome IS NULL AND error_type IS NULL
                THEN 'status_code: not an HTTP status'
            WHEN cache_hit_unreadable THEN 'cache_hit: not true or false'
            WHEN outcome = 1 AND trimmed(model) IS NULL THEN 'model: empty on a success'
            WHEN outcome = 1 AND latency = 'NaN' THEN 'latency_ms: not a finite number'
            WHEN outcome = 1 AND latency < 0 THEN 'latency_ms: negative'
            WHEN outcome = 1 AND latency > 604800000 THEN 'latency_ms: above seven days or infinite'
            WHEN outcome = 1 AND latency IS NULL AND NOT cache_hit THEN 'latency_ms: empty on a success'
            WHEN outcome = 1 AND ttft = 'NaN' THEN 'ttft_ms: not a finite number'
            WHEN outcome = 1 AND ttft < 0 THEN 'ttft_ms: negative'
            WHEN outcome = 1 AND ttft > latency THEN 'ttft_ms: above latency_ms'
            WHEN input = 'NaN' OR output = 'NaN' OR cached = 'NaN' OR cache_write = 'NaN' THEN 'tokens: not a finite number'
            WHEN input < 0 OR output < 0 OR cached < 0 OR cache_write < 0 THEN 'tokens: negative'
            WHEN input > 1e9 OR output > 1e9 OR cached > 1e9 OR cache_write > 1e9 THEN 'tokens: above 1e9 or infinite'
            WHEN input <> floor(input) OR output <> floor(output) OR cached <> floor(cached)
                OR cache_write <> floor(cache_write) THEN 'tokens: not whole'
            WHEN coalesce(cached, 0) + coalesce(cache_write, 0) > input THEN 'tokens: cached above input_tokens'
            WHEN cost = 'NaN' THEN 'cost_usd: not a finite number'
            WHEN cost < 0 THEN 'cost_usd: negative'
            WHEN cost > 1e6 THEN 'cost_usd: above 1e6 or infinite'
            WHEN score = 'NaN' THEN 'quality: not a finite number'
            WHEN score < 0 OR score > 1 THEN 'quality: outside 0 to 1'
            WHEN retries = 'NaN' OR retries < 0 OR retries > 1e6 THEN 'retry_count: not a count'
            WHEN complexity NOT IN ('simple', 'medium', 'complex') THEN 'complexity: not simple, medium or complex'
            WHEN row_weight = 'NaN' OR row_weight < 0.001 OR row_weight > 1e6 THEN 'weight: outside 0.001 to 1e6'
        END AS reject
    FROM known
    OFFSET 0
),
prices (provider, model, from_us, until_us, from_minute, to_minute, above_tokens, upto_tokens, input, cached, cache_write, output) AS ( -- priced
    VALUES -- priced
{{PRICES}}
), -- priced
priced AS ( -- priced
    SELECT -- priced
        e.*, -- priced
        -- A kind of token that does not occur needs no price.
        CASE -- priced
            WHEN e.cost IS NOT NULL OR p.model IS NULL THEN e.cost -- priced
            ELSE CASE WHEN e.input - coalesce(e.cached, 0) - coalesce(e.cache_write, 0) = 0 THEN 0 -- priced
                    ELSE (e.input - coalesce(e.cached, 0) - coalesce(e.cache_write, 0)) * p.input END -- priced
                + CASE WHEN coalesce(e.cached, 0) = 0 THEN 0 ELSE e.cached * p.cached END -- priced
                + CASE WHEN coalesce(e.cache_write, 0) = 0 THEN 0 ELSE e.cache_write * p.cache_write END -- priced
                + CASE WHEN e.output = 0 THEN 0 ELSE e.output * p.output END -- priced
        END AS cost_or_price -- priced
    FROM judged AS e -- priced
    -- The model is NULL for rows that need no price, and NULL joins nothing.
    LEFT JOIN prices AS p -- priced
        ON p.model = CASE WHEN e.cost IS NULL AND e.outcome = 1 AND e.reject IS NULL AND NOT e.cache_hit THEN trimmed(e.model) END -- priced
        AND p.provider = CASE WHEN e.cost IS NULL THEN coalesce(canonical_provider(lowered(e.provider)), '') END -- priced
        AND e.ts_us >= p.from_us AND e.ts_us < p.until_us -- priced
        AND (e.ts_us / 60000000) % 1440 >= p.from_minute AND (e.ts_us / 60000000) % 1440 < p.to_minute -- priced
        AND e.input > p.above_tokens AND e.input <= p.upto_tokens -- priced
    OFFSET 0 -- priced
), -- priced
priced AS (SELECT *, cost AS cost_or_price FROM judged), -- unpriced
events AS (
    SELECT
        reject,
        CASE WHEN reject IS NULL THEN service END AS service,
        CASE WHEN reject IS NULL THEN complexity END AS complexity,
        CASE WHEN reject IS NULL THEN provider END AS provider,
        CASE WHEN reject IS NULL THEN model END AS model,
        CASE WHEN reject IS NULL THEN config_version END AS config_version,
        CASE WHEN reject IS NULL THEN variant END AS variant,
        CASE WHEN reject IS NOT NULL THEN NULL WHEN ts_us >= {{WINDOW}} THEN 0 WHEN ts_us >= {{BEFORE}} THEN 1 ELSE 2 END AS span,
        ts_us,
        spaced,
        CASE
            WHEN cache_hit THEN 0
            WHEN outcome = 1 THEN 1
            WHEN outcome = 3 THEN 5
            WHEN outcome = 4 THEN 3
            WHEN outcome = 2 AND status BETWEEN 400 AND 499 AND status NOT IN (408, 429) THEN 3
            ELSE 2
        END AS kind,
        coalesce(retries, 0) > 0 AS retried,
        CASE WHEN reject IS NULL THEN CAST(ts_us / 60000000 AS integer) END AS minute,
        CASE WHEN reject IS NULL THEN CAST(whole_of(coalesce(row_weight, 1) * 1000) AS bigint) END AS weight_milli,
        CASE WHEN reject IS NULL AND outcome = 1 AND NOT cache_hit THEN whole_of(latency * 1e3) END AS latency,
        CASE WHEN reject IS NULL AND outcome = 1 AND NOT cache_hit THEN whole_of(ttft * 1e3) END AS ttft,
        CASE WHEN reject IS NULL AND NOT cache_hit THEN input END AS input,
        CASE WHEN reject IS NULL AND NOT cache_hit THEN output END AS output,
        CASE WHEN reject IS NULL AND NOT cache_hit THEN whole_of(cost_or_price * 1e9) END AS cost,
        CASE WHEN reject IS NULL AND outcome = 1 THEN whole_of(score * 1e6) END AS quality
    FROM priced
    OFFSET 0
),
cells AS (
    SELECT
        reject, service, complexity, provider, model, config_version, variant, span,
        count(*) AS n,
        min(ts_us) AS oldest_us,
        max(ts_us) AS newest_us,
        count(*) FILTER (WHERE spaced) AS spaced,
        {{W}}tally(true) AS weight,
        {{W}}squares(weight_milli) AS weight_squared,
        {{W}}tally(kind = 1) AS succeeded,
        {{W}}tally(kind IN (2, 5)) AS provider_errors,
        {{W}}tally(kind = 3) AS caller_errors,
        {{W}}tally(kind = 1 AND cost IS NULL) AS unpriced,
        {{W}}tally(kind = 5) AS timeouts,
        {{W}}tally(kind > 0 AND retried) AS retried,
        array_agg(minute) AS minutes,
        array_agg(latency) AS latencies,
        array_agg(ttft) AS ttfts,
        array_agg(input) AS inputs,
        array_agg(output) AS outputs,
        array_agg(cost) AS costs,
        array_agg(quality) AS qualities,
        {{WEIGHTS}} AS weights
    FROM events
    GROUP BY reject, service, complexity, provider, model, config_version, variant, span
    OFFSET 0
)
SELECT
    g.reject,
    coalesce(trimmed(g.service), {{SERVICE}}) AS service,
    g.complexity,
    canonical_provider(lowered(g.provider)) AS provider,
    -- A request that failed early may never have reached a model, and is a failure all the same.
    coalesce(trimmed(g.model), 'unknown') AS model,
    trimmed(g.config_version) AS config_version,
    trimmed(g.variant) AS variant,
    g.span,
    g.n, g.oldest_us, g.newest_us, g.spaced,
    g.weight, g.weight_squared, g.succeeded, g.provider_errors, g.caller_errors, g.unpriced,
    m.minutes, m.latency, m.latency_weight, m.cost, m.cost_weight, m.quality, m.quality_weight,
    b0.bins, b0.rows, b0.weights, b0.totals,
    b1.bins, b1.rows, b1.weights, b1.totals,
    b2.bins, b2.rows, b2.weights, b2.totals,
    b3.bins, b3.rows, b3.weights, b3.totals,
    b4.bins, b4.rows, b4.weights, b4.totals,
    b5.bins, b5.rows, b5.weights, b5.totals,
    g.timeouts, g.retried
FROM cells AS g
CROSS JOIN LATERAL (
    SELECT
        array_agg(minute) AS minutes,
        array_agg(latency) AS latency,
        array_agg(latency_weight) AS latency_weight,
        array_agg(cost) AS cost,
        array_agg(cost_weight) AS cost_weight,
        array_agg(quality) AS quality,
        array_agg(quality_weight) AS quality_weight
    FROM (
        SELECT
            minute,
            {{W}}total(latency) AS latency,
            {{W}}tally(latency IS NOT NULL) AS latency_weight,
            {{W}}total(cost) AS cost,
            {{W}}tally(cost IS NOT NULL) AS cost_weight,
            {{W}}total(quality) AS quality,
            {{W}}tally(quality IS NOT NULL) AS quality_weight
        FROM (
            SELECT
                unnest(g.minutes) AS minute,
                unnest(g.latencies) AS latency,
                unnest(g.costs) AS cost,
                unnest(g.qualities) AS quality,
                unnest(g.weights) AS weight_milli
            OFFSET 0
        ) AS one
        WHERE minute IS NOT NULL
        GROUP BY minute
    ) AS by_minute
) AS m
CROSS JOIN LATERAL {{W}}bins(g.latencies, 1e3) AS b0
CROSS JOIN LATERAL {{W}}bins(g.ttfts, 1e3) AS b1
CROSS JOIN LATERAL {{W}}bins(g.inputs, 1e0) AS b2
CROSS JOIN LATERAL {{W}}bins(g.outputs, 1e0) AS b3
CROSS JOIN LATERAL {{W}}bins(g.costs, 1e9) AS b4
CROSS JOIN LATERAL {{W}}bins(g.qualities, 1e6) AS b5
