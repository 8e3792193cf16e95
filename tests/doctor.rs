//! `optimizer doctor`: what is well, and each thing that can be wrong, with the code a run would end with.

#[path = "support/scripted.rs"]
#[allow(dead_code, reason = "no answer is cut off here")]
mod scripted;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822::DateTimePrinter};
use optimizer::state::{Open, Store};
use scripted::{Answer, Scripted};
use serde_json::{Value, json};
use support::{Run, good_rows, optimizer, postgres::Server, root, run, write_csv};
use tempfile::{TempDir, tempdir};

/// Ten minutes after the newest row.
const NOW: &str = "2026-01-01T12:10:00Z";

const TOKEN: &str = "tok-5ecre7-c0ffee";

/// An Orchestrator that has the service, whose clock is off by so many seconds, and which wants the token.
fn orchestrator(off: i64) -> Scripted {
    Scripted::start(move |_, asked| {
        let date = Timestamp::now() + SignedDuration::from_secs(off);
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
        let answer = if asked.headers.get("authorization").is_none_or(|said| *said != format!("Bearer {TOKEN}")) {
            Answer::new(401, json!({"message": format!("{TOKEN} is what I want")}).to_string())
        } else if asked.method == "GET" && asked.target == "/api/v1/configurations/chat" {
            let deployment = json!({"state": "completed", "percentage": 100, "strategy": "canary"});
            let state = json!({"service_id": "chat", "version": "7", "configuration": {"model": "gpt-4o"}, "deployment": deployment});
            Answer::new(200, state.to_string())
        } else {
            Answer::new(404, "")
        };
        answer.with("Date", &date)
    })
}

/// A folder with a log, and a store that has seen a run.
struct Ward {
    folder: TempDir,
}

impl Ward {
    fn new() -> Self {
        let ward = Self { folder: tempdir().unwrap() };
        write_csv(ward.path(), "log.csv", &good_rows(600));
        fs::create_dir(ward.path().join("configurations")).unwrap();
        let arguments = ["run", "--from", "log.csv", "--now", NOW];
        let made = run(ward.path(), &arguments);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        ward
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = optimizer(self.path());
        command.args(["doctor", "--now", NOW, "--timeout", "5s"]).args(arguments);
        if !arguments.contains(&"--from") {
            command.args(["--from", "log.csv"]);
        }
        command
    }

    fn doctor(&self, arguments: &[&str]) -> Diagnosis {
        diagnosis(self.command(arguments).args(["--format", "json"]))
    }

    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let found = glob::glob(&self.path().join("**/*").to_string_lossy()).unwrap().flatten();
        found.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}

struct Diagnosis {
    code: Option<i32>,
    stderr: String,
    checks: BTreeMap<String, Value>,
}

#[track_caller]
fn diagnosis(command: &mut Command) -> Diagnosis {
    let Run { stdout, stderr, code } = command.output().expect("the binary starts").into();
    let json: Value = serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}\n{stderr}"));
    assert_eq!(json["exit_code"].as_i64(), code.map(i64::from), "{stderr}");
    let schema = fs::read_to_string(root().join("docs/schema/doctor.v1.json")).unwrap();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let problems: Vec<String> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let checks = json["checks"].as_array().unwrap();
    let checks: BTreeMap<String, Value> =
        checks.iter().map(|check| (check["subject"].as_str().unwrap().to_owned(), check.clone())).collect();
    assert_eq!(checks.len(), 22, "each subject once");
    for check in checks.values() {
        let bad = ["warning", "failed"].contains(&check["outcome"].as_str().unwrap());
        assert_eq!(bad, check["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{check}");
        assert_eq!(check["outcome"] == "failed", check["exit_code"].is_u64(), "{check}");
    }
    Diagnosis { code, stderr, checks }
}

impl Diagnosis {
    fn outcome(&self, subject: &str) -> &str {
        self.checks[subject]["outcome"].as_str().unwrap()
    }

    /// What it says of a subject: what was found, and what to do.
    fn said(&self, subject: &str) -> String {
        let check = &self.checks[subject];
        format!("{} — {}", check["found"].as_str().unwrap(), check["fix"].as_str().unwrap_or_default())
    }

    /// Those that did not end well. A disk of the tester's that is nearly full is found, and is not meant here.
    fn bad(&self) -> Vec<&str> {
        let bad = self.checks.iter().filter(|(_, check)| check["outcome"] == "failed" || check["outcome"] == "warning");
        let bad = bad.filter(|(_, check)| !check["fix"].as_str().is_some_and(|fix| fix.starts_with("make room there")));
        bad.map(|(subject, _)| subject.as_str()).collect()
    }

    /// This alone is wrong, and ends so.
    #[track_caller]
    fn only(&self, subject: &str, outcome: &str, code: i32, words: &[&str]) {
        let all: Vec<String> =
            self.bad().into_iter().map(|subject| format!("{subject}: {}", self.said(subject))).collect();
        assert_eq!(self.bad(), [subject], "{all:#?}");
        assert_eq!((self.outcome(subject), self.code), (outcome, Some(code)), "{}", self.said(subject));
        for word in words {
            assert!(self.said(subject).contains(word), "`{word}` is missing in {}", self.said(subject));
        }
        if code != 0 {
            assert!(self.stderr.starts_with("error: 1 ") && self.stderr.contains("to fix:"), "{}", self.stderr);
        }
    }
}

#[test]
fn all_is_well_and_nothing_is_written() {
    let (ward, sink) = (Ward::new(), orchestrator(0));
    let before = ward.files();
    let more = ["--sink", sink.url.as_str(), "--every", "15m", "--strict"];
    let found = diagnosis(ward.command(&more).args(["--format", "json"]).env("OPTIMIZER_SINK_TOKEN", TOKEN));
    assert!(found.bad().is_empty(), "{:?}", found.bad().iter().map(|subject| found.said(subject)).collect::<Vec<_>>());
    assert_eq!((found.code, found.stderr.as_str()), (Some(0), ""));
    let skipped: Vec<&String> =
        found.checks.iter().filter(|(_, c)| c["outcome"] == "skipped").map(|(name, _)| name).collect();
    assert_eq!(skipped, ["database_clock", "governance"], "everything else was looked at");
    assert!(found.said("sink_services").contains("1 service"), "{}", found.said("sink_services"));
    assert!(found.said("rows").starts_with("600 rows"), "{}", found.said("rows"));
    assert!(sink.asked().iter().all(|asked| asked.method == "GET"), "{:?}", sink.asked());
    assert_eq!(before, ward.files());

    let table: Run = ward.command(&more).env("OPTIMIZER_SINK_TOKEN", TOKEN).output().unwrap().into();
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""));
    assert!(table.stdout.lines().all(|line| line.chars().count() <= 100), "{}", table.stdout);
    assert!(table.stdout.contains("0 failed, 0 warnings, 20 ok, 2 skipped\n"), "{}", table.stdout);
}

#[test]
fn the_schema_is_the_published_one() {
    let path = root().join("docs/schema/doctor.v1.json");
    let schema = run(&root(), &["doctor", "--schema"]).stdout;
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(published, schema, "run with UPDATE_SCHEMAS=1 to write it anew");
}

#[test]
fn before_the_first_run_there_is_no_store_and_that_is_said() {
    let ward = Ward::new();
    let found = ward.doctor(&["--state", "sqlite:new.db"]);
    found.only("state", "warning", 0, &["there is no `sqlite:new.db`", "first run makes it"]);
    assert!(!ward.path().join("new.db").exists());
    assert_eq!(ward.doctor(&["--state", "sqlite:new.db", "--strict"]).code, Some(1));
    // Where none could be made, the first run would fail.
    let found = ward.doctor(&["--state", "sqlite:/proc/new.db"]);
    assert_eq!((found.bad(), found.code), (vec!["state", "state_folder"], Some(4)));
    let found = ward.doctor(&["--state", "sqlite:nowhere/new.db", "--before-run"]);
    assert_eq!((found.outcome("state_folder"), found.code), ("failed", Some(4)));
    assert_eq!(ward.doctor(&["--state", "optimizer.db"]).code, Some(2));
}

#[test]
fn policy_and_prices() {
    let ward = Ward::new();
    fs::write(ward.path().join("broken.yaml"), "extends: balanced\nmodee: observe\n").unwrap();
    ward.doctor(&["--policy", "broken.yaml"]).only("policy", "failed", 2, &["modee", "optimizer policy schema"]);
    ward.doctor(&["--policy", "gone.yaml", "--before-run"]).only(
        "policy",
        "failed",
        2,
        &["cannot read policy `gone.yaml`"],
    );
    ward.doctor(&["--models", "gone.yaml"]).only("price_table", "failed", 2, &["cannot read"]);
}

#[test]
fn sources() {
    let ward = Ward::new();
    let found = ward.doctor(&["--from", "gone.csv"]);
    found.only("source", "failed", 3, &["no such file or directory: `gone.csv`"]);
    for subject in ["layout", "rows", "freshness", "sink_services"] {
        assert_eq!(found.outcome(subject), "skipped", "{subject}");
    }
    assert_eq!(ward.doctor(&["--from", "gone.csv", "--before-run"]).code, Some(0), "a run says so itself");
    fs::write(ward.path().join("odd.csv"), "a,b\n1,2\n").unwrap();
    ward.doctor(&["--from", "odd.csv"]).only("layout", "failed", 3, &["lacks the required columns", "--layout"]);
    let mut rows = good_rows(80);
    rows.extend(
        (0..20).map(|row| format!("2026-01-01T12:00:00Z,x{row},chat,gpt-4o,openai,-1,100,50,0.001,1,success,simple")),
    );
    write_csv(ward.path(), "bad.csv", &rows);
    ward.doctor(&["--from", "bad.csv"]).only(
        "rows",
        "failed",
        3,
        &["100 rows, 20 rejected (20 %)", "latency_ms", "--rejects"],
    );
    let late = ward.doctor(&["--max-age", "5m"]);
    late.only("freshness", "warning", 0, &["10 min ago", "`--max-age` is 5 min"]);
    assert_eq!(ward.doctor(&["--max-age", "5m", "--strict"]).code, Some(1));
}

#[test]
fn sinks() {
    let ward = Ward::new();
    let (fine, fast, slow) = (orchestrator(0), orchestrator(-120), orchestrator(3_630));
    let asked = |sink: &str, token: &str, more: &[&str]| {
        let found = diagnosis(
            ward.command(&["--sink", sink]).args(more).args(["--format", "json"]).env("OPTIMIZER_SINK_TOKEN", token),
        );
        let told = found.checks.values().map(Value::to_string).collect::<String>() + &found.stderr;
        assert!(!told.contains(TOKEN) && !told.contains("wr0ng"), "{told}");
        found
    };
    let refused = asked(&fine.url, TOKEN, &["--sink-auth", "api-key"]);
    refused.only("sink", "failed", 5, &["401 (is the token right?)", "OPTIMIZER_SINK_TOKEN"]);
    let down = asked("http://127.0.0.1:9", TOKEN, &[]);
    down.only("sink", "failed", 5, &["it cannot be reached", "NetworkPolicy"]);
    assert_eq!(down.outcome("sink_clock"), "skipped");
    assert_eq!(asked("http://127.0.0.1:9", TOKEN, &["--before-run"]).code, Some(0));
    asked(&fast.url, TOKEN, &[]).only("sink_clock", "warning", 0, &["ahead of the clock of the sink", "NTP"]);
    asked(&slow.url, TOKEN, &[]).only("sink_clock", "failed", 5, &["60 min behind the clock of the sink"]);
    let page = Scripted::start(|_, _| Answer::new(200, "<html>"));
    asked(&page.url, TOKEN, &[]).only("sink", "failed", 5, &["not JSON", "Orchestrator"]);
    let empty = Scripted::start(|_, _| Answer::new(404, ""));
    asked(&empty.url, TOKEN, &[]).only("sink_services", "warning", 0, &["does not know chat", "--create"]);
    let folder = ward.doctor(&["--sink", "file:nowhere"]);
    folder.only("sink", "failed", 2, &["make the folder first"]);
}

#[test]
fn governance() {
    let ward = Ward::new();
    let answering = |status| Scripted::start(move |_, _| Answer::new(status, ""));
    let found = |status| ward.doctor(&["--governance", &answering(status).url]);
    assert!(found(405).bad().is_empty());
    found(401).only("governance", "failed", 5, &["does not let us in", "OPTIMIZER_GOVERNANCE_TOKEN"]);
    found(404).only("governance", "warning", 0, &["--governance-path"]);
    found(503).only("governance", "failed", 5, &["503"]);
    ward.doctor(&["--governance", "http://127.0.0.1:9"]).only("governance", "failed", 5, &["cannot be reached"]);
}

#[test]
fn what_was_said_and_who_acts() {
    let ward = Ward::new();
    let said = run(ward.path(), &["pause", "chat", "--yes", "--reason", "sale"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    ward.doctor(&[]).only("stop", "warning", 0, &["`chat` paused", "sale"]);
    let said = run(ward.path(), &["stop", "--yes", "--reason", "incident 812"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    ward.doctor(&[]).only("stop", "warning", 0, &["all services stopped", "incident 812", "and 1 more", "resume"]);

    let ward = Ward::new();
    let address = format!("sqlite:{}", ward.path().join("optimizer.db").display()).parse().unwrap();
    let mut store = Store::open(&address, Open::Existing).unwrap();
    let lease = store.acquire("somebody else", Duration::from_mins(5)).unwrap();
    ward.doctor(&[]).only("lease", "warning", 0, &["held by somebody else", "UTC at the latest"]);
    store.release(lease).unwrap();
}

#[test]
fn runs_that_do_not_come_are_missed() {
    let ward = Ward::new();
    let at = |now: &str| {
        diagnosis(optimizer(ward.path()).args([
            "doctor",
            "--from",
            "log.csv",
            "--max-age",
            "1d",
            "--every",
            "15m",
            "--format",
            "json",
            "--now",
            now,
        ]))
    };
    assert!(at("2026-01-01T12:39:00Z").bad().is_empty());
    at("2026-01-01T12:41:00Z").only("last_run", "warning", 0, &["31 min ago; expected every 15 min"]);
}

#[test]
fn folders_that_cannot_be_written() {
    let ward = Ward::new();
    let found = diagnosis(ward.command(&["--format", "json"]).env("TMPDIR", "/proc"));
    found.only("temporary_folder", "warning", 0, &["`/proc` cannot be written", "does not need it"]);
    let remote = ["--from", "https://127.0.0.1:9/log.csv", "--format", "json"];
    let found = diagnosis(ward.command(&remote).env("TMPDIR", "/proc"));
    assert_eq!((found.outcome("temporary_folder"), found.code), ("failed", Some(3)));

    // A store on a disk that can only be read.
    let store = ward.path().join("store");
    fs::create_dir(&store).unwrap();
    fs::rename(ward.path().join("optimizer.db"), store.join("optimizer.db")).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c"]);
    command.arg("mount --bind store store && mount -o remount,ro,bind store && exec \"$@\"").arg("sh");
    command
        .arg(env!("CARGO_BIN_EXE_optimizer"))
        .args(["doctor", "--from", "log.csv", "--now", NOW, "--format", "json"]);
    command.args(["--state", "sqlite:store/optimizer.db"]).current_dir(ward.path());
    let found = diagnosis(&mut command);
    assert_eq!((found.bad(), found.code), (vec!["state_folder", "state_writable"], Some(4)));
    assert!(found.said("state_writable").contains("readonly"), "{}", found.said("state_writable"));
    assert_eq!(found.outcome("lease"), "skipped");
}

#[test]
fn a_file_that_is_no_store() {
    let ward = Ward::new();
    fs::write(ward.path().join("optimizer.db"), "not a database, whatever it is called").unwrap();
    ward.doctor(&[]).only("state", "failed", 4, &["is no SQLite database"]);
}

#[test]
fn databases() {
    let (server, ward) = (Server::shared(), Ward::new());
    server.database("doctor");
    let url = server.url("doctor");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_name = 'optimizer_rehearsal'";
    let fresh = ward.doctor(&["--state", &url]);
    fresh.only("state_tables", "warning", 0, &["steps to come: baselines"]);
    server.run("doctor", &format!("DO $$ BEGIN ASSERT ({tables}) = 0; END $$"));
    let made = run(ward.path(), &["run", "--from", "log.csv", "--now", NOW, "--state", &url]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    ward.doctor(&["--state", &url]).only("rights", "warning", 0, &["nobody has a role", "rights grant"]);
    let granted = ["rights", "grant", "database:postgres", "admin", "--yes", "--reason", "first", "--state", &url];
    let granted = run(ward.path(), &granted);
    assert_eq!(granted.code, Some(0), "{}", granted.stderr);
    let found = ward.doctor(&["--state", &url]);
    assert!(found.bad().is_empty(), "{:?}", found.bad());
    assert_eq!(found.said("rights"), "database:postgres (proven by the database) may run — ");
    assert_eq!(found.outcome("database_clock"), "ok");
    assert_eq!(found.outcome("state_folder"), "skipped");

    server.run("doctor", "CREATE ROLE looker LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker;");
    let looker = url.replace("postgres@", "looker@");
    let found = ward.doctor(&["--state", &looker]);
    found.only("state_writable", "failed", 4, &["permission denied"]);
    server.run("doctor", "CREATE ROLE locked LOGIN PASSWORD 'right'");
    let locked = url.replace("postgres@", "locked@");
    let found = diagnosis(ward.command(&["--state", &locked, "--format", "json"]).env("PGPASSWORD", "wr0ng"));
    found.only("state", "failed", 4, &["password authentication failed"]);
    assert!(!found.said("state").contains("wr0ng"));
    let newer = "INSERT INTO optimizer_migrations (version, description, success, checksum, execution_time) VALUES (999, 'x', true, '', 0)";
    server.run("doctor", newer);
    ward.doctor(&["--state", &url]).only(
        "state",
        "failed",
        4,
        &["later version (step 999)", "at least the version that wrote it"],
    );
}

/// Whoever takes a connection and never says a word.
#[test]
fn nobody_is_waited_for_too_long() {
    let ward = Ward::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let (http, database) = (format!("http://127.0.0.1:{port}"), format!("postgres://me@127.0.0.1:{port}/x"));
    let begun = Instant::now();
    let found = diagnosis(optimizer(ward.path()).args([
        "doctor",
        "--timeout",
        "1s",
        "--state",
        &database,
        "--from",
        &database,
        "--sink",
        &http,
        "--governance",
        &http,
        "--format",
        "json",
    ]));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((found.bad(), found.code), (vec!["governance", "sink", "source", "state"], Some(3)));
    for subject in ["governance", "sink", "source", "state"] {
        assert!(found.said(subject).starts_with("no answer within 1 s"), "{}", found.said(subject));
    }
    assert_eq!(found.outcome("policy"), "ok");
    assert_eq!(found.outcome("memory"), "ok");
}
