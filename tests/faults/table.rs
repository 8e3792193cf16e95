//! The misbehaviours, and how each operation has to end under them.

use super::orchestrated::{
    peer::{
        Fault::{self, *},
        Match, Rule,
        call::Operation as Called,
        faults::Garbage,
    },
    *,
};

pub struct Row {
    pub what: &'static str,
    pub rules: Box<dyn Fn(Called) -> Vec<Rule>>,
    /// One for each operation.
    pub outcomes: [&'static str; 5],
    /// Whether it is said to everybody, so that the others do not go on.
    pub everybody: bool,
}

fn row(what: &'static str, outcomes: [&'static str; 5], rules: impl Fn(Called) -> Vec<Rule> + 'static) -> Row {
    Row { what, rules: Box::new(rules), outcomes, everybody: false }
}

/// On every write of the service.
fn writes(what: &'static str, outcomes: [&'static str; 5], fault: Fault) -> Row {
    row(what, outcomes, move |called| vec![rule(called, fault.clone())])
}

fn first(what: &'static str, outcomes: [&'static str; 5], fault: Fault) -> Row {
    row(what, outcomes, move |called| vec![once(called, fault.clone())])
}

fn reads(what: &'static str, outcomes: [&'static str; 5], fault: Fault) -> Row {
    row(what, outcomes, move |_| vec![rule(Called::Read, fault.clone())])
}

/// On every reading after the first look.
fn read_back(what: &'static str, outcomes: [&'static str; 5], fault: Fault) -> Row {
    row(what, outcomes, move |_| vec![from(2, Called::Read, fault.clone())])
}

fn late(code: u16, retry_after: Option<u64>, reset_in: Option<u64>) -> Fault {
    Status { code, retry_after, reset_in, body: None }
}

const DONE: [&str; 5] = ["done"; 5];
/// Nothing can be seen: what was not sent was not done, and what was sent before stays as uncertain as it was.
const BLIND: [&str; 5] = ["failed", "failed", "failed", "in doubt", "in doubt"];
/// For faults of writes: what has arrived needs no write any more.
const fn unless_there(outcome: &'static str) -> [&'static str; 5] {
    [outcome, outcome, outcome, outcome, "done"]
}

#[expect(clippy::too_many_lines, reason = "one line for each misbehaviour")]
pub fn table() -> Vec<Row> {
    let (doubt, failed) = (unless_there("in doubt"), unless_there("failed"));
    let (refused, conflict) = (unless_there("refused"), unless_there("conflict"));
    let mut rows = vec![
        first("resets the connection, once", DONE, Refuse),
        writes("resets the connection of every write", doubt, Refuse),
        reads("resets the connection of every reading", BLIND, Refuse),
        writes("reads the write and hangs up, always", doubt, DropBeforeApply),
        first("does not answer a write in time, once, and does nothing", DONE, Stall),
        writes("never answers a write, and does nothing", doubt, Stall),
        reads("never answers a reading", BLIND, Stall),
        writes("does it, then drops the connection", DONE, ApplyAndDrop),
        writes("does it, then says nothing", DONE, ApplyAndStall),
        row("does it, drops the connection, and is gone after that", unless_there("in doubt"), |called| {
            vec![rule(called, ApplyAndDrop), from(2, Called::Read, Refuse)]
        }),
        row("is down", BLIND, |_| vec![Rule::new(Match { service: Some("chat".into()), ..Match::default() }, Down)]),
        writes("answers twice", DONE, AnswerTwice),
        reads("answers readings twice", DONE, AnswerTwice),
        writes("ignores If-Match", DONE, IgnoreIfMatch),
        writes("ignores Idempotency-Key", DONE, IgnoreIdempotency),
        row("ignores Idempotency-Key, does it, drops the connection", DONE, |called| {
            vec![rule(called, IgnoreIdempotency), rule(called, ApplyAndDrop)]
        }),
        writes("somebody else writes between our look and our write", conflict, ForeignEdit),
        row(
            "the same, and the server ignores If-Match",
            ["conflict", "conflict", "conflict", "conflict", "done"],
            |called| vec![once(called, ForeignEdit), rule(called, IgnoreIfMatch)],
        ),
        writes("400", refused, status(400)),
        writes("409", refused, status(409)),
        writes("412", ["conflict", "conflict", "conflict", "conflict", "done"], status(412)),
        writes("422", refused, status(422)),
        writes("428", refused, status(428)),
        writes("404 to a write", ["refused", "conflict", "refused", "conflict", "done"], status(404)),
        first("429 once, without Retry-After", DONE, status(429)),
        first("429 once, Retry-After within patience", DONE, late(429, Some(1), None)),
        writes("429, Retry-After beyond patience", failed, late(429, Some(3600), None)),
        writes("429, X-RateLimit-Reset beyond patience", failed, late(429, None, Some(3600))),
        writes("429 always", failed, status(429)),
        reads("429 to every reading", BLIND, status(429)),
        first("500 once", DONE, status(500)),
        writes("500 always", failed, status(500)),
        row("500 to the write, then to every reading", unless_there("in doubt"), |called| {
            vec![rule(called, status(500)), from(2, Called::Read, status(500))]
        }),
        reads("500 to every reading", BLIND, status(500)),
        first("503 once", DONE, status(503)),
        writes("503 always", failed, status(503)),
        writes("503, Retry-After beyond patience", doubt, late(503, Some(3600), None)),
        writes("504 always: somebody on the way gave up", doubt, status(504)),
        writes("leads elsewhere", failed, Redirect { to: "http://127.0.0.1:9/".into() }),
        reads("leads readings elsewhere", BLIND, Redirect { to: "http://127.0.0.1:9/".into() }),
    ];
    for (what, kind) in [
        ("does it, and answers with a page", Garbage::NotJson),
        ("does it, and answers with other JSON", Garbage::WrongJson),
        ("does it, and answers about another service", Garbage::OtherService),
        ("does it, and answers with nothing", Garbage::Empty),
    ] {
        rows.push(writes(what, DONE, Garbage(kind)));
    }
    rows.extend([
        reads("every reading is a page", BLIND, Garbage(Garbage::NotJson)),
        reads("every reading is about another service", BLIND, Garbage(Garbage::OtherService)),
        read_back("the reading back is a page", unless_there("in doubt"), Garbage(Garbage::NotJson)),
        read_back(
            "the reading back shows the version before, always",
            ["done", "in doubt", "in doubt", "in doubt", "done"],
            Garbage(Garbage::Stale),
        ),
        row("the reading back shows the version before, once", DONE, |_| {
            let mut rule = from(2, Called::Read, Garbage(Garbage::Stale));
            rule.which.times = Some(1);
            vec![rule]
        }),
        writes("drips its answer to a write", DONE, SlowDrip),
        reads("drips every reading", BLIND, SlowDrip),
        writes("answers a write with 3 MiB", DONE, HugeBody),
        writes("never stops answering a write", DONE, EndlessBody),
        reads("never stops answering readings", BLIND, EndlessBody),
        reads("answers readings with 3 MiB", BLIND, HugeBody),
        writes("breaks off in the middle of the answer", DONE, CutShort),
        reads("breaks off every reading", BLIND, CutShort),
        row("wrong ETag everywhere", DONE, |called| vec![rule(called, WrongEtag), rule(Called::Read, WrongEtag)]),
        row("no ETag anywhere", DONE, |called| vec![rule(called, NoEtag), rule(Called::Read, NoEtag)]),
        first("says done and does nothing, once", DONE, AcceptButNotApply),
        writes("says done and does nothing, always", doubt, AcceptButNotApply),
        writes("takes it on, and the deployment fails", conflict, DeploymentFails),
        writes("somebody else writes the same just after us", conflict, ForeignTouch),
        writes("does something else than was asked", conflict, ApplyOther),
        writes("202, done two readings later", DONE, Async { after_reads: Some(2) }),
        writes("202, never done", unless_there("pending"), Async { after_reads: None }),
        writes("the share moves by itself", conflict, SelfAdvance { to: 50, new_version: false }),
        writes("the share moves by itself, as a new version", conflict, SelfAdvance { to: 50, new_version: true }),
        Row {
            everybody: true,
            ..reads("401 to readings", ["refused", "refused", "refused", "in doubt", "in doubt"], status(401))
        },
        Row { everybody: true, ..writes("401", refused, status(401)) },
        Row { everybody: true, ..writes("403", refused, status(403)) },
    ]);
    rows
}
