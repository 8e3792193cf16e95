//! Tables of one shape: the files of a source that have the same columns, ready to be mapped by a layout.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, Read},
    path::Path,
};

use super::{
    Engine, FileGroup, Format, ObserveError,
    engine::{identifier, literal},
    integrity,
    layout::Layout,
    typed::Columns,
};
use crate::domain::event::COLUMNS;

/// Longest line of text that is read; longer ones are rejects.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// What is read of a text file at a time; DuckDB's own choice, sixteen of the longest lines, would be a quarter of a gigabyte.
const BUFFER_BYTES: u64 = 2 * MAX_LINE_BYTES;

/// What DuckDB calls the column that names each row's file; no log has one of that name.
const FILE_COLUMN: &str = "__optimizer_file";

/// Lines of an NDJSON file that are looked at to tell its columns.
const LOOKED_AT: u32 = 5_000;

/// A relation with columns of its own: one or more files that share them.
pub(super) struct Table {
    /// How messages call it.
    pub origin: String,
    pub format: Format,
    /// Position of the `--from` it came from.
    pub source: usize,
    /// `FROM` clause that yields its rows, or its lines.
    relation: String,
    /// Columns found, with their types.
    pub columns: Columns,
}

impl Table {
    /// A table of requests without any.
    pub(super) fn empty() -> Self {
        let columns: Vec<String> = COLUMNS.iter().map(|column| format!("NULL::VARCHAR AS {}", column.name)).collect();
        Self {
            origin: String::new(),
            format: Format::Parquet,
            source: 0,
            relation: format!("(SELECT NULL::VARCHAR AS {FILE_COLUMN}, {} WHERE false)", columns.join(", ")),
            columns: COLUMNS.iter().map(|column| (column.name.to_owned(), "VARCHAR".to_owned())).collect(),
        }
    }

    /// Rows that were copied out of a database, or from an engine.
    pub(super) fn copied(origin: String, format: Format, source: usize, name: &str, columns: Columns) -> Self {
        let relation = format!("(SELECT *, {} AS {FILE_COLUMN} FROM {})", literal(&origin), identifier(name));
        Self { origin, format, source, relation, columns }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Rows with every column the layout reads, NULL where there is none.
    pub(super) fn raw_select(&self, layout: &Layout) -> String {
        let found = self.names();
        let reads = layout.reads.as_ref().unwrap_or(&found);
        match self.format {
            Format::Parquet | Format::Csv | Format::Postgres | Format::Lake => {
                let mut sql =
                    format!("SELECT {FILE_COLUMN} AS origin, NULL::VARCHAR AS malformed, whole AS source_row");
                for name in reads {
                    let column = identifier(name);
                    let kind = self.columns.iter().find(|(found, _)| found == name).map(|(_, kind)| kind.as_str());
                    let _ = match kind {
                        None => write!(sql, ", NULL::VARCHAR AS {column}"),
                        // Nested values read the same from every format: as JSON text.
                        Some(kind) if kind.ends_with([')', ']']) && !kind.starts_with("DECIMAL") => {
                            write!(sql, ", CAST(to_json({column}) AS VARCHAR) AS {column}")
                        }
                        Some(_) => write!(sql, ", {column}"),
                    };
                }
                sql + " FROM " + &self.relation + " AS whole"
            }
            Format::Ndjson | Format::Stdin => {
                let shape: Vec<String> = reads
                    .iter()
                    .map(|name| format!("{}:\"VARCHAR\"", serde_json::Value::from(name.as_str())))
                    .collect();
                let columns: Vec<String> =
                    reads.iter().map(|name| format!("event.{0} AS {0}", identifier(name))).collect();
                format!(
                    "SELECT origin, line AS source_row, CASE WHEN event IS NULL THEN 'line: not a JSON object' END AS malformed, {} FROM \
                     (SELECT origin, line, CASE WHEN line LIKE '{{%' OR TRY(json_type(line)) = 'OBJECT' THEN TRY(from_json(line, {})) END AS event \
                     FROM {} WHERE line IS NOT NULL)",
                    columns.join(", "),
                    literal(&format!("{{{}}}", shape.join(","))),
                    self.relation
                )
            }
        }
    }
}

/// The tables of a group of files.
pub(super) fn tables(engine: &Engine, group: &FileGroup) -> Result<Vec<Table>, ObserveError> {
    match group.format {
        Format::Parquet => parquet(engine, group),
        Format::Csv => csv(group),
        Format::Ndjson => ndjson(engine, group),
        Format::Stdin => Ok(vec![stdin(engine, group)?]),
        Format::Postgres | Format::Lake => unreachable!("databases and engines are read by their own modules"),
    }
}

/// Parquet files are grouped by their columns: a union of texts and timestamps would turn all into text.
fn parquet(engine: &Engine, group: &FileGroup) -> Result<Vec<Table>, ObserveError> {
    let mut by_columns: BTreeMap<Columns, Vec<&Path>> = BTreeMap::new();
    for file in &group.files {
        let name = group.name_of(file);
        // Each footer is read alone, so that the message names the file that is broken.
        let sql = format!("DESCRIBE FROM read_parquet({})", path_literal(file));
        let columns = describe(engine, &sql).map_err(|cause| ObserveError::reading(&name, "Parquet", cause))?;
        by_columns.entry(columns).or_default().push(file);
    }
    let tables = by_columns.into_iter().map(|(columns, files)| Table {
        origin: describe_paths(group, &files),
        format: group.format,
        source: group.source,
        relation: format!("read_parquet({}, filename = '{FILE_COLUMN}')", path_list(&files)),
        columns,
    });
    Ok(tables.collect())
}

/// CSV files are grouped by header: DuckDB keeps the rows it cannot split only when all files share one.
fn csv(group: &FileGroup) -> Result<Vec<Table>, ObserveError> {
    let mut by_header: BTreeMap<(Vec<String>, char), Vec<&Path>> = BTreeMap::new();
    for file in &group.files {
        let line = integrity::first_line(file)?;
        // The delimiter that makes most columns of the header; a comma among equals.
        let candidates = [b'|', b'\t', b';', b','].map(|delimiter| (header(&line, delimiter), char::from(delimiter)));
        let header = candidates.into_iter().max_by_key(|(columns, _)| columns.len()).unwrap_or_default();
        by_header.entry(header).or_default().push(file);
    }
    let tables = by_header.into_iter().map(|((columns, delimiter), files)| {
        let types: Vec<String> = columns.iter().map(|name| format!("{}: 'VARCHAR'", literal(name))).collect();
        Table {
            origin: describe_paths(group, &files),
            format: Format::Csv,
            source: group.source,
            relation: format!(
                "read_csv({}, auto_detect = false, header = true, columns = {{{}}}, delim = {}, quote = '\"', escape = '\"', \
                 store_rejects = true, filename = '{FILE_COLUMN}', max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES})",
                path_list(&files),
                types.join(", "),
                literal(&delimiter.to_string())
            ),
            columns: columns.into_iter().map(|name| (name, "VARCHAR".to_owned())).collect(),
        }
    });
    Ok(tables.collect())
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

/// NDJSON files are grouped by their columns. Lines are kept whole and parsed once: a line that is no JSON object is a reject,
/// not the end.
fn ndjson(engine: &Engine, group: &FileGroup) -> Result<Vec<Table>, ObserveError> {
    let mut by_columns: BTreeMap<Vec<String>, Vec<&Path>> = BTreeMap::new();
    for file in &group.files {
        let columns = keys(engine, &lines(&[file]))
            .map_err(|cause| ObserveError::reading(&group.name_of(file), "NDJSON", cause))?;
        by_columns.entry(columns).or_default().push(file);
    }
    // A file of nothing but broken lines is counted with the others, where there are others.
    if by_columns.len() > 1
        && let Some(broken) = by_columns.remove(&Vec::new())
    {
        by_columns.values_mut().next().expect("there are others").extend(broken);
    }
    let tables = by_columns.into_iter().map(|(columns, files)| Table {
        origin: describe_paths(group, &files),
        format: group.format,
        source: group.source,
        relation: lines(&files),
        columns: columns.into_iter().map(|name| (name, "VARCHAR".to_owned())).collect(),
    });
    Ok(tables.collect())
}

/// A relation of whole lines.
fn lines(files: &[&Path]) -> String {
    // The unit separator cannot stand unescaped in JSON: a line that has one is put together again, and is no JSON. Strictness is for
    // quotes, of which there are none, and would refuse a log for a single stray carriage return. Nothing but a line that is missing
    // may be NULL, so that what stands for it is no line of any log.
    format!(
        "(SELECT CASE WHEN rest IS NULL THEN line ELSE line || chr(31) || rest END AS line, {FILE_COLUMN} AS origin \
         FROM read_csv({}, auto_detect = false, header = false, columns = {{'line': 'VARCHAR', 'rest': 'VARCHAR'}}, delim = '\u{1f}', \
         quote = '', escape = '', strict_mode = false, null_padding = true, nullstr = '\u{2}no line\u{3}', store_rejects = true, \
         filename = '{FILE_COLUMN}', max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES}))",
        path_list(files)
    )
}

/// The keys that the first lines have, in order.
fn keys(engine: &Engine, lines: &str) -> duckdb::Result<Vec<String>> {
    let sql = format!(
        "SELECT DISTINCT unnest(json_keys(line)) AS name FROM (FROM {lines} LIMIT {LOOKED_AT}) \
         WHERE json_valid(line) AND json_type(line) = 'OBJECT' ORDER BY name"
    );
    let mut statement = engine.connection().prepare(&sql)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn stdin(engine: &Engine, group: &FileGroup) -> Result<Table, ObserveError> {
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
    let columns = keys(engine, "stdin_lines").map_err(broken)?;
    Ok(Table {
        origin: origin.to_owned(),
        format: group.format,
        source: group.source,
        relation: "stdin_lines".to_owned(),
        columns: columns.into_iter().map(|name| (name, "VARCHAR".to_owned())).collect(),
    })
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

/// Columns and types of a query.
pub(super) fn describe(engine: &Engine, sql: &str) -> duckdb::Result<Columns> {
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

fn describe_paths(group: &FileGroup, files: &[&Path]) -> String {
    match files {
        [] => "standard input".to_owned(),
        [only] => group.name_of(only),
        [first, rest @ ..] => format!("{} and {} more", group.name_of(first), rest.len()),
    }
}
