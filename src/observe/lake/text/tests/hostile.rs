//! Rows of which every column now and then holds what breaks a rule, or what engines read differently.

/// A column: its name, values that are common, and such as are rare.
type Column = (&'static str, &'static str, &'static str);

/// Rows of different weights, and such as are no weights.
pub(super) const WEIGHTS: &[Column] =
    &[("weight", "[1.0, 2.5, 0.001, 1e6, 0.0015, NULL]", "[0.0, 2e6, -1.0, 'NaN'::DOUBLE]")];

/// Costs as exact decimals, some of them with more digits than a double.
pub(super) const DECIMALS: &[Column] = &[
    (
        "cost_usd",
        "[0.01, 0.0123456789, 999999.9999999999, 12345.6789012345, NULL]::DECIMAL(38,10)[]",
        "[-0.1, 1e7, 123456789012345678.5]::DECIMAL(38,10)[]",
    ),
    (
        "latency_ms",
        "[0.001, 12.346, 604799999.999, i]::DECIMAL(12,3)[]",
        "[-0.001, 604800000.001, NULL]::DECIMAL(12,3)[]",
    ),
];

/// Tokens, statuses and answers of a cache as whole numbers.
pub(super) const WHOLE: &[Column] = &[
    ("input_tokens", "[0, 7, 500, 501, 1000000000, NULL]::BIGINT[]", "[-1, 1000000001, 9007199254740993]::BIGINT[]"),
    ("status_code", "[200, 429, 504, 499, 404, 500, NULL]::INTEGER[]", "[0, 99, 600]::INTEGER[]"),
    ("cache_hit", "[0, 0, 0, 1, NULL]::TINYINT[]", "[2, -1]::TINYINT[]"),
];

/// Each column with values that are common, and such as are rare.
const COLUMNS: &[Column] = &[
    (
        "ts",
        "[TIMESTAMPTZ '2026-01-02 12:00:00Z' - to_microseconds(i * 100003), TIMESTAMPTZ '2026-01-02 11:45:00.000001Z', \
         TIMESTAMPTZ '2026-01-02 11:45:00Z', TIMESTAMPTZ '2026-01-02 11:29:59.999999Z', TIMESTAMPTZ '2025-12-31 23:50:00Z']",
        "[TIMESTAMPTZ '1969-12-31 23:59:59.999999Z', TIMESTAMPTZ '1955-06-01 10:00:00Z', TIMESTAMPTZ '1677-01-01 00:00:00Z', \
         TIMESTAMPTZ '2200-01-01 00:00:00Z', TIMESTAMPTZ '2026-01-02 12:00:00.000001Z', NULL]",
    ),
    (
        "request_id",
        "['r' || i, ' r' || i, 'é' || i]",
        "[NULL, '', ' ', '\u{a0}', repeat('r', 129) || i, repeat('é', 128), 'x' || repeat('é', 100)]",
    ),
    (
        "service",
        "['search', ' search', 'search\u{a0}', 'поиск', '~tilde', 's '' \\ \"']",
        "[NULL, '', '\u{2003} ', repeat('s', 129), repeat('é', 128), E'\\ttab']",
    ),
    (
        "complexity",
        "['simple', 'medium', 'complex', NULL, ' Simple ', 'MEDIUM', '']",
        "['hard', '\u{a0}simple', 'ſimple']",
    ),
    (
        "provider",
        "['openai', 'Azure', ' azure_openai', 'anthropic', NULL, '', 'GOOGLE ']",
        "['İ', 'ΑΣ', '\u{a0}openai', repeat('p', 257)]",
    ),
    (
        "model",
        "['gpt-4o', 'it''s \\ a model', 'claude', 'gpt-4o ']",
        "[NULL, '', ' ', '\u{3000}', repeat('m', 257), 'gpt-4o\u{a0}', 'modèle']",
    ),
    ("config_version", "['v1', NULL, 'v2 ', '']", "['\u{a0}v1', repeat('c', 300), 'versión']"),
    ("variant", "[NULL, 'a', 'b']", "['', ' b\u{2009}', repeat('v', 257)]"),
    ("endpoint", "[NULL, '/v1/chat']", "[repeat('/', 257), repeat('é', 200)]"),
    (
        "outcome",
        "['success', 'success', 'success', 'error', 'timeout', 'cancelled', NULL, ' SUCCESS', '']",
        "['maybe', 'succeſs', '\u{a0}success', 'İ']",
    ),
    ("error_type", "[NULL, NULL, '', 'RateLimit', 'Read TIMEOUT']", "['İ timeout', '\u{a0}', ' ']"),
    (
        "status_code",
        "[200.0, 200.0, 429.0, 504.0, 408.0, 499.0, 404.0, 500.0, NULL]",
        "[0.0, 99.0, 599.5, 'NaN'::DOUBLE, 404.5, -1.0, 'Infinity'::DOUBLE]",
    ),
    (
        "latency_ms",
        "[round(pow(1.01 / 0.99, i % 900) * 1e3) / 1e3, pow(1.01 / 0.99, i % 900), i * 1.0, 0.0005, 12.3455, 0.0, -0.0]",
        "[NULL, -1.0, 'NaN'::DOUBLE, 'Infinity'::DOUBLE, '-Infinity'::DOUBLE, 604800000.0, 604800001.0, 1e308, 1e-320]",
    ),
    ("ttft_ms", "[NULL, 0.25, 0.0, 0.0005]", "[-1.0, 'NaN'::DOUBLE, 1e300, 700000000.0, 'Infinity'::DOUBLE]"),
    (
        "input_tokens",
        "[NULL, 0.0, 7.0, 500.0, 501.0, 1e9, -0.0]",
        "[7.5, -1.0, 2e9, 'NaN'::DOUBLE, 'Infinity'::DOUBLE]",
    ),
    ("cached_input_tokens", "[NULL, NULL, 0.0, 7.0]", "[600.0, 0.5, -1.0, 'NaN'::DOUBLE]"),
    ("cache_write_tokens", "[NULL, NULL, 0.0]", "[3.0, -1.0, 'NaN'::DOUBLE]"),
    ("output_tokens", "[NULL, 0.0, 9.0, 1e9]", "[9.5, -1.0, 2e9, 'NaN'::DOUBLE]"),
    (
        "cost_usd",
        "[NULL, NULL, 0.0, 0.01, round(pow(1.01 / 0.99, -(i % 600)) * 1e9) / 1e9, 1.5e-9, 2.5e-9]",
        "[1e6, 1e6 + 1e-3, -0.01, 'NaN'::DOUBLE, 'Infinity'::DOUBLE, 1e-320]",
    ),
    ("quality", "[NULL, 0.0, 1.0, 0.5, (i % 100) / 99.0, 5e-7]", "[1.0000001, -1e-9, 'NaN'::DOUBLE]"),
    ("retry_count", "[NULL, 0.0, 1.0, 2.5]", "[-1.0, 2e6, 'NaN'::DOUBLE]"),
    ("cache_hit", "[NULL, false, false, false, true]", "[true]"),
    ("propensity", "[NULL, 0.5]", "[-1.0, 'NaN'::DOUBLE]"),
];

/// Every so many values of a column are rare ones.
const RARE: u32 = 60;

/// A SELECT of 8,000 rows, the same every time; `changed` are columns to add, or to put in the place of others.
pub(super) fn rows(changed: &[Column]) -> String {
    let kept = COLUMNS.iter().filter(|(name, ..)| !changed.iter().any(|(other, ..)| other == name));
    let columns = kept.chain(changed).map(|(name, common, rare)| {
        let pick = |values: &str| format!("({values})[CAST(1 + (hash(i, '{name}') >> 8) % len({values}) AS BIGINT)]");
        format!("CASE WHEN hash('{name}', i) % {RARE} = 0 THEN {} ELSE {} END AS {name}", pick(rare), pick(common))
    });
    format!("SELECT {} FROM range(8000) AS numbers(i)", columns.collect::<Vec<_>>().join(", "))
}
