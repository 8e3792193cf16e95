//! The conjunction that lets nearly every row pass may only let rows pass that break no rule.

use super::Engine;

/// Values of every column that rules look at, good and bad ones, for rows with all of them in turn.
const COLUMNS: &[(&str, &[&str])] = &[
    ("malformed", &["NULL", "'line: not a JSON object'"]),
    ("skipped", &["NULL", "'a span'"]),
    ("cache_hit_unreadable", &["false", "true"]),
    ("cache_hit", &["false", "true"]),
    ("ts_missing", &["false", "true"]),
    ("ts_us", &["1000", "NULL", "3000"]),
    ("request_id", &["'r'", "NULL", "repeat('r', 129)", "repeat('é', 128)"]),
    ("service", &["'s'", "NULL", "repeat('s', 129)", "repeat('é', 128)"]),
    ("model", &["'m'", "NULL"]),
    ("stated_outcome", &["'success'", "'error'", "NULL", "'maybe'"]),
    ("error_type", &["NULL", "'read timeout'"]),
    ("stated_status", &["NULL", "200.0", "429.0", "999.0", "'NaN'"]),
    ("complexity", &["NULL", "'simple'", "'hard'"]),
    ("latency", &["1234.5", "NULL", "0.0", "-1.0", "604800001.0", "'NaN'", "'Infinity'"]),
    ("ttft", &["NULL", "0.25", "-1.0", "2000.0", "'NaN'"]),
    ("input", &["NULL", "7.0", "7.5", "-1.0", "2e9", "'NaN'", "'Infinity'"]),
    ("cached", &["NULL", "3.0", "8.0", "2.5", "-1.0", "'NaN'"]),
    ("cache_write", &["NULL", "4.0", "5.0", "-1.0", "'NaN'"]),
    ("output", &["NULL", "9.0", "9.5", "-1.0", "2e9", "'NaN'"]),
    ("cost", &["NULL", "0.01", "-0.01", "2e6", "'NaN'"]),
    ("score", &["NULL", "0.5", "1.01", "-0.01", "'NaN'"]),
    ("retries", &["NULL", "1.0", "-1.0", "2e6", "'NaN'"]),
    ("row_weight", &["NULL", "2.0", "0.0001", "2e6", "'NaN'"]),
    ("propensity", &["NULL", "-1.0", "'NaN'"]),
];

const JUDGE: &str = include_str!("../../queries/judge.sql");

/// The rules without what lets rows pass.
fn rules() -> String {
    let start = JUDGE.find("WHEN malformed IS NULL AND skipped").expect("the conjunction is there");
    let length = JUDGE[start..].find("THEN NULL").expect("it lets rows pass") + "THEN NULL".len();
    JUDGE[..start].to_owned() + &JUDGE[start + length..]
}

/// Rows that differ from a good one in two columns at most, in every way there is.
fn typed() -> String {
    let mut rows = Vec::new();
    let numbers = [
        "latency",
        "ttft",
        "input",
        "cached",
        "cache_write",
        "output",
        "cost",
        "score",
        "retries",
        "row_weight",
        "propensity",
        "stated_status",
    ];
    let row = |changes: &[(usize, &str)]| {
        let values = COLUMNS.iter().enumerate().map(|(place, (name, values))| {
            let value = changes.iter().find(|(changed, _)| *changed == place).map_or(values[0], |(_, value)| value);
            let kind = match *name {
                "cache_hit" | "cache_hit_unreadable" | "ts_missing" => "BOOLEAN",
                "ts_us" => "BIGINT",
                _ if numbers.contains(name) => "DOUBLE",
                _ => "VARCHAR",
            };
            format!("{value}::{kind}")
        });
        format!("({})", values.collect::<Vec<_>>().join(", "))
    };
    for (first, (_, values)) in COLUMNS.iter().enumerate() {
        for value in *values {
            for (second, (_, others)) in COLUMNS.iter().enumerate().skip(first + 1) {
                rows.extend(others.iter().map(|other| row(&[(first, value), (second, other)])));
            }
        }
    }
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    format!(
        "SELECT *, 0 AS source, NULL::VARCHAR AS origin, NULL::VARCHAR AS whole_row, NULL::VARCHAR AS provider, NULL::VARCHAR AS endpoint, \
         NULL::VARCHAR AS trace_id, NULL::VARCHAR AS span_id, NULL::VARCHAR AS response_id, NULL::VARCHAR AS config_version, \
         NULL::VARCHAR AS variant, NULL::VARCHAR AS domain, true AS records_failures, CASE WHEN stated_status BETWEEN 100 AND 599 THEN stated_status END AS status \
         FROM (VALUES {}) AS t({})",
        rows.join(", "),
        names.join(", ")
    )
}

#[test]
fn what_passes_at_once_breaks_no_rule() {
    let engine = Engine::open(None).unwrap();
    let sql = format!(
        "SET VARIABLE future_limit_us = 2000::BIGINT; CREATE TEMP TABLE typed AS {}; CREATE TEMP TABLE quick AS {JUDGE}; \
         CREATE TEMP TABLE slow AS {}",
        typed(),
        rules()
    );
    engine.connection().execute_batch(&sql).unwrap();
    let count = |sql: &str| engine.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let reasons = "SELECT reject, count(*) AS n FROM";
    let differences = format!(
        "SELECT coalesce(string_agg(concat_ws(' ', quick, coalesce(reject, 'good'), n), '; '), '') FROM ( \
             (SELECT 'quick' AS quick, * FROM (({reasons} quick GROUP BY ALL) EXCEPT ({reasons} slow GROUP BY ALL))) UNION ALL \
             (SELECT 'slow', * FROM (({reasons} slow GROUP BY ALL) EXCEPT ({reasons} quick GROUP BY ALL))))"
    );
    let differences: String = engine.connection().query_row(&differences, [], |row| row.get(0)).unwrap();
    assert_eq!(differences, "");
    assert!(count("SELECT count(*) FROM quick WHERE reject IS NULL") > 500, "some are good");
    assert!(count("SELECT count(DISTINCT reject) FROM quick") > 30, "and nearly every rule is broken");
}
