//! What is under way, put together from the store. Nothing is changed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    Evidence, Intent, judge,
    rollout::{Reach, ServiceState},
    sink::Breaker,
    stamp,
    tick::ALL_SERVICES,
};
use crate::{
    domain::{
        Policy,
        rollout::{Rollout, Version},
        run::RunReport,
        status::{
            Frozen, Holder, KnownVersion, Resting, RolloutStatus, RunLine, SCHEMA_VERSION, SinkStatus, StatusReport,
        },
    },
    state::{Document, StateError, Store, Table, Wanted},
};

/// Runs that are shown.
const RUNS: i64 = 5;

/// Days for which the newest rollout of a service that was asked about is shown, when it is over.
const LATELY_DAYS: i64 = 14;

/// The status of all services, or of one.
pub fn status(
    store: &mut Store,
    service: Option<&str>,
    policy: &Policy,
    now: Timestamp,
) -> Result<StatusReport, StateError> {
    let holder = store.holder()?.filter(|(_, until)| *until > now);
    let mut report = StatusReport {
        schema_version: SCHEMA_VERSION.into(),
        at: now,
        acting: holder.map(|(holder, until)| Holder { holder, until }),
        rollouts: Vec::new(),
        frozen: Vec::new(),
        sinks: Vec::new(),
        resting: Vec::new(),
        runs: Vec::new(),
        versions: Vec::new(),
    };
    let open = Wanted { state: Some("open"), service, ..Wanted::default() };
    let mut writes: BTreeMap<String, u64> = BTreeMap::new();
    for row in store.documents(Table::Intents, open)? {
        *writes.entry(read::<Intent>(&row)?.rollout).or_default() += 1;
    }
    let mut rows = store.documents(Table::Rollouts, open)?;
    if rows.is_empty() && service.is_some() {
        let since = now.saturating_sub(SignedDuration::from_hours(24 * LATELY_DAYS)).unwrap_or(Timestamp::MIN);
        let since = stamp(since);
        let lately = Wanted { service, since: Some(&since), limit: Some(1), ..Wanted::default() };
        rows = store.documents(Table::Rollouts, lately)?;
    }
    for row in rows {
        report.rollouts.push(rollout(store, read(&row)?, policy, &writes)?);
    }
    report.rollouts.sort_by(|a, b| a.rollout.service.cmp(&b.rollout.service));
    for row in store.documents(Table::Services, Wanted::default())? {
        let state: ServiceState = read(&row)?;
        let all = row.id == ALL_SERVICES;
        if !all && service.is_some_and(|service| service != row.id) {
            continue;
        }
        if let Some(freeze) = &state.freeze {
            report.frozen.push(Frozen {
                service: (!all).then(|| row.id.clone()),
                at: freeze.said.at,
                by: freeze.said.by.clone(),
                reason: freeze.said.reason.clone(),
                everything: freeze.reach == Reach::Everything,
            });
        }
        if let Some(until) = state.rests_until(policy.rules(&row.id).rollout.cooldown_hours, now) {
            report.resting.push(Resting { service: row.id.clone(), until });
        }
    }
    report.frozen.sort_by(|a, b| a.service.cmp(&b.service));
    report.resting.sort_by(|a, b| a.service.cmp(&b.service));
    for row in store.documents(Table::Breakers, Wanted::default())? {
        let (left_alone_until, failures) = match read::<Breaker>(&row)? {
            Breaker::Closed { failures } => (None, failures),
            Breaker::Open { until, .. } => (Some(until).filter(|until| *until > now), 0),
            Breaker::HalfOpen { .. } => (None, 0),
        };
        report.sinks.push(SinkStatus { sink: row.id, left_alone_until, failures });
    }
    for row in store.documents(Table::Ticks, Wanted { limit: Some(RUNS), ..Wanted::default() })? {
        report.runs.push(run(&row, &read(&row)?));
    }
    if let Some(service) = service {
        for row in store.documents(Table::Configurations, Wanted { service: Some(service), ..Wanted::default() })? {
            let version: Version = read(&row)?;
            report.versions.push(KnownVersion { version, state: row.state, changed_at: row.changed_at });
        }
        report.versions.sort_by_key(|known| known.state != "proven");
    }
    Ok(report)
}

/// Rollouts, those that are over too, the newest first, with what the evidence says of them.
pub fn rollouts(store: &mut Store, policy: &Policy, limit: i64) -> Result<Vec<RolloutStatus>, StateError> {
    let rows = store.documents(Table::Rollouts, Wanted { limit: Some(limit), ..Wanted::default() })?;
    rows.iter().map(|row| rollout(store, read(row)?, policy, &BTreeMap::new())).collect()
}

/// What the newest runs did, in the order of time.
pub fn runs(store: &mut Store, limit: i64) -> Result<Vec<RunReport>, StateError> {
    let rows = store.documents(Table::Ticks, Wanted { limit: Some(limit), ..Wanted::default() })?;
    rows.iter().rev().map(read).collect()
}

fn rollout(
    store: &mut Store,
    rollout: Rollout,
    policy: &Policy,
    writes: &BTreeMap<String, u64>,
) -> Result<RolloutStatus, StateError> {
    let evidence: Option<Evidence> = store.document(Table::Evidence, &rollout.id)?.map(|row| read(&row)).transpose()?;
    let limits = &policy.rules(&rollout.service).rollback;
    let counted = evidence.as_ref().and_then(|evidence| evidence.ledger.watermark());
    Ok(RolloutStatus {
        judgement: evidence.map(|evidence| judge(&evidence, None, limits, rollout.share_percent())),
        open_writes: writes.get(&rollout.id).copied().unwrap_or(0),
        counted_until: counted.and_then(|minute| Timestamp::from_second(60 * (minute + 1)).ok()),
        rollout,
    })
}

fn run(row: &Document, report: &RunReport) -> RunLine {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for step in &report.steps {
        *counts.entry(step.did.name()).or_default() += 1;
    }
    let did: Vec<String> = counts.iter().map(|(did, count)| format!("{count} {did}")).collect();
    RunLine {
        id: report.id.clone(),
        at: report.started_at,
        scope: report.scope,
        ended: row.state == "ended",
        did: if did.is_empty() { "nothing was under way".to_owned() } else { did.join(", ") },
        alerts: report.alerts.len() as u64,
    }
}

fn read<T: serde::de::DeserializeOwned>(row: &Document) -> Result<T, StateError> {
    serde_json::from_str(&row.body)
        .map_err(|cause| StateError::Unreadable { what: format!("the entry `{}`", row.id), cause })
}
