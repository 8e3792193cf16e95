//! `optimizer plan`: observe, orient, decide, show.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{Failure, files, no_color, progress::Progress, sink};
use crate::{
    decide::{self, Inputs},
    domain::{ModelTable, Plan, Policy},
    observe::{self, Downloads, Engine, LayoutChoice, ObserveError, Request, Stage},
    orient,
    report::{self, Screen},
};

/// The example data of this repository, used when nothing else is named.
const EXAMPLE_DATA: &str = "testdata";

/// Columns of a table that goes to a file or a pipe.
const PAGE_WIDTH: u16 = 100;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Show the plan and write nothing anywhere
    #[arg(long)]
    dry_run: bool,
    /// Request log: file, directory, quoted pattern, or `-` for NDJSON on standard input; may be repeated
    ///
    /// Parquet, CSV and NDJSON, the last two also as .gz or .zst. Request ids are unique within one `--from`.
    /// [default: testdata, where it exists]
    #[arg(long, value_name = "PATH", verbatim_doc_comment)]
    from: Vec<String>,
    /// How the source is laid out, where its columns do not tell; once for all, or once for each `--from`
    ///
    /// `optimizer inspect` shows what was recognised and why.
    #[arg(long, value_name = "NAME")]
    layout: Vec<String>,
    /// SQL file that maps a log of your own to the canonical columns; examples/mapping.sql explains
    #[arg(long, value_name = "FILE.sql", conflicts_with = "layout")]
    mapping: Option<PathBuf>,
    /// Scores given after the requests: a file, directory or pattern; the policy declares the scale of each
    #[arg(long, value_name = "PATH")]
    scores: Vec<String>,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// What counts as now: its figures are held against the policy's thresholds
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    window: SignedDuration,
    /// How far back evidence about models and configurations reaches [default: 24h, at least two windows]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lookback: Option<SignedDuration>,
    /// End of the window, RFC 3339 with a zone [default: the newest event]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Service of rows that name none
    #[arg(long, value_name = "NAME")]
    default_service: Option<String>,
    /// Print the whole reasoning about one service instead of the plan
    #[arg(long, value_name = "SERVICE", conflicts_with = "format")]
    explain: Option<String>,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = OutputFormat::Auto)]
    format: OutputFormat,
    /// Write every rejected row with its reason to this CSV file
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Most memory the scan may take, for example `2GB` [default: 80 % of the machine's]
    #[arg(long, value_name = "SIZE", env = "OPTIMIZER_MEMORY_LIMIT")]
    memory_limit: Option<String>,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long, exclusive = true)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
    /// GitHub-flavoured Markdown
    Markdown,
}

pub(super) fn run(arguments: &PlanArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::schema());
    }
    if !arguments.dry_run {
        return Err(Failure::usage(
            "`plan` without `--dry-run` would store its plan, and this version has no state store yet",
            "add `--dry-run`: it shows the same plan and writes nothing",
        ));
    }
    let from = sources(&arguments.from)?;
    let day = SignedDuration::from_hours(24);
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    let work = Work {
        policy: files::policy(arguments.policy.as_deref())?,
        models: files::models(arguments.models.as_deref())?,
        layouts: LayoutChoice::new(&arguments.layout, from.len(), arguments.mapping.as_deref())?,
        from,
        scores: arguments.scores.clone(),
        downloads: Arc::default(),
        window: arguments.window,
        lookback: arguments.lookback.unwrap_or(day.max(two_windows)),
        until: arguments.until,
        default_service: arguments.default_service.clone(),
        rejects: arguments.rejects.clone(),
    };
    let downloads = Arc::clone(&work.downloads);
    let plan = interruptible(work, arguments.memory_limit.as_deref());
    // However it went, and before anybody is told: the working thread may live until the process ends.
    downloads.remove();
    let plan = plan.map_err(|failure| failure.rewritten(|text| downloads.renamed(text)))?;
    sink::print(&rendered(&plan, arguments)?)
}

fn sources(from: &[String]) -> Result<Vec<String>, Failure> {
    if !from.is_empty() {
        return Ok(from.to_vec());
    }
    if Path::new(EXAMPLE_DATA).is_dir() {
        return Ok(vec![EXAMPLE_DATA.to_owned()]);
    }
    Err(Failure::usage(
        "no source given, and there is no `testdata` here",
        "name your request log with `--from`, for example `--from requests.parquet`",
    ))
}

/// Works on one thread while this one waits for Ctrl-C. A query is interrupted at once; a reader that waits for more input
/// cannot be, so the process ends around it: the caller puts away what a dry run holds.
fn interruptible(work: Work, memory_limit: Option<&str>) -> Result<Plan, Failure> {
    let engine = Engine::open(memory_limit)?;
    let handle = engine.interrupt_handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start: {error}"), "the system is out of threads or files"))?;
    let (done, finished) = tokio::sync::oneshot::channel();
    runtime.block_on(async {
        let stop = tokio::signal::ctrl_c();
        std::thread::spawn(move || {
            // Nobody listens any more after Ctrl-C, and then nobody needs the answer.
            let _ = done.send(work.observed(&engine));
        });
        tokio::select! {
            biased;
            result = finished => result.unwrap_or_else(|_| panic!("the working thread reports whatever happens")),
            _ = stop => {
                handle.interrupt();
                Err(Failure::from(ObserveError::Interrupted))
            }
        }
    })
}

/// Everything one plan is made from.
struct Work {
    from: Vec<String>,
    scores: Vec<String>,
    downloads: Arc<Downloads>,
    layouts: LayoutChoice,
    policy: Policy,
    models: ModelTable,
    window: SignedDuration,
    lookback: SignedDuration,
    until: Option<Timestamp>,
    default_service: Option<String>,
    rejects: Option<PathBuf>,
}

impl Work {
    fn observed(&self, engine: &Engine) -> Result<Plan, Failure> {
        let progress = Progress::start();
        progress.says("looking at the sources");
        let groups = observe::resolve(&self.from, &self.downloads)?;
        let scores = observe::resolve(&self.scores, &self.downloads)?;
        let request = Request {
            groups: &groups,
            layouts: &self.layouts,
            scores: &scores,
            policy: &self.policy,
            default_service: self.default_service.as_deref(),
            now: Timestamp::now(),
            window: self.window,
            lookback: self.lookback,
            until: self.until,
            prices: &self.models,
            rejects: self.rejects.as_deref(),
            downloads: &self.downloads,
        };
        let observation = observe::observe(engine, &request, &|stage| {
            progress.says(match stage {
                Stage::Reading => "reading",
                Stage::Deduplicating => "looking for duplicates",
                Stage::Reducing => "reducing to rollups",
                Stage::Merging => "merging rollups",
            });
        })?;
        let findings = orient::findings(&observation, &self.policy);
        Ok(decide::plan(&Inputs { observation: &observation, findings: &findings, policy: &self.policy }))
    }
}

fn rendered(plan: &Plan, arguments: &PlanArgs) -> Result<String, Failure> {
    if let Some(service) = &arguments.explain {
        return report::explain(plan, service, screen().width).ok_or_else(|| {
            let names: Vec<&str> = plan.services.iter().map(|summary| summary.service.as_str()).take(20).collect();
            Failure::usage(format!("no service `{service}` in this plan"), format!("it has {}", names.join(", ")))
        });
    }
    Ok(match arguments.format {
        OutputFormat::Json => report::json(plan),
        OutputFormat::Markdown => report::markdown(plan),
        OutputFormat::Table => report::table(plan, Screen { width: PAGE_WIDTH, color: false }),
        OutputFormat::Auto => report::table(plan, screen()) + &footer(arguments),
    })
}

fn footer(arguments: &PlanArgs) -> String {
    match &arguments.rejects {
        None => "\nDry run: nothing was written.\n".to_owned(),
        Some(path) => format!("\nDry run: nothing was written but {}.\n", path.display()),
    }
}

fn screen() -> Screen {
    let terminal = std::io::stdout().is_terminal();
    let width = terminal.then(terminal_size::terminal_size).flatten().map_or(PAGE_WIDTH, |(width, _)| width.0);
    Screen {
        width: width.clamp(40, PAGE_WIDTH),
        color: terminal && !no_color() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// `15m`, `1h30m`, `7d`; a bare number is refused, because nobody can tell seconds from minutes.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let mut total = SignedDuration::ZERO;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("empty; write for example `15m`, `1h30m` or `7d`".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let number: i64 = number
            .parse()
            .map_err(|_| format!("`{text}` is not a duration; write for example `15m`, `1h30m` or `7d`"))?;
        let letters = tail.len() - tail.trim_start_matches(|character: char| character.is_ascii_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        let seconds: i64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            "" => {
                return Err(format!(
                    "`{text}` lacks a unit; write `{number}s`, `{number}m`, `{number}h` or `{number}d`"
                ));
            }
            other => return Err(format!("unknown unit `{other}`; s, m, h, d and w are known")),
        };
        let part = number.checked_mul(seconds).map(SignedDuration::from_secs);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| format!("`{text}` is too long"))?;
        rest = tail;
    }
    if total > SignedDuration::ZERO { Ok(total) } else { Err("must be above zero".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("15m"), Ok(SignedDuration::from_mins(15)));
        assert_eq!(duration("1h30m"), Ok(SignedDuration::from_mins(90)));
        assert_eq!(duration("7d"), Ok(SignedDuration::from_hours(168)));
        for wrong in ["", "15", "m", "1.5h", "-1h", "0s", "5 parsecs", "99999999999999w"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
