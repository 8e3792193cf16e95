//! A store that was changed from outside: every hand in it is seen, and nothing is changed by looking.

mod support;

use std::fs;

use optimizer::state::{Address, Open, Store};
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, any::install_default_drivers};
use support::{
    Run,
    canary::{GOOD, World},
    postgres::Server,
};

/// A store as runs leave it: a rollout under way, one of its writes settled.
fn lived() -> World {
    let world = World::new(GOOD);
    world.tick(&["--scope", "deep"]);
    world
}

fn verified(world: &World) -> (Run, Value) {
    let run = world.command(&["state", "verify", "--format", "json"]);
    let found = serde_json::from_str(&run.stdout).unwrap();
    (run, found)
}

#[test]
fn a_store_that_lived_is_sound_and_every_hand_in_it_is_seen() {
    let world = lived();
    let files = world.files();
    let (run, found) = verified(&world);
    assert_eq!((run.code, run.stderr.as_str(), found["sound"].as_bool()), (Some(0), "", Some(true)), "{}", run.stdout);
    let rows = |what: &str| {
        found["looked_at"].as_array().unwrap().iter().find(|line| line["what"] == what).unwrap()["rows"].as_u64()
    };
    assert_eq!(["plans", "rollouts", "evidence", "intents", "audit"].map(rows), [Some(1); 5]);
    let table = world.command(&["state", "verify"]);
    assert!(table.stdout.ends_with("All is as it was written.\n"), "{}", table.stdout);
    assert_eq!(world.files(), files, "it changed nothing");

    let backup = world.folder.path().join("s.db");
    let good = fs::read(&backup).unwrap();
    for (sql, what, says) in [
        ("UPDATE optimizer_rollouts SET body = '{}'", "rollouts", "it cannot be read"),
        (
            "UPDATE optimizer_rollouts SET service = 'mail'",
            "rollouts",
            "its service is `mail` in the table and `chat` inside",
        ),
        (
            "UPDATE optimizer_rollouts SET state = 'closed'",
            "rollouts",
            "its state is `closed` in the table and `open` inside",
        ),
        ("DELETE FROM optimizer_evidence", "evidence", "nothing is kept of its traffic"),
        ("UPDATE optimizer_evidence SET body = 'x'", "evidence", "it cannot be read"),
        ("DELETE FROM optimizer_rollouts", "evidence", "its rollout is not there"),
        ("UPDATE optimizer_intents SET state = 'open'", "intents", "its state is `open` in the table"),
        ("UPDATE optimizer_intents SET body = '[]'", "intents", "it cannot be read"),
        (
            "UPDATE optimizer_intents SET state = 'open', body = replace(replace(body, '\"rollout\":\"', '\"rollout\":\"no'), \
             '\"state\":\"done\"', '\"state\":\"open\"')",
            "intents",
            "it is open, and its rollout no",
        ),
        (
            "UPDATE optimizer_configurations SET id = 'chat@1' WHERE id = (SELECT MIN(id) FROM optimizer_configurations)",
            "configurations",
            "its id is `chat@1`",
        ),
        ("UPDATE optimizer_breakers SET body = '7'", "breakers", "it cannot be read"),
        ("UPDATE optimizer_ticks SET body = ''", "ticks", "it cannot be read"),
        ("UPDATE optimizer_ticks SET generation = 0", "ticks", "it was changed 0 times"),
        ("UPDATE optimizer_plans SET body = substr(body, 1, 100)", "plans", "it cannot be unpacked"),
        ("UPDATE optimizer_plans SET body = '{}'", "plans", "it cannot be read"),
        ("DELETE FROM optimizer_decisions", "plans", "can be asked for"),
        ("DELETE FROM optimizer_plans", "decisions", "and the plan is not"),
        ("UPDATE optimizer_memory SET body = '[]'", "memory", "it cannot be read"),
        ("INSERT INTO optimizer_baselines VALUES ('march', 'golden', '2026', '{}')", "baselines", "it cannot be read"),
        ("UPDATE optimizer_history SET body = 'gz1:' WHERE grain = '15m'", "history", "it cannot be read"),
        ("UPDATE optimizer_history SET figures = '' WHERE grain = '1h'", "history", "its form is not known"),
        ("UPDATE optimizer_history SET grain = '2h' WHERE grain = '24h'", "history", "2h"),
        ("UPDATE optimizer_audit SET actor = 'eve' WHERE seq = 1", "audit", "deed 1 was changed"),
    ] {
        fs::write(&backup, &good).unwrap();
        tamper(&world, sql);
        let (run, found) = verified(&world);
        assert_eq!(run.code, Some(1), "{sql} {}", run.stdout);
        let problems = found["problems"].as_array().unwrap();
        let seen =
            problems.iter().any(|problem| problem["what"] == what && problem["why"].as_str().unwrap().contains(says));
        assert!(seen, "{sql} {problems:?}");
        assert!(problems.iter().all(|problem| !problem["fix"].as_str().unwrap().is_empty()));
        let table = world.command(&["state", "verify", "--format", "table"]);
        assert!(table.stdout.lines().all(|line| line.chars().count() <= 100), "{}", table.stdout);
        assert!(table.stderr.contains("the state store does not hold"), "{}", table.stderr);
    }
    // Pages of the file itself.
    let mut broken = good.clone();
    let middle = broken.len() / 2 / 4096 * 4096;
    broken[middle..middle + 2048].fill(0x5a);
    fs::write(&backup, &broken).unwrap();
    let run = world.command(&["state", "verify", "--format", "json"]);
    assert!(matches!(run.code, Some(1 | 4)), "{run:?}");
}

/// As somebody does who also switches off what the tables promise each other.
fn tamper(world: &World, sql: &'static str) {
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(&world.state).await.unwrap();
        sqlx::raw_sql("PRAGMA foreign_keys = OFF").execute(&mut connection).await.unwrap();
        let done = sqlx::query(sql).execute(&mut connection).await.unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
    });
}

#[test]
fn postgres_is_looked_through_too() {
    let server = Server::shared();
    server.database("verified");
    let world = lived();
    let (from, to) = (world.state.clone(), server.url("verified"));
    let mut file = Vec::new();
    let mut store = Store::open(&from.parse::<Address>().unwrap(), Open::AsItIs).unwrap();
    store.export(&mut file, world.now, &|_| {}).unwrap();
    Store::open(&to.parse::<Address>().unwrap(), Open::Create).unwrap().import(file.as_slice()).unwrap();
    let mut moved = world;
    moved.state = to;
    let (run, found) = verified(&moved);
    assert_eq!((run.code, found["sound"].as_bool()), (Some(0), Some(true)), "{}", run.stdout);
    // And the loop goes on there.
    moved.goes_by(15);
    moved.tick(&[]);
    server.run("verified", "UPDATE optimizer_services SET body = '[7]'; UPDATE optimizer_evidence SET body = ''");
    let (run, _) = verified(&moved);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    // A store without tables has nothing that could be wrong.
    server.database("bare");
    moved.state = server.url("bare");
    assert_eq!(verified(&moved).0.code, Some(0));
}
