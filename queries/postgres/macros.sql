-- What the readings of queries/macros.sql and the typing of src/observe/typed.rs are in PostgreSQL, for layouts that are reduced there.
-- Nothing is created in the database: the program puts these expressions where a name is called, so that a read-only user is enough.
-- One macro a block: `-- MACRO name(parameter: class, ...)`, then its body, with $parameter where the argument goes. A class is that of
-- the first argument; bodies may use other macros. A call that no block fits makes the layout one that is streamed.
-- Classes: absent (no such column), flag (boolean), whole (int2, int4, int8), number (float4, float8), numeric, time (timestamp, UTC),
-- jsonb, text (anything else, as text). An argument that is no bare column counts as text.
-- Bodies must never raise an error, whatever the row holds: one broken row must not end the statement.

-- MACRO number(x: absent)
CAST(NULL AS double precision)
-- MACRO number(x: whole, number)
CAST($x AS double precision)
-- MACRO number(x: numeric)
-- A decimal becomes a double by way of text, whose overflow and underflow are errors.
CASE
    WHEN $x > 1e-300 AND $x < 1e300 THEN CAST($x AS double precision)
    WHEN $x BETWEEN -1e-300 AND 1e-300 THEN CAST(0 AS double precision)
    WHEN $x < -1e-300 AND $x > -1e300 THEN CAST($x AS double precision)
    WHEN $x = 'NaN' THEN CAST('NaN' AS double precision)
    WHEN $x > 0 THEN CAST('Infinity' AS double precision)
    WHEN $x < 0 THEN CAST('-Infinity' AS double precision)
END
-- MACRO number(x: text)
CASE
    WHEN $x IS NULL OR trimmed($x) IS NULL THEN NULL
    WHEN octet_length($x) < 1000 AND $x ~ '^\s*[-+]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eE][-+]?\d{1,4})?\s*$'
        THEN number_of_decimal(CAST(translate($x, '_', '') AS numeric))
    WHEN $x ~* '^\s*[+]?inf(inity)?\s*$' THEN CAST('Infinity' AS double precision)
    WHEN $x ~* '^\s*-inf(inity)?\s*$' THEN CAST('-Infinity' AS double precision)
    ELSE CAST('NaN' AS double precision)
END
-- MACRO number_of_decimal(x: text)
CASE
    WHEN abs($x) >= 1e308 THEN sign($x) * CAST('Infinity' AS double precision)
    WHEN abs($x) <= 1e-300 THEN 0
    ELSE CAST($x AS double precision)
END

-- MACRO trimmed(x: absent)
CAST(NULL AS text)
-- MACRO trimmed(x: text)
-- Nearly no text has spaces around it, and looking is ten times cheaper than trimming. All spaces of Unicode count.
CASE
    WHEN ascii($x) > 32 AND octet_length($x) = length($x) AND $x NOT LIKE '% ' THEN $x
    ELSE nullif(btrim($x, U&' \00A0\1680\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\202F\205F\3000'), '')
END
-- MACRO trimmed(x: flag, whole, number, numeric, time, jsonb)
CAST($x AS text)

-- MACRO as_text(x: absent)
CAST(NULL AS text)
-- MACRO as_text(x: text)
$x
-- MACRO as_text(x: flag, whole, number, numeric, time, jsonb)
CAST($x AS text)

-- MACRO lowered(x: absent)
CAST(NULL AS text)
-- MACRO lowered(x: text)
-- The rules of plain letters are many times faster than those of a language.
CASE
    WHEN $x IS NULL THEN NULL
    WHEN ascii($x) > 32 AND octet_length($x) = length($x) AND $x NOT LIKE '% ' THEN lower($x COLLATE "C")
    ELSE lower(trimmed($x))
END
-- MACRO lowered(x: flag, whole, number, numeric, time, jsonb)
lower(CAST($x AS text))

-- MACRO outcome_of(x: absent, flag, whole, number, numeric, time, jsonb)
lowered($x)
-- MACRO outcome_of(x: text)
CASE WHEN $x = 'success' THEN 'success' ELSE lowered($x) END

-- MACRO id_of(x: absent, flag, whole, number, numeric, time, jsonb)
trimmed($x)
-- MACRO id_of(x: text)
-- Only whether it is there and not too long is asked here.
CASE WHEN ascii($x) BETWEEN 33 AND 126 AND octet_length($x) <= 128 THEN $x ELSE trimmed($x) END

-- MACRO flag(x: absent)
false
-- MACRO flag(x: flag)
coalesce($x, false)
-- MACRO flag(x: text, whole, number, numeric, time, jsonb)
coalesce(lowered($x) IN ('true', 't', 'yes', 'y', '1'), false)
-- MACRO flag_unreadable(x: absent, flag)
false
-- MACRO flag_unreadable(x: text, whole, number, numeric, time, jsonb)
coalesce(lowered($x) NOT IN ('true', 't', 'yes', 'y', '1', 'false', 'f', 'no', 'n', '0'), false)

-- MACRO utc(x: time)
$x

-- MACRO microseconds(x: time)
-- Exact until 2106: half a microsecond is more than a double of seconds is off by.
CAST(floor(date_part('epoch', $x) * 1e6 + 0.5) AS bigint)

-- MACRO document(x: jsonb)
-- A document inside a JSON string cannot be opened without the risk of an error; such rows are streamed (see docs/pushdown.md).
$x

-- MACRO canonical_provider(p: text)
CASE
    WHEN $p IN ('azure', 'azure_openai', 'az.ai.openai', 'az.ai.inference', 'bedrock', 'bedrock_converse', 'vertex_ai', 'gemini', 'google',
        'xai', 'mistral')
        THEN CASE
            WHEN $p IN ('azure', 'azure_openai', 'az.ai.openai') THEN 'azure.ai.openai'
            WHEN $p = 'az.ai.inference' THEN 'azure.ai.inference'
            WHEN $p IN ('bedrock', 'bedrock_converse') THEN 'aws.bedrock'
            WHEN $p = 'vertex_ai' THEN 'gcp.vertex_ai'
            WHEN $p IN ('gemini', 'google') THEN 'gcp.gemini'
            WHEN $p = 'xai' THEN 'x_ai'
            ELSE 'mistral_ai'
        END
    ELSE $p
END

-- MACRO error_class(message: absent)
CAST(NULL AS text)
-- MACRO error_class(message: text)
CASE
    WHEN $message IS NULL OR trimmed($message) IS NULL THEN NULL
    WHEN $message ~* 'time-?out|timed out|deadline exceeded' THEN 'timeout'
    WHEN trimmed($message) ~ '^[A-Za-z_][A-Za-z0-9_.]{0,63}(:|$)' THEN lower(split_part(trimmed($message), ':', 1))
    ELSE 'error'
END

-- MACRO score_value(x: absent, whole, number, numeric)
number($x)
-- MACRO score_value(x: flag)
CAST(CAST($x AS integer) AS double precision)
-- MACRO score_value(x: text)
CASE WHEN lowered($x) IN ('true', 'up') THEN 1 WHEN lowered($x) IN ('false', 'down') THEN 0 ELSE number($x) END

-- MACRO whole_of(x: text)
-- A whole number, halves away from zero, for values of at least zero: what the fold's `whole` makes.
floor($x) + CASE WHEN $x - floor($x) >= 0.5 THEN 1 ELSE 0 END
-- MACRO bin_of(x: text)
-- ln(1.01 / 0.99) in the doubles of the program.
CASE WHEN $x > 0 THEN CAST(ceil(ln($x) / 0.020000666706669435) AS integer) ELSE -32768 END

-- Sums of rows of weight 1 are sums of whole numbers below 2^53 in doubles: exact in any order, and the cheapest there are. A sum that
-- does not fit is -1: then the rows are streamed. Weights and totals are in thousandths, as in the fold.
-- MACRO total(x: text)
CASE WHEN sum($x) < 9e15 THEN CAST(sum($x) AS bigint) * 1000 WHEN sum($x) IS NULL THEN 0 ELSE -1 END
-- MACRO weighted_total(x: text)
CASE
    WHEN NOT coalesce(bool_and($x * weight_milli < 9e18), true) THEN -1
    WHEN sum(CASE WHEN $x * weight_milli < 9e18 THEN CAST($x AS bigint) * weight_milli END) > 9e18 THEN -1
    ELSE coalesce(CAST(sum(CASE WHEN $x * weight_milli < 9e18 THEN CAST($x AS bigint) * weight_milli END) AS bigint), 0)
END
-- MACRO tally(condition: text)
count(*) FILTER (WHERE $condition) * 1000
-- MACRO weighted_tally(condition: text)
coalesce(CAST(sum(weight_milli) FILTER (WHERE $condition) AS bigint), 0)
-- MACRO squares(x: text)
CAST(count(*) * 1000000 AS text)
-- MACRO weighted_squares(x: text)
CAST(sum($x * $x) AS text)

-- The bins of one metric of one cell, side by side: bin, rows, weights (none: rows times 1000) and totals.
-- MACRO bins(values: text, scale)
(
    SELECT array_agg(bin) AS bins, array_agg(n) AS rows, CAST(NULL AS bigint[]) AS weights, array_agg(total) AS totals
    FROM (
        SELECT bin_of(value / $scale) AS bin, count(*) AS n, total(value) AS total
        FROM (SELECT unnest($values) AS value OFFSET 0) AS one
        WHERE value IS NOT NULL
        GROUP BY 1
    ) AS binned
)
-- MACRO weighted_bins(values: text, scale)
(
    SELECT array_agg(bin) AS bins, array_agg(n) AS rows, array_agg(weight) AS weights, array_agg(total) AS totals
    FROM (
        SELECT
            bin_of(value / $scale) AS bin,
            count(*) AS n,
            CAST(sum(weight_milli) AS bigint) AS weight,
            weighted_total(value) AS total
        FROM (SELECT unnest($values) AS value, unnest(g.weights) AS weight_milli OFFSET 0) AS one
        WHERE value IS NOT NULL
        GROUP BY 1
    ) AS binned
)
