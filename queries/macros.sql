-- Readings shared by every source layout.

-- A number from a column of any type. Empty is NULL (unknown); text that is not a number is NaN, which every rule rejects.
CREATE OR REPLACE TEMP MACRO number(x) AS
    CASE
        WHEN x IS NULL THEN NULL
        WHEN TRY_CAST(x AS DOUBLE) IS NOT NULL THEN TRY_CAST(x AS DOUBLE)
        WHEN trim(CAST(x AS VARCHAR)) = '' THEN NULL
        ELSE 'NaN'::DOUBLE
    END;

-- Text without the spaces around it, NULL when empty, for columns of many different texts: most have no space, and looking is cheaper
-- than trimming. Columns of few texts are trimmed once a text.
CREATE OR REPLACE TEMP MACRO trimmed(t) AS
    CASE
        WHEN t >= '!' AND NOT ends_with(t, ' ') AND strlen(t) = length(t) THEN t
        ELSE nullif(trim(t), '')
    END;

-- Microseconds since 1970 from text: RFC 3339, and the spellings databases print (`+00`, ` UTC`). A time without a zone is
-- ambiguous by hours, so it is NULL and the row a reject. Most logs end in Z, which saves them the pattern.
CREATE OR REPLACE TEMP MACRO utc_us(t) AS
    CASE
        WHEN t LIKE '____-__-__T__:__:__%Z' THEN epoch_us(TRY_CAST(t AS TIMESTAMPTZ))
        WHEN regexp_full_match(
            upper(trim(t)),
            '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?Z| ?UTC|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)'
        ) THEN epoch_us(TRY_CAST(replace(upper(trim(t)), ' UTC', 'Z') AS TIMESTAMPTZ))
    END;

-- A time of any type as a UTC timestamp; text without a zone is taken as UTC, which is for layouts whose times are known to be.
-- Nothing happened at `infinity`, and a length of time from there, or across millennia, ends the query instead of the row.
CREATE OR REPLACE TEMP MACRO utc(t) AS CASE
    WHEN TRY_CAST(t AS TIMESTAMP) BETWEEN TIMESTAMP '1900-01-01' AND TIMESTAMP '3000-01-01' THEN TRY_CAST(t AS TIMESTAMP)
END;

-- A UTC timestamp from a count of seconds (per_second 1), milliseconds (1000) or nanoseconds (1000000000) since 1970, exact where it
-- is whole; a native time stays what it is.
CREATE OR REPLACE TEMP MACRO from_epoch(x, per_second) AS
    CASE
        WHEN typeof(x) LIKE 'TIMESTAMP%' THEN TRY_CAST(x AS TIMESTAMP)
        WHEN regexp_full_match(trim(CAST(x AS VARCHAR)), '[-+]?\d{1,19}')
            THEN TRY(make_timestamp(CAST(TRY_CAST(trim(CAST(x AS VARCHAR)) AS HUGEINT) * 1000000 // per_second AS BIGINT)))
        ELSE TRY(make_timestamp(CAST(round(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE) * 1e6 / per_second) AS BIGINT)))
    END;

-- JSON text as JSON, NULL when it is none. Some exports write the document as a JSON string that holds it.
CREATE OR REPLACE TEMP MACRO document(x) AS
    CASE
        WHEN NOT json_valid(CAST(x AS VARCHAR)) THEN NULL
        WHEN json_type(CAST(x AS VARCHAR)) <> 'VARCHAR' THEN CAST(CAST(x AS VARCHAR) AS JSON)
        WHEN json_valid(json_extract_string(CAST(x AS VARCHAR), '$')) THEN CAST(json_extract_string(CAST(x AS VARCHAR), '$') AS JSON)
    END;

-- The names contracts fold into one.
CREATE OR REPLACE TEMP MACRO canonical_provider(p) AS
    CASE p
        WHEN 'azure' THEN 'azure.ai.openai'
        WHEN 'azure_openai' THEN 'azure.ai.openai'
        WHEN 'az.ai.openai' THEN 'azure.ai.openai'
        WHEN 'az.ai.inference' THEN 'azure.ai.inference'
        WHEN 'bedrock' THEN 'aws.bedrock'
        WHEN 'bedrock_converse' THEN 'aws.bedrock'
        WHEN 'vertex_ai' THEN 'gcp.vertex_ai'
        WHEN 'gemini' THEN 'gcp.gemini'
        WHEN 'google' THEN 'gcp.gemini'
        WHEN 'xai' THEN 'x_ai'
        WHEN 'mistral' THEN 'mistral_ai'
        ELSE p
    END;

-- The class of a failure from its message, in lower case and few in number, so that failures can be counted by it.
-- `RateLimitError: try again` is `ratelimiterror`; prose has no class and is `error`; any way of running out of time is `timeout`.
CREATE OR REPLACE TEMP MACRO error_class(message) AS
    CASE
        WHEN trim(CAST(message AS VARCHAR)) = '' THEN NULL
        WHEN regexp_matches(lower(CAST(message AS VARCHAR)), 'time-?out|timed out|deadline exceeded') THEN 'timeout'
        WHEN regexp_matches(trim(CAST(message AS VARCHAR)), '^[A-Za-z_][A-Za-z0-9_.]{0,63}(:|$)')
            THEN lower(split_part(trim(CAST(message AS VARCHAR)), ':', 1))
        WHEN message IS NOT NULL THEN 'error'
    END;

-- The raw value of a score: yes and no in the spellings logs use are 1 and 0, everything else is a number.
CREATE OR REPLACE TEMP MACRO score_value(x) AS
    CASE lower(trim(CAST(x AS VARCHAR)))
        WHEN 'true' THEN 1
        WHEN 'false' THEN 0
        WHEN 'up' THEN 1
        WHEN 'down' THEN 0
        ELSE number(x)
    END;

-- OpenTelemetry's JSON (OTLP): resource, scope and record one inside the other, attributes as a list of names and values.

-- Whether anything was missing where a list of records, two levels down, was looked for. It may have been left out, which is fine.
CREATE OR REPLACE TEMP MACRO otlp_has_gaps(records) AS
    records IS NULL
    OR list_count(records) < len(records)
    OR list_count(flatten(records)) < len(flatten(records));

-- Why a signal cannot be taken apart, NULL when it can: lists must be lists, or what is in them would be lost without a word.
-- It looks at the whole text over and over: only for lines in which something was missing.
CREATE OR REPLACE TEMP MACRO otlp_fault(signal, scopes, records) AS
    CASE
        WHEN signal IS NULL THEN NULL
        WHEN NOT json_valid(signal) THEN 'not a list'
        WHEN json_type(signal) <> 'ARRAY' THEN 'not a list'
        WHEN NOT list_has_all(['OBJECT'], json_type(signal, '$[*]')) THEN 'holds something that is no object'
        WHEN NOT list_has_all(['ARRAY', 'NULL'], json_type(signal, '$[*].' || scopes)) THEN scopes || ' is not a list'
        WHEN NOT list_has_all(['OBJECT'], json_type(signal, '$[*].' || scopes || '[*]'))
            THEN scopes || ' holds something that is no object'
        WHEN NOT list_has_all(['ARRAY', 'NULL'], json_type(signal, '$[*].' || scopes || '[*].' || records))
            THEN records || ' is not a list'
    END;

-- Attributes made ready for lookups: the names apart from the values.
CREATE OR REPLACE TEMP MACRO otlp_attributes(list) AS
    {'names': list_transform(list, lambda a: a.key), 'texts': list_transform(list, lambda a: a.value)};

-- The text of an attribute's value, of whatever type it is; the first where a name stands twice; NULL where there is none.
-- A value that is not wrapped in its type breaks the format, but is no reason to lose it.
CREATE OR REPLACE TEMP MACRO otlp_value(text) AS
    CASE WHEN text LIKE '{%' AND json_valid(text) THEN json_extract_string(text, '$.*')[1] ELSE text END;
CREATE OR REPLACE TEMP MACRO attribute(attributes, name) AS
    otlp_value(attributes.texts[list_position(attributes.names, name)]);

-- An id in one spelling, so that spans and scores meet; NULL when it is missing or all zeros, which means the same.
CREATE OR REPLACE TEMP MACRO otlp_id(text) AS CASE WHEN ltrim(text, '0') <> '' THEN lower(text) END;

-- Nanoseconds since 1970 as a whole number: a double keeps only 256 ns of them. Zero stands for a missing time.
CREATE OR REPLACE TEMP MACRO nanoseconds(text) AS
    CASE WHEN TRY_CAST(text AS BIGINT) > 0 THEN TRY_CAST(text AS BIGINT) END;
