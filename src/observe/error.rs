//! What can be wrong with a source, each with its way out.

use std::{io, path::PathBuf};

#[cfg(feature = "spark")]
use super::lake::{LakeDoubt, LakeError};
use super::{layout::Layout, remote::RemoteError};
use crate::domain::{
    event::COLUMNS,
    fault::{Exit, Fixable},
};

#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    #[error("no such file or directory: `{}`", path.display())]
    Missing { path: PathBuf },
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("`{}` is empty", path.display())]
    Empty { path: PathBuf },
    #[error("no data file in directory `{}`", path.display())]
    EmptyDirectory { path: PathBuf },
    #[error("nothing matches `{pattern}`")]
    NoMatch { pattern: String },
    #[error("`{pattern}` is not a valid pattern")]
    BadPattern {
        pattern: String,
        #[source]
        cause: glob::PatternError,
    },
    #[error("cannot tell the format of `{}`", path.display())]
    UnknownFormat { path: PathBuf },
    #[error("`{}` is not {named} as its name says: {found}", path.display())]
    NotItsFormat { path: PathBuf, named: &'static str, found: String },
    #[error("`{}` is cut short or damaged", path.display())]
    CutShort {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("the source changed while it was read")]
    Changed,
    #[error("`{}` {how} while it was read", path.display())]
    FileChanged { path: PathBuf, how: &'static str },
    #[error("`{}` holds length-prefixed frames, as the file exporter of the OpenTelemetry Collector writes them", path.display())]
    CollectorFrames { path: PathBuf },
    #[error("`{}` holds JSON that runs over several lines", path.display())]
    SeveralLines { path: PathBuf },
    #[error("`{}` is named twice", path.display())]
    NamedTwice { path: PathBuf },
    #[error("`{origin}` has {lines} lines and {rows} rows: a quote that is never closed has swallowed lines{place}")]
    LinesSwallowed { origin: String, lines: u64, rows: u64, place: String },
    #[error("{collisions} request ids stand for different requests, for example {example}")]
    IdsCollide { collisions: u64, example: String },
    #[error("`{}` exists already", path.display())]
    RejectsExist { path: PathBuf },
    #[error("`{limit}` is not a memory limit")]
    MemoryLimit {
        limit: String,
        #[source]
        cause: duckdb::Error,
    },
    #[error("`ts` of `{origin}` has the type {found}")]
    TimeType { origin: String, found: String },
    #[error("`{origin}` cannot be read as {format}")]
    Broken {
        origin: String,
        format: &'static str,
        #[source]
        cause: duckdb::Error,
    },
    #[error("the lines of `{origin}` do not all end alike")]
    LineEnds { origin: String },
    #[error("`{origin}` lacks {}", list(missing))]
    ColumnsMissing { origin: String, missing: Vec<&'static str>, found: Vec<String> },
    #[error("`{origin}`: {question}")]
    LayoutUnclear { origin: String, question: String },
    #[error("no layout is called `{name}`")]
    LayoutUnknown { name: String, known: Vec<&'static str> },
    #[error("`{origin}` holds scores and no requests")]
    OnlyScores { origin: String },
    #[error("`{origin}` holds no scores in a known layout")]
    NoScores { origin: String, found: Vec<String> },
    #[error("none of the {rows} scores can be used\n{reasons}")]
    ScoresUseless { rows: u64, reasons: String },
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[cfg(feature = "spark")]
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[cfg(feature = "spark")]
    #[error(transparent)]
    Doubt(#[from] LakeDoubt),
    #[error("the address of the database cannot be read: {what}")]
    Address { what: String },
    #[error("the address of the database holds a password")]
    PasswordInAddress,
    #[error("{database} failed while {doing}")]
    Database {
        database: String,
        doing: &'static str,
        #[source]
        cause: Box<sqlx::Error>,
    },
    #[error("{database} has no table `{table}`")]
    NoSuchTable { database: String, table: String },
    #[error("{database} has no table in a known layout")]
    NoTable { database: String, tables: Vec<String> },
    #[error("{database} has several tables of requests: {}", tables.join(", "))]
    SeveralTables { database: String, tables: Vec<String> },
    #[error("the rows of a window cannot be found in {table}, read as {layout}: {what}")]
    NoTimeColumn { table: String, layout: String, what: String },
    #[error("no row of {table} lies between {start} and {end}; {newest}")]
    NoRowsInRange { table: String, start: String, end: String, newest: String },
    #[error("line {line} of `{}` is no rollup: {what}", path.display())]
    Rollups { path: PathBuf, line: usize, what: String },
    #[error("{table} cannot be reduced where it is")]
    NotReducible { table: String },
    #[error("{what}")]
    NotForAnEngine { what: String },
    #[error("{layouts} layouts for {sources} sources")]
    LayoutCount { layouts: usize, sources: usize },
    #[error("cannot read the mapping `{}`", path.display())]
    MappingUnreadable {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("the mapping `{path}` is wrong: {what}")]
    MappingBroken { path: String, what: String },
    #[error("`{origin}` cannot be mapped by {layout}")]
    Mapping {
        origin: String,
        layout: String,
        #[source]
        cause: duckdb::Error,
    },
    #[error("no usable row among {rows}\n{reasons}")]
    AllRejected { rows: u64, reasons: String },
    #[error(
        "{rejected} of {rows} rows were rejected ({percent:.1} %), more than the 10 % a decision may rest on\n{reasons}"
    )]
    TooManyRejected { rejected: u64, rows: u64, percent: f64, reasons: String },
    #[error("`{origin}` holds no rows")]
    NoRows { origin: String },
    #[error("no event between {start} and {end}; the events span {oldest} to {newest}")]
    NothingInWindow { start: String, end: String, oldest: String, newest: String },
    #[error("the source holds figures, and none that a threshold is written for")]
    NoMeasure,
    #[error("the window does not fit: {what}")]
    Window { what: String },
    #[error("cannot write rejected rows to `{}`", path.display())]
    Rejects {
        path: PathBuf,
        #[source]
        cause: duckdb::Error,
    },
    #[error("not enough memory to read the source")]
    OutOfMemory {
        #[source]
        cause: duckdb::Error,
    },
    #[error("stopped by Ctrl-C; nothing was changed")]
    Interrupted,
    #[error("DuckDB failed while {doing}")]
    Engine {
        doing: &'static str,
        #[source]
        cause: duckdb::Error,
    },
    #[error("Polars failed while merging rollups")]
    Frames {
        #[source]
        cause: polars::error::PolarsError,
    },
    #[error("two cells share the hash {0:#x}; their statistics cannot be told apart")]
    CellCollision(u64),
}

impl ObserveError {
    /// The way out where a database is to blame.
    fn database_hint(&self) -> Option<String> {
        Some(match self {
            Self::Address { .. } => "write `postgres://user@host:5432/database?table=schema.table`".into(),
            Self::PasswordInAddress => {
                "everybody on this machine can read a command line: put it in PGPASSWORD, or in a file named by PGPASSFILE".into()
            }
            Self::Database { cause, .. } => database(cause),
            Self::NoSuchTable { .. } => "check `table=` in the address; the schema may be needed, and the right to see it".into(),
            Self::NoTable { tables, .. } => no_table(tables),
            Self::SeveralTables { .. } => "say which with `?table=schema.table` at the end of the address".into(),
            Self::NoTimeColumn { .. } => {
                "name a column of the type timestamptz or timestamp as `-- Time: column` at the top of the mapping".into()
            }
            Self::NoRowsInRange { .. } => {
                "look at what writes the table, or name the end of the window with `--until`".into()
            }
            Self::NotForAnEngine { .. } => {
                "under `--engine`, `--from` names what the engine itself sees: `/folder/*.parquet`, `s3a://bucket/folder` or `catalog.table`; leave `--engine` out to read it here".into()
            }
            Self::NotReducible { .. } => {
                "leave `--pushdown always` out: the rows are copied then; docs/pushdown.md says what a database can reduce".into()
            }
            _ => return None,
        })
    }

    /// Wraps a failure of the engine, keeping apart what the user did (Ctrl-C) and what the machine lacks (memory).
    pub(super) fn engine(doing: &'static str, cause: duckdb::Error) -> Self {
        Self::known(cause).unwrap_or_else(|cause| Self::Engine { doing, cause })
    }

    /// The same for a failure while reading `origin`.
    pub(super) fn reading(origin: &str, format: &'static str, cause: duckdb::Error) -> Self {
        Self::known(cause).unwrap_or_else(|cause| {
            let origin = origin.to_owned();
            // What the engine says when CRLF and LF, or a lone CR, meet in one CSV.
            if cause.to_string().contains("state machine reached an invalid state") {
                return Self::LineEnds { origin };
            }
            Self::Broken { origin, format, cause }
        })
    }

    /// The same for a failure while a layout's SQL maps `origin`: a mapping the user wrote is the user's to mend.
    pub(super) fn mapping(origin: &str, layout: &Layout, format: &'static str, cause: duckdb::Error) -> Self {
        let text = cause.to_string();
        let faulty = ["Parser Error", "Binder Error", "Catalog Error", "Conversion Error"];
        if faulty.iter().any(|kind| text.contains(kind)) {
            return Self::Mapping { origin: origin.to_owned(), layout: layout.name.clone(), cause };
        }
        Self::reading(origin, format, cause)
    }

    fn known(cause: duckdb::Error) -> Result<Self, duckdb::Error> {
        let text = cause.to_string();
        if text.contains("INTERRUPT") || text.contains("Interrupted!") {
            Ok(Self::Interrupted)
        } else if text.contains("Out of Memory Error") {
            Ok(Self::OutOfMemory { cause })
        } else {
            Err(cause)
        }
    }
}

fn missing_columns(missing: &[&'static str], found: &[String]) -> String {
    if found.is_empty() {
        return "no line of it is a JSON object; one line is one request, and standard input must be NDJSON too"
            .to_owned();
    }
    let mut hint = "rename the columns in the export, name the layout with `--layout`, or write a few lines of SQL for `--mapping`\n".to_owned();
    for column in COLUMNS.iter().filter(|column| missing.contains(&column.name)) {
        let likely = super::columns::likely(column.name, found);
        let perhaps =
            if likely.is_empty() { String::new() } else { format!(" — perhaps `{}`?", likely.join("`, `")) };
        hint += &format!("           {}: {}{perhaps}\n", column.name, column.meaning);
    }
    if missing.contains(&"outcome") {
        hint += "           instead of outcome, status_code or error_type will do\n";
    }
    if missing.contains(&"service") {
        hint += "           `--default-service NAME` fills in a service\n";
    }
    hint + &format!("           found {}", found.join(", "))
}

fn no_table(tables: &[String]) -> String {
    let seen = if tables.is_empty() {
        "none at all".to_owned()
    } else {
        tables.iter().take(12).cloned().collect::<Vec<_>>().join(", ")
    };
    format!(
        "it shows {seen}; name one with `?table=` and its layout with `--layout`, or map it with `--mapping`; \
         a role sees only tables it was granted"
    )
}

/// What to do about a failure of a database, by its code.
fn database(cause: &sqlx::Error) -> String {
    let code = cause.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match (code.as_deref(), cause) {
        (Some("28P01" | "28000"), _) => {
            "check the user in the address, and the password in PGPASSWORD or the file named by PGPASSFILE".into()
        }
        (Some("3D000"), _) => "check the name of the database in the address".into(),
        (Some("42501"), _) => "grant the role SELECT on the table, and USAGE on its schema; nothing more is needed".into(),
        (Some("57014"), _) => {
            "raise `statement_timeout=` in the address (seconds), shorten `--lookback`, or index the column of time".into()
        }
        (Some("53300" | "57P03"), _) => "the server is busy or starting; try again in a moment".into(),
        (_, sqlx::Error::Tls(_)) => {
            "name the authority with `sslrootcert=FILE` in the address; `sslmode=require` encrypts without proof of who answers".into()
        }
        (_, sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut => {
            "the server does not answer: check host, port and firewall, or try again".into()
        }
        (_, sqlx::Error::Io(_)) => "check host and port in the address, and that the server runs; nothing was used of what was read".into(),
        _ => "nothing was used of what was read; try again, and look into the server's log if it happens again".into(),
    }
}

/// What to do about text that is written otherwise than its name promises.
fn form(error: &ObserveError) -> &'static str {
    match error {
        ObserveError::CollectorFrames { .. } => {
            "set `format: json` and leave `compression` out; a finished file may be packed with gzip or zstd"
        }
        ObserveError::SeveralLines { .. } => {
            "one line is one record: `jq -c . < pretty.json > lines.ndjson` writes it so, `jq -c '.[]'` takes a list apart"
        }
        ObserveError::LineEnds { .. } => {
            "end every line with LF, for example with `tr -d '\\r' < log.csv > mended.csv`; CRLF throughout is fine too"
        }
        _ => "rename the file to what it is, or export it again",
    }
}

fn list(columns: &[&str]) -> String {
    let noun = if columns.len() == 1 { "the required column" } else { "the required columns" };
    let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    format!("{noun} {}", names.join(", "))
}

impl Fixable for ObserveError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => "check the path given to `--from`".into(),
            Self::Unreadable { cause, .. } if cause.kind() == io::ErrorKind::NotFound => "check the path".into(),
            Self::Unreadable { cause, .. } if cause.kind() == io::ErrorKind::IsADirectory => {
                "name a file in it; this one is a directory".into()
            }
            Self::Unreadable { .. } => "check the file's permissions; only reading is needed".into(),
            Self::Empty { .. } => {
                "an export that wrote nothing is not an hour without traffic; check the job that made it".into()
            }
            Self::EmptyDirectory { .. } => {
                "data files end in .parquet, .csv, .ndjson or .jsonl, the last three also in .gz or .zst; \
                 subdirectories are not searched, a pattern such as `--from 'dir/**/*.parquet'` is"
                    .into()
            }
            Self::NoMatch { .. } => {
                "quote the pattern so that the shell leaves it alone, and check the path before the first `*`".into()
            }
            Self::BadPattern { .. } => {
                "`*` matches within a name, `**` across directories, `[a-z]` one character".into()
            }
            Self::UnknownFormat { .. } => {
                "name it .parquet, .csv, .ndjson or .jsonl, the last three optionally with .gz or .zst".into()
            }
            Self::NotItsFormat { .. }
            | Self::CollectorFrames { .. }
            | Self::SeveralLines { .. }
            | Self::LineEnds { .. } => form(self).into(),
            Self::Broken { .. } | Self::CutShort { .. } => {
                "the file may be cut short or still being written; export it again".into()
            }
            Self::ColumnsMissing { missing, found, .. } => missing_columns(missing, found),
            Self::OnlyScores { .. } => "name it with `--scores`, and the requests it judges with `--from`".into(),
            Self::NoScores { found, .. } => format!(
                "scores are known in the layouts {}; found {}",
                super::layout::names_of(super::Yields::Scores).join(", "),
                found.join(", ")
            ),
            Self::ScoresUseless { .. } => {
                "declare the scale of each score under `scores` in the policy: `rating: { worst: 1, best: 5 }`".into()
            }
            Self::Remote(error) => return error.hint(),
            #[cfg(feature = "spark")]
            Self::Lake(error) => return error.hint(),
            #[cfg(feature = "spark")]
            Self::Doubt(error) => return error.hint(),
            Self::Rollups { .. } => "`--stored` reads what `optimizer rollup --format ndjson` writes; name each file once".into(),
            Self::Address { .. } | Self::PasswordInAddress | Self::Database { .. } | Self::NoSuchTable { .. } | Self::NoTable { .. } | Self::SeveralTables { .. } | Self::NoTimeColumn { .. } | Self::NoRowsInRange { .. } | Self::NotReducible { .. } | Self::NotForAnEngine { .. } => return self.database_hint(),
            Self::LayoutUnclear { .. } => "say which with `--layout`".into(),
            Self::LayoutUnknown { known, .. } => format!("known are {}", known.join(", ")),
            Self::LayoutCount { .. } => {
                "give `--layout` once for all sources, or once for each `--from` in the same order".into()
            }
            Self::MappingUnreadable { .. } => "check the path given to `--mapping`".into(),
            Self::MappingBroken { .. } | Self::Mapping { .. } => {
                "a mapping is one SELECT over the relation `raw` that names canonical columns; examples/mapping.sql is one".into()
            }
            Self::AllRejected { .. } | Self::TooManyRejected { .. } => {
                "`--rejects FILE.csv` writes every rejected row with its reason; mend the export or the units".into()
            }
            Self::Changed | Self::FileChanged { .. } => "run again once the export has finished, or read a copy".into(),
            Self::NamedTwice { .. } => {
                "name each source once; the same file twice would count every request twice".into()
            }
            Self::LinesSwallowed { .. } => {
                "write a quote inside a quoted value twice; no value of the canonical layout holds a line break".into()
            }
            Self::IdsCollide { .. } => {
                "ids are unique within one `--from`: name each log with a `--from` of its own, or make the ids unique"
                    .into()
            }
            Self::RejectsExist { .. } => "name a file that does not exist yet; nothing is ever overwritten".into(),
            Self::MemoryLimit { .. } => "write for example `512MB` or `2GB`".into(),
            Self::TimeType { .. } => "write it as a timestamp type, or as text such as `2026-03-01T12:00:00Z`".into(),
            Self::NoRows { .. } => {
                "a header without rows is not an hour without traffic; check the job that made the file".into()
            }
            Self::NothingInWindow { .. } => {
                "leave out `--until` to end the window just after the newest event, or widen `--lookback`".into()
            }
            Self::NoMeasure => {
                "thresholds are for latency_ms (p95), error_rate, cost_usd (mean) and quality (mean); `optimizer inspect` shows what was read".into()
            }
            Self::Window { .. } => {
                "durations read like `15m`, `1h`, `7d`; the lookback must hold at least two windows".into()
            }
            Self::Rejects { .. } => "pass a path in a directory that exists, can be written and has room, ending in .csv".into(),
            Self::OutOfMemory { .. } => {
                "shorten `--lookback`, convert the source to Parquet, or raise `--memory-limit`".into()
            }
            Self::Interrupted => return None,
            Self::Engine { .. } | Self::Frames { .. } | Self::CellCollision(_) => {
                "this is a fault of the optimizer; please report it with the command and the first rows of the source"
                    .into()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Remote(error) => error.exit(),
            #[cfg(feature = "spark")]
            Self::Lake(error) => error.exit(),
            Self::BadPattern { .. }
            | Self::Window { .. }
            | Self::Rejects { .. }
            | Self::NamedTwice { .. }
            | Self::Address { .. }
            | Self::PasswordInAddress
            | Self::NotForAnEngine { .. }
            | Self::LayoutUnclear { .. }
            | Self::LayoutUnknown { .. }
            | Self::LayoutCount { .. }
            | Self::MappingUnreadable { .. }
            | Self::MappingBroken { .. }
            | Self::Mapping { .. }
            | Self::RejectsExist { .. }
            | Self::MemoryLimit { .. } => Exit::Usage,
            _ => Exit::Source,
        }
    }
}
