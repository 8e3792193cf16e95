-- The requests of a gate, each with what it is compared by.
-- Input:   gate_side.
-- Output:  identity (hash), side (0 baseline, 1 candidate, NULL neither), slice (hash, as in gate_slices.sql), stratum (hash of what makes requests alike: service, endpoint, complexity, domain, length
--          of the input in steps of four times), request and session (hashes of the ids; 0 for no session), run (number of its source),
--          priced_by (hash, as in side_models.sql), ts_us, kind (as in logged.sql), class (hash of the class of a failure, as in
--          gate_classes.sql), weight_milli, latency and time to first token (ms), input, cached, written and output tokens, cost (US
--          dollars, NULL where the source does not tell), quality; NULL = unknown. No order.
SELECT
    hash(source, request_id) AS identity,
    side,
    hash(service, endpoint, complexity, domain) AS slice,
    hash(service, endpoint, complexity, domain, CAST(floor(log2(input_tokens + 1) / 2) AS INTEGER)) AS stratum,
    hash(request_id) AS request,
    CASE WHEN trace_id IS NULL THEN CAST(0 AS UBIGINT) ELSE hash(trace_id) END AS session,
    CAST(source AS INTEGER) AS run,
    hash(provider, model) AS priced_by,
    ts_us,
    CAST(CASE
        WHEN fault = 'unseen' THEN 4
        WHEN outcome = 'success' THEN 1
        WHEN fault = 'provider' THEN 2
        ELSE 3
    END AS TINYINT) AS kind,
    hash(error_class) AS class,
    weight_milli,
    latency_ms,
    ttft_ms,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    output_tokens,
    cost_usd,
    quality
FROM gate_side
