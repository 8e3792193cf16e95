-- OpenTelemetry traces as OTLP/JSON lines, with the GenAI conventions.
-- Yields: requests
-- Recognised by: resourceSpans; resourceLogs; resourceMetrics
-- Reads: resourceSpans, resourceLogs, resourceMetrics
-- Failures: recorded
--
-- A line holds many spans. One that is no call of a model is passed over, and so is the agent, tool or workflow around the
-- calls: its time and its tokens are theirs, counted once already.
-- Traps: times are nanoseconds, but time to first chunk is seconds, and its older names are milliseconds. Cached, written and
-- reasoning tokens are parts of the counts beside them, never added. A status that was not set is a success.
WITH parsed AS (
    SELECT
        *,
        TRY(from_json(
            "resourceSpans",
            '[{"resource": {"attributes": [{"key": "VARCHAR", "value": "VARCHAR"}]}, "scopeSpans": [{"spans": ["VARCHAR"]}]}]'
        )) AS tree
    FROM (SELECT * REPLACE (CAST("resourceSpans" AS VARCHAR) AS "resourceSpans") FROM raw)
),
line AS (
    SELECT
        origin,
        source_row,
        tree,
        coalesce(
            malformed,
            'resourceSpans: ' || CASE
                WHEN otlp_has_gaps(list_transform(tree, lambda r: list_transform(r."scopeSpans", lambda s: s.spans)))
                    THEN otlp_fault("resourceSpans", 'scopeSpans', 'spans')
            END,
            CASE
                WHEN "resourceSpans" IS NULL AND "resourceLogs" IS NULL AND "resourceMetrics" IS NULL
                    THEN 'line: none of resourceSpans, resourceLogs and resourceMetrics'
            END
        ) AS malformed
    FROM parsed
),
resource AS (
    SELECT
        origin,
        malformed,
        CASE WHEN malformed IS NOT NULL THEN source_row END AS whole_line,
        -- A line that cannot be taken apart goes on as one span that is nothing, so that it is counted.
        unnest(CASE
            WHEN malformed IS NULL THEN tree
            ELSE [{'resource': NULL, 'scopeSpans': [{'spans': [NULL]}]}]
        END) AS item
    FROM line
),
scope AS (
    SELECT
        origin,
        malformed,
        whole_line,
        otlp_attributes(item.resource.attributes) AS around,
        unnest(item."scopeSpans") AS item
    FROM resource
),
service AS (
    SELECT
        origin,
        malformed,
        whole_line,
        -- What an SDK writes when nobody named the service.
        CASE WHEN attribute(around, 'service.name') NOT LIKE 'unknown_service%' THEN attribute(around, 'service.name') END
            AS service,
        coalesce(attribute(around, 'deployment.environment.name'), attribute(around, 'deployment.environment'))
            AS environment,
        attribute(around, 'llmopt.variant') AS variant,
        attribute(around, 'llmopt.config_version') AS config_version,
        unnest(item.spans) AS text
    FROM scope
),
span AS (
    SELECT
        *,
        -- A string in the place of a span is not JSON any more.
        TRY(from_json(
            text,
            '{"traceId": "VARCHAR", "spanId": "VARCHAR", "startTimeUnixNano": "VARCHAR", "endTimeUnixNano": "VARCHAR",
              "status": "VARCHAR", "attributes": [{"key": "VARCHAR", "value": "VARCHAR"}]}'
        )) AS span
    FROM service
),
told AS (
    SELECT
        * EXCLUDE malformed,
        otlp_attributes(span.attributes) AS a,
        nanoseconds(span."startTimeUnixNano") AS start_ns,
        nanoseconds(span."endTimeUnixNano") AS end_ns,
        CASE
            WHEN malformed IS NOT NULL THEN malformed
            WHEN span IS NULL OR text IS NULL OR text NOT LIKE '{%' THEN 'spans: holds something that is no object'
            WHEN span.attributes IS NULL AND json_type(text, '$.attributes') NOT IN ('ARRAY', 'NULL')
                THEN 'attributes: not a list'
        END AS malformed
    FROM span
),
named AS (
    SELECT
        *,
        attribute(a, 'gen_ai.operation.name') AS operation,
        attribute(a, 'error.type') AS error_type,
        -- A status may come as a number or as its name; a bare one breaks the format, but must not pass for "not set".
        coalesce(
            CASE WHEN span.status LIKE '{%' AND json_valid(span.status) THEN span.status ->> '$.code' ELSE span.status END,
            '0'
        ) AS code,
        coalesce(attribute(a, 'gen_ai.request.model'), attribute(a, 'llm.request.model')) AS model_requested
    FROM told
),
judged AS (
    SELECT
        *,
        CASE
            WHEN malformed IS NOT NULL THEN NULL
            WHEN operation IN ('chat', 'text_completion', 'generate_content', 'embeddings') THEN NULL
            WHEN operation IN ('invoke_agent', 'execute_tool', 'invoke_workflow', 'create_agent')
                THEN 'operation ' || operation
            WHEN model_requested IS NULL THEN 'no call of a model'
        END AS skipped,
        coalesce(
            attribute(a, 'http.response.status_code'),
            attribute(a, 'http.status_code'),
            -- HTTP instrumentation writes the status of a failed request as its kind of error.
            CASE WHEN regexp_full_match(error_type, '[1-5]\d\d') THEN error_type END
        ) AS status_code
    FROM named
)
SELECT
    origin,
    malformed,
    skipped,
    -- The span alone, not the line with all of its neighbours.
    CASE WHEN skipped IS NULL THEN coalesce(text, whole_line) END AS source_row,
    make_timestamp(start_ns // 1000) AS ts,
    otlp_id(span."traceId") || ':' || otlp_id(span."spanId") AS request_id,
    otlp_id(span."traceId") AS trace_id,
    otlp_id(span."spanId") AS span_id,
    attribute(a, 'gen_ai.response.id') AS response_id,
    service,
    environment,
    coalesce(attribute(a, 'http.route'), attribute(a, 'url.path'), operation) AS endpoint,
    coalesce(
        attribute(a, 'gen_ai.provider.name'),
        attribute(a, 'gen_ai.system'),
        attribute(a, 'llm.provider'),
        attribute(a, 'llm.system')
    ) AS provider,
    coalesce(
        attribute(a, 'gen_ai.response.model'),
        attribute(a, 'gen_ai.request.model'),
        attribute(a, 'llm.response.model'),
        attribute(a, 'llm.request.model'),
        attribute(a, 'llm.model')
    ) AS model,
    coalesce(attribute(a, 'llmopt.config_version'), config_version) AS config_version,
    coalesce(attribute(a, 'llmopt.variant'), variant) AS variant,
    attribute(a, 'llmopt.complexity') AS complexity,
    attribute(a, 'llmopt.user_segment') AS user_segment,
    attribute(a, 'llmopt.domain') AS domain,
    -- Negative when the end stands before the start; NULL when either is missing. Both are rejected.
    (end_ns - start_ns) / 1e6 AS latency_ms,
    coalesce(
        number(attribute(a, 'gen_ai.response.time_to_first_chunk')) * 1000,
        number(coalesce(attribute(a, 'llm.latency.ttft_ms'), attribute(a, 'llm.metrics.ttft_ms')))
    ) AS ttft_ms,
    coalesce(
        attribute(a, 'gen_ai.usage.input_tokens'),
        attribute(a, 'gen_ai.usage.prompt_tokens'),
        attribute(a, 'llm.usage.input_tokens'),
        attribute(a, 'llm.usage.prompt_tokens')
    ) AS input_tokens,
    coalesce(
        attribute(a, 'gen_ai.usage.output_tokens'),
        attribute(a, 'gen_ai.usage.completion_tokens'),
        attribute(a, 'llm.usage.output_tokens'),
        attribute(a, 'llm.usage.completion_tokens')
    ) AS output_tokens,
    coalesce(
        attribute(a, 'gen_ai.usage.cache_read.input_tokens'),
        attribute(a, 'gen_ai.usage.cache_read_input_tokens'),
        attribute(a, 'llm.usage.cache_read_input_tokens')
    ) AS cached_input_tokens,
    coalesce(
        attribute(a, 'gen_ai.usage.cache_creation.input_tokens'),
        attribute(a, 'gen_ai.usage.cache_creation_input_tokens'),
        attribute(a, 'llm.usage.cache_creation_input_tokens')
    ) AS cache_write_tokens,
    attribute(a, 'gen_ai.usage.reasoning.output_tokens') AS reasoning_tokens,
    coalesce(attribute(a, 'llm.cost.total_usd'), attribute(a, 'llm.cost.amount_usd')) AS cost_usd,
    error_type,
    status_code,
    CASE
        -- The kind of error and the HTTP status know more than "failed": a timeout, a cancellation.
        WHEN error_type IS NOT NULL OR number(status_code) >= 400 THEN NULL
        WHEN upper(code) IN ('2', 'STATUS_CODE_ERROR') THEN 'error'
        WHEN upper(code) IN ('0', '1', 'STATUS_CODE_UNSET', 'STATUS_CODE_OK') THEN 'success'
        -- Neither: the row is rejected rather than called a success.
        ELSE 'status ' || code
    END AS outcome
FROM judged
