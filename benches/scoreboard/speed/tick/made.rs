//! Documents of plausible sizes: rollouts, plans, reports.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    act::{
        sink::{Expected, Job, Operation, Strategy, Write, idempotency_key},
        stamp,
        tick::Setup,
    },
    domain::{
        Configuration,
        policy::RolloutStrategy,
        rollout::{Purpose, Rollout, RolloutStep, Stage, Version},
        run::{RunReport, SCHEMA_VERSION},
    },
    state::{DecisionRow, PlanRow},
};

use super::flight::SEEN_HOURS;

/// Characters of a system prompt.
const PROMPT: usize = 500;
/// Decisions in the plan of each tick, and what each takes in its body.
const DECISIONS: usize = 1_000;
const DECISION_BYTES: usize = 1_500;

fn version(model: &str) -> Version {
    let settings = [("model", model.to_owned()), ("provider", "maker".into()), ("system_prompt", "x".repeat(PROMPT))];
    Version::of(Configuration(settings.map(|(key, value)| (key.to_owned(), value)).into()))
}

pub fn rollout(place: usize, now: Timestamp) -> Rollout {
    let step = |share_percent, bake_minutes| RolloutStep { share_percent, mirrored_percent: 0, bake_minutes };
    Rollout {
        id: format!("{place:016x}"),
        service: format!("live-{place:05}"),
        reason: "cost per request −60 %, latency p95 −5 %, quality ±0 %".into(),
        purpose: Purpose::Change,
        strategy: RolloutStrategy::Canary,
        subjects: Vec::new(),
        from: version("dear"),
        to: version("cheap"),
        steps: vec![step(5, 5), step(25, 5), step(50, 5), step(100, 30)],
        started_at: now - SignedDuration::from_hours(SEEN_HOURS),
        deadline: now + SignedDuration::from_hours(72),
        stage: Stage::Proposed,
        deployed: None,
        labels: Vec::new(),
        effects: std::collections::BTreeMap::new(),
        restarts: 0,
        restarted_because: None,
        rollback_refused: None,
    }
}

/// What the service had before.
pub fn create(rollout: &Rollout) -> Job {
    let service: optimizer::domain::service_id::ServiceId = rollout.service.parse().expect("a name");
    Job::Write(Write {
        key: idempotency_key(&service, "made", 0, Operation::Create),
        service,
        expected: Expected::Absent,
        configuration: rollout.from.configuration.clone(),
        baseline: None,
        percentage: 100,
        strategy: Strategy::Immediate,
        progression: vec![100],
        interval_minutes: 0,
        rollback_on_error_rate: None,
        decision_id: "made".into(),
        rationale: String::new(),
        requested_by: "scoreboard".into(),
        config_version: rollout.from.id.clone(),
    })
}

pub fn report(setup: &Setup<'_>) -> RunReport {
    RunReport {
        schema_version: Cow::Borrowed(SCHEMA_VERSION),
        id: setup.id.clone(),
        scope: setup.scope,
        dry_run: false,
        started_at: setup.now,
        sink: "scoreboard".into(),
        plan: None,
        data_until: Some(setup.now),
        history: None,
        steps: Vec::new(),
        not_begun: Vec::new(),
        alerts: Vec::new(),
    }
}

/// A plan of plausible size about a thousand services, none of which is to change.
pub fn plan(number: usize, now: Timestamp) -> (PlanRow, Vec<DecisionRow>) {
    let id = format!("{number:016x}");
    let decision = |place| DecisionRow {
        id: format!("{:016x}", ((number * DECISIONS + place) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        plan_id: id.clone(),
        service: format!("service-{place:04}"),
        segment: "unlabelled".into(),
        action: "keep".into(),
    };
    let decisions = (0..DECISIONS).map(decision).collect();
    let body = format!("{{\"filler\":\"{}\"}}", "x".repeat(DECISIONS * DECISION_BYTES));
    (PlanRow { id, made_at: stamp(now), body }, decisions)
}
