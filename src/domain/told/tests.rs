//! Runs, one after the other, and what each receiver hears of them.

use serde_json::json;

use super::*;
use crate::domain::{
    Finding,
    run::{RunReport, Scope},
    status::StatusReport,
    tally::Ending,
};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + 60 * minute).unwrap()
}

fn all(most: usize) -> Wanted {
    Wanted { events: Event::ALL.into(), most }
}

fn report(did: &[(&str, &str)], dry_run: bool) -> RunReport {
    let step = |(rollout, did): &(&str, &str)| {
        json!({"service": "chat", "rollout": rollout, "purpose": "change", "from": "1", "to": "2", "share_before": 5,
            "share_after": 25, "did": did, "why": "because", "judgement": null})
    };
    serde_json::from_value(json!({
        "schema_version": "run/v1", "id": "t", "scope": "standard", "dry_run": dry_run, "started_at": "2026-01-01T00:00:00Z",
        "sink": "s", "plan": null, "data_until": null, "steps": did.iter().map(step).collect::<Vec<_>>(), "not_begun": [],
        "alerts": []
    }))
    .unwrap()
}

fn status(frozen: Option<bool>) -> StatusReport {
    let frozen: Vec<_> = frozen
        .iter()
        .map(|everything| json!({"service": null, "at": "2026-01-01T00:00:00Z", "by": "me", "reason": "r", "everything": everything}))
        .collect();
    serde_json::from_value(json!({
        "schema_version": "status/v1", "at": "2026-01-01T00:00:00Z", "acting": null, "rollouts": [], "frozen": frozen, "sinks": [],
        "resting": [], "runs": []
    }))
    .unwrap()
}

fn budget(severity: &str) -> Finding {
    serde_json::from_value(json!({
        "service": "chat", "kind": "daily_budget", "severity": severity, "observed": 2.0, "limit": 1.0, "unit": "usd_per_day",
        "interval": null, "requests": 1, "cause": null, "summary": "too much"
    }))
    .unwrap()
}

/// What is told, and what is known afterwards, as the next process reads it.
fn run(told: Told, news: &News, wanted: &Wanted) -> (Vec<String>, Told) {
    let messages = told.left("slack", news, wanted);
    let shown =
        messages.iter().map(|message| format!("{} {}", message.notice.state.name(), message.notice.key)).collect();
    let told = told.after("slack", &messages, news.at());
    (shown, serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap())
}

#[test]
fn what_happened_is_told_once() {
    let did = [("r1", "began"), ("r2", "advanced"), ("r3", "rolled_back"), ("r4", "completed"), ("r5", "held")];
    let news = News::of("t1", at(0)).with_run(&report(&did, false));
    let (told, known) = run(Told::default(), &news, &all(9));
    assert_eq!(
        told,
        ["once rolled_back/r3", "once change_applied/r1/25", "once change_applied/r2/25", "once change_completed/r4"]
    );
    assert_eq!(run(known.clone(), &news, &all(9)).0, [""; 0], "by a run that took up a killed one");
    assert_eq!(known.left("pagerduty", &news, &all(9)).len(), 4, "another receiver knows nothing");
    let dry = News::of("t1", at(0)).with_run(&report(&did, true));
    assert_eq!(dry.notices(), []);
}

#[test]
fn what_stands_is_told_when_it_begins_and_when_it_is_over() {
    let frozen = |minute, frozen| News::of("t", at(minute)).with_status(&status(frozen));
    let (told, known) = run(Told::default(), &frozen(0, Some(false)), &all(5));
    assert_eq!(told, ["stands frozen/*/forward"]);
    let (told, known) = run(known, &frozen(1, Some(false)), &all(5));
    assert_eq!(told, [""; 0]);
    let (told, known) = run(known, &frozen(2, Some(true)), &all(5));
    assert_eq!(told, ["stands frozen/*/everything", "over frozen/*/forward"], "another reach is news");
    let (told, known) = run(known, &News::of("t", at(3)), &all(5));
    assert_eq!(told, [""; 0], "who did not look cannot say that it is over");
    let (told, known) = run(known, &frozen(4, None), &all(5));
    assert_eq!(told, ["over frozen/*/everything"]);
    assert_eq!(run(known.clone(), &frozen(5, None), &all(5)).0, [""; 0]);
    assert_eq!(run(known, &frozen(6, Some(true)), &all(5)).0, ["stands frozen/*/everything"], "and it may begin again");
}

#[test]
fn budgets_count_when_they_are_sure_to_be_passed() {
    let spent = |findings: &[Finding]| News::of("t", at(0)).with_budgets(findings);
    assert_eq!(run(Told::default(), &spent(&[budget("low")]), &all(5)).0, [""; 0]);
    let (told, known) = run(Told::default(), &spent(&[budget("high"), budget("high")]), &all(5));
    assert_eq!(told, ["stands budget_breached/chat/daily"]);
    assert_eq!(run(known, &spent(&[]), &all(5)).0, ["over budget_breached/chat/daily"]);
}

#[test]
fn a_failure_is_over_when_a_run_of_its_scope_goes_well() {
    let ended = |scope, ending| News::of("t", at(0)).with_end(scope, ending, "why");
    let (told, known) = run(Told::default(), &ended(Scope::Standard, Ending::Source), &all(5));
    assert_eq!(told, ["stands run_failed/standard/source"]);
    assert_eq!(run(known.clone(), &ended(Scope::Safety, Ending::Fine), &all(5)).0, [""; 0], "it reads less");
    let (told, known) = run(known, &ended(Scope::Standard, Ending::Sink), &all(5));
    assert_eq!(told, ["stands run_failed/standard/sink"], "another failure does not mend the first");
    let over = ["over run_failed/standard/sink", "over run_failed/standard/source"];
    assert_eq!(run(known, &ended(Scope::Standard, Ending::Fine), &all(5)).0, over);
}

#[test]
fn too_much_is_summed_up_and_the_worst_told_alone() {
    let names: Vec<String> = (0..30).map(|number| format!("r{number:02}")).collect();
    let mut did: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "began")).collect();
    did.push(("worst", "rolled_back"));
    let news = News::of("t", at(0)).with_run(&report(&did, false));
    let messages = Told::default().left("slack", &news, &all(3));
    let keys: Vec<&str> = messages.iter().map(|message| message.notice.key.as_str()).collect();
    assert_eq!(keys, ["rolled_back/worst", "change_applied/r00/25", "sum/t"]);
    let sum = &messages[2].notice;
    assert_eq!(sum.summary, "29 more events: 29 change applied");
    assert!(sum.detail.ends_with("\nand 9 more") && sum.detail.lines().count() == 21, "{}", sum.detail);
    let known = Told::default().after("slack", &messages, at(0));
    assert_eq!(known.left("slack", &news, &all(3)), [], "all of them are known");
    let arrived = Told::default().after("slack", &messages[..1], at(0));
    assert_eq!(arrived.left("slack", &news, &all(99)).len(), 30, "what did not arrive is told by the next run");
    assert_eq!(Told::default().left("slack", &news, &all(0)).len(), 1, "one message there is always");
}

#[test]
fn what_is_over_waits_where_there_is_no_room() {
    let before = News::of("t", at(0)).with_status(&status(Some(true)));
    let (_, known) = run(Told::default(), &before, &all(1));
    let news = News::of("t", at(1)).with_run(&report(&[("r", "began")], false)).with_status(&status(None));
    let (told, known) = run(known, &news, &all(1));
    assert_eq!(told, ["once change_applied/r/25"]);
    assert_eq!(run(known, &news, &all(1)).0, ["over frozen/*/everything"]);
}

#[test]
fn only_chosen_events_are_told_and_old_ones_forgotten() {
    let news = News::of("t", at(0)).with_run(&report(&[("r", "began"), ("q", "rolled_back")], false));
    let only = Wanted { events: [Event::RolledBack].into(), most: 5 };
    let (told, known) = run(Told::default(), &news, &only);
    assert_eq!(told, ["once rolled_back/q"]);
    let day = 24 * 60;
    let kept = known.clone().after("slack", &[], at(30 * day));
    assert_eq!(kept, known);
    assert_ne!(known.clone().after("slack", &[], at(31 * day)), known);
    let standing = run(Told::default(), &News::of("t", at(0)).with_status(&status(Some(true))), &all(5)).1;
    assert_eq!(standing.clone().after("slack", &[], at(99 * day)), standing, "what stands is never forgotten");
}
