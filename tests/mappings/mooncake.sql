-- Mooncake's trace: milliseconds since its start, arrivals binned every three seconds.
-- Yields: requests
-- Failures: not recorded
--
-- Latency, model and outcome are not in it; a pace of 20 ms a token stands in.
SELECT
    from_epoch(timestamp_ms, 1000) AS ts,
    seq AS request_id,
    'trace' AS service,
    'unnamed' AS model,
    number(output_tokens) * 20 AS latency_ms,
    input_tokens,
    output_tokens,
    'success' AS outcome,
    origin,
    malformed,
    source_row
FROM raw
