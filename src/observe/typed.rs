//! Gives the columns of a mapped source their canonical types, so that one set of rules can judge every layout.

use std::fmt::Write as _;

use super::{engine::identifier, layout::Layout};

/// Columns of text; empty text is NULL.
pub(super) const TEXTS: &[&str] = &[
    "request_id",
    "trace_id",
    "span_id",
    "response_id",
    "endpoint",
    "model",
    "config_version",
    "variant",
    "user_segment",
    "domain",
];

/// Columns of text that is compared without regard to case.
pub(super) const LOWER: &[&str] = &["complexity", "error_type"];

/// Columns of numbers with what the rules call them.
pub(super) const NUMBERS: &[(&str, &str)] = &[
    ("latency_ms", "latency"),
    ("ttft_ms", "ttft"),
    ("input_tokens", "input"),
    ("cached_input_tokens", "cached"),
    ("cache_write_tokens", "cache_write"),
    ("output_tokens", "output"),
    ("cost_usd", "cost"),
    ("quality", "score"),
    ("status_code", "stated_status"),
    ("retry_count", "retries"),
    ("weight", "row_weight"),
    ("propensity", "propensity"),
];

/// A table's columns: name and type as the engine calls it.
pub(super) type Columns = Vec<(String, String)>;

/// Whether the engine's type is one of time.
pub(super) fn is_time(kind: &str) -> bool {
    kind.starts_with("TIMESTAMP")
}

/// The part that all kinds of rows share: where a row comes from, when it happened, whether it could be read at all.
pub(super) fn provenance(source: usize, mapped: &Columns) -> String {
    let text = |name: &str| text(mapped, name);
    let mut sql = format!(
        "SELECT {source}::INTEGER AS source, {} AS origin, {} AS malformed, ",
        text("origin"),
        text("malformed")
    );
    let _ = write!(sql, "{} AS skipped, ", text("skipped"));
    let row = if kind(mapped, "source_row").is_some() { "source_row" } else { "mapped" };
    let _ = write!(sql, "{row} AS whole_row, ");
    if kind(mapped, "ts").is_some_and(is_time) {
        sql += "epoch_us(ts) AS ts_us, ts IS NULL AS ts_missing, ";
    } else {
        let _ = write!(sql, "utc_us({0}) AS ts_us, {0} IS NULL AS ts_missing, ", text("ts"));
    }
    sql
}

/// The SELECT over `mapped` that types requests.
pub(super) fn requests(source: usize, mapped: &Columns, layout: &Layout, default_service: bool) -> String {
    let mut sql = provenance(source, mapped);
    let _ = write!(sql, "{} AS records_failures, ", layout.records_failures);
    for name in TEXTS {
        let _ = write!(sql, "{} AS {name}, ", text(mapped, name));
    }
    for name in LOWER {
        let _ = write!(sql, "lower({}) AS {name}, ", text(mapped, name));
    }
    let service = text(mapped, "service");
    // A default that nobody set would cost a tenth of the reading.
    let _ = if default_service {
        write!(sql, "coalesce({service}, getvariable('default_service')) AS service, ")
    } else {
        write!(sql, "{service} AS service, ")
    };
    let _ = write!(sql, "lower({}) AS provider, ", text(mapped, "provider"));
    let _ = write!(sql, "lower({}) AS stated_outcome, ", text(mapped, "outcome"));
    for (name, alias) in NUMBERS {
        let _ = write!(sql, "{} AS {alias}, ", number(mapped, name));
    }
    // A code that is no HTTP status says nothing; it must not hide a failure that another column states.
    sql += "CASE WHEN stated_status BETWEEN 100 AND 599 THEN stated_status END AS status, ";
    let hit = text(mapped, "cache_hit");
    let _ = write!(
        sql,
        "coalesce(TRY_CAST({hit} AS BOOLEAN), false) AS cache_hit, \
         {hit} IS NOT NULL AND TRY_CAST({hit} AS BOOLEAN) IS NULL AS cache_hit_unreadable FROM mapped"
    );
    sql
}

/// The SELECT over `mapped` that types scores.
pub(super) fn scores(source: usize, mapped: &Columns) -> String {
    let mut sql = provenance(source, mapped);
    for name in ["request_id", "trace_id", "span_id", "response_id", "name", "score_id"] {
        let _ = write!(sql, "{} AS {name}, ", text(mapped, name));
    }
    let _ = write!(sql, "{} AS value FROM mapped", number(mapped, "value"));
    sql
}

/// The SELECT over `mapped` that types figures over many requests.
pub(super) fn metrics(source: usize, mapped: &Columns) -> String {
    let mut sql = provenance(source, mapped);
    for name in ["model", "metric", "statistic"] {
        let _ = write!(sql, "{} AS {name}, ", text(mapped, name));
    }
    let _ = write!(sql, "coalesce({}, getvariable('default_service')) AS service, ", text(mapped, "service"));
    let _ = write!(sql, "canonical_provider(lower({})) AS provider, ", text(mapped, "provider"));
    let _ = write!(sql, "{} AS value, {} AS n FROM mapped", number(mapped, "value"), number(mapped, "n"));
    sql
}

/// What to select of judged rows, so that what stood in the source is text whatever it was.
pub(super) fn finish(mapped: &Columns) -> &'static str {
    match kind(mapped, "source_row") {
        Some("VARCHAR") => "*",
        // A merge patch of null takes a key out: the file of a row is told in a column of its own.
        Some(kind) if kind.starts_with("STRUCT") => {
            "* REPLACE (CASE WHEN reject IS NOT NULL THEN \
             CAST(json_merge_patch(to_json(source_row), '{\"__optimizer_file\": null}') AS VARCHAR) END AS source_row)"
        }
        _ => "* REPLACE (CASE WHEN reject IS NOT NULL THEN CAST(to_json(source_row) AS VARCHAR) END AS source_row)",
    }
}

/// A column as trimmed text, NULL where it is absent or empty.
pub(super) fn text(mapped: &Columns, name: &str) -> String {
    match kind(mapped, name) {
        None => "NULL::VARCHAR".to_owned(),
        Some("BOOLEAN") => format!("CAST({} AS VARCHAR)", identifier(name)),
        Some("VARCHAR") if name.ends_with("_id") => format!("trimmed({})", identifier(name)),
        Some("VARCHAR") => format!("nullif(trim({}), '')", identifier(name)),
        Some(_) => format!("nullif(trim(CAST({} AS VARCHAR)), '')", identifier(name)),
    }
}

/// A column as a number, NULL where it is absent or empty and NaN where it is something else.
pub(super) fn number(mapped: &Columns, name: &str) -> String {
    match kind(mapped, name) {
        None => "NULL::DOUBLE".to_owned(),
        Some("DOUBLE") => identifier(name),
        Some(kind)
            if kind.starts_with("DECIMAL") || kind.ends_with("INT") || kind.ends_with("INTEGER") || kind == "FLOAT" =>
        {
            format!("CAST({} AS DOUBLE)", identifier(name))
        }
        Some(_) => format!("number({})", identifier(name)),
    }
}

fn kind<'a>(mapped: &'a Columns, name: &str) -> Option<&'a str> {
    mapped.iter().find(|(column, _)| column == name).map(|(_, kind)| kind.as_str())
}
