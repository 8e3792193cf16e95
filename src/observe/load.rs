//! Opens every source and brings it into one relation `rows`: canonical, typed, each row good or with its reject reason.
//!
//! Parquet stays where it is: `rows` is a view over it and each query reads only the columns it needs. Text is read once
//! into memory, because parsing it again for every query would cost more than it holds.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Engine, FileGroup, Format, ObserveError, columns,
    engine::Value,
    layout::{Layout, LayoutChoice, Yields, built_in},
    tables::{Table, describe, tables},
    typed::{self, Columns},
};
use crate::domain::format::visible;

/// Rows later than the clock by more than this are rejected: no request starts in the future.
const CLOCK_TOLERANCE_US: i64 = 300 * 1_000_000;

/// How reject reasons of rows that are no requests begin; such rows are not bad.
const PASSED_OVER: &str = "passed over: ";

/// What to load.
#[derive(Debug)]
pub struct LoadRequest<'a> {
    pub groups: &'a [FileGroup],
    pub layouts: &'a LayoutChoice,
    /// Service of rows that do not name one.
    pub default_service: Option<&'a str>,
    /// The wall clock, to tell rows from the future.
    pub now: Timestamp,
}

/// What every row of every source came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectSummary {
    pub files: u64,
    /// Layouts found, by name.
    pub layouts: BTreeSet<String>,
    pub good: u64,
    pub rejected: BTreeMap<String, u64>,
    /// Rows that are no requests of a model, by what they are.
    pub passed_over: BTreeMap<String, u64>,
    /// Microseconds since 1970 of the oldest and newest good row.
    pub span_us: Option<(i64, i64)>,
    pub ignored_columns: Vec<String>,
}

impl RejectSummary {
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// Every row that was read and may be used.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.good + self.rejected_total()
    }

    /// One line a reason, most frequent first.
    pub(super) fn reasons(&self) -> String {
        let mut reasons: Vec<_> = self.rejected.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        reasons.iter().map(|(reason, count)| format!("  {count:>8}  {reason}")).collect::<Vec<_>>().join("\n")
    }
}

/// A relation of judged rows.
struct Loaded {
    name: String,
    origin: String,
    format: Format,
}

/// Creates `rows` and counts it.
pub(super) fn load(engine: &Engine, request: &LoadRequest<'_>) -> Result<RejectSummary, ObserveError> {
    engine.set("default_service", &request.default_service.map_or(Value::Null, Value::Text))?;
    engine.set("future_limit_us", &Value::Integer(request.now.as_microsecond().saturating_add(CLOCK_TOLERANCE_US)))?;
    let mut summary = RejectSummary::default();
    let mut ignored = BTreeSet::new();
    let mut loaded = Vec::new();
    for group in request.groups {
        summary.files += group.files.len().max(1) as u64;
        for table in tables(engine, group)? {
            let found = table.names();
            let mut layouts = request.layouts.of(&table.origin, table.source, &found)?;
            if layouts.is_empty() {
                // Nothing knows these columns: the message says how far they are from the canonical ones.
                columns::check(&table.origin, &found, request.default_service.is_some())?;
                layouts.extend(built_in("canonical"));
            }
            for layout in layouts.into_iter().filter(|layout| layout.yields == Yields::Requests) {
                ignored.extend(columns::ignored(&found, layout).cloned());
                summary.layouts.insert(layout.name.clone());
                let name = format!("rows_{}", loaded.len());
                requests(engine, &table, layout, &name, request.default_service.is_some())?;
                loaded.push(Loaded { name, origin: table.origin.clone(), format: table.format });
            }
        }
    }
    let headers: u64 =
        request.groups.iter().filter(|group| group.format == Format::Csv).map(|group| group.files.len() as u64).sum();
    let lines = request.groups.iter().filter(|group| group.format == Format::Csv).map(|group| group.lines).sum::<u64>();
    let union: Vec<String> = loaded.iter().map(|relation| format!("FROM {}", relation.name)).collect();
    engine.run("joining the sources", &format!("CREATE TEMP VIEW rows AS {}", union.join(" UNION ALL ")))?;
    census(engine, &loaded, &mut summary)?;
    account_for_lines(engine, &loaded, lines.saturating_sub(headers))?;
    summary.ignored_columns = ignored.iter().map(|name| visible(name)).collect();
    Ok(summary)
}

/// Maps, types and judges the requests of one table.
fn requests(
    engine: &Engine,
    table: &Table,
    layout: &Layout,
    name: &str,
    default_service: bool,
) -> Result<(), ObserveError> {
    let failed = |cause| ObserveError::mapping(&table.origin, layout, table.format.name(), cause);
    let mapping = format!("WITH raw AS ({}), mapped AS (\n{}\n)", table.raw_select(layout), layout.sql());
    let mapped = describe(engine, &format!("DESCRIBE {mapping} FROM mapped")).map_err(failed)?;
    check(table, layout, &mapped, default_service)?;
    // Parquet stays where it is; text is parsed once.
    let kind = if table.format == Format::Parquet { "VIEW" } else { "TABLE" };
    let sql = format!(
        "CREATE TEMP {kind} {name} AS {mapping}, typed AS ({}) SELECT {} FROM (\n{}\n)",
        typed::requests(table.source, &mapped),
        typed::finish(&mapped),
        include_str!("../../queries/judge.sql").trim_end()
    );
    engine.connection().execute_batch(&sql).map_err(failed)
}

/// A table that lacks what no request can do without is refused before it is read.
fn check(table: &Table, layout: &Layout, mapped: &Columns, default_service: bool) -> Result<(), ObserveError> {
    let names: Vec<String> = mapped.iter().map(|(name, _)| name.clone()).collect();
    let found = if layout.name == "canonical" { table.names() } else { names };
    columns::check(&table.origin, &found, default_service)?;
    let time = mapped.iter().find(|(name, _)| name == "ts").map_or("", |(_, kind)| kind);
    if typed::is_time(time) || time == "VARCHAR" {
        Ok(())
    } else {
        Err(ObserveError::TimeType { origin: table.origin.clone(), found: time.to_owned() })
    }
}

fn census(engine: &Engine, loaded: &[Loaded], summary: &mut RejectSummary) -> Result<(), ObserveError> {
    let origin = loaded.first().map_or_else(String::new, |relation| relation.origin.clone());
    let format = loaded.first().map_or("text", |relation| relation.format.name());
    let mut counted = || -> duckdb::Result<()> {
        let mut statement = engine.connection().prepare(include_str!("../../queries/census.sql"))?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let count = row.get::<_, i64>(1)?.unsigned_abs();
            if let Some(reason) = row.get::<_, Option<String>>(0)? {
                match reason.strip_prefix(PASSED_OVER) {
                    Some(what) => *summary.passed_over.entry(what.to_owned()).or_default() += count,
                    None => *summary.rejected.entry(reason).or_default() += count,
                }
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
fn account_for_lines(engine: &Engine, loaded: &[Loaded], lines: u64) -> Result<(), ObserveError> {
    let text: Vec<&Loaded> = loaded.iter().filter(|relation| relation.format == Format::Csv).collect();
    let Some(first) = text.first() else { return Ok(()) };
    let union: Vec<String> = text.iter().map(|relation| format!("FROM {}", relation.name)).collect();
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
