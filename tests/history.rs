//! `run --scope deep`: what the store keeps of the traffic, and that plans see in it what analyses see in the log.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use jiff::Timestamp;
use optimizer::state::{Address, Open, SlotText, Store};
use serde_json::Value;
use support::{
    Run, optimizer,
    postgres::Server,
    run,
    traffic::{DAY, END, HOUR, Row, Traffic, log},
};
use tempfile::{TempDir, tempdir};

/// A folder with a log that grows, a store and a sink of files.
struct World {
    folder: TempDir,
    state: String,
    rows: Vec<Row>,
}

impl World {
    fn new(rows: Vec<Row>, state: Option<String>) -> Self {
        let folder = tempdir().unwrap();
        fs::create_dir(folder.path().join("sink")).unwrap();
        // Nothing is changed here: what changes is looked at elsewhere.
        fs::write(folder.path().join("policy.yaml"), "extends: balanced\nmode: observe\n").unwrap();
        let state = state.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("s.db").display()));
        Self { folder, state, rows }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The log as it was so long before its end.
    fn written(&self, before_end: i64) -> String {
        let rows: Vec<Row> = self.rows.iter().filter(|row| row.before_end() >= before_end).cloned().collect();
        log(self.path(), "a.csv", &rows)
    }

    fn arguments(&self, before_end: i64, more: &[&str]) -> Vec<String> {
        let now = Timestamp::from_second(END - before_end).unwrap().to_string();
        let sink = format!("file:{}", self.path().join("sink").display());
        let own = [
            "run",
            "--from",
            "a.csv",
            "--policy",
            "policy.yaml",
            "--format",
            "json",
            "--now",
            &now,
            "--until",
            &now,
            "--lease",
            "3s",
        ];
        let all = own.into_iter().chain(["--state", &self.state, "--sink", &sink]).chain(more.iter().copied());
        all.map(str::to_owned).collect()
    }

    fn tick(&self, before_end: i64, more: &[&str]) -> Run {
        self.written(before_end);
        let arguments = self.arguments(before_end, more);
        run(self.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[track_caller]
    fn deep(&self, before_end: i64) -> Value {
        let mut run = self.tick(before_end, &["--scope", "deep"]);
        while run.code == Some(75) {
            // A run that was killed holds its lease for a while.
            std::thread::sleep(Duration::from_millis(200));
            run = self.tick(before_end, &["--scope", "deep"]);
        }
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
        serde_json::from_str(&run.stdout).unwrap()
    }

    fn store(&self) -> Store {
        Store::open(&self.state.parse::<Address>().unwrap(), Open::Create).unwrap()
    }

    /// Everything that is kept of the traffic.
    fn kept(&self) -> Vec<(String, i64, String, String)> {
        let mut store = self.store();
        let heads = store.slot_heads().unwrap();
        let text = |store: &mut Store, grain: &str, start, text| {
            let texts = store.slot_texts(grain, start..start + 1, text).unwrap();
            texts[0].1.clone()
        };
        let read = |head: optimizer::state::SlotHead| {
            let [figures, body] =
                [SlotText::Figures, SlotText::Body].map(|which| text(&mut store, &head.grain, head.start, which));
            (head.grain, head.start, figures, body)
        };
        heads.into_iter().map(read).collect()
    }

    /// Findings of a stored plan.
    fn findings(&self, report: &Value) -> Vec<Value> {
        let id = report["plan"]["id"].as_str().unwrap_or_else(|| panic!("a plan in {report}"));
        let body = self.store().plan(id).unwrap().unwrap().body;
        serde_json::from_str::<Value>(&body).unwrap()["findings"].as_array().unwrap().clone()
    }

    /// What `analyze` finds in the whole log.
    fn analyzed(&self) -> Vec<Value> {
        let until = Timestamp::from_second(END).unwrap().to_string();
        let log = self.written(0);
        let arguments = ["analyze", "--from", &log, "--policy", "policy.yaml", "--every", "1h", "--lookback", "30d"];
        let run = run(self.path(), &[&arguments[..], &["--until", &until, "--format", "json"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        serde_json::from_str::<Value>(&run.stdout).unwrap()["findings"].as_array().unwrap().clone()
    }
}

/// The same but for the last digits of numbers.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| alike(value, other)))
        }
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
        }
        (one, other) => one == other,
    }
}

/// Three services: one gets dearer, one stands on a new level since yesterday, one is slow in the last hour.
fn eventful() -> Vec<Row> {
    let service = |seed, service| Traffic { service, seed, days: 10, per_hour: 40.0 };
    let mut rows = service(4, "dearer").with(|row| {
        row.cost_usd *= 1.0 + 0.05 * (10.0 - row.before_end() as f64 / DAY as f64);
    });
    rows.extend(service(5, "longer").with(|row| {
        if row.before_end() <= 30 * HOUR {
            row.latency_ms *= 1.6;
        }
    }));
    rows.extend(service(6, "sudden").with(|row| {
        if row.before_end() <= HOUR {
            row.latency_ms *= 4.0;
        }
    }));
    rows.sort_by_key(|row| row.at);
    rows
}

/// Seconds before the end at which the log is looked at: now and then, and at last every hour.
const TICKS: [i64; 12] = [
    8 * DAY + 1_234,
    7 * DAY + 20 * HOUR,
    6 * DAY + 61,
    4 * DAY + 7 * HOUR,
    3 * DAY,
    2 * DAY + 11 * HOUR,
    DAY + HOUR / 2,
    12 * HOUR,
    3 * HOUR,
    2 * HOUR,
    HOUR,
    0,
];

fn of_kind(findings: &[Value], service: &str, kind: &str) -> bool {
    findings.iter().any(|finding| finding["service"] == service && finding["kind"] == kind)
}

#[test]
fn plans_see_in_the_history_what_analyses_see_in_the_log() {
    let world = World::new(eventful(), None);
    let mut report = Value::Null;
    for before_end in TICKS {
        report = world.deep(before_end);
    }
    let (found, expected) = (world.findings(&report), world.analyzed());
    for (service, kind) in
        [("dearer", "trend"), ("longer", "level_shift"), ("sudden", "anomaly"), ("sudden", "worse_than_usual")]
    {
        assert!(of_kind(&expected, service, kind), "the test is about something: no {kind} in {expected:#?}");
    }
    let told = |findings: &[Value]| {
        let line = |finding: &Value| format!("{} {}", finding["service"], finding["summary"]);
        findings.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    assert!(alike(&found.clone().into(), &expected.clone().into()), "{}\n\n{}", told(&found), told(&expected));
    // What is stored answers for it.
    let id = report["plan"]["id"].as_str().unwrap();
    let history = &report["history"];
    assert_eq!((&history["from"], &history["until"]), (&"2026-03-02T18:00:00Z".into(), &"2026-03-12T18:00:00Z".into()));
    assert_eq!(
        (&history["quarter_hours"], &history["hours"], &history["days"]),
        (&744.into(), &240.into(), &10.into())
    );
    let trend = found.iter().find(|finding| finding["kind"] == "trend").unwrap();
    let explained = run(world.path(), &["explain", id, "--state", &world.state, "--format", "json"]);
    assert!(explained.stdout.contains(trend["summary"].as_str().unwrap()), "{}", explained.stdout);
}

fn suite(state: impl Fn(&str) -> Option<String>) {
    let rows = Traffic { service: "chat", seed: 3, days: 3, per_hour: 30.0 }.rows();
    // Hour after hour, some of the runs killed in between, and once at the end.
    let (often, once) = (World::new(rows.clone(), state("often")), World::new(rows, state("once")));
    for hour in (0..7).rev() {
        let before_end = hour * HOUR;
        often.written(before_end);
        if hour % 6 == 0 {
            let arguments = often.arguments(before_end, &["--scope", "deep"]);
            let mut command = optimizer(often.path());
            let mut child = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(60 * (hour.unsigned_abs() + 1)));
            let _ = child.kill();
            child.wait().unwrap();
        }
        often.deep(before_end);
    }
    let report = once.deep(0);
    assert_eq!(report["history"]["written"], 3 * 96 + 72 + 3);
    assert!(often.kept() == once.kept(), "the same, to the byte");
    assert_eq!(often.kept().len(), 3 * 96 + 72 + 3);
    // Once more: the same.
    let before = once.kept();
    let again = once.deep(0);
    assert_eq!((&again["history"]["written"], &again["history"]["dropped"]), (&0.into(), &0.into()));
    assert!(once.kept() == before);
}

#[test]
fn killed_or_not_often_or_once_the_history_is_the_same() {
    suite(|_| None);
}

#[test]
fn so_it_is_in_postgres() {
    let server = Server::shared();
    suite(|name| {
        let name = format!("history_{name}");
        server.database(&name);
        Some(server.url(&name))
    });
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    let mut files: Vec<(PathBuf, Vec<u8>)> = entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn a_dry_run_tells_the_same_and_writes_nothing() {
    let world = World::new(Traffic { service: "chat", seed: 3, days: 2, per_hour: 20.0 }.rows(), None);
    let of = |run: Run| {
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
        serde_json::from_str::<Value>(&run.stdout).unwrap()
    };
    for before_end in [HOUR, 0] {
        world.written(before_end);
        let before = files(world.path());
        let dry = of(world.tick(before_end, &["--scope", "deep", "--dry-run"]));
        assert!(files(world.path()) == before, "a dry run leaves no trace");
        let wet = world.deep(before_end);
        assert_eq!(dry["history"], wet["history"]);
        assert_eq!(dry["plan"], wet["plan"]);
    }
    // Other scopes neither read nor write it.
    let kept = world.kept();
    let standard = of(world.tick(0, &[]));
    assert_eq!(standard.get("history"), None);
    assert!(world.kept() == kept);
    let mut arguments = world.arguments(0, &["--scope", "deep"]);
    arguments.retain(|argument| !["--format", "json"].contains(&argument.as_str()));
    let table = run(world.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(table.stdout.contains("history") && table.stdout.contains("192 quarter hours"), "{}", table.stdout);
}

#[test]
fn what_the_source_has_lost_stays_and_is_told() {
    let mut world = World::new(Traffic { service: "chat", seed: 3, days: 2, per_hour: 60.0 }.rows(), None);
    world.deep(0);
    let kept = world.kept();
    let mut number = 0;
    world.rows.retain(|row| {
        number += 1;
        row.before_end() > 3 * HOUR || number % 2 == 0
    });
    let run = world.tick(0, &["--scope", "deep"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("fewer rows"), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(report["history"]["kept"].as_u64().unwrap() > 4, "{report}");
    assert!(world.kept() == kept);
}

#[test]
fn a_history_that_is_damaged_is_told_and_stops_the_run() {
    let world = World::new(Traffic { service: "chat", seed: 3, days: 1, per_hour: 20.0 }.rows(), None);
    world.deep(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use sqlx::Connection as _;
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&world.state).await.unwrap();
        let sql = "UPDATE optimizer_history SET figures = 'gz1:AAAA' WHERE grain = '1h'";
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    });
    let run = world.tick(0, &["--scope", "deep"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("the history (1h from 2026-03-11T"), "{}", run.stderr);
    // What keeps production safe goes on.
    assert_eq!(world.tick(0, &[]).code, Some(0));
}
