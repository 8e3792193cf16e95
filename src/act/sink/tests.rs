//! Jobs that the tests of every sink use, and what counts as done.

use super::{
    Deployed, Expected, Job, Operation, Rollback, Scope, State, Strategy, Target, Write, idempotency_key, reach::Reach,
};
use crate::domain::{configuration::Configuration, service_id::ServiceId};

pub(super) fn service() -> ServiceId {
    "chat".parse().unwrap()
}

pub(super) fn configuration(model: &str) -> Configuration {
    Configuration([("model", model), ("temperature", "0.7")].map(|(key, value)| (key.into(), value.into())).into())
}

pub(super) fn create(model: &str) -> Job {
    write(model, 100, Expected::Absent, Operation::Create)
}

pub(super) fn full(model: &str, version: &str) -> Job {
    write(model, 100, Expected::Version(version.into()), Operation::Replace)
}

pub(super) fn canary(baseline: &str, model: &str, percentage: u8, version: &str) -> Job {
    let Job::Write(write) = write(model, percentage, Expected::Version(version.into()), Operation::Replace) else {
        unreachable!()
    };
    Job::Write(Write { baseline: Some(configuration(baseline)), strategy: Strategy::Canary, ..write })
}

fn write(model: &str, percentage: u8, expected: Expected, operation: Operation) -> Job {
    Job::Write(Write {
        service: service(),
        key: idempotency_key(&service(), &format!("d-{model}"), u32::from(percentage), operation),
        expected,
        configuration: configuration(model),
        baseline: None,
        percentage,
        strategy: Strategy::Immediate,
        progression: vec![percentage],
        interval_minutes: 0,
        rollback_on_error_rate: Some(0.05),
        decision_id: format!("d-{model}"),
        rationale: "cheaper".into(),
        requested_by: "optimizer".into(),
        config_version: format!("hash-{model}"),
    })
}

pub(super) fn back(model: &str, version: &str, scope: Scope) -> Job {
    Job::Rollback(Rollback {
        service: service(),
        key: idempotency_key(&service(), "d-back", 0, Operation::Rollback),
        expected: version.into(),
        target: Target::Previous,
        scope,
        reason: "slow".into(),
        configuration: configuration(model),
        config_version: None,
        decision_id: "d-back".into(),
        requested_by: "optimizer".into(),
    })
}

fn found(percentage: u8, state: State) -> Deployed {
    Deployed {
        version: "v2".into(),
        previous_version: Some("v1".into()),
        configuration: configuration("b"),
        baseline: (percentage < 100).then(|| configuration("a")),
        percentage,
        state,
        strategy: None,
        decision_id: Some("d-b".into()),
        config_version: None,
        updated_by: None,
        updated_at: None,
    }
}

#[test]
fn what_counts_as_there() {
    use Reach::{Not, Reached, Underway};
    let Job::Write(write) = canary("a", "b", 25, "v1") else { unreachable!() };
    for (state, at_5, at_25, at_50) in [
        (State::Pending, Underway, Underway, Underway),
        (State::InProgress, Underway, Reached, Not),
        (State::Paused, Not, Reached, Not),
        (State::Completed, Not, Reached, Not),
        (State::Failed, Not, Not, Not),
        (State::RolledBack, Not, Not, Not),
    ] {
        let reached = [5, 25, 50].map(|percentage| write.reach(&found(percentage, state)));
        assert_eq!(reached, [at_5, at_25, at_50], "{state:?}");
    }
    // The step before, of the same decision, is what was expected, not what is on its way.
    let next = Write { expected: Expected::Version("v2".into()), ..write.clone() };
    assert_eq!(next.reach(&found(5, State::InProgress)), Not);
    // A sink that walks by itself may be further along, but only where it was told to go.
    let walk = Write { progression: vec![25, 50, 100], ..write.clone() };
    assert_eq!([50, 60].map(|share| walk.reach(&found(share, State::InProgress))), [Reached, Not]);
    let other = |change: fn(&mut Deployed)| {
        let mut state = found(25, State::InProgress);
        change(&mut state);
        write.reach(&state)
    };
    assert_eq!(other(|state| state.configuration = configuration("c")), Not);
    assert_eq!(other(|state| state.baseline = Some(configuration("c"))), Not);
    assert_eq!(other(|state| state.baseline = None), Reached, "not every server shows it");
    assert_eq!(other(|state| drop(state.configuration.0.insert("top_p".into(), "1".into()))), Not);
    assert_eq!(other(|state| drop(state.configuration.0.insert("temperature".into(), "0.70".into()))), Reached);
}

#[test]
fn what_counts_as_back() {
    use Reach::{Not, Reached, Underway};
    let Job::Rollback(rollback) = back("a", "v2", Scope::Canary) else { unreachable!() };
    let all = |configuration, state| Deployed { configuration, ..found(100, state) };
    let cases = [
        (all(configuration("a"), State::RolledBack), Reached),
        (all(configuration("a"), State::Completed), Reached),
        (all(configuration("a"), State::Pending), Underway),
        (all(configuration("a"), State::Failed), Not),
        (all(configuration("b"), State::RolledBack), Not),
        (found(0, State::RolledBack), Reached),
        (found(5, State::RolledBack), Not),
    ];
    for (state, reach) in cases {
        assert_eq!(rollback.reach(&state), reach, "{state:?}");
    }
}
