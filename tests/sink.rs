//! The client keeps to its side of the contract, row by row.

mod orchestrated;

use std::time::{Duration, Instant};

use optimizer::{
    act::sink::{
        Base, Credential, Deletion, Expected, Job, Options, Outcome, Scope, Sink as _, State, Strategy, carry_out,
        settle,
    },
    http::{Peer, Token},
};
use orchestrated::{
    peer::{Fault, Match, Rule, Settings, call::Operation as Called},
    *,
};

#[tokio::test]
async fn a_service_from_its_first_day_to_its_way_back() {
    let running = started(settings()).await;
    let sink = sink(&running);
    assert_eq!(sink.read(&id("chat")).await, Ok(None));
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    let report = carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    let Outcome::Done { deployed: canary, unchanged: false } = &report.outcome else { panic!("{report}") };
    assert_eq!((report.attempts, canary.percentage, canary.state), (1, 5, State::InProgress));
    assert_eq!((canary.strategy, canary.previous_version.as_deref()), (Some(Strategy::Canary), Some(v1.as_str())));
    assert_eq!(canary.baseline, Some(configuration("a")));
    assert_eq!((canary.decision_id.as_deref(), canary.config_version.as_deref()), (Some("d-b"), Some("hash-b")));
    assert_eq!(canary.updated_by.as_deref(), Some("optimizer"));
    assert!(canary.updated_at.is_some());
    let v3 = deployed(&sink, &job("chat", "b", 25, Some(&canary.version))).await;
    let report = carry_out(&sink, &back("chat", "a", &v3, Scope::Canary)).await;
    let Outcome::Done { deployed: restored, .. } = &report.outcome else { panic!("{report}") };
    assert_eq!((restored.percentage, restored.state), (100, State::RolledBack));
    let v5 = deployed(&sink, &job("chat", "b", 100, Some(&restored.version))).await;
    deployed(&sink, &back("chat", "a", &v5, Scope::All)).await;
    assert_eq!(model(&running, "chat"), Some(("a".into(), 100)));
}

#[tokio::test]
async fn each_write_is_looked_at_before_and_read_back_after() {
    let running = started(settings()).await;
    let sink = sink(&running);
    carry_out(&sink, &job("chat", "a", 100, None)).await;
    assert_eq!(requests(&running), ["read", "create", "read"]);
    // By value: what differs only in its letters is the same.
    let mut same = write("chat", "a", 100, Some("long gone"));
    same.configuration.0.insert("temperature".into(), "0.70".into());
    let report = carry_out(&sink, &Job::Write(same)).await;
    assert!(matches!(report.outcome, Outcome::Done { unchanged: true, .. }), "{report}");
    assert_eq!(report.attempts, 0);
    assert_eq!(requests(&running)[3..], ["read"]);
}

#[tokio::test]
async fn a_stale_version_is_read_once_more_and_then_left() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    running.peer.misbehave(vec![once(Called::Replace, Fault::ForeignEdit)]);
    let report = carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    let Outcome::Conflict { found: Some(found), why } = &report.outcome else { panic!("{report}") };
    assert_eq!(found.configuration.get("max_tokens"), Some("77"));
    assert!(why.contains("a-person"), "{why}");
    assert_eq!(requests(&running)[4..], ["read", "replace", "read"]);
    // And the same before a rollback: their work stays.
    running.peer.misbehave(vec![once(Called::Rollback, Fault::ForeignEdit)]);
    let v2 = found.version.clone();
    let report = carry_out(&sink, &back("chat", "z", &v2, Scope::All)).await;
    assert!(matches!(report.outcome, Outcome::Conflict { found: Some(_), .. }), "{report}");
    // An older version is noticed before anything is sent.
    let report = carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    assert_eq!((report.attempts, report.outcome.name()), (0, "conflict"));
}

#[tokio::test]
async fn somebody_else_may_have_done_it_already() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    // Between our look and our write, another run of ours brings the same: the 412 that follows is no conflict.
    let mut other = write("chat", "b", 5, Some(&v1));
    other.key = uuid::Uuid::from_u128(7);
    running.peer.misbehave(vec![once(Called::Replace, Fault::ApplyAndStall)]);
    let (first, second) = (Job::Write(other), job("chat", "b", 5, Some(&v1)));
    let (first, second) = tokio::join!(carry_out(&sink, &first), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        carry_out(&sink, &second).await
    });
    assert!(first.outcome.is_done() && second.outcome.is_done(), "{first}, {second}");
    let versions = running.peer.with(|store| store.kept.history("chat").len());
    assert_eq!(versions, 2);
}

#[tokio::test]
async fn a_repeat_carries_the_same_key_and_happens_once() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    running.peer.misbehave(vec![rule(Called::Replace, Fault::Refuse)]);
    let write = job("chat", "b", 5, Some(&v1));
    let report = carry_out(&sink, &write).await;
    assert!(matches!(report.outcome, Outcome::InDoubt { .. }), "{report}");
    assert_eq!(report.attempts, 3);
    running.peer.misbehave(vec![]);
    let report = settle(&sink, &write).await;
    assert!(report.outcome.is_done(), "{report}");
    let keys = keys(&running);
    assert_eq!(keys.len(), 5);
    assert!(keys[1..].iter().all(|key| *key == keys[1]));
    assert_eq!(running.peer.with(|store| store.kept.history("chat").len()), 2);
}

#[tokio::test]
async fn patience_ends() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    let stall = Rule::new(Match::default(), Fault::Stall);
    for faults in [
        vec![stall],
        vec![rule(Called::Replace, Fault::Stall)],
        vec![rule(Called::Replace, Fault::Async { after_reads: None })],
    ] {
        running.peer.misbehave(faults);
        let begun = Instant::now();
        carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
        assert!(begun.elapsed() < LIMITS.service + Duration::from_millis(500), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_server_is_left_alone_as_long_as_it_asks() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    let slow_down = |retry_after, reset_in| Fault::Status { code: 429, retry_after, reset_in, body: None };
    running.peer.misbehave(vec![once(Called::Replace, slow_down(Some(1), None))]);
    let begun = Instant::now();
    let report = carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    assert!(report.outcome.is_done() && begun.elapsed() >= Duration::from_secs(1), "{report} {:?}", begun.elapsed());
    let v2 = sink.read(&id("chat")).await.unwrap().unwrap().version;
    for fault in [slow_down(Some(60), None), slow_down(None, Some(60))] {
        running.peer.misbehave(vec![rule(Called::Replace, fault)]);
        let (begun, before) = (Instant::now(), requests(&running).len());
        let report = carry_out(&sink, &job("chat", "b", 25, Some(&v2))).await;
        assert_eq!((report.outcome.name(), report.attempts), ("failed", 1), "{report}");
        assert!(begun.elapsed() < Duration::from_millis(500));
        assert_eq!(requests(&running)[before..], ["read", "replace"], "not even a look");
    }
}

#[tokio::test]
async fn both_ways_to_show_a_token_and_neither_shows_it_to_anybody_else() {
    let open = started(settings()).await;
    let closed = started(Settings { token: Some("sesame-open".into()), ..settings() }).await;
    let with = |running, credential: fn(Token) -> Credential, token| {
        let credential = Some(credential(Token::new(Peer::Orchestrator, token).unwrap()));
        sink_with(running, credential, Options { limits: LIMITS, create_missing: false })
    };
    for (service, credential) in [("one", Credential::Bearer as fn(Token) -> Credential), ("two", Credential::ApiKey)] {
        let sink = with(&closed, credential, "sesame-open");
        assert!(carry_out(&sink, &job(service, "a", 100, None)).await.outcome.is_done());
        assert!(!format!("{sink:?} {}", sink.shown()).contains("sesame"));
        // Refused by the door, refused later, and by a server that repeats what it was shown.
        let repeats = Some(r#"{"error":"x","message":"sesame-shut is wrong"}"#.to_owned());
        let echo = |code| Fault::Status { code, retry_after: None, reset_in: None, body: repeats.clone() };
        for (code, stops, fault) in [(401, true, None), (403, true, Some(echo(403))), (400, false, Some(echo(400)))] {
            let running = if fault.is_some() { &open } else { &closed };
            running.peer.misbehave(
                fault
                    .into_iter()
                    .map(|fault| Rule::new(Match { operation: Some(Called::Create), ..Match::default() }, fault))
                    .collect(),
            );
            let report = carry_out(&with(running, credential, "sesame-shut"), &job("three", "a", 100, None)).await;
            let Outcome::Refused { why, stop_all } = &report.outcome else { panic!("{report}") };
            assert!(*stop_all == stops && why.contains(&code.to_string()), "{why}");
            assert!(!format!("{report:?}{report}").contains("sesame"), "{report}");
        }
    }
}

#[tokio::test]
async fn a_service_that_is_gone_is_made_again_only_where_that_is_allowed() {
    for create_missing in [false, true] {
        let running = started(settings()).await;
        let sink = sink_with(&running, None, Options { limits: LIMITS, create_missing });
        let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
        running.peer.with(|store| store.kept.remove("chat"));
        let report = carry_out(&sink, &job("chat", "b", 100, Some(&v1))).await;
        assert_eq!(report.outcome.is_done(), create_missing, "{report}");
        assert_eq!(model(&running, "chat"), create_missing.then(|| ("b".into(), 100)));
        // Never a canary beside nothing, and never by a rollback.
        running.peer.with(|store| store.kept.remove("chat"));
        for job in [job("chat", "b", 5, Some(&v1)), back("chat", "a", &v1, Scope::All)] {
            let report = carry_out(&sink, &job).await;
            assert!(matches!(report.outcome, Outcome::Conflict { found: None, .. }), "{report}");
        }
        // Gone between the look and the write.
        let v4 = deployed(&sink, &self::job("chat", "d", 100, None)).await;
        running.peer.misbehave(vec![once(Called::Replace, status(404)), from(2, Called::Read, status(404))]);
        let report = carry_out(&sink, &self::job("chat", "c", 100, Some(&v4))).await;
        // Where it may be made again, the server says that it is there after all: it contradicts itself.
        assert_eq!(report.outcome.name(), if create_missing { "refused" } else { "conflict" }, "{report}");
    }
}

#[tokio::test]
async fn what_is_accepted_is_looked_for_until_it_is_there() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    running.peer.misbehave(vec![once(Called::Replace, Fault::Async { after_reads: Some(3) })]);
    let report = carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    assert!(report.outcome.is_done() && report.attempts == 1, "{report}");
    let v2 = sink.read(&id("chat")).await.unwrap().unwrap().version;
    running.peer.misbehave(vec![once(Called::Replace, Fault::Async { after_reads: Some(9) })]);
    let next = job("chat", "b", 25, Some(&v2));
    let report = carry_out(&sink, &next).await;
    assert!(matches!(&report.outcome, Outcome::Pending { found: Some(found) } if found.percentage == 5), "{report}");
    running.peer.with(|store| store.pending.get_mut("chat").unwrap().reads = Some(0));
    let report = settle(&sink, &next).await;
    assert!(matches!(report.outcome, Outcome::Done { unchanged: true, .. }), "{report}");
}

#[tokio::test]
async fn a_server_that_walks_by_itself_is_watched() {
    let running = started(Settings { minute: Duration::from_millis(30), ..settings() }).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    let mut walk = write("chat", "b", 5, Some(&v1));
    (walk.progression, walk.interval_minutes) = (vec![5, 50, 100], 10);
    let v2 = deployed(&sink, &Job::Write(walk.clone())).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let report = settle(&sink, &Job::Write(walk)).await;
    let Outcome::Done { deployed, unchanged: true } = report.outcome else { panic!("{report}") };
    assert!(deployed.percentage >= 50 && deployed.version == v2);
    assert!(carry_out(&sink, &back("chat", "a", &v2, Scope::All)).await.outcome.is_done());
    // One that is told to stay and walks all the same is somebody else's work.
    let v3 = sink.read(&id("chat")).await.unwrap().unwrap().version;
    running.peer.misbehave(vec![once(Called::Replace, Fault::SelfAdvance { to: 25, new_version: false })]);
    let report = carry_out(&sink, &job("chat", "c", 5, Some(&v3))).await;
    assert!(matches!(&report.outcome, Outcome::Conflict { why, .. } if why.contains("25 %")), "{report}");
}

#[tokio::test]
async fn a_lie_about_preconditions_is_noticed() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    running
        .peer
        .misbehave(vec![rule(Called::Replace, Fault::IgnoreIfMatch), once(Called::Replace, Fault::ForeignEdit)]);
    let report = carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    assert!(matches!(&report.outcome, Outcome::Conflict { why, .. } if why.contains("If-Match")), "{report}");
}

#[tokio::test]
async fn a_restart_of_the_server_in_between() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Settings { store: Some(folder.path().join("store")), ..settings() };
    let running = started(kept.clone()).await;
    let address = running.address;
    let first = sink(&running);
    let v1 = deployed(&first, &job("chat", "a", 100, None)).await;
    let write = job("chat", "b", 5, Some(&v1));
    running.peer.misbehave(vec![rule(Called::Replace, Fault::ApplyAndDrop), from(2, Called::Read, Fault::Refuse)]);
    let report = carry_out(&first, &write).await;
    assert!(matches!(report.outcome, Outcome::InDoubt { .. }), "{report}");
    drop(running);
    // Nobody listens: nothing was sent, so nothing is in doubt.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let report = carry_out(&first, &job("other", "a", 100, None)).await;
    assert!(matches!(&report.outcome, Outcome::Failed { why } if why.contains("cannot be reached")), "{report}");
    let again = orchestrated::peer::serve(tokio::net::TcpListener::bind(address).await.unwrap(), kept).unwrap();
    let second = sink(&again);
    let report = settle(&second, &write).await;
    assert!(matches!(report.outcome, Outcome::Done { unchanged: true, .. }), "{report}");
    assert_eq!(again.peer.with(|store| store.kept.history("chat").len()), 2);
}

#[tokio::test]
async fn nothing_is_said_to_whoever_is_pointed_at() {
    let (running, elsewhere) = (started(settings()).await, started(settings()).await);
    let sink = sink(&running);
    let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
    let to = format!("http://{}/api/v1/configurations/chat", elsewhere.address);
    running.peer.misbehave(vec![Rule::new(
        Match { service: Some("chat".into()), nth: Some(2), ..Match::default() },
        Fault::Redirect { to },
    )]);
    carry_out(&sink, &job("chat", "b", 5, Some(&v1))).await;
    assert!(sink.read(&id("chat")).await.unwrap_err().why.contains("leads elsewhere"));
    assert_eq!(requests(&elsewhere), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let running = started(settings()).await;
    let sink = sink(&running);
    deployed(&sink, &job("chat", "a", 100, None)).await;
    for fault in [Fault::EndlessBody, Fault::HugeBody] {
        running.peer.misbehave(vec![rule(Called::Read, fault)]);
        assert!(sink.read(&id("chat")).await.unwrap_err().why.contains("1 MiB"));
    }
}

#[tokio::test]
async fn a_service_is_deleted_by_whoever_knows_its_version() {
    let running = started(settings()).await;
    let sink = sink(&running);
    assert_eq!(sink.delete(&id("chat"), "v1").await, Ok(Deletion::WasGone));
    let cases = [
        (None, Ok(Deletion::Deleted)),
        (Some(Fault::ApplyAndDrop), Ok(Deletion::Deleted)),
        (Some(Fault::DropBeforeApply), Err("in doubt")),
        (Some(Fault::AcceptButNotApply), Err("in doubt")),
        (Some(Fault::ForeignEdit), Err("conflict")),
        (Some(status(412)), Err("failed")),
        (Some(status(500)), Err("failed")),
        (Some(status(401)), Err("refused")),
    ];
    for (round, (fault, wanted)) in cases.into_iter().enumerate() {
        running.peer.with(|store| store.kept.remove("chat"));
        let version = deployed(&sink, &job("chat", &format!("m{round}"), 100, None)).await;
        let stale = sink.delete(&id("chat"), "v0").await.unwrap_err();
        assert_eq!((stale.outcome.name(), stale.attempts), ("conflict", 0));
        running.peer.misbehave(fault.clone().map(|fault| rule(Called::Delete, fault)).into_iter().collect());
        let ended = sink.delete(&id("chat"), &version).await;
        assert_eq!(
            ended.as_ref().map_err(|report| report.outcome.name()),
            wanted.as_ref().map_err(|name| *name),
            "{fault:?}"
        );
        assert_eq!(model(&running, "chat").is_none(), wanted.is_ok(), "{fault:?}");
    }
}

#[test]
fn the_token_stays_off_the_open_road() {
    assert!(Base::new("http://orchestrator.example", false).is_err());
    assert!(Base::new("http://orchestrator.example", true).is_ok());
    assert_eq!(Expected::Absent.to_string(), "no configuration");
}
