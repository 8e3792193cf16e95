//! `optimizer plan`: observe, orient, decide, show.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure, configurations, files,
    governance::GovernanceArgs,
    planning::{Pushdown, Work},
    rights,
    screen::{plain, screen},
    sink,
    source::{SourceArgs, interruptible},
    state::StateArgs,
    times::Times,
};
use crate::{
    decide::{self, Planned},
    domain::{Plan, policy_comparison::PolicyComparison, rights::Permission},
    report,
    state::Open,
};

pub(super) use crate::domain::duration::read as duration;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Show the plan and write nothing anywhere; what former plans left behind is read, where there is a store
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    state: StateArgs,
    #[command(flatten)]
    source: SourceArgs,
    /// Policy file [default: policies/balanced.yaml, else the built-in balanced profile]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_POLICY")]
    policy: Option<PathBuf>,
    /// Another policy file: show where it would decide otherwise on the same data; nothing is stored
    #[arg(long, value_name = "FILE", conflicts_with = "explain")]
    compare: Option<PathBuf>,
    /// Price table [default: policies/models.yaml, else the built-in one]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_MODELS")]
    models: Option<PathBuf>,
    /// What services are configured to do: YAML or JSON, one entry a version, the one in force last [default: unknown]
    #[arg(long, value_name = "FILE", env = "OPTIMIZER_CONFIGURATIONS")]
    configurations: Option<PathBuf>,
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
    #[command(flatten)]
    governance: GovernanceArgs,
    /// Print the whole reasoning about one service instead of the plan
    #[arg(long, value_name = "SERVICE")]
    explain: Option<String>,
    /// How to print the plan
    #[arg(long, value_enum, default_value_t = OutputFormat::Auto)]
    format: OutputFormat,
    /// Print the JSON Schema of `--format json` and stop: of a plan, or of the `comparison` of two policies
    #[arg(long, value_name = "OF", value_enum, num_args = 0..=1, default_missing_value = "plan")]
    schema: Option<SchemaOf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SchemaOf {
    Plan,
    Comparison,
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
    match arguments.schema {
        Some(SchemaOf::Plan) => return sink::print(&report::schema()),
        Some(SchemaOf::Comparison) => return sink::print(&report::policies_schema()),
        None => {}
    }
    let day = SignedDuration::from_hours(24);
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    let policy = files::policy(arguments.policy.as_deref())?;
    let compare = arguments.compare.as_deref().map(files::read_policy).transpose()?;
    if compare.as_ref().is_some_and(|other| other.scores != policy.scores) {
        return Err(Failure::usage(
            "the two policies read scores differently, so they would not decide on the same data",
            "give both the same `scores`",
        ));
    }
    let keeps = !arguments.dry_run && compare.is_none();
    if keeps {
        let mut store = arguments.state.open(Open::Create)?;
        rights::allow(&mut store, Permission::TriggerOptimization, "plan")?;
    }
    // The store comes before the data: nobody wants to read a month of it to learn that the disk is full.
    let known = if keeps { arguments.state.remembered()? } else { arguments.state.remembered_as_it_is()? };
    let work = Work {
        policy,
        compare,
        models: files::models(arguments.models.as_deref())?,
        configurations: configurations::read(arguments.configurations.as_deref())?,
        named: arguments.source.named()?,
        window: arguments.window,
        lookback: arguments.lookback.unwrap_or(day.max(two_windows)),
        until: arguments.until,
        now: Timestamp::now(),
        pushdown: arguments.pushdown,
        remembered: known.remembered.clone(),
        governance: arguments.governance.service()?,
        times: Times::default(),
    };
    let (Planned { plan, memory }, other) =
        interruptible(arguments.source.memory_limit(), move |engine, downloads| work.planned(engine, downloads))?;
    if let Some(other) = other {
        return sink::print(&compared(&decide::compare(&plan, &other.plan), arguments.format));
    }
    let text = rendered(&plan, arguments)?;
    if keeps {
        let services = plan.services.iter().map(|summary| summary.service.as_str());
        let next = known.remembered.clone().after(plan.windows.window.end(), services, &memory);
        arguments.state.keep(&plan, &known, &next)?;
    }
    sink::print(&text)
}

fn rendered(plan: &Plan, arguments: &PlanArgs) -> Result<String, Failure> {
    if let Some(service) = &arguments.explain {
        let explained = match arguments.format {
            OutputFormat::Json => report::only(plan, service).map(|plan| report::json(&plan)),
            _ => report::explain(plan, service, screen().width),
        };
        return explained.ok_or_else(|| {
            let names: Vec<&str> = plan.services.iter().map(|summary| summary.service.as_str()).take(20).collect();
            Failure::usage(format!("no service `{service}` in this plan"), format!("it has {}", names.join(", ")))
        });
    }
    Ok(match arguments.format {
        OutputFormat::Json => report::json(plan),
        OutputFormat::Markdown => report::markdown(plan),
        OutputFormat::Table => report::table(plan, plain()),
        OutputFormat::Auto => report::table(plan, screen()) + &footer(arguments)?,
    })
}

fn compared(comparison: &PolicyComparison, format: OutputFormat) -> String {
    match format {
        OutputFormat::Json => report::policies_json(comparison),
        OutputFormat::Markdown => report::policies_markdown(comparison),
        OutputFormat::Table => report::policies(comparison, plain()),
        OutputFormat::Auto => report::policies(comparison, screen()) + "\nCompared only: nothing was stored.\n",
    }
}

fn footer(arguments: &PlanArgs) -> Result<String, Failure> {
    let rejects = arguments.source.rejects().map(|path| path.display().to_string());
    Ok(match (arguments.dry_run, rejects) {
        (true, None) => "\nDry run: nothing was written.\n".to_owned(),
        (true, Some(path)) => format!("\nDry run: nothing was written but {path}.\n"),
        (false, _) => format!("\nStored in {}; nothing was changed.\n", arguments.state.shown()?),
    })
}
