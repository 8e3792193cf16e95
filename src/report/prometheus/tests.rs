//! What is shown, and what is not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

fn run() -> RunReport {
    let alert = json!({"kind": "harm", "service": "chat", "message": "m"});
    let run = json!({
        "schema_version": "run/v1", "id": "t", "scope": "standard", "dry_run": false, "started_at": "2026-01-01T00:00:00Z",
        "sink": "s", "plan": null, "data_until": "2025-12-31T23:59:00Z", "steps": [], "not_begun": [], "alerts": [alert]
    });
    serde_json::from_value(run).unwrap()
}

fn rollout(service: &str, stage: &Value, effects: &Value) -> Value {
    let version = json!({"id": "v", "configuration": {}, "in_sink": null});
    json!({"judgement": null, "open_writes": 0, "counted_until": null, "rollout": {
        "id": "r", "service": service, "reason": "", "purpose": "change", "strategy": "canary", "subjects": [], "from": version,
        "to": version, "steps": [{"share_percent": 25, "bake_minutes": 30}], "started_at": "2026-01-01T00:00:00Z",
        "deadline": "2026-01-02T00:00:00Z", "stage": stage, "deployed": null, "labels": [], "effects": effects, "restarts": 0,
        "restarted_because": null
    }})
}

fn completed(service: &str, since: &str, effects: &Value) -> RolloutStatus {
    serde_json::from_value(rollout(service, &json!({"state": "full", "since": since}), effects)).unwrap()
}

fn status(frozen: &Value) -> StatusReport {
    let under_way =
        rollout("chat", &json!({"state": "canary", "step": 0, "since": "2026-01-01T00:00:00Z"}), &json!({}));
    let status = json!({
        "schema_version": "status/v1", "at": "2026-01-01T00:00:05Z", "acting": null, "rollouts": [under_way], "frozen": frozen,
        "sinks": [{"sink": "https://o.example", "left_alone_until": null, "failures": 1}],
        "resting": [{"service": "search", "until": "2026-01-01T00:01:05Z"}], "runs": []
    });
    serde_json::from_value(status).unwrap()
}

fn shown(status: &StatusReport, rollouts: &[RolloutStatus], tally: &Tally, source: Option<&SourceSummary>) -> String {
    prometheus(&Figures {
        version: "1.2.3",
        run: &run(),
        ending: Ending::Fine,
        ended_at: "2026-01-01T00:00:05.25Z".parse().unwrap(),
        phases: &[(Phase::Observe, Duration::from_millis(120)), (Phase::Act, Duration::from_millis(30))],
        status,
        rollouts,
        source,
        tally,
    })
}

/// Series and values.
fn series(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').expect("a value")).collect()
}

#[test]
fn everything_that_is_known_is_shown() {
    let tally = Tally::default().after(
        &run(),
        Ending::Fine,
        Duration::from_millis(700),
        "2026-01-01T00:00:05Z".parse().unwrap(),
    );
    let tally = tally.with_saved(2.5, Timestamp::UNIX_EPOCH).with_saved(-0.5, Timestamp::UNIX_EPOCH).with_killed(1);
    let rollouts = [
        completed("chat", "2026-01-01T00:00:00Z", &json!({"quality": 0.01, "latency_p95_ms": -0.2})),
        completed("chat", "2025-01-01T00:00:00Z", &json!({"quality": 0.5, "cost_per_request_usd": -0.9})),
    ];
    let source = SourceSummary { rows_read: 10, rejected: [("cost".to_owned(), 2)].into(), ..SourceSummary::default() };
    let status = status(&json!([]));
    let text = shown(&status, &rollouts, &tally, Some(&source));
    let series = series(&text);
    for (name, value) in [
        ("optimizer_attempts_total{result=\"fine\"}", "1"),
        ("optimizer_attempts_total{result=\"killed\"}", "1"),
        ("optimizer_attempts_total{result=\"in_doubt\"}", "0"),
        ("optimizer_duration_seconds_bucket{le=\"0.5\"}", "0"),
        ("optimizer_duration_seconds_bucket{le=\"1\"}", "1"),
        ("optimizer_duration_seconds_bucket{le=\"2\"}", "1"),
        ("optimizer_duration_seconds_bucket{le=\"120\"}", "1"),
        ("optimizer_duration_seconds_bucket{le=\"+Inf\"}", "1"),
        ("optimizer_duration_seconds_sum", "0.7"),
        ("optimizer_config_changes_total{type=\"rolled_back\"}", "0"),
        ("optimizer_alerts_total{kind=\"harm\"}", "1"),
        ("optimizer_cost_saved_total{currency=\"usd\"}", "2.5"),
        ("optimizer_cost_added_total{currency=\"usd\"}", "0.5"),
        ("optimizer_last_run_timestamp_seconds", "1767225605.25"),
        ("optimizer_last_run_success{scope=\"standard\"}", "1"),
        ("optimizer_phase_duration_seconds{phase=\"observe\"}", "0.12"),
        ("optimizer_source_rows_rejected{reason=\"cost\"}", "2"),
        ("optimizer_control_loop_state{state=\"going\"}", "1"),
        ("optimizer_deployments_active", "1"),
        ("optimizer_deployment_share_ratio{service=\"chat\",purpose=\"change\"}", "0.25"),
        ("optimizer_resting{service=\"search\"}", "60"),
        ("optimizer_quality_improvement{service=\"chat\"}", "0.01"),
        ("optimizer_latency_reduction{service=\"chat\"}", "0.2"),
    ] {
        assert_eq!(series.get(name), Some(&value), "{name}\n{text}");
    }
    assert_eq!(series.len(), text.lines().filter(|line| !line.starts_with('#')).count(), "no series twice");
    assert!(!text.contains("cost_reduction"), "of the newest change only:\n{text}");
}

#[test]
fn what_was_not_measured_is_absent_and_not_zero() {
    let text = shown(&status(&json!([])), &[], &Tally::default(), None);
    for name in ["cost_saved", "cost_added", "quality_improvement", "latency_reduction", "source_rows", "last_success"]
    {
        assert!(!text.contains(name), "{name}:\n{text}");
    }
    // A count of nothing is a count.
    assert_eq!(series(&text)["optimizer_rollbacks_total"], "0");
}

#[test]
fn what_operators_said_is_the_state() {
    let said = |service: Option<&str>, everything: bool| json!([{"service": service, "at": "2026-01-01T00:00:00Z", "by": "me", "reason": "r", "everything": everything}]);
    let state = |frozen: &Value| {
        let (status, tally) = (status(frozen), Tally::default());
        let text = shown(&status, &[], &tally, None);
        let on = series(&text).into_iter().filter(|(name, value)| name.contains("loop_state") && *value == "1");
        on.map(|(name, _)| name.to_owned()).collect::<String>()
    };
    assert_eq!(state(&said(None, true)), "optimizer_control_loop_state{state=\"stopped\"}");
    assert_eq!(state(&said(None, false)), "optimizer_control_loop_state{state=\"paused\"}");
    assert_eq!(state(&said(Some("chat"), true)), "optimizer_control_loop_state{state=\"going\"}", "only one service");
    let text = shown(&status(&said(None, true)), &[], &Tally::default(), None);
    assert!(text.contains("optimizer_frozen{service=\"*\",reach=\"everything\"} 1\n"), "{text}");
}

#[test]
fn each_family_has_help_and_type_once_before_its_samples() {
    let tally = Tally::default().with_saved(1.0, Timestamp::UNIX_EPOCH);
    let text =
        shown(&status(&json!([])), &[completed("a", "2026-01-01T00:00:00Z", &json!({"quality": 0.1}))], &tally, None);
    assert!(text.ends_with('\n'));
    let mut named = std::collections::BTreeSet::new();
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(named.insert(family.clone()), "{family} twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(rest.split(' ').next(), Some(family.as_str()));
        } else {
            assert!(line.starts_with(&family), "{line} under {family}");
        }
    }
    assert!(named.len() > 20);
}
