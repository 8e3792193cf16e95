//! Metrics as a run exports them.

use std::time::Duration;

use optimizer::{
    domain::{
        plan::SourceSummary,
        run::RunReport,
        status::{RolloutStatus, StatusReport},
        tally::{Ending, Tally},
    },
    report::{Figures, Phase, prometheus},
};
use serde_json::{Value, json};

/// A service whose name wants escaping, as far as sources allow one.
const AWKWARD: &str = "chat \"eu\"\\\n";

fn rollout(service: &str, stage: &Value) -> Value {
    let version = json!({"id": "v", "configuration": {}, "in_sink": null});
    json!({"judgement": null, "open_writes": 0, "counted_until": null, "rollout": {
        "id": "r", "service": service, "reason": "", "purpose": "change", "strategy": "canary", "subjects": [], "from": version,
        "to": version, "steps": [{"share_percent": 25, "bake_minutes": 30}], "started_at": "2026-01-01T00:00:00Z",
        "deadline": "2026-01-02T00:00:00Z", "stage": stage, "deployed": null, "labels": [],
        "effects": {"quality": 0.01, "latency_p95_ms": -0.2, "cost_per_request_usd": -0.5}, "restarts": 0,
        "restarted_because": null
    }})
}

/// Everything that can be exported, of a store that has seen `runs` runs.
pub fn text(runs: u64) -> String {
    let step = |did: &str| {
        json!({"service": "chat", "rollout": "r", "purpose": "change", "from": "1", "to": "2", "share_before": 5,
            "share_after": 25, "did": did, "why": "", "judgement": null})
    };
    let run: RunReport = serde_json::from_value(json!({
        "schema_version": "run/v1", "id": "t", "scope": "standard", "dry_run": false, "started_at": "2026-01-01T00:00:00Z",
        "sink": "s", "plan": null, "data_until": "2025-12-31T23:59:00Z", "steps": [step("advanced"), step("rolled_back")],
        "not_begun": [], "alerts": [{"kind": "rolled_back", "service": AWKWARD, "message": "m"}]
    }))
    .unwrap();
    let frozen = |service: Option<&str>| json!({"service": service, "at": "2026-01-01T00:00:00Z", "by": "me", "reason": "r", "everything": false});
    let under_way = json!({"state": "canary", "step": 0, "since": "2026-01-01T00:00:00Z"});
    let status: StatusReport = serde_json::from_value(json!({
        "schema_version": "status/v1", "at": "2026-01-01T00:00:05Z", "acting": null,
        "rollouts": [rollout("chat", &under_way), rollout(AWKWARD, &under_way)], "frozen": [frozen(None), frozen(Some(AWKWARD))],
        "sinks": [{"sink": "https://o.example", "left_alone_until": null, "failures": 1}],
        "resting": [{"service": "search", "until": "2026-01-01T00:01:05Z"}], "runs": []
    }))
    .unwrap();
    let completed = rollout(AWKWARD, &json!({"state": "full", "since": "2026-01-01T00:00:00Z"}));
    let rollouts: Vec<RolloutStatus> = vec![serde_json::from_value(completed).unwrap()];
    let ended_at = "2026-01-01T00:00:05Z".parse().unwrap();
    let tally = (0..runs).fold(Tally::default().with_saved(2.5, ended_at), |tally, _| {
        tally.after(&run, Ending::Fine, Duration::from_millis(700), ended_at)
    });
    let source = SourceSummary { rows_read: 10, rejected: [("cost".into(), 2)].into(), ..SourceSummary::default() };
    prometheus(&Figures {
        version: "1.2.3",
        run: &run,
        ending: Ending::Fine,
        ended_at,
        phases: &[Phase::Observe, Phase::Orient, Phase::Decide, Phase::Act]
            .map(|phase| (phase, Duration::from_millis(20))),
        status: &status,
        rollouts: &rollouts,
        source: Some(&source),
        tally: &tally,
    })
}
