//! Where the two sides of a gate come from.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::{Work, kept::hours};
use crate::{
    cli::{
        Failure,
        baseline::stored,
        progress::Progress,
        source::{Named, shown},
        state::StateArgs,
    },
    domain::{
        Window,
        format::{counted, visible},
        gate::GateSide,
        plan::SourceSummary,
    },
    observe::{self, ArmColumn, Baseline, Downloads, Engine, GateRead, LayoutChoice, Request, Sides, Stage},
    stats::gate::{Requests, same_kinds},
};

/// Sides are compared whole, however old.
const LOOKBACK: SignedDuration = SignedDuration::from_hours(24 * 3_650);

/// How a stored baseline is named.
const STORED: &str = "baseline:";

#[derive(Debug, Args)]
pub(super) struct SideArgs {
    /// Requests of what is there: as `--from` of other commands, or `baseline:NAME` from the state store; repeated, each is a run of its own
    #[arg(long, help_heading = "Source", value_name = "PATH", required_unless_present_any = ["schema", "from"])]
    baseline: Vec<String>,
    /// Requests of what is to come
    #[arg(long, help_heading = "Source", value_name = "PATH", required_unless_present_any = ["schema", "from"])]
    candidate: Vec<String>,
    /// Requests of both, told apart by `--arm-column`
    #[arg(long, help_heading = "Source", value_name = "PATH", conflicts_with_all = ["baseline", "candidate"])]
    from: Vec<String>,
    /// What tells the sides of `--from` apart
    #[arg(long, help_heading = "Source", value_enum, default_value_t = ArmColumnArg::Variant)]
    arm_column: ArmColumnArg,
    /// What it holds for the baseline
    #[arg(long, help_heading = "Source", value_name = "VALUE", default_value = "baseline")]
    baseline_arm: String,
    /// What it holds for the candidate
    #[arg(long, help_heading = "Source", value_name = "VALUE", default_value = "candidate")]
    candidate_arm: String,
    /// Only this time of the baseline, RFC 3339 with a zone [default: all of it]
    #[arg(long, help_heading = "Source", value_name = "FROM..UNTIL", value_parser = time)]
    baseline_time: Option<Window>,
    /// Only this time of the candidate; with `--from`, two times are the two sides
    #[arg(long, help_heading = "Source", value_name = "FROM..UNTIL", value_parser = time)]
    candidate_time: Option<Window>,
    /// How both are laid out, where their columns do not tell
    #[arg(long, help_heading = "Source", value_name = "NAME")]
    layout: Option<String>,
    /// Compare sides that are laid out differently, and so perhaps measured differently
    #[arg(long, help_heading = "Source")]
    different_layouts: bool,
    /// SQL file that maps a log of your own to the canonical columns; examples/mapping.sql explains
    #[arg(long, help_heading = "Source", value_name = "FILE.sql", conflicts_with = "layout")]
    mapping: Option<PathBuf>,
    /// Service of rows that name none
    #[arg(long, help_heading = "Source", value_name = "NAME")]
    default_service: Option<String>,
    /// Scores given after the requests of either side; the policy declares the scale of each
    #[arg(long, help_heading = "Source", value_name = "PATH")]
    scores: Vec<String>,
    /// Most memory the scan may take, for example `2GB` [default: 80 % of the machine's]
    #[arg(long, help_heading = "Source", value_name = "SIZE", env = "OPTIMIZER_MEMORY_LIMIT")]
    memory_limit: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ArmColumnArg {
    Variant,
    ConfigVersion,
    Model,
}

impl From<ArmColumnArg> for ArmColumn {
    fn from(column: ArmColumnArg) -> Self {
        match column {
            ArmColumnArg::Variant => Self::Variant,
            ArmColumnArg::ConfigVersion => Self::ConfigVersion,
            ArmColumnArg::Model => Self::Model,
        }
    }
}

/// `FROM..UNTIL`.
fn time(text: &str) -> Result<Window, String> {
    let (from, until) = text
        .split_once("..")
        .ok_or("write two times with `..` between them, as in 2026-03-01T00:00:00Z..2026-03-02T00:00:00Z")?;
    let at = |text: &str| text.trim().parse::<Timestamp>().map_err(|cause| format!("`{text}` is no time: {cause}"));
    let (from, until) = (at(from)?, at(until)?);
    Window::ending_at(until, until.duration_since(from)).ok_or_else(|| "it ends before it begins".to_owned())
}

/// What was named; nothing of it is looked at yet.
pub(super) enum Source {
    /// Each side by itself.
    Apart(Box<[Side; 2]>),
    /// Two arms of one.
    Together { named: Box<Named>, shown: String, column: ArmColumn, arms: [String; 2] },
}

/// One side that is read by itself.
pub(super) struct Side {
    kind: Kind,
    shown: String,
    time: Option<Window>,
}

enum Kind {
    Log(Box<Named>),
    Stored(Baseline),
}

/// What was read.
pub(super) struct Read {
    pub requests: [Requests; 2],
    pub sides: [GateSide; 2],
    pub notes: Vec<String>,
}

impl SideArgs {
    pub(super) fn memory_limit(&self) -> Option<&str> {
        self.memory_limit.as_deref()
    }

    pub(super) fn different_layouts(&self) -> bool {
        self.different_layouts
    }

    pub(super) fn source(&self, state: &StateArgs) -> Result<Source, Failure> {
        let times = [self.baseline_time, self.candidate_time];
        if self.from.is_empty() {
            let side = |from: &[String], time| {
                Ok::<_, Failure>(Side { kind: self.kind(from, state)?, shown: shown(from), time })
            };
            return Ok(Source::Apart(Box::new([side(&self.baseline, times[0])?, side(&self.candidate, times[1])?])));
        }
        let shown = shown(&self.from);
        match times {
            [None, None] => Ok(Source::Together {
                named: Box::new(self.named(&self.from)?),
                shown,
                column: self.arm_column.into(),
                arms: [self.baseline_arm.clone(), self.candidate_arm.clone()],
            }),
            [Some(_), Some(_)] => {
                let side = |time| {
                    Ok::<_, Failure>(Side {
                        kind: Kind::Log(Box::new(self.named(&self.from)?)),
                        shown: shown.clone(),
                        time,
                    })
                };
                Ok(Source::Apart(Box::new([side(times[0])?, side(times[1])?])))
            }
            _ => Err(Failure::usage(
                "`--from` was given one time, and two sides need two",
                "give both `--baseline-time` and `--candidate-time`, or neither, to compare the arms of `--arm-column`",
            )),
        }
    }

    fn kind(&self, from: &[String], state: &StateArgs) -> Result<Kind, Failure> {
        match from {
            [one] if one.starts_with(STORED) => Ok(Kind::Stored(stored(state, &one[STORED.len()..])?)),
            many if many.iter().any(|one| one.starts_with(STORED)) => Err(Failure::usage(
                "a stored baseline is a side of its own, and another source was named beside it",
                "name one of the two",
            )),
            logs => Ok(Kind::Log(Box::new(self.named(logs)?))),
        }
    }

    fn named(&self, from: &[String]) -> Result<Named, Failure> {
        let layout: Vec<String> = self.layout.iter().cloned().collect();
        let layouts = LayoutChoice::new(&layout, from.len(), self.mapping.as_deref())?;
        Ok(Named::of(from.to_vec(), self.scores.clone(), layouts, self.default_service.clone()))
    }
}

impl Source {
    pub(super) fn read(self, engine: &Engine, downloads: &Downloads, work: &Work) -> Result<Read, Failure> {
        match self {
            Self::Together { named, shown, column, arms } => {
                let sides = Sides::Arms { column, names: [&arms[0], &arms[1]] };
                let GateRead { requests, source, arms: known } = log(engine, downloads, work, &named, None, sides)?;
                for (requests, arm) in requests.iter().zip(&arms) {
                    if requests.is_empty() {
                        let known: Vec<String> = known.iter().map(|arm| format!("`{arm}`")).collect();
                        let hint = if known.is_empty() {
                            "the column is empty".to_owned()
                        } else {
                            format!("it holds {}", known.join(", "))
                        };
                        let what = format!("no request of {shown} has the {} `{}`", column.name(), visible(arm));
                        return Err(Failure::usage(
                            what,
                            hint + "; `--arm-column`, `--baseline-arm` and `--candidate-arm` say what to look for",
                        ));
                    }
                }
                let [baseline, candidate] =
                    [0, 1].map(|side| told(format!("{} of {shown}", arms[side]), source.clone(), &requests[side]));
                Ok(Read { requests, sides: [baseline, candidate], notes: Vec::new() })
            }
            Self::Apart(sides) => apart(engine, downloads, work, *sides),
        }
    }
}

fn apart(engine: &Engine, downloads: &Downloads, work: &Work, sides: [Side; 2]) -> Result<Read, Failure> {
    let mut notes = Vec::new();
    let mut stored = [None, None];
    let mut read = [None, None];
    for (place, side) in sides.into_iter().enumerate() {
        match side.kind {
            Kind::Stored(baseline) => stored[place] = Some((baseline, side.shown, side.time)),
            Kind::Log(named) => {
                // One engine a side: what the first holds is not needed any more.
                let own = if place == 0 { None } else { Some(Engine::open(work.memory_limit.as_deref())?) };
                let engine = own.as_ref().unwrap_or(engine);
                let GateRead { requests: [requests, _], source, .. } =
                    log(engine, downloads, work, &named, side.time, Sides::One)?;
                let side = told(side.shown, source, &requests);
                read[place] = Some((requests, side));
            }
        }
    }
    let kept = stored.iter().any(Option::is_some);
    for place in [0, 1] {
        if let Some((baseline, shown, time)) = stored[place].take() {
            let others = read[1 - place].as_ref().map(|(requests, _)| requests.minute.as_slice());
            let (requests, dropped) = hours(&baseline, time, others.unwrap_or_default());
            if dropped > 0 && requests.is_empty() {
                return Err(Failure::usage(
                    format!(
                        "every hour of `{shown}` is among those of the other side, and nothing is compared with itself"
                    ),
                    "leave them out on one side with `--baseline-time` or `--candidate-time`",
                ));
            }
            if dropped > 0 {
                notes.push(format!(
                    "{} of `{shown}` are left out: the other side has the same",
                    counted(dropped, "hour")
                ));
            }
            let source = SourceSummary {
                rows_used: requests.len() as u64,
                rows_read: requests.len() as u64,
                ..SourceSummary::default()
            };
            let side = told(shown, source, &requests);
            read[place] = Some((requests, side));
        }
    }
    let [Some((mut baseline, before)), Some((mut candidate, after))] = read else { unreachable!("both were read") };
    for (requests, side) in [(&baseline, &before), (&candidate, &after)] {
        if requests.is_empty() {
            return Err(Failure::usage(
                format!("`{}` has no requests", side.name),
                "a side without requests says nothing; `optimizer inspect` shows what is in a source",
            ));
        }
    }
    if kept {
        [baseline, candidate] = [baseline, candidate].map(|side| if side.hourly { side } else { side.as_kept() });
        same_kinds([&mut baseline, &mut candidate]);
        notes.push("a stored baseline is kept by service and hour: that is what both sides are compared by".to_owned());
    }
    Ok(Read { requests: [baseline, candidate], sides: [before, after], notes })
}

fn log(
    engine: &Engine,
    downloads: &Downloads,
    work: &Work,
    named: &Named,
    time: Option<Window>,
    sides: Sides<'_>,
) -> Result<GateRead, Failure> {
    let progress = Progress::start();
    progress.says("looking at the sources");
    let sources = named.find(downloads)?;
    let lookback = time.map_or(LOOKBACK, |time| time.end().duration_since(time.start()));
    let request = Request {
        load: sources.load(&work.policy, work.now),
        // Nothing is asked about it; half the lookback is the longest there may be.
        window: (lookback / 2).min(SignedDuration::from_hours(1)),
        lookback,
        until: time.map(|time| time.end()),
        prices: &work.models,
        rejects: None,
    };
    let says = |stage| progress.says(if stage == Stage::Reading { "reading" } else { "comparing" });
    Ok(observe::gate_requests(engine, &request, sides, &says)?)
}

fn told(name: String, source: SourceSummary, requests: &Requests) -> GateSide {
    let minute = |minute: Option<&i64>| Timestamp::from_second(60 * minute?).ok();
    let (from, until) = (minute(requests.minute.iter().min()), minute(requests.minute.iter().max()));
    GateSide { name, from, until, requests: requests.len() as u64, source }
}
