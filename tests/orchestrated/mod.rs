//! An example server, a sink that talks to it with little patience, and jobs for both.

#![allow(dead_code, unused_imports, reason = "each test binary uses the part that it needs")]

#[path = "../../examples/orchestrator/peer/mod.rs"]
pub mod peer;

use std::time::Duration;

use optimizer::{
    act::sink::{
        Base, Credential, Expected, Job, Limits, Operation, Options, Orchestrator, Report, Rollback, Scope, Sink as _,
        Strategy, Target, Write, carry_out, idempotency_key,
    },
    domain::{configuration::Configuration, service_id::ServiceId},
    http::Patience,
};
use peer::{Fault, Match, Rule, Running, Settings, call::Operation as Called, serve};
use tokio::net::TcpListener;

pub const LIMITS: Limits = Limits {
    patience: Patience {
        connect: Duration::from_millis(500),
        attempt: Duration::from_millis(500),
        attempts: 3,
        pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(50),
        longest_wait: Duration::from_millis(1500),
    },
    service: Duration::from_millis(2500),
    poll: Duration::from_millis(20),
};

/// Slow enough to run into the limits above.
pub fn settings() -> Settings {
    Settings { drip: Duration::from_millis(50), ..Settings::default() }
}

pub async fn started(settings: Settings) -> Running {
    serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), settings).unwrap()
}

pub fn sink_with(running: &Running, credential: Option<Credential>, options: Options) -> Orchestrator {
    let base = Base::new(&format!("http://{}", running.address), false).unwrap();
    Orchestrator::new(base, credential, options).unwrap()
}

pub fn sink(running: &Running) -> Orchestrator {
    sink_with(running, None, Options { limits: LIMITS, create_missing: false })
}

pub fn rule(operation: Called, fault: Fault) -> Rule {
    Rule::new(Match { operation: Some(operation), service: Some("chat".into()), ..Match::default() }, fault)
}

pub fn once(operation: Called, fault: Fault) -> Rule {
    let mut rule = rule(operation, fault);
    rule.which.times = Some(1);
    rule
}

/// From the nth request on.
pub fn from(nth: u32, operation: Called, fault: Fault) -> Rule {
    let mut rule = rule(operation, fault);
    rule.which.nth = Some(nth);
    rule
}

pub fn status(code: u16) -> Fault {
    Fault::Status { code, retry_after: None, reset_in: None, body: None }
}

pub fn id(service: &str) -> ServiceId {
    service.parse().unwrap()
}

pub fn configuration(model: &str) -> Configuration {
    Configuration([("model", model), ("temperature", "0.7")].map(|(key, value)| (key.into(), value.into())).into())
}

pub fn write(service: &str, model: &str, percentage: u8, version: Option<&str>) -> Write {
    let operation = if version.is_some() { Operation::Replace } else { Operation::Create };
    Write {
        service: id(service),
        key: idempotency_key(&id(service), &format!("d-{model}"), u32::from(percentage), operation),
        expected: version.map_or(Expected::Absent, |version| Expected::Version(version.into())),
        configuration: configuration(model),
        baseline: None,
        percentage,
        strategy: if percentage == 100 { Strategy::Immediate } else { Strategy::Canary },
        progression: vec![percentage],
        interval_minutes: 0,
        rollback_on_error_rate: Some(0.05),
        decision_id: format!("d-{model}"),
        rationale: "cheaper".into(),
        requested_by: "optimizer".into(),
        config_version: format!("hash-{model}"),
    }
}

pub fn job(service: &str, model: &str, percentage: u8, version: Option<&str>) -> Job {
    Job::Write(write(service, model, percentage, version))
}

pub fn back(service: &str, model: &str, version: &str, scope: Scope) -> Job {
    Job::Rollback(Rollback {
        service: id(service),
        key: idempotency_key(&id(service), &format!("back-{version}"), 0, Operation::Rollback),
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

/// Carries out what cannot go wrong, and returns the version that is there now.
pub async fn deployed(sink: &Orchestrator, job: &Job) -> String {
    let report = carry_out(sink, job).await;
    assert!(report.outcome.is_done(), "{report}");
    sink.read(job.service()).await.unwrap().unwrap().version
}

/// The requests that arrived, as `GET chat`.
pub fn requests(running: &Running) -> Vec<String> {
    let text = |request: &serde_json::Value, key: &str| request[key].as_str().unwrap_or_default().to_owned();
    running.peer.with(|store| store.requests.iter().map(|request| text(request, "operation")).collect())
}

pub fn keys(running: &Running) -> Vec<String> {
    running
        .peer
        .with(|store| store.requests.iter().filter_map(|request| request["key"].as_str().map(str::to_owned)).collect())
}

/// The model a service has on the server, with its share.
pub fn model(running: &Running, service: &str) -> Option<(String, u8)> {
    running.peer.with(|store| {
        let found = store.kept.current(service, 60_000)?;
        Some((found.new.configuration.get("model").cloned().unwrap_or_default(), found.percentage))
    })
}
