-- OpenTelemetry evaluation events (`gen_ai.evaluation.result`) as OTLP/JSON lines: log records, or events of spans.
-- Yields: scores
-- Recognised by: resourceSpans; resourceLogs; resourceMetrics
-- Reads: resourceSpans, resourceLogs, resourceMetrics
-- Failures: recorded
--
-- The value keeps the scale it was given; what the scale is, is declared by name where quality is configured. A label alone
-- has no number, and whether "yes" is good depends on the question: it is passed over.
-- An evaluation stands in the trace of the request, or names the answer's id when it was made elsewhere.
WITH parsed AS (
    SELECT
        *,
        list_transform(
            TRY(from_json("resourceLogs", '[{"scopeLogs": [{"logRecords": ["VARCHAR"]}]}]')),
            lambda r: list_transform(r."scopeLogs", lambda s: s."logRecords")
        ) AS tree
    FROM (
        SELECT
            * REPLACE (
                CAST("resourceLogs" AS VARCHAR) AS "resourceLogs", CAST("resourceSpans" AS VARCHAR) AS "resourceSpans"
            )
        FROM raw
    )
),
line AS (
    SELECT
        origin,
        source_row,
        flatten(flatten(tree)) AS logs,
        -- Few traces carry evaluations: looking for the word is much cheaper than taking every span apart.
        CASE
            WHEN contains("resourceSpans", 'gen_ai.evaluation.result')
                THEN TRY(json_extract_string("resourceSpans", '$[*].scopeSpans[*].spans[*]'))
        END AS spans,
        coalesce(
            malformed,
            'resourceLogs: ' || CASE
                WHEN otlp_has_gaps(tree) THEN otlp_fault("resourceLogs", 'scopeLogs', 'logRecords')
            END,
            CASE
                WHEN "resourceSpans" IS NULL AND "resourceLogs" IS NULL AND "resourceMetrics" IS NULL
                    THEN 'line: none of resourceSpans, resourceLogs and resourceMetrics'
            END
        ) AS malformed
    FROM parsed
),
carrier AS (
    SELECT
        origin,
        malformed,
        CASE WHEN malformed IS NOT NULL THEN source_row END AS whole_line,
        unnest(CASE
            -- A line that cannot be taken apart goes on as one record that is nothing, so that it is counted.
            WHEN malformed IS NOT NULL THEN [NULL]
            ELSE list_concat(
                list_transform(logs, lambda text: {'text': text, 'is_log': true}),
                list_transform(spans, lambda text: {'text': text, 'is_log': false})
            )
        END) AS carrier
    FROM line
),
taken_apart AS (
    SELECT
        origin,
        malformed,
        whole_line,
        carrier.text AS text,
        -- A string in the place of a record is not JSON any more.
        TRY(from_json(
            carrier.text,
            '{"traceId": "VARCHAR", "spanId": "VARCHAR", "timeUnixNano": "VARCHAR", "observedTimeUnixNano": "VARCHAR",
              "eventName": "VARCHAR", "attributes": [{"key": "VARCHAR", "value": "VARCHAR"}], "events":
              [{"timeUnixNano": "VARCHAR", "name": "VARCHAR", "attributes": [{"key": "VARCHAR", "value": "VARCHAR"}]}]}'
        )) AS record,
        carrier.is_log AS is_log
    FROM carrier
),
event AS (
    SELECT
        *,
        unnest(CASE
            WHEN is_log IS DISTINCT FROM false
                THEN [{'timeUnixNano': record."timeUnixNano", 'name': record."eventName", 'attributes': record.attributes}]
            ELSE list_filter(record.events, lambda e: e.name = 'gen_ai.evaluation.result')
        END) AS event
    FROM taken_apart
),
told AS (
    SELECT
        * EXCLUDE malformed,
        otlp_attributes(event.attributes) AS a,
        CASE
            WHEN malformed IS NOT NULL THEN malformed
            WHEN record IS NULL OR text IS NULL OR text NOT LIKE '{%' THEN 'logRecords: holds something that is no object'
            WHEN event.attributes IS NULL AND json_type(text, '$.attributes') NOT IN ('ARRAY', 'NULL')
                THEN 'attributes: not a list'
        END AS malformed
    FROM event
),
judged AS (
    SELECT
        *,
        CASE
            WHEN malformed IS NOT NULL THEN NULL
            WHEN coalesce(event.name, attribute(a, 'event.name')) IS DISTINCT FROM 'gen_ai.evaluation.result'
                THEN 'no evaluation'
            WHEN attribute(a, 'gen_ai.evaluation.score.value') IS NOT NULL THEN NULL
            WHEN attribute(a, 'error.type') IS NOT NULL THEN 'the evaluation failed'
            WHEN attribute(a, 'gen_ai.evaluation.score.label') IS NOT NULL THEN 'a label without a value'
        END AS skipped
    FROM told
)
SELECT
    origin,
    malformed,
    skipped,
    CASE WHEN skipped IS NULL THEN coalesce(text, whole_line) END AS source_row,
    make_timestamp(coalesce(nanoseconds(event."timeUnixNano"), nanoseconds(record."observedTimeUnixNano")) // 1000) AS ts,
    otlp_id(record."traceId") AS trace_id,
    otlp_id(record."spanId") AS span_id,
    attribute(a, 'gen_ai.response.id') AS response_id,
    attribute(a, 'gen_ai.evaluation.name') AS name,
    number(attribute(a, 'gen_ai.evaluation.score.value')) AS value
FROM judged
