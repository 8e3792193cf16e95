//! `optimizer analyze`: what is going on, without deciding anything.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use super::{
    Failure,
    baseline::BaselineChoice,
    history::{HistoryArgs, evidence},
    plan::duration,
    screen::{plain, screen},
    sink,
    ticking::{Look, Moment, step},
};
use crate::{
    decide::policy_ref,
    domain::{
        Grain, Policy,
        alert::Alerts,
        analysis::{Analysis, LookedAt, SCHEMA_VERSION},
        format::counted,
    },
    observe::{self, Record},
    orient::{self, Watch},
    report::{self, Screen},
    stats::History,
};

const EXAMPLES: &str = "\
Examples:
  optimizer analyze --from 'logs/**/*.parquet'                     what changed, since when, how sure, how bad
  optimizer analyze --from postgres://reader@db/llm --lookback 14d two weeks tell a weekly pattern from a change
  optimizer analyze --from day.csv --every 1m --window 15m         finer, for traffic of many requests a minute
  optimizer analyze --from day.csv --format ndjson | jq .summary   one finding a line";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct AnalyzeArgs {
    #[command(flatten)]
    history: HistoryArgs,
    /// How far back the figures are followed; a daily pattern needs three days, a weekly one two weeks
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    lookback: SignedDuration,
    /// Length of the slots in which figures are followed: 1m, 5m, 15m or 1h
    #[arg(long, value_name = "LENGTH", default_value = "15m", value_parser = slot)]
    every: Grain,
    #[command(flatten)]
    baseline: BaselineChoice,
    /// Alerts of Sentinel as NDJSON; those of the window become findings; may be repeated
    #[arg(long, value_name = "FILE")]
    alerts: Vec<PathBuf>,
    /// Show where each figure is going too: in a quarter of an hour, an hour and a day, with 90 % intervals
    #[arg(long)]
    forecast: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = AnalyzeFormat::Auto)]
    format: AnalyzeFormat,
    /// Print the JSON Schema of `--format json` and stop
    #[arg(long)]
    schema: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AnalyzeFormat {
    /// A table fitted to the terminal, or to 100 columns where there is none
    Auto,
    /// A plain table of 100 columns
    Table,
    /// Versioned JSON; `--schema` describes it
    Json,
    /// One finding a line, each as in the JSON
    Ndjson,
    /// GitHub-flavoured Markdown
    Markdown,
}

/// Longer slots than an hour would be longer than a window.
pub(super) fn slot(text: &str) -> Result<Grain, String> {
    let grain: Grain = text.parse()?;
    if grain > Grain::Hour { Err(format!("`{text}` is too long for a slot: 1m, 5m, 15m or 1h")) } else { Ok(grain) }
}

pub(super) fn run(arguments: &AnalyzeArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::analysis_schema());
    }
    arguments.history.whole_slots(arguments.every)?;
    let baseline = arguments.baseline.read()?;
    let reading = arguments.history.reading()?;
    let (record, policy, _) = arguments.history.record(reading, arguments.lookback, arguments.every)?;
    let alerts = observe::alerts(&arguments.alerts)?;
    warn_of_rejected(&alerts);
    let mut analysis = analysis(&record, &policy, arguments.history.window, &alerts)?;
    if let Some(baseline) = &baseline {
        analysis.findings.extend(baseline.against(&record, arguments.history.window, &policy)?);
    }
    orient::sort(&mut analysis.findings);
    sink::print(&match arguments.format {
        AnalyzeFormat::Auto => text(&analysis, arguments.forecast, screen()),
        AnalyzeFormat::Table => text(&analysis, arguments.forecast, plain()),
        AnalyzeFormat::Json => report::analysis_json(&analysis),
        AnalyzeFormat::Ndjson => report::findings_ndjson(&analysis.findings),
        AnalyzeFormat::Markdown => report::analysis_markdown(&analysis),
    })
}

fn text(analysis: &Analysis, forecast: bool, screen: Screen) -> String {
    let outlooks = if forecast { report::outlooks(&analysis.outlooks, screen) } else { String::new() };
    report::analysis(analysis, screen) + &outlooks
}

/// Lines that are no alerts are no reason to stop, and none to be silent about.
fn warn_of_rejected(alerts: &Alerts) {
    let lines: u64 = alerts.rejected.values().sum();
    if lines > 0 {
        let reasons: Vec<String> = alerts.rejected.iter().map(|(reason, lines)| format!("{lines} {reason}")).collect();
        tracing::warn!("{} of the alerts left out: {}", counted(lines, "line"), reasons.join("; "));
    }
}

/// Remembers slot after slot, as ticks would have, and looks at the end of it.
pub(super) fn analysis(
    record: &Record,
    policy: &Policy,
    window: SignedDuration,
    alerts: &Alerts,
) -> Result<Analysis, Failure> {
    let slots = record.slots();
    let end = slots.last().map_or(record.asked().end(), |slot| record.end_of(*slot));
    let first_of_window = (end - window).as_second() / 60;
    let mut history = History::new(record.grain().minutes() * 60);
    let (mut watch, mut sudden) = (Watch::default(), Vec::new());
    for slot in slots {
        let look = if slot >= first_of_window { Look::Judge } else { Look::Learn };
        sudden.extend(step(Moment::of(record, slot), look, &mut history, &mut watch, policy));
    }
    let observation = record.observation(end, window, evidence(window))?;
    let oriented = orient::findings(&observation, Some(&history), policy);
    let mut findings = oriented.findings;
    findings.extend(sudden);
    let alerts_later = orient::alerts_later(alerts, &observation.windows.window);
    let looked_at = LookedAt { alerts_later, ..oriented.looked_at };
    findings.extend(orient::alerts(alerts, &observation.windows.window, policy));
    orient::sort(&mut findings);
    Ok(Analysis {
        schema_version: SCHEMA_VERSION.into(),
        policy: policy_ref(policy),
        windows: observation.windows,
        slot_minutes: record.grain().minutes(),
        source: observation.source,
        looked_at,
        findings,
        outlooks: orient::outlooks(&history, end.as_second()),
    })
}
