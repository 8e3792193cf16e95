//! `optimizer plan`: observe, orient, decide, show.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, files,
    progress::Progress,
    screen::{plain, screen},
    sink,
    source::{Named, SourceArgs, interruptible},
};
use crate::{
    decide::{self, Inputs},
    domain::{ModelTable, Plan, Policy},
    observe::{self, Downloads, Engine, LoadRequest, Place, Request, Stage},
    orient, report,
};

pub(super) use crate::domain::duration::read as duration;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Show the plan and write nothing anywhere
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    source: SourceArgs,
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
    /// Where rows of a database are reduced to rollups: there, here, or wherever it pays
    #[arg(long, value_enum, default_value_t = Pushdown::Auto)]
    pushdown: Pushdown,
    /// Print the whole reasoning about one service instead of the plan
    #[arg(long, value_name = "SERVICE", conflicts_with = "format")]
    explain: Option<String>,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = OutputFormat::Auto)]
    format: OutputFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long, exclusive = true)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pushdown {
    /// In the database where that pays: many rows, and no scores to join; docs/pushdown.md has the figures
    Auto,
    /// In the database, or not at all
    Always,
    /// Here: the rows are copied
    Never,
}

impl From<Pushdown> for Place {
    fn from(pushdown: Pushdown) -> Self {
        match pushdown {
            Pushdown::Auto => Self::Auto,
            Pushdown::Always => Self::Database,
            Pushdown::Never => Self::Here,
        }
    }
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
    let day = SignedDuration::from_hours(24);
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    let work = Work {
        policy: files::policy(arguments.policy.as_deref())?,
        models: files::models(arguments.models.as_deref())?,
        named: arguments.source.named()?,
        window: arguments.window,
        lookback: arguments.lookback.unwrap_or(day.max(two_windows)),
        until: arguments.until,
        pushdown: arguments.pushdown,
    };
    let plan =
        interruptible(arguments.source.memory_limit(), move |engine, downloads| work.observed(engine, downloads))?;
    sink::print(&rendered(&plan, arguments)?)
}

/// Everything one plan is made from.
struct Work {
    named: Named,
    policy: Policy,
    models: ModelTable,
    window: SignedDuration,
    lookback: SignedDuration,
    until: Option<Timestamp>,
    pushdown: Pushdown,
}

impl Work {
    fn observed(&self, engine: &Engine, downloads: &Downloads) -> Result<Plan, Failure> {
        let progress = Progress::start();
        progress.says("looking at the sources");
        let sources = self.named.find(downloads)?;
        // Rejected rows are written from here, so they have to come here.
        let place = if sources.rejects().is_some() && self.pushdown == Pushdown::Auto {
            Pushdown::Never
        } else {
            self.pushdown
        };
        if sources.rejects().is_some() && place == Pushdown::Always {
            return Err(Failure::usage(
                "`--rejects` needs the rows, and `--pushdown always` leaves them in the database",
                "leave one of the two out",
            ));
        }
        let pushdown = Some((Place::from(place), &self.models));
        let request = Request {
            load: LoadRequest { pushdown, ..sources.load(&self.policy, Timestamp::now()) },
            window: self.window,
            lookback: self.lookback,
            until: self.until,
            prices: &self.models,
            rejects: sources.rejects(),
        };
        let observation = observe::observe(engine, &request, &|stage| {
            progress.says(match stage {
                Stage::Reading => "reading",
                Stage::Deduplicating => "looking for duplicates",
                Stage::Reducing => "reducing to rollups",
                Stage::Merging => "merging rollups",
            });
        })?;
        let findings = orient::findings(&observation, None, &self.policy).findings;
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
        OutputFormat::Table => report::table(plan, plain()),
        OutputFormat::Auto => report::table(plan, screen()) + &footer(arguments),
    })
}

fn footer(arguments: &PlanArgs) -> String {
    match arguments.source.rejects() {
        None => "\nDry run: nothing was written.\n".to_owned(),
        Some(path) => format!("\nDry run: nothing was written but {}.\n", path.display()),
    }
}
