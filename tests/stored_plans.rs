//! Plans that are kept, and explained from the store: the same in a SQLite file and in PostgreSQL.

mod support;

use std::{fs, path::Path, process::Stdio, time::Duration};

use optimizer::{
    domain::Plan,
    state::{Address, DecisionRow, Open, PlanRow, StateError, Store, Stored},
};
use proptest::prelude::*;
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, Row as _, any::install_default_drivers};
use support::{Run, good_rows, optimizer, plan_json, postgres::Server, root, run, write_lines};
use tempfile::{TempDir, tempdir};

/// A folder with a log, and a store that is elsewhere or in it.
struct Place {
    folder: TempDir,
    state: String,
}

/// A rule that always speaks, so that there is something to count.
const WARNING: &str = "extends: balanced\nrules:\n  - {id: always, when: requests.count > 0, then: {warn: look}}\n";

impl Place {
    fn new(state: Option<String>) -> Self {
        let folder = tempdir().unwrap();
        write_lines(folder.path(), "log.csv", &[vec![support::HEADER.to_owned()], good_rows(400)].concat());
        fs::write(folder.path().join("p.yaml"), WARNING).unwrap();
        fs::write(folder.path().join("q.yaml"), WARNING.replace("look", "look again")).unwrap();
        let state = state.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("s.db").display()));
        Self { folder, state }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = optimizer(self.path());
        command
            .env("OPTIMIZER_STATE", &self.state)
            .env("OPTIMIZER_POLICY", "p.yaml")
            .args(arguments)
            .output()
            .expect("the binary starts")
            .into()
    }

    #[track_caller]
    fn plan(&self, more: &[&str]) -> Value {
        let run = self.run(&[&["plan", "--from", "log.csv", "--format", "json"], more].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn number(&self, sql: &'static str) -> i64 {
        self.ask(sql).and_then(|row| row.try_get::<i64, _>(0).ok()).unwrap_or(-1)
    }

    fn memory(&self) -> Value {
        let row = self.ask("SELECT body FROM optimizer_memory").expect("a memory");
        serde_json::from_str(row.get::<&str, _>(0)).unwrap()
    }

    fn ask(&self, sql: &'static str) -> Option<sqlx::any::AnyRow> {
        install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = AnyConnection::connect(&self.state).await.expect("the store opens");
            sqlx::query(sql).fetch_optional(&mut connection).await.expect("the statement runs")
        })
    }

    fn counts(&self) -> [i64; 3] {
        [
            self.number("SELECT COUNT(*) FROM optimizer_plans"),
            self.number("SELECT COUNT(*) FROM optimizer_decisions"),
            self.number("SELECT COALESCE(MAX(generation), 0) FROM optimizer_memory"),
        ]
    }

    fn open(&self) -> Store {
        Store::open(&self.state.parse::<Address>().unwrap(), Open::Create).unwrap()
    }
}

fn suite(place: &Place) {
    let decisions = "SELECT COUNT(*) FROM optimizer_decisions";
    let plans = "SELECT COUNT(*) FROM optimizer_plans";
    let generation = "SELECT generation FROM optimizer_memory";
    let plan = place.plan(&[]);
    let dry = place.plan(&["--dry-run"]);
    assert_eq!(plan, dry, "a window that is planned again knows nothing of its first time");
    assert_eq!([place.number(plans), place.number(decisions), place.number(generation)], [1, 1, 1]);
    assert_eq!(place.memory()["now"]["rules"]["chat"]["always"]["fired"].as_array().unwrap().len(), 1);

    // Again, and under other rules: nothing is counted twice.
    assert_eq!(place.plan(&[]), plan);
    assert_eq!([place.number(plans), place.number(decisions), place.number(generation)], [1, 1, 1]);
    let other = place.plan(&["--policy", "q.yaml"]);
    assert_ne!(other["id"], plan["id"]);
    assert_eq!([place.number(plans), place.number(decisions), place.number(generation)], [2, 2, 2]);
    assert_eq!(place.memory()["now"]["rules"]["chat"]["always"]["fired"].as_array().unwrap().len(), 1);

    // A later window knows of the one before it; one that looks back leaves nothing.
    let later = place.plan(&["--until", "2026-01-01T12:30:00Z"]);
    assert_ne!(later["inputs"]["memory_sha256"], Value::Null);
    assert_eq!(place.memory()["now"]["rules"]["chat"]["always"]["fired"].as_array().unwrap().len(), 2);
    let memory = place.memory();
    place.plan(&["--until", "2026-01-01T11:58:00Z"]);
    assert_eq!(place.memory(), memory);
    assert_eq!(place.number(plans), 4);

    explained(place, &plan);
    two_at_once(place);
}

fn explained(place: &Place, plan: &Value) {
    let (id, decision) = (plan["id"].as_str().unwrap(), plan["decisions"][0]["id"].as_str().unwrap());
    let whole = place.run(&["explain", id, "--format", "json"]);
    assert_eq!((whole.code, serde_json::from_str::<Value>(&whole.stdout).unwrap()), (Some(0), plan.clone()));
    let now = place.run(&["plan", "--dry-run", "--from", "log.csv", "--explain", "chat"]);
    assert!(now.stdout.contains(&format!("decision    {decision}")), "{}", now.stdout);
    for id in [decision, &decision[..8], &decision.to_uppercase()] {
        let then = place.run(&["explain", id]);
        assert_eq!((then.code, &then.stdout), (Some(0), &now.stdout), "{id}");
    }
    let json = place.run(&["explain", decision, "--format", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["decisions"][0]["id"], decision);
    let table = place.run(&["explain", &id[..10], "--format", "table"]);
    assert!(table.stdout.contains(&format!("optimizer explain {decision}")), "{}", table.stdout);
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 100), "{}", table.stdout);

    for (wrong, says) in [("abc", "no id"), ("xyzxyz", "no id"), ("", "no id"), ("ab%_ab", "no id")] {
        let run = place.run(&["explain", wrong]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{wrong}");
        assert!(run.stderr.contains(says), "{}", run.stderr);
    }
    let absent = if id.starts_with("0000") { "1111" } else { "0000" };
    let run = place.run(&["explain", absent]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains(id), "the message names what there is: {}", run.stderr);

    // Two that begin the same.
    let mut store = place.open();
    for last in ["1", "2"] {
        let plan = PlanRow { id: format!("ffff{last}"), made_at: "2026-01-01T00:00:00Z".into(), body: "{}".into() };
        let seen = store.memory().unwrap();
        let made = store.put_plan(&plan, &[], seen.body.as_deref().unwrap(), seen.generation).unwrap();
        assert_eq!(made, Stored::Now);
    }
    let run = place.run(&["explain", "ffff"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("ffff1") && run.stderr.contains("ffff2"), "{}", run.stderr);
    // And one that is no plan.
    let run = place.run(&["explain", "ffff1"]);
    assert_eq!(run.code, Some(4));
    assert!(run.stderr.contains("plan ffff1 in the state store cannot be read"), "{}", run.stderr);
}

/// Who read before another wrote stores nothing at all.
fn two_at_once(place: &Place) {
    let (mut first, mut second) = (place.open(), place.open());
    let (seen, too) = (first.memory().unwrap(), second.memory().unwrap());
    let plan = |id: &str| PlanRow { id: id.into(), made_at: "2026-01-01T00:00:00Z".into(), body: "{}".into() };
    let decision = |plan: &str| DecisionRow {
        id: "d00d".into(),
        plan_id: plan.into(),
        service: "chat".into(),
        segment: "all".into(),
        action: "keep".into(),
    };
    let body = seen.body.clone().unwrap();
    assert_eq!(first.put_plan(&plan("aaaa1"), &[decision("aaaa1")], &body, seen.generation).unwrap(), Stored::Now);
    let overtaken = second.put_plan(&plan("aaaa2"), &[decision("aaaa2")], &body, too.generation).unwrap_err();
    assert!(matches!(overtaken, StateError::Overtaken { .. }), "{overtaken}");
    assert_eq!(second.plan("aaaa2").unwrap(), None);
    assert_eq!(second.decisions_like("d00d", 9).unwrap().len(), 1);
    // What is here already changes nothing, whatever was seen.
    assert_eq!(second.put_plan(&plan("aaaa1"), &[], "{}", 0).unwrap(), Stored::Before);
    let many: Vec<DecisionRow> =
        (0..1_201).map(|number| DecisionRow { id: format!("e{number:05}"), ..decision("aaaa3") }).collect();
    let seen = second.memory().unwrap();
    second.put_plan(&plan("aaaa3"), &many, &body, seen.generation).unwrap();
    assert_eq!(second.decisions_like("e0", 5_000).unwrap().len(), 1_201);
}

#[test]
fn in_a_sqlite_file() {
    suite(&Place::new(None));
}

#[test]
fn in_postgresql() {
    let server = Server::shared();
    server.database("plans");
    suite(&Place::new(Some(server.url("plans"))));
}

#[test]
fn a_dry_run_makes_no_store_and_no_tables() {
    let place = Place::new(None);
    place.plan(&["--dry-run"]);
    assert!(!place.path().join("s.db").exists());
    let server = Server::shared();
    server.database("untouched");
    let place = Place::new(Some(server.url("untouched")));
    place.plan(&["--dry-run"]);
    let tables = "SELECT COUNT(*) FROM pg_tables WHERE tablename LIKE 'optimizer%'";
    assert_eq!(place.number(tables), 0);
    // What is no store, and what a later version wrote, is refused by a dry run too.
    fs::write(place.path().join("s.db"), "no database, and long enough to be told from an empty one").unwrap();
    let dry = ["plan", "--dry-run", "--from", "log.csv", "--state", "sqlite:s.db"];
    assert_eq!(place.run(&dry).code, Some(4));
    let newer = Place::new(None);
    newer.plan(&[]);
    newer.ask("UPDATE optimizer_migrations SET version = 99 WHERE version = 2");
    let run = newer.run(&["plan", "--dry-run", "--from", "log.csv"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("later version"), "{}", run.stderr);
}

#[test]
fn a_store_of_the_version_before_is_brought_up_to_date() {
    let place = Place::new(None);
    place.open();
    for sql in [
        "DROP TABLE optimizer_decisions",
        "DROP TABLE optimizer_plans",
        "DROP TABLE optimizer_memory",
        "DELETE FROM optimizer_migrations WHERE version = 2",
    ] {
        place.ask(sql);
    }
    place.plan(&["--dry-run"]);
    place.plan(&[]);
    assert_eq!(place.counts(), [1, 1, 1]);
}

#[test]
fn what_fails_half_way_leaves_nothing() {
    let place = Place::new(None);
    place.open();
    place.ask("CREATE TRIGGER t BEFORE INSERT ON optimizer_memory BEGIN SELECT RAISE(ABORT, 'no room'); END");
    let run = place.run(&["plan", "--from", "log.csv"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(4), ""));
    assert!(run.stderr.contains("nothing is half done"), "{}", run.stderr);
    assert_eq!(place.counts(), [0, 0, 0]);
}

#[test]
fn several_at_once_and_killed_ones_leave_whole_plans() {
    let place = Place::new(None);
    let start = |until: u32| {
        let until = format!("2026-01-01T12:{until:02}:00Z");
        let mut command = optimizer(place.path());
        command
            .env("OPTIMIZER_STATE", &place.state)
            .args(["plan", "--from", "log.csv", "--policy", "p.yaml", "--until", &until])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    };
    let running: Vec<_> = (1..5).map(start).collect();
    let mut kept = 0;
    for child in running {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => kept += 1,
            code => assert!(code == Some(4) && text.contains("another run stored a plan"), "{code:?} {text}"),
        }
    }
    assert!(kept >= 1);
    assert_eq!(place.number("SELECT COUNT(*) FROM optimizer_plans"), kept);
    for number in 0..8 {
        let mut child = start(10 + number);
        std::thread::sleep(Duration::from_millis(60 + 25 * u64::from(number)));
        let _ = child.kill();
        let _ = child.wait();
    }
    let [plans, decisions, generation] = place.counts();
    assert_eq!((decisions, generation), (plans, plans));
    place.plan(&["--until", "2026-01-01T12:40:00Z"]);
}

#[test]
fn a_plan_reads_back_to_the_byte() {
    for more in [&[][..], &["--policy", "policies/aggressive.yaml"]] {
        let run = run(&root(), &[&["plan", "--dry-run", "--format", "json"], more].concat());
        let plan: Plan = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(serde_json::to_string_pretty(&plan).unwrap() + "\n", run.stdout);
    }
}

/// Replaces numbers with a point and sentences, in their order, by what was drawn.
fn scatter(value: &mut Value, numbers: &mut impl Iterator<Item = f64>, texts: &mut impl Iterator<Item = String>) {
    match value {
        Value::Number(number) if number.is_f64() => *value = numbers.next().unwrap_or(0.5).into(),
        Value::String(text) if text.contains(' ') => *text = texts.next().unwrap_or_default(),
        Value::Array(items) => items.iter_mut().for_each(|item| scatter(item, numbers, texts)),
        Value::Object(fields) => fields.values_mut().for_each(|field| scatter(field, numbers, texts)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn so_does_one_with_any_numbers_and_any_words(
        numbers in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 40),
        texts in prop::collection::vec(".{0,12}", 20),
    ) {
        static PLAN: std::sync::OnceLock<Value> = std::sync::OnceLock::new();
        let mut json = PLAN.get_or_init(|| plan_json(&root(), &[])).clone();
        scatter(&mut json, &mut numbers.into_iter().cycle(), &mut texts.into_iter().cycle());
        let plan: Plan = serde_json::from_value(json).unwrap();
        let once = serde_json::to_string(&plan).unwrap();
        let again: Plan = serde_json::from_str(&once).unwrap();
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), once);
    }
}
