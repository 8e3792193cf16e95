//! What the rows of the sources came to, counted by why they are bad.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, FileGroup, Format, ObserveError, plain, postgres::Pushed};
use crate::domain::{
    format::{count, visible},
    inspection::TableFound,
    plan::{EngineRef, ScoresSummary, Windows},
};

/// How reject reasons of rows that are no requests begin; such rows are not bad.
pub(super) const PASSED_OVER: &str = "passed over: ";

/// Reasons that an error lists; JSON has all of them.
const SHOWN_REASONS: usize = 20;

/// Characters of a reason.
const LONGEST_REASON: usize = 120;

/// What every row of every source came to.
#[derive(Debug, Default)]
pub struct Census {
    pub files: u64,
    /// Layouts found, by name.
    pub layouts: BTreeSet<String>,
    /// What was found, table by table and layout by layout.
    pub tables: Vec<TableFound>,
    pub requests: Tally,
    /// None when no source holds scores.
    pub scores: Option<Tally>,
    /// None when no source holds metrics.
    pub metrics: Option<Tally>,
    pub ignored_columns: Vec<String>,
    /// Requests that databases have reduced; already among `requests`.
    pub(super) pushed: Vec<Pushed>,
    /// Engines that reduced requests.
    pub(super) engines: Vec<EngineRef>,
    /// By which windows engines have cut time; none where none has.
    pub(super) cut_by: Option<Windows>,
    /// Requests that were judged and folded as they were read; already among `requests` too.
    pub(super) plain: Option<plain::Plain>,
}

/// What the rows of one kind came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub good: u64,
    pub rejected: BTreeMap<String, u64>,
    /// Rows that are not what is looked for, by what they are.
    pub passed_over: BTreeMap<String, u64>,
    /// Microseconds since 1970 of the oldest and newest good row.
    pub span_us: Option<(i64, i64)>,
}

impl Tally {
    #[must_use]
    pub fn rejected_total(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// What the plan tells of them.
    pub(super) fn summary(&self) -> ScoresSummary {
        ScoresSummary {
            rows_read: self.rows(),
            rows_used: self.good,
            rejected: self.rejected.clone(),
            passed_over: self.passed_over.clone(),
        }
    }

    pub(super) fn absorb(&mut self, other: &Self) {
        self.good += other.good;
        for (reason, rows) in &other.rejected {
            *self.rejected.entry(reason.clone()).or_default() += rows;
        }
        for (what, rows) in &other.passed_over {
            *self.passed_over.entry(what.clone()).or_default() += rows;
        }
        let spans = [self.span_us, other.span_us].into_iter().flatten();
        self.span_us = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    }

    /// Every row that was read and not passed over.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.good + self.rejected_total()
    }

    /// One line a reason, most frequent first.
    pub(super) fn reasons(&self) -> String {
        let rejected = self.rejected.iter().map(|(reason, count)| (reason.clone(), *count));
        let passed_over = self.passed_over.iter().map(|(what, count)| (format!("{PASSED_OVER}{what}"), *count));
        let mut reasons: Vec<_> = rejected.chain(passed_over).collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut lines: Vec<_> = reasons.iter().map(|(reason, count)| format!("  {count:>8}  {reason}")).collect();
        if lines.len() > SHOWN_REASONS {
            let more = lines.len() - SHOWN_REASONS;
            lines.truncate(SHOWN_REASONS);
            lines.push(format!("{:>10}  more reasons", count(more as u64)));
        }
        lines.join("\n")
    }
}

/// A relation of judged rows.
pub(super) struct Loaded {
    pub name: String,
    pub origin: String,
    pub format: Format,
}

/// A reason may quote what stands in the source, which may be anything.
pub(super) fn shown(reason: &str) -> String {
    let mut text = visible(reason);
    if let Some((end, _)) = text.char_indices().nth(LONGEST_REASON) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What the rows of a relation that stands for all of `loaded` came to.
pub(super) fn tally(engine: &Engine, relation: &str, loaded: &[Loaded]) -> Result<Tally, ObserveError> {
    let (origin, format) = loaded.first().map_or(("", "text"), |first| (&*first.origin, first.format.name()));
    let census = include_str!("../../queries/census.sql").replace("FROM rows", &format!("FROM {relation}"));
    let count = || -> duckdb::Result<Tally> {
        let mut tally = Tally::default();
        let mut statement = engine.connection().prepare(&census)?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let count = row.get::<_, i64>(1)?.unsigned_abs();
            if let Some(reason) = row.get::<_, Option<String>>(0)? {
                let reason = shown(&reason);
                match reason.strip_prefix(PASSED_OVER) {
                    Some(what) => *tally.passed_over.entry(what.to_owned()).or_default() += count,
                    None => *tally.rejected.entry(reason).or_default() += count,
                }
            } else {
                tally.good = count;
                tally.span_us = row.get::<_, Option<i64>>(2)?.zip(row.get::<_, Option<i64>>(3)?);
            }
        }
        Ok(tally)
    };
    count().map_err(|cause| ObserveError::reading(origin, format, cause))
}

/// Rows by why they are bad.
pub(super) type Reasons = BTreeMap<String, u64>;

/// Lines of text that could not even be split into columns, by reason: those of files that were named for their scores, and all
/// others.
pub(super) fn unsplit_lines(engine: &Engine, scores: &[FileGroup]) -> Result<(Reasons, Reasons), ObserveError> {
    let read = || -> duckdb::Result<Vec<(String, String, i64)>> {
        engine.connection().execute_batch(include_str!("../../queries/reject_tables.sql"))?;
        let mut statement = engine.connection().prepare(include_str!("../../queries/unsplit_lines.sql"))?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    };
    let named: BTreeSet<_> = scores.iter().flat_map(|group| &group.files).map(|file| file.to_string_lossy()).collect();
    let (mut of_scores, mut others) = (Reasons::new(), Reasons::new());
    for (file, reason, count) in read().map_err(|cause| ObserveError::engine("counting lines", cause))? {
        let reasons = if named.contains(file.as_str()) { &mut of_scores } else { &mut others };
        *reasons.entry(reason).or_default() += count.unsigned_abs();
    }
    Ok((of_scores, others))
}

/// Adds rejects to others.
pub(super) fn add(rejected: &mut Reasons, more: Reasons) {
    for (reason, count) in more {
        *rejected.entry(reason).or_default() += count;
    }
}

/// A quote that is never closed swallows the lines after it, and DuckDB reports one bad value or none. So the lines of text
/// files must come to as many rows and rejects, unless the missing ones are breaks inside values that nobody reads.
pub(super) fn account_for_lines(engine: &Engine, groups: &[FileGroup], loaded: &[Loaded]) -> Result<(), ObserveError> {
    let csv = groups.iter().filter(|group| group.format == Format::Csv);
    let lines: u64 = csv.map(|group| group.lines.saturating_sub(group.files.len() as u64)).sum();
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
