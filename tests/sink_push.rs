//! Many services at a time, some of them ill, and a sink that is away and comes back.

mod orchestrated;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use optimizer::{
    act::sink::{
        Asked, Breaker, BreakerSettings, Credential, Halt, Health, Job, Options, Orchestrator, Outcome, Purpose, Push,
        Report, Scope, push_all,
    },
    http::{Peer, Token},
};
use orchestrated::{
    peer::{Fault, Match, Rule, Settings, call::Operation as Called},
    *,
};

const PUSH: Push = Push {
    purpose: Purpose::Fresh,
    concurrency: 4,
    breaker: BreakerSettings {
        after: 3,
        pause: Duration::from_mins(1),
        longest_pause: Duration::from_mins(10),
        probe: Duration::from_mins(1),
    },
    halt: Halt(|| None),
};

fn jobs(count: usize) -> Vec<Job> {
    (0..count).map(|at| job(&format!("service-{at}"), "a", 100, None)).collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

async fn push(sink: &Orchestrator, jobs: &[Job], breaker: &mut Breaker, now: i64) -> Vec<Report> {
    push_all(sink, jobs, breaker, PUSH, || at(now)).await
}

fn count(reports: &[Report], name: &str) -> usize {
    reports.iter().filter(|report| report.outcome.name() == name).count()
}

fn only(service: &str, fault: Fault) -> Rule {
    Rule::new(Match { service: Some(service.into()), ..Match::default() }, fault)
}

#[tokio::test]
async fn one_that_fails_holds_nobody_up_and_the_order_stays() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let mut refused = only("service-7", status(422));
    refused.which.operation = Some(Called::Create);
    running.peer.misbehave(vec![only("service-2", Fault::Stall), only("service-5", status(500)), refused]);
    let mut breaker = Breaker::default();
    let reports = push(&sink, &jobs(20), &mut breaker, 0).await;
    for (number, report) in reports.iter().enumerate() {
        let wanted = match number {
            2 | 5 => "failed",
            7 => "refused",
            _ => "done",
        };
        assert_eq!(report.outcome.name(), wanted, "{number}: {report}");
    }
    assert!(matches!(breaker, Breaker::Closed { .. }));
}

#[tokio::test]
async fn a_refusal_to_everybody_stops_what_has_not_begun() {
    let running = started(Settings { token: Some("right".into()), ..settings() }).await;
    let wrong = Some(Credential::Bearer(Token::new(Peer::Orchestrator, "wrong").unwrap()));
    let sink = sink_with(&running, wrong, Options { limits: LIMITS, create_missing: false });
    let mut breaker = Breaker::default();
    let reports = push(&sink, &jobs(50), &mut breaker, 0).await;
    assert_eq!(count(&reports, "done"), 0);
    let begun = reports.iter().filter(|report| report.health != Health::Unasked).count();
    assert!((1..=4).contains(&begun), "{begun}");
    assert!(reports[49].to_string().contains("does not talk to us"), "{}", reports[49]);
    assert_eq!(requests(&running).len(), begun);
    assert_eq!(breaker, Breaker::default(), "it is well, it only does not know us");
}

#[tokio::test]
async fn down_for_a_day_and_back() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let all = jobs(40);
    let v1 = deployed(&sink, &job("ill", "a", 100, None)).await;
    let v2 = deployed(&sink, &job("ill", "b", 5, Some(&v1))).await;
    running.peer.misbehave(vec![Rule::new(Match::default(), Fault::Down)]);
    let mut breaker = Breaker::default();
    let asked = || requests(&running).len();
    let mut costs = Vec::new();
    // Every quarter of an hour for a day.
    for tick in 0..96 {
        let before = asked();
        let reports = push(&sink, &all, &mut breaker, tick * 900).await;
        assert_eq!(count(&reports, "failed"), 40);
        costs.push(asked() - before);
    }
    assert!(costs[0] <= 7 * 3, "a few find out, and the rest is left alone: {costs:?}");
    assert!(costs[1..].iter().all(|cost| *cost <= 3), "one probe a run at most: {costs:?}");
    assert!(matches!(breaker, Breaker::Open { .. }), "{breaker:?}");
    // A way back is tried all the same.
    let rollback = [back("ill", "a", &v2, Scope::Canary)];
    assert_eq!(push(&sink, &rollback, &mut breaker, 96 * 900 - 899).await[0].health, Health::Sick);
    let kept = serde_json::to_string(&breaker).unwrap();
    running.peer.misbehave(vec![]);
    let mut breaker: Breaker = serde_json::from_str(&kept).unwrap();
    // Back: one goes ahead, and then the others, no more at a time than ever.
    let busy = AtomicUsize::new(0);
    let reports = push_all(&sink, &all, &mut breaker, PUSH, || {
        busy.fetch_add(1, Ordering::Relaxed);
        at(97 * 900)
    })
    .await;
    assert_eq!(count(&reports, "done"), 40);
    assert_eq!(breaker, Breaker::default());
    assert!(busy.load(Ordering::Relaxed) >= 80);
    assert!(push(&sink, &rollback, &mut breaker, 97 * 900).await[0].outcome.is_done());
}

#[tokio::test]
async fn rollbacks_go_first_and_settling_keeps_doubts() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("ill", "a", 100, None)).await;
    let v2 = deployed(&sink, &job("ill", "b", 5, Some(&v1))).await;
    running.peer.with(|store| store.requests.clear());
    let mut all = jobs(10);
    all.push(back("ill", "a", &v2, Scope::Canary));
    let mut breaker = Breaker::Open { until: at(60), times: 1 };
    let reports = push(&sink, &all, &mut breaker, 0).await;
    assert_eq!(requests(&running)[..2], ["read", "rollback"]);
    // Its answer is an answer: the others need not wait any longer.
    assert_eq!(count(&reports, "done"), 11);
    let mut breaker = Breaker::Open { until: at(60), times: 1 };
    let settling = Push { purpose: Purpose::Settle, ..PUSH };
    let reports = push_all(&sink, &jobs(3), &mut breaker, settling, || at(0)).await;
    assert!(reports.iter().all(|report| matches!(report.outcome, Outcome::InDoubt { .. })), "{reports:?}");
}

#[tokio::test]
async fn a_process_that_is_to_end_begins_nothing_and_waits_no_longer_than_it_may() {
    static ASKED: std::sync::OnceLock<Asked> = std::sync::OnceLock::new();
    let running = started(settings()).await;
    let sink = sink(&running);
    running
        .peer
        .misbehave(vec![Rule::new(Match { operation: Some(Called::Create), ..Match::default() }, Fault::Stall)]);
    let push = Push { halt: Halt(|| ASKED.get().copied()), ..PUSH };
    let begun = Instant::now();
    let asked = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ASKED.set(Asked { why: "stopped by SIGTERM", last: begun + Duration::from_millis(600) }).unwrap();
    };
    let (all, mut breaker) = (jobs(10), Breaker::default());
    let (reports, ()) = tokio::join!(push_all(&sink, &all, &mut breaker, push, || at(0)), asked);
    let took = begun.elapsed();
    assert!(Duration::from_millis(600) <= took && took < Duration::from_secs(4), "{took:?}");
    assert_eq!((count(&reports, "in doubt"), count(&reports, "failed")), (4, 6), "{reports:?}");
    let unasked: Vec<&Report> = reports.iter().filter(|report| report.health == Health::Unasked).collect();
    assert_eq!(unasked.len(), 10, "the sink is not blamed");
    assert_eq!(
        reports[9].to_string(),
        "not done: not begun: stopped by SIGTERM; the next run goes on",
        "what was not sent is known not to be there"
    );
    assert_eq!(breaker, Breaker::default());
    let asked: std::collections::BTreeSet<String> = keys(&running).into_iter().collect();
    assert!(asked.len() <= 4, "nothing new began: {asked:?}");
}

/// A thousand services, a server on the same machine, everything in one thread. The limit is for a machine with much else to do.
#[tokio::test]
async fn a_thousand_services() {
    let running = started(settings()).await;
    let sink = sink_with(&running, None, Options::default());
    let begun = Instant::now();
    let reports = push_all(&sink, &jobs(1_000), &mut Breaker::default(), Push::default(), Timestamp::now).await;
    assert_eq!(count(&reports, "done"), 1_000);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
