//! Reads the two sides of a gate.

use jiff::{SignedDuration, Timestamp};

use super::{
    Work,
    kept::hours,
    sides::{Kind, Side, Source},
};
use crate::{
    cli::{Failure, progress::Progress, source::Named},
    domain::{
        Window,
        format::{counted, visible},
        gate::GateSide,
        plan::SourceSummary,
    },
    observe::{self, Downloads, Engine, GateRead, Request, Sides, Stage},
    stats::gate::{Requests, same_kinds},
};

/// Sides are compared whole, however old.
const LOOKBACK: SignedDuration = SignedDuration::from_hours(24 * 3_650);

/// What was read.
pub(super) struct Read {
    pub requests: [Requests; 2],
    pub sides: [GateSide; 2],
    pub notes: Vec<String>,
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
    let (mut stored, mut read) = ([None, None], [None, None]);
    for (place, side) in sides.into_iter().enumerate() {
        match side.kind {
            Kind::Stored(baseline) => stored[place] = Some((baseline, side.shown, side.time)),
            Kind::Log(named) => {
                // One engine a side: what the first holds is not needed any more. Both at once are no quicker on two cores.
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
