use std::time::Duration;

use serde_json::json;

use super::*;
use crate::domain::span::Value;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn timed(phase: Phase, part: Option<&'static str>, from: i64, to: i64) -> Timed {
    Timed { phase, part, started_at: at(from), took: Duration::from_secs((to - from).unsigned_abs()) }
}

fn run(steps: usize) -> RunReport {
    let step = |index: usize| {
        json!({"service": format!("s{index}"), "rollout": "r", "purpose": "change", "from": "1", "to": "2", "share_before": 5,
            "share_after": 25, "did": if index == 0 { "held" } else { "advanced" }, "why": "", "judgement": null})
    };
    serde_json::from_value(json!({
        "schema_version": "run/v1", "id": "t", "scope": "standard", "dry_run": false, "started_at": "2026-01-01T00:00:00Z",
        "sink": "s", "plan": {"id": "p", "decisions": 4, "moving": 1}, "data_until": null,
        "steps": (0..steps).map(step).collect::<Vec<_>>(), "not_begun": [],
        "alerts": [{"kind": "harm", "service": "a\u{1b}", "message": "m"}]
    }))
    .unwrap()
}

fn ran<'a>(run: &'a RunReport, times: &'a [Timed]) -> Ran<'a> {
    Ran {
        id: "t",
        scope: Scope::Standard,
        dry_run: false,
        report: Some(run),
        started_at: at(0),
        ended_at: at(9),
        times,
        source: None,
        exit: Exit::Fine,
        trouble: None,
    }
}

fn value(span: &Span, name: &str) -> Option<Value> {
    span.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

#[test]
fn a_tick_holds_its_phases_in_order() {
    let times = [
        timed(Phase::Act, None, 0, 1),
        timed(Phase::Act, Some("push"), 7, 8),
        timed(Phase::Act, None, 6, 9),
        timed(Phase::Observe, None, 1, 4),
        timed(Phase::Orient, None, 4, 5),
        timed(Phase::Decide, None, 5, 6),
    ];
    let (run, mut source) = (run(3), SourceSummary { rows_read: 10, ..SourceSummary::default() });
    source.rejected = [("a".to_owned(), 2), ("b".to_owned(), 3)].into();
    let span = tick(&Ran { source: Some(&source), ..ran(&run, &times) });
    let names: Vec<&str> = span.children.iter().map(|child| child.name).collect();
    assert_eq!((span.name, names), ("tick", vec!["act", "observe", "orient", "decide", "act"]));
    assert_eq!(span.children[4].children[0].name, "push");
    assert_eq!(span.children[0].events, [], "what became of rollouts is known in the end");
    assert_eq!(span.children[4].events.len(), 2, "one of three did not move");
    assert_eq!(value(&span.children[1], "optimizer.source.rows_rejected"), Some(Value::Whole(5)));
    assert_eq!(value(&span.children[3], "optimizer.plan.moving"), Some(Value::Whole(1)));
    assert_eq!(value(&span, "optimizer.steps.advanced"), Some(Value::Whole(2)));
    assert_eq!(value(&span, "process.exit.code"), Some(Value::Whole(0)));
    assert_eq!(span.events[0].attributes[0].1, Value::Text("a\\u{1b}".to_owned()));
    assert_eq!(span.error, None);
}

#[test]
fn what_failed_says_so() {
    let run = run(0);
    let error = |exit, trouble| tick(&Ran { exit, trouble, ..ran(&run, &[]) }).error;
    assert_eq!(error(Exit::Sink, Some("the sink `s` refused\u{7}")).as_deref(), Some("the sink `s` refused\\u{7}"));
    assert_eq!(error(Exit::Interrupted, None).as_deref(), Some("exit code 130"));
    assert_eq!(error(Exit::Held, Some("another run acts")), None);
    let nothing = tick(&Ran { report: None, exit: Exit::Usage, ..ran(&run, &[]) });
    assert_eq!((nothing.attributes.len(), value(&nothing, "process.exit.code")), (4, Some(Value::Whole(2))));
}

#[test]
fn nobody_reads_a_thousand_events() {
    let run = run(1_001);
    let span = tick(&ran(&run, &[timed(Phase::Act, None, 0, 1)]));
    assert_eq!((span.children[0].events.len(), span.children[0].dropped_events), (128, 872));
    // Nothing acted, and the events are not lost.
    let span = tick(&ran(&run, &[]));
    assert_eq!((span.events.len(), span.dropped_events), (128, 873));
}
