//! What a run reads of the traffic, and what it makes of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{ROLLOUTS, RunArgs, saved::saved};
use crate::{
    act::{
        self,
        tick::{Known, Tick},
    },
    cli::{
        Failure, configurations, files,
        past::{self, Past},
        planning::{Keep, Pushdown, Work},
        source::interruptible,
        state,
        times::Times,
    },
    decide::Planned,
    domain::{
        Finding,
        fault::Exit,
        format::{counted, hours},
        phase::Phase,
        plan::SourceSummary,
        run::{PlanRef, RunReport, Scope},
    },
    observe::{self, Kept},
    state::{Commit, Store},
    stats::{
        Observation,
        evidence::{Seen, Watched},
    },
};

/// What was read of the traffic.
pub(super) struct Looked {
    source: SourceSummary,
    planned: Option<Planned>,
    traffic: Vec<(String, Seen)>,
    past: Option<Past>,
    /// What went wrong with the history: nothing is planned then, and what is under way is judged all the same.
    trouble: Option<Failure>,
    reference_ms: BTreeMap<String, f64>,
    until: Timestamp,
}

/// What was made of it, beside what is recorded.
#[derive(Default)]
pub(super) struct Followed {
    /// None where nothing was planned.
    pub findings: Option<Vec<Finding>>,
    pub source: Option<SourceSummary>,
    /// What completed changes spared since it was counted last, US dollars, and until when.
    pub saved_usd: Option<(f64, Timestamp)>,
    /// Why the source, or the history, could not be used.
    pub failure: Option<Failure>,
}

/// Judges, steps and begins by what was seen. A source that cannot be used holds everything, and the run goes on to say so.
pub(super) fn follow(
    arguments: &RunArgs,
    tick: &mut Tick<'_>,
    store: &mut Store,
    looked: Result<Looked, Failure>,
    known: &state::Known,
    report: &mut RunReport,
) -> Result<(Commit, Followed), Failure> {
    let looked = match looked {
        Ok(looked) => looked,
        Err(failure) if failure.exit() == Exit::Source => {
            tick.look(None)?;
            return Ok((Commit::default(), Followed { failure: Some(failure), ..Followed::default() }));
        }
        Err(failure) => return Err(failure),
    };
    let mut followed = Followed { source: Some(looked.source), ..Followed::default() };
    report.data_until = Some(looked.until);
    tick.look(Some(&looked.traffic))?;
    report.history = looked.past.as_ref().and_then(Past::held);
    let Some(Planned { plan, memory }) = looked.planned else {
        return Ok((Commit::default(), Followed { failure: looked.trouble, ..followed }));
    };
    report.plan = Some(PlanRef {
        id: plan.id.clone(),
        decisions: plan.decisions.len() as u64,
        moving: plan.decisions.iter().filter(|decision| decision.action.moves()).count() as u64,
    });
    let source = followed.source.as_ref();
    let clocks = source.and_then(|source| clocks_differ(source, report.started_at, looked.until));
    let age = report.started_at.duration_since(looked.until);
    let stale = (age > arguments.max_age)
        .then(|| format!("the newest traffic is {} old", hours(age.as_secs_f64() / 3600.0)))
        .or(clocks);
    let configurations = configurations::read(arguments.configurations.as_deref())?;
    let given = Known { configurations: &configurations, reference_ms: &looked.reference_ms, nothing_because: stale };
    tick.begin(store, &plan, &given)?;
    let services = plan.services.iter().map(|summary| summary.service.as_str());
    if let Some(past) = &looked.past {
        let rollouts = act::rollouts(store, tick.policy(), ROLLOUTS)?;
        followed.saved_usd = saved(&past.history, &rollouts, tick.saved_until()?, looked.until);
    }
    followed.findings = Some(plan.findings.clone());
    let next = known.remembered.clone().after(plan.windows.window.end(), services, &memory);
    let commit = state::commit(&plan, known, &next);
    Ok((looked.past.iter().fold(commit, |commit, past| past.commit(commit)), followed))
}

/// Traffic goes on after the present, and more of it lies so far ahead that it was not believed: either this clock is wrong, or that of
/// whoever writes the log. Bake times and leases would be wrong by as much.
fn clocks_differ(source: &SourceSummary, now: Timestamp, until: Timestamp) -> Option<String> {
    /// One client whose clock is wrong is no reason to wait.
    const FEW: u64 = 10;
    let ahead = source.rejected.get("ts: in the future").copied().unwrap_or(0);
    let goes_on = until > now.saturating_add(SignedDuration::from_mins(1)).unwrap_or(Timestamp::MAX);
    (goes_on && ahead >= FEW).then(|| {
        format!("{} are from the future: a clock is wrong, here or where they come from", counted(ahead, "request"))
    })
}

/// Reads the traffic, and plans by it where the scope asks for that.
pub(super) fn look(
    arguments: &RunArgs,
    tick: &Tick<'_>,
    store: &mut Store,
    known: &state::Known,
    times: &Times,
) -> Result<Looked, Failure> {
    let (policy, now) = (tick.policy(), tick.now());
    let scope = Scope::from(arguments.scope);
    let wants = tick.wants()?;
    if wants.is_empty() && scope == Scope::Safety {
        return Ok(Looked {
            source: SourceSummary::default(),
            planned: None,
            traffic: Vec::new(),
            past: None,
            trouble: None,
            reference_ms: BTreeMap::new(),
            until: now,
        });
    }
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    // Every minute that was not counted yet.
    let earliest = wants.iter().map(|wanted| wanted.minutes.start).min();
    let uncounted = earliest
        .map_or(SignedDuration::ZERO, |minute| SignedDuration::from_secs((now.as_second() - 60 * minute).max(0) + 600));
    let lookback = match scope {
        Scope::Safety => uncounted,
        Scope::Standard | Scope::Deep => arguments.lookback.unwrap_or(SignedDuration::from_hours(24)),
    };
    let work = Work {
        policy: policy.clone(),
        compare: None,
        models: files::models(arguments.models.as_deref())?,
        configurations: configurations::read(arguments.configurations.as_deref())?,
        named: arguments.source.named()?,
        window: arguments.window,
        lookback: lookback.max(two_windows),
        until: arguments.until,
        now,
        pushdown: Pushdown::Auto,
        remembered: known.remembered.clone(),
        governance: arguments.governance.service()?,
        times: times.clone(),
    };
    let missing = match scope {
        Scope::Deep => Some(past::missing(store, arguments.until.unwrap_or(now).min(now))?),
        Scope::Safety | Scope::Standard => None,
    };
    let limit = arguments.source.memory_limit().map(str::to_owned);
    let (looked, rest) = interruptible(arguments.source.memory_limit(), move |engine, downloads| {
        let keep = if wants.is_empty() { Keep::Rollups } else { Keep::Rows };
        let kept: Vec<Kept> = wants.iter().map(kept).collect();
        let (sources, observation) = work.times.time(Phase::Observe, None, || {
            let sources = work.found(downloads)?;
            let observation = work.observed_in(&sources, engine, keep, Some(&kept))?;
            Ok::<_, Failure>((sources, observation))
        })?;
        let until = observation.windows.window.end();
        // A minute that is not over yet is counted when it is.
        let until_minute = until.as_second().div_euclid(60);
        let watched = |wanted: Watched| {
            let minutes = wanted.minutes.start..until_minute;
            Watched { minutes, ..wanted }
        };
        let watched: Vec<Watched> = wants.into_iter().map(watched).collect();
        let evidence = || observe::sides(engine, &watched, &work.models);
        let seen = work.times.time(Phase::Observe, None, evidence)?;
        let traffic = watched.into_iter().map(|watched| watched.service).zip(seen);
        let planned = (scope == Scope::Standard).then(|| work.decided(&observation).0);
        let (traffic, reference_ms) = (traffic.collect(), references(&observation));
        let looked = Looked {
            source: observation.source.clone(),
            planned,
            traffic,
            past: None,
            trouble: None,
            reference_ms,
            until,
        };
        let history = |lookback| work.fresh(&sources, limit.as_deref(), lookback);
        let fresh = missing.map(|lookback| work.times.time(Phase::Observe, None, || history(lookback)));
        drop(sources);
        Ok((looked, fresh.map(|fresh| (work, observation, fresh))))
    })?;
    let Some((work, mut observation, fresh)) = rest else { return Ok(looked) };
    let past = times.time(Phase::Orient, None, || {
        fresh.and_then(|fresh| past::caught_up(store, fresh.as_ref(), &mut observation, policy))
    });
    match past {
        Ok(past) => {
            let planned = Some(work.decided_after(&observation, Some(&past)).0);
            Ok(Looked { planned, past: Some(past), ..looked })
        }
        Err(trouble) => Ok(Looked { trouble: Some(trouble), ..looked }),
    }
}

/// The requests of a rollout that were not counted yet; how far the traffic goes is not known yet.
fn kept(watched: &Watched) -> Kept {
    Kept {
        service: watched.service.clone(),
        from_us: watched.minutes.start.saturating_mul(60_000_000),
        until_us: i64::MAX,
    }
}

/// Latency p95 of each service as it is now.
fn references(observation: &Observation) -> BTreeMap<String, f64> {
    let p95 = |evidence: &crate::stats::ServiceEvidence| evidence.lookback.latency.quantile(0.95);
    observation.services.iter().filter_map(|(service, evidence)| Some((service.clone(), p95(evidence)?))).collect()
}
