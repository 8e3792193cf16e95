//! What was typed, what it comes to, and how the process ends. Data goes to standard output, everything else to standard
//! error; a closed pipe is no failure.

mod acting;
mod analyze;
mod apply;
mod baseline;
mod baseline_kind;
mod completions;
mod configurations;
mod deeds;
mod doctor;
mod engine;
mod evaluate;
mod explain;
mod failure;
mod files;
mod gate;
mod governance;
mod halt;
mod history;
mod holder;
mod inspect;
mod logging;
mod operator;
mod past;
mod plan;
mod planning;
mod policy;
mod progress;
mod replay;
mod report;
mod rights;
mod rollback;
mod rollup;
mod run;
mod screen;
mod sink;
mod sink_args;
mod source;
mod state;
mod status;
mod stop;
mod store;
mod ticking;
mod times;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use failure::Failure;

use crate::domain::fault::Exit;

const EXAMPLES: &str = "\
Examples:
  optimizer plan --dry-run                              plan over testdata/ in this repository
  optimizer plan --dry-run --from 'logs/**/*.parquet'   over your own request log
  optimizer plan --dry-run --from 's3://bucket/logs/**/*.parquet'
  zcat day.ndjson.gz | optimizer plan --dry-run --from -
  optimizer plan --dry-run --explain helpdesk           the whole reasoning about one service
  optimizer plan --from 'logs/**/*.parquet'             the same, and keep it
  optimizer explain 9b21c0de                            why that was decided, from the store
  optimizer run --dry-run --from … --sink https://orch  what one tick would do in production
  optimizer status                                      what is under way; `status --explain SERVICE` says how sure
  optimizer stop --reason 'incident 812'                nothing is written any more, until `optimizer resume`
  optimizer doctor --from … --sink …                    is everything there that a run needs?
  optimizer state export backup.ndjson.gz               the whole store as a file; `state import` reads it back
  optimizer analyze --from 'logs/**/*.parquet'          what changed, since when, how sure, how bad
  optimizer gate --baseline main.parquet --candidate pr.parquet   did it get worse? for pipelines
  optimizer report --from 'logs/**/*.parquet' -o report.html   one page with plots, to forward
  optimizer evaluate --from routed.parquet              was another routing worth more? needs propensities
  optimizer inspect --from new.csv                      what is in this data?
  optimizer plan --dry-run --from postgres://reader@db/llm
  optimizer plan --dry-run --policy new.yaml --compare old.yaml
  optimizer policy check policies                       and `policy test FILE`: is this what it is meant to decide?

Exit codes: 0 fine; 1 a policy test or the store does not hold; 2 bad usage, policy or configuration; 3 a source
cannot be used; 4 the state store cannot be used; 5 a sink refused or failed; 6 whether a change arrived is not known;
75 another run acts; 124 out of time; 130 stopped by Ctrl-C, 143 by SIGTERM.";

/// Plans better LLM configurations from request metrics, with reasons, and takes them to production one safe step at a time.
#[derive(Debug, Parser)]
#[command(name = "optimizer", version, about, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    /// How warnings and errors are written to standard error; `OPTIMIZER_LOG` says how many
    #[arg(long, global = true, value_enum, value_name = "FORMAT", env = "OPTIMIZER_LOG_FORMAT", default_value_t = logging::LogFormat::Text)]
    log_format: logging::LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at a window of requests and say what should change, and why
    Plan(Box<plan::PlanArgs>),
    /// One whole tick: plan, and take one safe step with every change under way
    Run(Box<run::RunArgs>),
    /// Show what is under way, pauses and stops, and what the last runs did
    Status(Box<status::StatusArgs>),
    /// Show who did what, why, and what came of it
    History(deeds::HistoryArgs),
    /// Begin what a stored plan decided, if nothing has moved since
    Apply(Box<apply::ApplyArgs>),
    /// Bring a service back: what is under way, or the last configuration that is proven
    Rollback(Box<rollback::RollbackArgs>),
    /// Let nothing go forward, in a service or in all; harm is still taken back
    Pause(stop::PauseArgs),
    /// End a pause or a stop
    Resume(stop::ResumeArgs),
    /// Emergency: write nothing any more, and take back everything under way if wanted
    Stop(Box<stop::StopArgs>),
    /// Tell the reasoning behind a decision that was stored, by its id
    Explain(explain::ExplainArgs),
    /// Look at a source: its layout, what its rows know, what is wrong with them, what may fool an analysis
    Inspect(Box<inspect::InspectArgs>),
    /// Say what is going on: limits crossed, changes and since when, anomalies, drift, trends; decide nothing
    Analyze(Box<analyze::AnalyzeArgs>),
    /// Say what other routings would have been worth, from a log with the probabilities of the router's choices
    Evaluate(Box<evaluate::EvaluateArgs>),
    /// Hold a candidate against a baseline, and fail a pipeline where it got worse
    Gate(Box<gate::GateArgs>),
    /// Make one page to forward, with plots, of documents, a source or the state store
    Report(Box<report::ReportArgs>),
    /// Step through a log as if ticking, each tick with what it would have found and proposed
    Replay(Box<replay::ReplayArgs>),
    /// Remember what services did at a good time, and hold them against it later
    Baseline(baseline::BaselineArgs),
    /// Add requests up in tumbling windows, from a minute to a week
    Rollup(Box<rollup::RollupArgs>),
    /// Back up the state store, move it, look through it, and archive what is over
    State(store::StoreArgs),
    /// Look at everything a run needs, and say what to do about what is wrong; writes nothing
    Doctor(Box<doctor::DoctorArgs>),
    /// Who may do what with this store: show, grant and revoke roles
    Rights(rights::RightsArgs),
    /// Check policy files, test what they decide, or print their JSON Schema
    Policy(policy::PolicyArgs),
    /// Print a script that lets a shell complete commands and flags
    Completions(completions::CompletionsArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(unix)]
    if crate::lambda::wanted() {
        logging::start(logging::wanted());
        return ended(crate::lambda::serve().map_err(Failure::from));
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failure; clap prints each where it belongs.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { Exit::Fine as u8 });
        }
    };
    logging::start(cli.log_format);
    halt::listen();
    let done = match cli.command {
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::History(arguments) => deeds::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Rollback(arguments) => rollback::run(&arguments),
        Command::Pause(arguments) => stop::pause(&arguments),
        Command::Resume(arguments) => stop::resume(&arguments),
        Command::Stop(arguments) => stop::stop(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Analyze(arguments) => analyze::run(&arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Baseline(arguments) => baseline::run(&arguments),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Rollup(arguments) => rollup::run(&arguments),
        Command::State(arguments) => store::run(arguments),
        Command::Doctor(arguments) => doctor::run(*arguments),
        Command::Rights(arguments) => rights::run(arguments),
        Command::Policy(arguments) => policy::run(arguments),
        Command::Completions(arguments) => completions::run(&arguments),
    };
    ended(done)
}

fn ended(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            ExitCode::from(failure.exit() as u8)
        }
    }
}

/// Whether the words are a command line of this program, its name the first of them; else why not. Nothing is done.
pub fn takes<W: AsRef<std::ffi::OsStr>>(words: &[W]) -> Result<(), String> {
    match Cli::try_parse_from(words.iter().map(AsRef::as_ref)) {
        // Help and version.
        Err(error) if !error.use_stderr() => Ok(()),
        parsed => parsed.map(drop).map_err(|error| error.to_string()),
    }
}
