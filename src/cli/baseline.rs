//! `optimizer baseline`: times worth remembering, and what has become of the services since.

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{
    Failure,
    baseline_kind::{BaselineKind, hours},
    history::HistoryArgs,
    plan::duration,
    rights,
    screen::{plain, screen},
    sink,
    state::StateArgs,
};
use crate::{
    domain::{Grain, Policy, format::counted, metric::Harm},
    observe::{BASELINE_SCHEMA, Baseline, KeptHour, Record, aligned, together},
    orient::Against,
    report::{self, ComparisonLine, Verdict},
    state::{BaselineRow, Existing, Open, StateError},
    stats::{
        ServiceEvidence,
        comparison::{self, Comparison},
        multiplicity::{Correction, adjust},
    },
};

const EXAMPLES: &str = "\
Examples:
  optimizer baseline set march --from 'march/*.parquet'                 the last seven days of the log, known to be good
  optimizer baseline set weekly --kind rolling --replace --from LOG     run once a week: what is usual lately
  optimizer baseline set before --kind pre-change --from LOG            each service up to its newest config version
  optimizer baseline compare march --from today.parquet                 what is better or worse than then, and how sure
  optimizer analyze --from today.parquet --baseline march               the same as findings";

/// Comparisons of this p-value, after correction, count as shown.
const SIGNIFICANT: f64 = 0.05;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
enum BaselineCommand {
    /// Remember what the services of a log did
    Set(Box<SetArgs>),
    /// Show the baselines there are
    List(StateArgs),
    /// Show the hours of one
    Show {
        name: String,
        #[command(flatten)]
        state: StateArgs,
    },
    /// Hold the newest window of a log against one
    Compare(Box<CompareArgs>),
    /// Forget one
    Delete {
        name: String,
        #[command(flatten)]
        state: StateArgs,
    },
}

/// The baseline of this name.
pub(super) fn stored(state: &StateArgs, name: &str) -> Result<Baseline, StateError> {
    let row = state.open(Open::Existing)?.baseline(name)?;
    parsed(&row)
}

#[derive(Debug, Args)]
struct SetArgs {
    /// What it will be called
    name: String,
    #[command(flatten)]
    history: HistoryArgs,
    #[command(flatten)]
    state: StateArgs,
    /// Which time of the log is remembered
    #[arg(long, value_enum, default_value_t = BaselineKind::Golden)]
    kind: BaselineKind,
    /// How much of it
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    span: SignedDuration,
    /// How far back the log is read
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = duration)]
    lookback: SignedDuration,
    /// Put it in the place of a baseline of the same name
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
struct CompareArgs {
    /// The baseline
    name: String,
    #[command(flatten)]
    history: HistoryArgs,
    #[command(flatten)]
    state: StateArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = CompareFormat::Auto)]
    format: CompareFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompareFormat {
    /// Text fitted to the terminal
    Auto,
    /// Plain text of 100 columns
    Table,
    /// An array of comparisons
    Json,
}

pub(super) fn run(arguments: &BaselineArgs) -> Result<(), Failure> {
    match &arguments.command {
        BaselineCommand::Set(arguments) => set(arguments),
        BaselineCommand::List(state) => list(state),
        BaselineCommand::Show { name, state } => show(name, state),
        BaselineCommand::Compare(arguments) => compare(arguments),
        BaselineCommand::Delete { name, state } => {
            let mut store = state.open(Open::Existing)?;
            rights::allow(&mut store, crate::domain::rights::Permission::ModifyConfig, "baseline delete")?;
            store.delete_baseline(name)?;
            sink::print(&format!("Baseline `{name}` is forgotten.\n"))
        }
    }
}

fn set(arguments: &SetArgs) -> Result<(), Failure> {
    // The store comes first: nobody wants to read a month of data to learn that the disk is full.
    check_name(&arguments.name)?;
    let mut store = arguments.state.open(Open::Create)?;
    rights::allow(&mut store, crate::domain::rights::Permission::ModifyConfig, "baseline set")?;
    if !arguments.replace {
        store.check_free(&arguments.name)?;
    }
    let reading = arguments.history.reading()?;
    let (record, policy, _) = arguments.history.record(reading, arguments.lookback, Grain::Hour)?;
    let mut services = std::collections::BTreeMap::new();
    let mut left_out = Vec::new();
    for service in record.services() {
        let kept = hours(&record, service, arguments.kind, arguments.span, &policy);
        match kept {
            Some(kept) if !kept.is_empty() => drop(services.insert(service.to_owned(), kept)),
            _ => left_out.push(service.to_owned()),
        }
    }
    if services.is_empty() {
        return Err(Failure::usage(
            format!("no service has what a baseline of kind `{}` needs", arguments.kind.name()),
            arguments.kind.needs(),
        ));
    }
    let baseline = Baseline { schema_version: BASELINE_SCHEMA.to_owned(), services };
    let row = BaselineRow {
        name: arguments.name.clone(),
        kind: arguments.kind.name().to_owned(),
        created_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        body: serde_json::to_string(&baseline).expect("a baseline is plain data"),
    };
    store.put_baseline(&row, if arguments.replace { Existing::Replace } else { Existing::Refuse })?;
    let mut text = format!("Baseline `{}` holds {}.\n", row.name, counted(baseline.services.len() as u64, "service"));
    for (service, hours) in &baseline.services {
        text += &line(service, hours);
    }
    if !left_out.is_empty() {
        text += &format!("Left out, because {}: {}\n", arguments.kind.needs(), left_out.join(", "));
    }
    sink::print(&text)
}

/// A name stands in tables and on command lines.
fn check_name(name: &str) -> Result<(), StateError> {
    let fine = (1..=128).contains(&name.chars().count()) && name.trim() == name && !name.contains(char::is_control);
    if fine { Ok(()) } else { Err(StateError::Name { name: name.to_owned() }) }
}

fn line(service: &str, hours: &[KeptHour]) -> String {
    let at = |hour: Option<&KeptHour>| {
        hour.map_or_else(String::new, |hour| hour.start.strftime("%Y-%m-%d %H:%M").to_string())
    };
    let number = counted(hours.len() as u64, "hour");
    format!("  {service:<24} {number:>10}  {} … {} UTC\n", at(hours.first()), at(hours.last()))
}

fn list(state: &StateArgs) -> Result<(), Failure> {
    let rows = state.open(Open::Existing)?.baselines()?;
    if rows.is_empty() {
        return sink::print("No baselines. `optimizer baseline set NAME` adds one.\n");
    }
    let mut text = format!("{:<24} {:<11} {:<21} services\n", "name", "kind", "set");
    for row in rows {
        let services = parsed(&row)?.services.len();
        text += &format!("{:<24} {:<11} {:<21} {services}\n", row.name, row.kind, row.created_at);
    }
    sink::print(&text)
}

fn show(name: &str, state: &StateArgs) -> Result<(), Failure> {
    let baseline = stored(state, name)?;
    sink::print(&baseline.services.iter().map(|(service, hours)| line(service, hours)).collect::<String>())
}

fn parsed(row: &BaselineRow) -> Result<Baseline, StateError> {
    let damaged = |cause| StateError::Damaged { name: row.name.clone(), cause };
    let baseline: Baseline = serde_json::from_str(&row.body).map_err(damaged)?;
    if baseline.schema_version != BASELINE_SCHEMA {
        let what = format!("`{}` is not {BASELINE_SCHEMA}", baseline.schema_version);
        return Err(damaged(serde::de::Error::custom(what)));
    }
    // A service that cannot be read would be left out, and a service that is left out looks like one without a complaint.
    if let Some(hour) = baseline.services.values().flatten().find(|hour| hour.rollup().is_none()) {
        return Err(damaged(serde::de::Error::custom(format!("a sum of the hour {} is no number", hour.start))));
    }
    Ok(baseline)
}

/// The newest window of a record against a baseline, service by service. Services that only one of the two knows are left out.
pub(super) fn against(
    record: &Record,
    baseline: &Baseline,
    name: &str,
    window: SignedDuration,
) -> Result<Vec<Against>, Failure> {
    let Some(end) = record.slots().last().map(|slot| record.end_of(*slot)) else { return Ok(Vec::new()) };
    let observation = record.observation(end, window, window * 2)?;
    let of_service = |(service, evidence): (&String, &ServiceEvidence)| {
        let whole_hour = |at: Timestamp| Timestamp::from_second(at.as_second().div_euclid(3_600) * 3_600).ok();
        let mut starts = vec![whole_hour(end - window)?];
        while let Some(next) = starts.last().map(|last| *last + SignedDuration::from_hours(1)).filter(|at| *at < end) {
            starts.push(next);
        }
        // A baseline may reach into the window; nothing is compared with itself.
        let apart = |hour: &&KeptHour| !starts.contains(&hour.start);
        let kept: Vec<KeptHour> = baseline.services.get(service)?.iter().filter(apart).cloned().collect();
        let (alignment, hours) = aligned(&kept, &starts)?;
        Some(Against {
            service: service.clone(),
            baseline: name.to_owned(),
            hours: alignment.name(),
            comparisons: comparison::all(&evidence.window, &together(hours)?),
        })
    };
    Ok(observation.services.iter().filter_map(of_service).collect())
}

fn compare(arguments: &CompareArgs) -> Result<(), Failure> {
    arguments.history.whole_slots(Grain::FiveMinutes)?;
    let baseline = stored(&arguments.state, &arguments.name)?;
    let reading = arguments.history.reading()?;
    let window = arguments.history.window;
    let (record, ..) = arguments.history.record(reading, window * 2, Grain::FiveMinutes)?;
    let compared = against(&record, &baseline, &arguments.name, window)?;
    let lines = lines(&compared);
    if lines.is_empty() {
        let shared = record.services().any(|service| baseline.services.contains_key(service));
        return Err(if shared {
            Failure::usage(
                format!("nothing in the window can be held against baseline `{}`", arguments.name),
                "the baseline has no hour outside of the window, or no figure is known on both sides",
            )
        } else {
            Failure::usage(
                format!("no service of the log is in baseline `{}`", arguments.name),
                format!("it holds {}", baseline.services.keys().take(20).cloned().collect::<Vec<_>>().join(", ")),
            )
        });
    }
    sink::print(&match arguments.format {
        CompareFormat::Auto => report::comparisons(&lines, screen()),
        CompareFormat::Table => report::comparisons(&lines, plain()),
        CompareFormat::Json => report::comparisons_json(&lines),
    })
}

fn lines(compared: &[Against]) -> Vec<ComparisonLine> {
    let all = || compared.iter().flat_map(|against| against.comparisons.iter().map(move |one| (against, one)));
    let tested: Vec<f64> = all().filter_map(|(_, one)| one.p_value).collect();
    let mut corrected = adjust(&tested, Correction::BenjaminiHochberg).unwrap_or(tested).into_iter();
    all()
        .map(|(against, one)| {
            let p_value = one.p_value.and_then(|_| corrected.next());
            ComparisonLine {
                service: against.service.clone(),
                metric: one.metric,
                unit: one.metric.unit(),
                baseline: one.then,
                now: one.now,
                difference: one.difference,
                hedges_g: one.hedges_g.map(|g| g.value),
                p_value,
                mann_whitney_p: one.mann_whitney_p,
                requests: one.requests,
                against: against.hours,
                verdict: verdict(one, p_value),
            }
        })
        .collect()
}

fn verdict(one: &Comparison, p_value: Option<f64>) -> Verdict {
    match (p_value, one.metric.harm()) {
        (None, _) => Verdict::Unknown,
        (Some(p_value), _) if p_value > SIGNIFICANT => Verdict::NotShown,
        (Some(_), Harm::Neither) => Verdict::Different,
        (Some(_), Harm::Up) if one.now > one.then => Verdict::Worse,
        (Some(_), Harm::Down) if one.now < one.then => Verdict::Worse,
        (Some(_), _) => Verdict::Better,
    }
}

/// For commands that name a baseline beside other things.
#[derive(Debug, Args)]
pub(super) struct BaselineChoice {
    /// Hold the window against this baseline too
    #[arg(long, value_name = "NAME")]
    baseline: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

/// A baseline beside other things.
pub(super) struct Chosen {
    name: String,
    baseline: Baseline,
}

impl BaselineChoice {
    /// What was named. A name that is not there is told before anything else is read.
    pub(super) fn read(&self) -> Result<Option<Chosen>, Failure> {
        let Some(name) = &self.baseline else { return Ok(None) };
        Ok(Some(Chosen { name: name.clone(), baseline: stored(&self.state, name)? }))
    }
}

impl Chosen {
    pub(super) fn against(
        &self,
        record: &Record,
        window: SignedDuration,
        policy: &Policy,
    ) -> Result<Vec<crate::domain::Finding>, Failure> {
        let compared = against(record, &self.baseline, &self.name, window)?;
        Ok(crate::orient::worse_than_baseline(&compared, |service| policy.rules(service)))
    }
}
