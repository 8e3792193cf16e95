//! Opens every source and brings it into one relation `rows`: canonical, typed, each row good or with its reject reason.
//!
//! Parquet stays where it is: `rows` is a view over it and each query reads only the columns it needs. Text is read once
//! into memory, because parsing it again for every query would cost more than it holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{BufRead, Read},
    path::Path,
};

use jiff::Timestamp;

use super::{
    Engine, FileGroup, Format, ObserveError, columns,
    engine::{Value, identifier, literal},
};
use crate::domain::event::COLUMNS;

/// Rows later than the clock by more than this are rejected: no request starts in the future.
const CLOCK_TOLERANCE_US: i64 = 300 * 1_000_000;

/// Longest line of text that is read; longer ones are rejects.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// What to load.
#[derive(Debug)]
pub struct LoadRequest<'a> {
    pub groups: &'a [FileGroup],
    /// Service of rows that do not name one.
    pub default_service: Option<&'a str>,
    /// The wall clock, to tell rows from the future.
    pub now: Timestamp,
}

/// What every row of every source came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectSummary {
    pub files: u64,
    pub good: u64,
    pub rejected: BTreeMap<String, u64>,
    /// Microseconds since 1970 of the oldest and newest good row.
    pub span_us: Option<(i64, i64)>,
    pub ignored_columns: Vec<String>,
}

impl RejectSummary {
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// One line a reason, most frequent first.
    pub(super) fn reasons(&self) -> String {
        let mut reasons: Vec<_> = self.rejected.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        reasons.iter().map(|(reason, count)| format!("  {count:>8}  {reason}")).collect::<Vec<_>>().join("\n")
    }
}

/// Creates `rows` and counts it.
pub(super) fn load(engine: &Engine, request: &LoadRequest<'_>) -> Result<RejectSummary, ObserveError> {
    engine.set("default_service", &request.default_service.map_or(Value::Null, Value::Text))?;
    engine.set("future_limit_us", &Value::Integer(request.now.as_microsecond().saturating_add(CLOCK_TOLERANCE_US)))?;
    let mut summary = RejectSummary::default();
    let mut ignored = BTreeSet::new();
    let mut relations = Vec::new();
    for group in request.groups {
        summary.files += group.files.len().max(1) as u64;
        for part in parts(engine, group, request.default_service.is_some())? {
            ignored.extend(columns::ignored(&part.columns).cloned());
            let name = format!("canonical_{}", relations.len());
            let kind = if group.format == Format::Parquet { "VIEW" } else { "TABLE" };
            let sql = format!(
                "CREATE TEMP {kind} {name} AS WITH raw AS ({}) SELECT * FROM ({})",
                part.raw_select(group.source),
                include_str!("../../queries/sources/canonical.sql").trim_end()
            );
            engine
                .connection()
                .execute_batch(&sql)
                .map_err(|cause| ObserveError::reading(&part.origin, group.format.name(), cause))?;
            relations.push((name, part));
        }
    }
    let union: Vec<String> = relations.iter().map(|(name, _)| format!("FROM {name}")).collect();
    engine.run("joining the sources", &format!("CREATE TEMP VIEW rows AS {}", union.join(" UNION ALL ")))?;
    census(engine, &relations, &mut summary)?;
    summary.ignored_columns = ignored.into_iter().collect();
    Ok(summary)
}

/// A relation with columns of its own: one or more files that share a header.
struct Part {
    /// How messages call it.
    origin: String,
    format: Format,
    /// `FROM` clause that yields its rows.
    relation: String,
    columns: Vec<String>,
    /// Columns of a native time type.
    native_time: bool,
}

impl Part {
    /// Rows with every canonical column, NULL where the source has none, the time already read.
    fn raw_select(&self, source: usize) -> String {
        let mut sql = format!("SELECT {source}::INTEGER AS source, ");
        match self.format {
            Format::Parquet | Format::Csv => sql.push_str("filename AS origin, NULL::VARCHAR AS malformed, "),
            Format::Ndjson | Format::Stdin => {
                sql.push_str("origin, CASE WHEN event IS NULL THEN 'line: not a JSON object' END AS malformed, ");
            }
        }
        let has = |name: &str| self.columns.iter().any(|column| column == name);
        for column in COLUMNS.iter().map(|column| column.name) {
            let reference = match self.format {
                _ if !has(column) => "NULL::VARCHAR".to_owned(),
                Format::Parquet | Format::Csv => identifier(column),
                Format::Ndjson | Format::Stdin => format!("event.{column}"),
            };
            if column == "ts" {
                let read = if self.native_time { "epoch_us" } else { "utc_us" };
                let missing = if self.native_time {
                    format!("{reference} IS NULL")
                } else {
                    format!("coalesce(trim({reference}), '') = ''")
                };
                let _ = write!(sql, "{read}({reference}) AS ts_us, {missing} AS ts_missing, ");
            } else {
                let _ = write!(sql, "{reference} AS {column}, ");
            }
        }
        sql.truncate(sql.len() - 2);
        sql + " FROM " + &self.relation
    }
}

fn parts(engine: &Engine, group: &FileGroup, default_service: bool) -> Result<Vec<Part>, ObserveError> {
    let parts = match group.format {
        Format::Parquet => vec![parquet(engine, group)?],
        Format::Csv => csv(engine, group)?,
        Format::Ndjson => vec![ndjson(engine, group)?],
        Format::Stdin => vec![stdin(engine)?],
    };
    for part in &parts {
        columns::check(&part.origin, &part.columns, default_service)?;
    }
    Ok(parts)
}

fn parquet(engine: &Engine, group: &FileGroup) -> Result<Part, ObserveError> {
    let origin = describe_files(group);
    // Each footer is read alone first, so that the message names the file that is broken.
    for file in &group.files {
        let sql = format!("DESCRIBE FROM read_parquet({})", literal(&file.to_string_lossy()));
        describe(engine, &sql).map_err(|cause| ObserveError::reading(&file.to_string_lossy(), "Parquet", cause))?;
    }
    let relation = format!("read_parquet({}, union_by_name = true, filename = true)", file_list(group));
    let columns = describe(engine, &format!("DESCRIBE FROM {relation}"))
        .map_err(|cause| ObserveError::reading(&origin, "Parquet", cause))?;
    let native_time = columns.iter().any(|(name, kind)| name == "ts" && kind.starts_with("TIMESTAMP"));
    let columns = columns.into_iter().map(|(name, _)| name).filter(|name| name != "filename").collect();
    Ok(Part { origin, format: group.format, relation, columns, native_time })
}

/// CSV files are grouped by header: DuckDB keeps the rows it cannot split only when all files share one.
fn csv(engine: &Engine, group: &FileGroup) -> Result<Vec<Part>, ObserveError> {
    let mut by_header: BTreeMap<(Vec<String>, char), Vec<&Path>> = BTreeMap::new();
    for file in &group.files {
        let name = file.to_string_lossy();
        let mut header = (Vec::new(), ',');
        for delimiter in [',', ';', '\t', '|'] {
            let sql = format!(
                "DESCRIBE FROM read_csv({}, header = true, all_varchar = true, delim = {}, quote = '\"', escape = '\"', \
                 ignore_errors = true, sample_size = 1)",
                literal(&name),
                literal(&delimiter.to_string())
            );
            let columns = describe(engine, &sql).map_err(|cause| ObserveError::reading(&name, "CSV", cause))?;
            if columns.len() > header.0.len() {
                header = (columns.into_iter().map(|(name, _)| name).collect(), delimiter);
            }
        }
        by_header.entry(header).or_default().push(file);
    }
    let parts = by_header.into_iter().map(|((columns, delimiter), files)| {
        let list: Vec<String> = files.iter().map(|file| literal(&file.to_string_lossy())).collect();
        let types: Vec<String> = columns.iter().map(|name| format!("{}: 'VARCHAR'", literal(name))).collect();
        Part {
            origin: describe_paths(&files),
            format: Format::Csv,
            relation: format!(
                "read_csv([{}], auto_detect = false, header = true, columns = {{{}}}, delim = {}, quote = '\"', escape = '\"', \
                 store_rejects = true, filename = true, max_line_size = {MAX_LINE_BYTES})",
                list.join(", "),
                types.join(", "),
                literal(&delimiter.to_string())
            ),
            columns,
            native_time: false,
        }
    });
    Ok(parts.collect())
}

/// Lines are kept whole and parsed once into a struct of text: a line that is no JSON object is a reject, not the end.
fn ndjson(engine: &Engine, group: &FileGroup) -> Result<Part, ObserveError> {
    // The unit separator cannot stand unescaped in JSON, so no line is ever split at it.
    let lines = format!(
        "(SELECT line, filename AS origin FROM read_csv({}, auto_detect = false, header = false, columns = {{'line': 'VARCHAR'}}, \
         delim = '\u{1f}', quote = '', escape = '', store_rejects = true, filename = true, max_line_size = {MAX_LINE_BYTES}))",
        file_list(group)
    );
    let origin = describe_files(group);
    lines_part(engine, origin.clone(), group.format, &lines)
        .map_err(|cause| ObserveError::reading(&origin, "NDJSON", cause))
}

fn stdin(engine: &Engine) -> Result<Part, ObserveError> {
    let origin = "standard input";
    let unreadable = |cause| ObserveError::Unreadable { path: origin.into(), cause };
    engine.run("preparing for standard input", "CREATE TEMP TABLE stdin_lines (line VARCHAR, origin VARCHAR)")?;
    let broken = |cause| ObserveError::reading(origin, "NDJSON", cause);
    let mut appender = engine.connection().appender("stdin_lines").map_err(broken)?;
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    let mut any = false;
    loop {
        line.clear();
        let read = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        any = true;
        // A line that is not UTF-8 is kept as something that is not JSON either, so that it is counted.
        let text = std::str::from_utf8(&line).unwrap_or("not UTF-8").trim();
        if !text.is_empty() {
            appender.append_row(duckdb::params![text, origin]).map_err(broken)?;
        }
    }
    appender.flush().map_err(broken)?;
    drop(appender);
    if !any {
        return Err(ObserveError::Empty { path: origin.into() });
    }
    lines_part(engine, origin.to_owned(), Format::Stdin, "stdin_lines").map_err(broken)
}

fn lines_part(engine: &Engine, origin: String, format: Format, lines: &str) -> duckdb::Result<Part> {
    let sql = format!(
        "SELECT DISTINCT unnest(json_keys(line)) AS name FROM (FROM {lines} LIMIT 20000) \
         WHERE json_valid(line) AND json_type(line) = 'OBJECT' ORDER BY name"
    );
    let mut statement = engine.connection().prepare(&sql)?;
    let columns: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<duckdb::Result<_>>()?;
    let shape: Vec<String> = COLUMNS.iter().map(|column| format!("\"{}\":\"VARCHAR\"", column.name)).collect();
    let relation = format!(
        "(SELECT origin, CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN from_json(line, '{{{}}}') END AS event \
         FROM {lines} WHERE line IS NOT NULL)",
        shape.join(",")
    );
    Ok(Part { origin, format, relation, columns, native_time: false })
}

fn describe(engine: &Engine, sql: &str) -> duckdb::Result<Vec<(String, String)>> {
    let mut statement = engine.connection().prepare(sql)?;
    statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn file_list(group: &FileGroup) -> String {
    let files: Vec<String> = group.files.iter().map(|file| literal(&file.to_string_lossy())).collect();
    format!("[{}]", files.join(", "))
}

fn describe_files(group: &FileGroup) -> String {
    describe_paths(&group.files.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>())
}

fn describe_paths(files: &[&Path]) -> String {
    match files {
        [] => "standard input".to_owned(),
        [only] => only.display().to_string(),
        [first, rest @ ..] => format!("{} and {} more", first.display(), rest.len()),
    }
}

fn census(engine: &Engine, relations: &[(String, Part)], summary: &mut RejectSummary) -> Result<(), ObserveError> {
    let origin = relations.first().map_or_else(String::new, |(_, part)| part.origin.clone());
    let format = relations.first().map_or("text", |(_, part)| part.format.name());
    let mut counted = || -> duckdb::Result<()> {
        let mut statement = engine.connection().prepare(include_str!("../../queries/census.sql"))?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let count = row.get::<_, i64>(1)?.unsigned_abs();
            if let Some(reason) = row.get::<_, Option<String>>(0)? {
                *summary.rejected.entry(reason).or_default() += count;
            } else {
                summary.good = count;
                summary.span_us = row.get::<_, Option<i64>>(2)?.zip(row.get::<_, Option<i64>>(3)?);
            }
        }
        if relations.iter().any(|(_, part)| matches!(part.format, Format::Csv | Format::Ndjson)) {
            let mut statement = engine.connection().prepare(include_str!("../../queries/unsplit_lines.sql"))?;
            let mut found = statement.query([])?;
            while let Some(row) = found.next()? {
                *summary.rejected.entry(row.get(0)?).or_default() += row.get::<_, i64>(1)?.unsigned_abs();
            }
        }
        Ok(())
    };
    counted().map_err(|cause| ObserveError::reading(&origin, format, cause))?;
    if summary.good == 0 && summary.rejected.is_empty() {
        return Err(ObserveError::NoRows { origin });
    }
    Ok(())
}
