//! Every misbehaviour × every operation: how it ends, that others go on, and that the next run makes it good.
//!
//! `docs/faults.md` is written from this table; with `UPDATE_FAULTS=1` the test writes it.

#[path = "../orchestrated/mod.rs"]
mod orchestrated;
mod table;

use std::fmt::Write as _;

use futures_util::{StreamExt as _, stream};

use optimizer::act::sink::{Breaker, Job, Orchestrator, Outcome, Push, Scope, Sink as _, carry_out, push_all, settle};
use orchestrated::{
    peer::{Running, call::Operation as Called},
    *,
};
use table::{Row, table};

const OPERATIONS: [&str; 5] = ["create", "replace", "roll back", "settle, not arrived", "settle, arrived"];

/// Cells that wait for their servers at the same time, and not so many that waiting for each other looks like a fault.
const AT_A_TIME: usize = 24;

struct Cell {
    running: Running,
    sink: Orchestrator,
    job: Job,
    called: Called,
    /// What the service has to have once the job is done.
    wanted: (String, u8),
}

/// A server in the state from which the operation begins.
async fn prepared(operation: usize) -> Cell {
    let running = started(settings()).await;
    let sink = sink(&running);
    let wanted = |model: &str, share| (model.to_owned(), share);
    let (job, called, wanted) = if operation == 0 {
        (job("chat", "b", 100, None), Called::Create, wanted("b", 100))
    } else {
        let v1 = deployed(&sink, &job("chat", "a", 100, None)).await;
        let canary = job("chat", "b", 5, Some(&v1));
        match operation {
            2 => {
                let v2 = deployed(&sink, &canary).await;
                (back("chat", "a", &v2, Scope::Canary), Called::Rollback, wanted("a", 100))
            }
            4 => {
                // As a run leaves it that dies between its write and the answer.
                deployed(&sink, &canary).await;
                (canary, Called::Replace, wanted("b", 5))
            }
            _ => (canary, Called::Replace, wanted("b", 5)),
        }
    };
    running.peer.with(|store| store.requests.clear());
    Cell { running, sink, job, called, wanted }
}

/// The outcome, and that of the next run where this one leaves something to it.
async fn tried(row: &Row, operation: usize) -> (String, Option<String>) {
    let at = format!("{} × {}", row.what, OPERATIONS[operation]);
    let Cell { running, sink, job, called, wanted } = prepared(operation).await;
    let before = running.peer.with(|store| store.kept.history("chat").len());
    running.peer.misbehave((row.rules)(called));
    let others = [self::job("after", "a", 100, None), self::job("before", "a", 100, None)];
    let jobs = [others[0].clone(), job.clone(), others[1].clone()];
    let reports = if operation < 3 {
        push_all(&sink, &jobs, &mut Breaker::default(), Push::default(), jiff::Timestamp::now).await
    } else {
        let (first, settled) = (carry_out(&sink, &jobs[0]).await, settle(&sink, &job).await);
        vec![first, settled, carry_out(&sink, &jobs[2]).await]
    };
    let (report, others) = (&reports[1], [&reports[0], &reports[2]]);
    assert!(row.everybody || others.iter().all(|other| other.outcome.is_done()), "{at}: {reports:?}");
    let name = report.outcome.name().to_owned();
    if let Outcome::Refused { stop_all, .. } = &report.outcome {
        assert_eq!(*stop_all, row.everybody, "{at}");
    }
    assert!(report.attempts <= LIMITS.patience.attempts, "{at}");
    let versions = running.peer.with(|store| store.kept.history("chat").len()) - before;
    assert!(versions <= 1 || report.outcome.name() == "conflict", "{at}: done {versions} times");
    if report.outcome.is_done() {
        assert_eq!(model(&running, "chat"), Some(wanted.clone()), "{at}");
    }
    // With a server that behaves again: what is in doubt becomes certain, and what failed can be done.
    running.peer.misbehave(vec![]);
    let next = match &report.outcome {
        Outcome::InDoubt { .. } | Outcome::Pending { .. } | Outcome::Failed { .. } => {
            let again = settle(&sink, &job).await;
            assert!(again.outcome.is_done(), "{at}: {again}");
            assert_eq!(model(&running, "chat"), Some(wanted), "{at}");
            let versions = running.peer.with(|store| store.kept.history("chat").len()) - before;
            assert!(versions <= 1, "{at}: done {versions} times");
            Some(again.outcome.name().to_owned())
        }
        Outcome::Conflict { .. } | Outcome::Refused { .. } | Outcome::Done { .. } => None,
    };
    let seen = sink.read(job.service()).await;
    assert!(seen.is_ok(), "{at}: {seen:?}");
    (name, next)
}

#[tokio::test]
async fn every_misbehaviour_ends_as_the_contract_says() {
    let rows = table();
    let cells = rows.iter().flat_map(|row| (0..OPERATIONS.len()).map(move |operation| tried(row, operation)));
    let results = stream::iter(cells).buffered(AT_A_TIME).collect::<Vec<_>>().await;
    let mut wrong = String::new();
    let mut text = String::from(HEAD);
    for (row, results) in rows.iter().zip(results.chunks(OPERATIONS.len())) {
        for (operation, ((name, _), wanted)) in results.iter().zip(row.outcomes).enumerate() {
            if name != wanted {
                let _ = writeln!(wrong, "{} × {}: {name}, not {wanted}", row.what, OPERATIONS[operation]);
            }
        }
        let names: Vec<&str> = results.iter().map(|(name, _)| name.as_str()).collect();
        let _ = writeln!(text, "| {} | {} | {} |", row.what, names.join(" | "), after(results));
    }
    assert!(wrong.is_empty(), "{wrong}");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/faults.md");
    if std::env::var_os("UPDATE_FAULTS").is_some() {
        std::fs::write(file, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(file).unwrap_or_default(), text, "UPDATE_FAULTS=1 writes it anew");
}

fn after(results: &[(String, Option<String>)]) -> &'static str {
    let has = |name: &str| results.iter().any(|(outcome, _)| outcome == name);
    match () {
        () if has("in doubt") => "settles it first: done, once",
        () if has("pending") => "looks again: done, once",
        () if has("failed") => "tries again: done, once",
        () if has("conflict") => "decides anew on what is there",
        () if has("refused") => "decides anew; somebody has to look",
        () => "nothing left to do",
    }
}

const HEAD: &str = "# When the Orchestrator misbehaves

Written from the test `tests/faults/`, which plays every misbehaviour against the example server: each operation on one service,
with two other services beside it, which are done in every row but those where the server refuses everybody. What is *in doubt*,
*pending* or *failed* is then settled with a server that behaves, and ends done, with one version more than before and no second one.

*Settle, not arrived* and *settle, arrived* are the next run after one that died between its write and the answer: the write was
lost, or it was carried out.

| misbehaviour | create | replace | roll back | settle, not arrived | settle, arrived | the next run |
|---|---|---|---|---|---|---|
";
