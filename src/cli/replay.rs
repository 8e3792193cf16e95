//! `optimizer replay`: history as if the optimizer had been running then.

use std::collections::BTreeMap;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure,
    analyze::slot,
    history::{HistoryArgs, evidence},
    plan::duration,
    sink,
    ticking::{Look, Moment, step},
};
use crate::{
    decide::{self, Inputs},
    domain::{
        Grain, Memory, ModelTable, Policy,
        analysis::{TICK_SCHEMA_VERSION, Tick},
    },
    observe::Record,
    orient::{self, Watch},
    report,
    stats::{History, history::KEPT_SECONDS},
};

const EXAMPLES: &str = "\
Examples:
  optimizer replay --from 'march/*.parquet' --every 15m            a tick each quarter of an hour, one line each
  optimizer replay --from day.csv --every 5m --span 2d --quiet     only ticks that have something to say
  optimizer replay --from day.csv | jq -r '.at as $at | .findings[] | [$at, .severity, .summary] | @tsv'

Rows are those of the whole log: what arrived late then is there in time now. Nothing is applied.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    history: HistoryArgs,
    /// Time from tick to tick: 1m, 5m, 15m or 1h
    #[arg(long, value_name = "LENGTH", default_value = "15m", value_parser = slot)]
    every: Grain,
    /// How much of the log is told, back from its end; what lies before is remembered, as it would be [default: all of it]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    span: Option<SignedDuration>,
    /// Leave out ticks without findings and decisions
    #[arg(long)]
    quiet: bool,
    /// Print the JSON Schema of a line and stop
    #[arg(long)]
    schema: bool,
}

/// Longer than any log.
const ALL: SignedDuration = SignedDuration::from_hours(24 * 366 * 20);

pub(super) fn run(arguments: &ReplayArgs) -> Result<(), Failure> {
    if arguments.schema {
        return sink::print(&report::tick_schema());
    }
    arguments.history.whole_slots(arguments.every)?;
    let reading = arguments.history.reading()?;
    // What is remembered at the first tick that is told reaches two weeks back, and its evidence a day.
    let remembered = SignedDuration::from_secs(KEPT_SECONDS) + evidence(arguments.history.window);
    let read = arguments.span.map_or(ALL, |span| span.saturating_add(remembered).min(ALL));
    let (record, policy, models) = arguments.history.record(reading, read, arguments.every)?;
    if record.slots().is_empty() {
        return Err(Failure::usage(
            "there is nothing to step through: the source holds figures that somebody else computed, and no requests",
            "`optimizer analyze` and `optimizer plan` hold such figures against the limits of the policy",
        ));
    }
    let end = record.slots().last().map(|slot| record.end_of(*slot));
    let told_after = arguments.span.zip(end).and_then(|(span, end)| end.checked_sub(span).ok());
    ticks(&record, &policy, &models, arguments.history.window, told_after, |tick| {
        if arguments.quiet && tick.findings.is_empty() && tick.decisions.is_empty() {
            return Ok(());
        }
        sink::print(&report::tick(&tick))
    })
}

/// Every tick of the record in the order of time; what is remembered goes on from one to the next. Those that end by `told_after` only
/// remember.
fn ticks(
    record: &Record,
    policy: &Policy,
    models: &ModelTable,
    window: SignedDuration,
    told_after: Option<Timestamp>,
    mut tell: impl FnMut(Tick) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut history = History::new(record.grain().minutes() * 60);
    let mut watch = Watch::default();
    let (mut memory, nowhere) = (Memory::default(), BTreeMap::new());
    for slot in record.slots() {
        let mut findings = step(Moment::of(record, slot), Look::Judge, &mut history, &mut watch, policy);
        let at = record.end_of(slot);
        if told_after.is_some_and(|after| at <= after) {
            continue;
        }
        let observation = record.observation(at, window, evidence(window))?;
        findings.extend(orient::findings(&observation, Some(&history), policy).findings);
        orient::sort(&mut findings);
        let planned = decide::plan(&Inputs {
            observation: &observation,
            findings: &findings,
            policy,
            models,
            configurations: &nowhere,
            memory: &memory,
            followed: true,
        });
        memory = planned.memory;
        tell(Tick {
            schema_version: TICK_SCHEMA_VERSION.into(),
            at,
            requests: observation.services.values().map(|service| service.window.requests.weight).sum(),
            findings,
            decisions: planned.plan.decisions.into_iter().filter(Tick::is_change).collect(),
        })?;
    }
    Ok(())
}
