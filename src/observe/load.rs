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
    integrity,
};
use crate::domain::{event::COLUMNS, format::visible};

/// Rows later than the clock by more than this are rejected: no request starts in the future.
const CLOCK_TOLERANCE_US: i64 = 300 * 1_000_000;

/// Longest line of text that is read; longer ones are rejects.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// What is read of a text file at a time; DuckDB's own choice, sixteen of the longest lines, would be a quarter of a gigabyte.
const BUFFER_BYTES: u64 = 2 * MAX_LINE_BYTES;

/// What DuckDB calls the column that names each row's file; no log has one of that name.
const FILE_COLUMN: &str = "__optimizer_file";

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
    let headers: u64 =
        request.groups.iter().filter(|group| group.format == Format::Csv).map(|group| group.files.len() as u64).sum();
    let lines = request.groups.iter().map(|group| group.lines).sum::<u64>().saturating_sub(headers);
    let union: Vec<String> = relations.iter().map(|(name, _)| format!("FROM {name}")).collect();
    engine.run("joining the sources", &format!("CREATE TEMP VIEW rows AS {}", union.join(" UNION ALL ")))?;
    census(engine, &relations, &mut summary)?;
    account_for_lines(engine, &relations, lines)?;
    summary.ignored_columns = ignored.iter().map(|name| visible(name)).collect();
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
            Format::Parquet | Format::Csv => {
                let _ = write!(sql, "{FILE_COLUMN} AS origin, NULL::VARCHAR AS malformed, ");
            }
            Format::Ndjson | Format::Stdin => {
                sql.push_str("origin, CASE WHEN event IS NULL THEN 'line: not a JSON object' END AS malformed, ");
            }
        }
        let has = |name: &str| self.columns.iter().any(|column| column == name);
        for column in COLUMNS.iter().map(|column| column.name) {
            let reference = match self.format {
                // Every line is asked for every column: one that first appears late in a file counts as well.
                Format::Ndjson | Format::Stdin => format!("event.{column}"),
                _ if !has(column) => "NULL::VARCHAR".to_owned(),
                Format::Parquet | Format::Csv => identifier(column),
            };
            if column == "ts" {
                let read = if self.native_time { "epoch_us" } else { "utc_us" };
                let missing = if self.native_time {
                    format!("{reference} IS NULL")
                } else {
                    format!("coalesce(trim({reference}), '') = ''")
                };
                let _ = write!(sql, "{read}({reference}) AS ts_us, {missing} AS ts_missing, ");
            }
            let _ = write!(sql, "{reference} AS {column}, ");
        }
        sql.truncate(sql.len() - 2);
        sql + " FROM " + &self.relation
    }
}

fn parts(engine: &Engine, group: &FileGroup, default_service: bool) -> Result<Vec<Part>, ObserveError> {
    let parts = match group.format {
        Format::Parquet => parquet(engine, group)?,
        Format::Csv => csv(group)?,
        Format::Ndjson => vec![ndjson(engine, group)?],
        Format::Stdin => vec![stdin(engine)?],
    };
    for part in &parts {
        columns::check(&part.origin, &part.columns, default_service)?;
    }
    Ok(parts)
}

/// Parquet files are grouped by the type of their time: a union of texts and timestamps would turn all into text.
fn parquet(engine: &Engine, group: &FileGroup) -> Result<Vec<Part>, ObserveError> {
    let mut by_time: BTreeMap<String, Vec<&Path>> = BTreeMap::new();
    for file in &group.files {
        let name = file.to_string_lossy();
        // Each footer is read alone, so that the message names the file that is broken.
        let sql = format!("DESCRIBE FROM read_parquet({})", path_literal(file));
        let columns = describe(engine, &sql).map_err(|cause| ObserveError::reading(&name, "Parquet", cause))?;
        let time = columns.into_iter().find(|(column, _)| column == "ts").map_or_else(String::new, |(_, kind)| kind);
        by_time.entry(time).or_default().push(file);
    }
    let mut parts = Vec::new();
    for (time, files) in by_time {
        let origin = describe_paths(&files);
        let native_time = time.starts_with("TIMESTAMP");
        if !(native_time || time.is_empty() || time == "VARCHAR") {
            return Err(ObserveError::TimeType { origin, found: time });
        }
        let relation = format!("read_parquet({}, union_by_name = true, filename = '{FILE_COLUMN}')", path_list(&files));
        let columns = describe(engine, &format!("DESCRIBE FROM {relation}"))
            .map_err(|cause| ObserveError::reading(&origin, "Parquet", cause))?;
        let columns = columns.into_iter().map(|(name, _)| name).filter(|name| name != FILE_COLUMN).collect();
        parts.push(Part { origin, format: group.format, relation, columns, native_time });
    }
    Ok(parts)
}

/// CSV files are grouped by header: DuckDB keeps the rows it cannot split only when all files share one.
fn csv(group: &FileGroup) -> Result<Vec<Part>, ObserveError> {
    let mut by_header: BTreeMap<(Vec<String>, char), Vec<&Path>> = BTreeMap::new();
    for file in &group.files {
        let line = integrity::first_line(file)?;
        // The delimiter that makes most columns of the header; a comma among equals.
        let candidates = [b'|', b'\t', b';', b','].map(|delimiter| (header(&line, delimiter), char::from(delimiter)));
        let header = candidates.into_iter().max_by_key(|(columns, _)| columns.len()).unwrap_or_default();
        by_header.entry(header).or_default().push(file);
    }
    let parts = by_header.into_iter().map(|((columns, delimiter), files)| {
        let types: Vec<String> = columns.iter().map(|name| format!("{}: 'VARCHAR'", literal(name))).collect();
        Part {
            origin: describe_paths(&files),
            format: Format::Csv,
            relation: format!(
                "read_csv({}, auto_detect = false, header = true, columns = {{{}}}, delim = {}, quote = '\"', escape = '\"', \
                 store_rejects = true, filename = '{FILE_COLUMN}', max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES})",
                path_list(&files),
                types.join(", "),
                literal(&delimiter.to_string())
            ),
            columns,
            native_time: false,
        }
    });
    Ok(parts.collect())
}

/// The column names of a header line; none when it cannot be split.
fn header(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(line);
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => record.iter().map(|name| name.trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// Lines are kept whole and parsed once into a struct of text: a line that is no JSON object is a reject, not the end.
fn ndjson(engine: &Engine, group: &FileGroup) -> Result<Part, ObserveError> {
    // The unit separator cannot stand unescaped in JSON, so no line is ever split at it.
    let lines = format!(
        "(SELECT line, {FILE_COLUMN} AS origin FROM read_csv({}, auto_detect = false, header = false, columns = {{'line': 'VARCHAR'}}, \
         delim = '\u{1f}', quote = '', escape = '', store_rejects = true, filename = '{FILE_COLUMN}', max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES}))",
        path_list(&paths(group))
    );
    let origin = describe_paths(&paths(group));
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
        if read as u64 == MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            // The rest of an endless line belongs to it and is dropped with it; what is kept is no JSON, so it is counted.
            skip_line(&mut input).map_err(unreadable)?;
            line.truncate(64);
        }
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

/// Passes over the rest of a line without keeping it.
fn skip_line(input: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = memchr::memchr(b'\n', buffer);
        let used = end.map_or(buffer.len(), |end| end + 1);
        let done = end.is_some() || buffer.is_empty();
        input.consume(used);
        if done {
            return Ok(());
        }
    }
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

/// A path as a SQL literal that means this file and no other: DuckDB takes every path for a pattern.
fn path_literal(path: &Path) -> String {
    let mut pattern = String::new();
    for character in path.to_string_lossy().chars() {
        if matches!(character, '*' | '?' | '[') {
            pattern.extend(['[', character, ']']);
        } else {
            pattern.push(character);
        }
    }
    literal(&pattern)
}

fn path_list(files: &[&Path]) -> String {
    let files: Vec<String> = files.iter().map(|file| path_literal(file)).collect();
    format!("[{}]", files.join(", "))
}

fn paths(group: &FileGroup) -> Vec<&Path> {
    group.files.iter().map(std::path::PathBuf::as_path).collect()
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
        engine.connection().execute_batch(include_str!("../../queries/reject_tables.sql"))?;
        let mut statement = engine.connection().prepare(include_str!("../../queries/unsplit_lines.sql"))?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            *summary.rejected.entry(row.get(0)?).or_default() += row.get::<_, i64>(1)?.unsigned_abs();
        }
        Ok(())
    };
    counted().map_err(|cause| ObserveError::reading(&origin, format, cause))?;
    if summary.good == 0 && summary.rejected.is_empty() {
        return Err(ObserveError::NoRows { origin });
    }
    Ok(())
}

/// A quote that is never closed swallows the lines after it, and DuckDB reports one bad value or none. So the lines of text
/// files must come to as many rows and rejects, unless the missing ones are breaks inside values that nobody reads.
fn account_for_lines(engine: &Engine, relations: &[(String, Part)], lines: u64) -> Result<(), ObserveError> {
    let text: Vec<&(String, Part)> =
        relations.iter().filter(|(_, part)| matches!(part.format, Format::Csv | Format::Ndjson)).collect();
    let Some((_, first)) = text.first() else { return Ok(()) };
    let union: Vec<String> = text.iter().map(|(name, _)| format!("FROM {name}")).collect();
    let counted = || -> duckdb::Result<(i64, i64, Option<i64>)> {
        let sql = format!(
            "WITH text_rows AS ({}) SELECT * FROM ({})",
            union.join(" UNION ALL "),
            include_str!("../../queries/swallowed_lines.sql").trim_end()
        );
        engine.connection().query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    };
    let (rows, suspects, line) = counted().map_err(|cause| ObserveError::engine("accounting for lines", cause))?;
    let rows = rows.unsigned_abs();
    if rows >= lines || suspects == 0 {
        return Ok(());
    }
    let place = line.map_or_else(String::new, |line| format!(", at or before line {line}"));
    Err(ObserveError::LinesSwallowed { origin: first.origin.clone(), lines, rows, place })
}
