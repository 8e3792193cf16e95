//! An engine that fails in every way, as the program meets it: an error that teaches, exit code 3, nothing half used, and the next run is clean.

#[path = "support/certificate.rs"]
mod certificate;
#[path = "support/encrypted.rs"]
mod encrypted;
#[path = "support/engine.rs"]
mod engine;
#[path = "support/relay.rs"]
mod relay;
#[path = "support/sail.rs"]
mod sail;
mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use certificate::{certificate, of_localhost};
use encrypted::Encrypted;
use engine::{Act, Engine, config, version};
use relay::{Fault, Relay};
use sail::{Sail, free_port};
use serde_json::Value;
use support::{
    Run,
    canary::{GOOD, World},
    expect, optimizer,
};
use tempfile::{TempDir, tempdir};

const SECRET: &str = "hunter2hunter2";

/// Two and a half requests a second, of five services and two models.
const REQUESTS: &str = "SELECT TIMESTAMPTZ '2026-03-01 06:00:00Z' + to_microseconds(i * 400000) AS ts, 'r' || i AS request_id, 'service ' || i % 5 AS service,
    CASE i % 3 WHEN 0 THEN 'gpt-4o' ELSE 'gpt-4o-mini' END AS model, 'openai' AS provider, 100.0 + i * 31 % 9000 AS latency_ms, i % 900 AS input_tokens,
    i % 300 AS output_tokens, i % 100 / 1e4 AS cost_usd, i % 11 / 10 AS quality, CASE WHEN i % 50 = 0 THEN 'error' ELSE 'success' END AS outcome";

fn sql(text: &str) {
    duckdb::Connection::open_in_memory().unwrap().execute_batch(text).unwrap();
}

/// A lake of four files, what the program says of it, and an engine that is well.
struct Good {
    folder: TempDir,
    plan: Value,
    sail: Sail,
}

impl Good {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        for part in 0..4 {
            let (first, last) = (part * 2_500, part * 2_500 + 2_500);
            let file = folder.path().join(format!("{part}.parquet"));
            sql(&format!(
                "COPY ({REQUESTS} FROM range({first}, {last}) AS t(i)) TO '{}' (FORMAT parquet)",
                file.display()
            ));
        }
        let plan = support::plan_json(folder.path(), &["--from", folder.path().to_str().unwrap()]);
        Self { folder, plan, sail: Sail::start() }
    }

    fn lake(&self) -> &Path {
        self.folder.path()
    }
}

static SHARED: Mutex<Weak<Good>> = Mutex::new(Weak::new());

/// One for all tests, which ends with the last of those that hold it.
fn good() -> Arc<Good> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let good = shared.upgrade().unwrap_or_else(|| Arc::new(Good::new()));
    *shared = Arc::downgrade(&good);
    good
}

fn plan(engine: &str, from: &Path, more: &[&str]) -> Command {
    // Whatever it wrote would be found there.
    let mut command = optimizer(if from.is_dir() { from } else { Path::new("/") });
    command.args(["plan", "--dry-run", "--format", "json", "--engine", engine, "--from"]).arg(from).args(more);
    // That it asks again is a warning, and not what is looked at.
    command
        .env("OPTIMIZER_ENGINE_TOKEN", SECRET)
        .env("OPTIMIZER_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn ended(mut command: Command) -> Run {
    command.output().unwrap().into()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The plan is refused with these words, and nothing is left behind.
#[track_caller]
fn refused(engine: &str, from: &Path, more: &[&str], words: &[&str]) -> Run {
    let before = from.is_dir().then(|| names(from));
    let run = ended(plan(engine, from, more));
    expect(&run, 3, words);
    assert!(!run.stderr.contains(SECRET), "{}", run.stderr);
    assert_eq!(before, from.is_dir().then(|| names(from)), "something was written");
    run
}

/// The plan is that of the good lake; how many attempts had failed.
#[track_caller]
fn same(good: &Good, run: &Run) -> u64 {
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let plan: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["source"]["rows_used"], 10_000);
    for part in ["windows", "services", "findings", "decisions"] {
        assert!(plan[part].is_object() || plan[part].is_array(), "{part}");
        assert_eq!(plan[part], good.plan[part], "{part}");
    }
    plan["source"]["engines"][0]["failed_attempts"].as_u64().unwrap()
}

/// What failed leaves nothing that the next run would meet.
#[track_caller]
fn the_next_run_is_clean(good: &Good) {
    assert_eq!(same(good, &ended(plan(&good.sail.url(), good.lake(), &[]))), 0);
}

const ONCE: [&str; 2] = ["--engine-retries", "0"];

/// Answers everybody as a web server does.
fn web() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            // Closed with something unread, it would be reset.
            let _ = socket.set_read_timeout(Some(Duration::from_secs(1)));
            while matches!(socket.read(&mut [0; 1024]), Ok(1..)) {}
        }
    });
    port
}

#[test]
fn whoever_is_no_engine_is_not_used() {
    let good = good();
    let at = |port: u16| format!("sc://127.0.0.1:{port}");
    refused(&at(free_port()), good.lake(), &ONCE, &["nothing answers there"]);
    let begun = Instant::now();
    refused(&at(free_port()), good.lake(), &["--engine-retries", "1"], &["nothing answers there"]);
    assert!(begun.elapsed() > Duration::from_millis(500), "it was not asked again");
    // Whether what it says is read before it hangs up is a matter of chance.
    let no_grpc = refused(&at(web()), good.lake(), &[], &["check the port: Spark Connect listens on 15002"]).stderr;
    assert!(no_grpc.contains("does not speak Spark Connect") || no_grpc.contains("it hung up before"), "{no_grpc}");

    let says = Engine::start(|_, asked| Act::Fails(vec![], 16, asked.authorization.clone().unwrap_or_default()));
    refused(&at(says.port), good.lake(), &[], &["does not accept who asks: Bearer …", "OPTIMIZER_ENGINE_TOKEN"]);
    assert_eq!(says.asked()[0].authorization, Some(format!("Bearer {SECRET}")));
    assert_eq!(says.count("Config"), 1, "it was asked again");

    for (text, shown) in [("5.0.0 6176183", "Spark 5.0.0"), ("3.5.4 6176183", "Spark 3.5.4"), ("0.9.0", "Sail 0.9.0")] {
        let other = Engine::start(move |_, asked| match asked.call.as_str() {
            "ExecutePlan" => version(text),
            _ => Act::Ends(vec![config("UTC")]),
        });
        refused(&at(other.port), good.lake(), &[], &[&format!("it is {shown}; Spark 4 and Sail 0.7 are known")]);
        assert_eq!(other.count("ExecutePlan"), 1, "it was asked again, or for more than its version");
    }
    let local = Engine::start(|_, _| Act::Ends(vec![config("America/New_York")]));
    refused(&at(local.port), good.lake(), &[], &["counts time in America/New_York"]);
    the_next_run_is_clean(&good);
}

#[test]
fn an_answer_that_never_comes_is_given_up() {
    let good = good();
    let never = Engine::spark(|_, _| Act::Stalls(vec![]));
    let begun = Instant::now();
    let at = format!("sc://127.0.0.1:{}", never.port);
    refused(&at, good.lake(), &["--engine-timeout", "2s"], &["no whole answer within 2 s", "--engine-timeout"]);
    let took = begun.elapsed();
    assert!((2.0..8.0).contains(&took.as_secs_f64()), "{took:?}");
    // It is told to stop, and the session is given back; a second attempt would double what it has to do.
    assert_eq!((never.count("Interrupt"), never.count("ReleaseSession"), never.count("Config")), (1, 1, 2));
    the_next_run_is_clean(&good);
}

#[test]
fn a_line_that_breaks_anywhere_costs_an_attempt_and_nothing_else() {
    let good = good();
    let sail = &good.sail;
    let through = Relay::start(sail.port, vec![]);
    assert_eq!(same(&good, &ended(plan(&through.url(), good.lake(), &[]))), 0);
    let all = through.sent();
    // From its first byte to shortly before its last: at opening, between statements, within the answers, at the farewell.
    for percent in [0, 3, 50, 97] {
        let broken = Relay::start(sail.port, vec![Fault::Cut(all * percent / 100)]);
        let failed = same(&good, &ended(plan(&broken.url(), good.lake(), &[])));
        assert_eq!(failed, 1, "{percent} % of {all} bytes");
    }
    for percent in [3, 97] {
        let broken = Relay::start(sail.port, vec![Fault::Cut(all * percent / 100)]);
        refused(&broken.url(), good.lake(), &ONCE, &["`sc://127.0.0.1:"]);
    }
    // In the last look at the session, which costs an attempt, or at the farewell, which does not: lengths differ by a few bytes each time.
    let broken = Relay::start(sail.port, vec![Fault::Cut(all - 30)]);
    assert!(same(&good, &ended(plan(&broken.url(), good.lake(), &[]))) <= 1);
    // And it may not break for ever.
    let broken = Relay::start(sail.port, vec![Fault::Cut(all / 2); 9]);
    refused(&broken.url(), good.lake(), &["--engine-retries", "1"], &["the connection ended before the answer did"]);
    the_next_run_is_clean(&good);
}

#[test]
fn an_engine_killed_under_a_statement_is_an_error_or_asked_again() {
    let good = good();
    let mut sail = Sail::start();
    let through = Relay::start(sail.port, vec![]);
    same(&good, &ended(plan(&through.url(), good.lake(), &[])));
    for comes_back in [false, true] {
        let relay = Relay::start(sail.port, vec![Fault::Stall(through.sent() / 2)]);
        let running = plan(&relay.url(), good.lake(), &["--engine-retries", "1"]).spawn().unwrap();
        relay.stalled();
        sail.kill();
        if comes_back {
            sail = Sail::start_at(sail.port);
        }
        let run: Run = running.wait_with_output().unwrap().into();
        if comes_back {
            assert_eq!(same(&good, &run), 1);
        } else {
            expect(&run, 3, &["`sc://127.0.0.1:", "to fix:"]);
            sail = Sail::start_at(sail.port);
            assert_eq!(same(&good, &ended(plan(&sail.url(), good.lake(), &[]))), 0);
        }
    }
}

/// The good lake, and one more file in it.
fn spoiled(good: &Good, content: &[u8]) -> TempDir {
    let folder = tempdir().unwrap();
    for name in names(good.lake()) {
        fs::copy(good.lake().join(&name), folder.path().join(&name)).unwrap();
    }
    fs::write(folder.path().join("4.parquet"), content).unwrap();
    folder
}

#[test]
fn one_damaged_file_spoils_the_lake() {
    let good = good();
    let sail = &good.sail;
    let whole = fs::read(good.lake().join("0.parquet")).unwrap();
    let middle = whole.len() / 2;
    let mut overwritten = whole.clone();
    overwritten[middle..middle + 2_000].fill(0xff);
    let mut footless = whole.clone();
    let end = footless.len();
    footless[end - 8..].fill(0);
    for content in [&whole[..middle], &overwritten, &footless, b"this is no Parquet"] {
        let folder = spoiled(&good, content);
        let run = refused(
            &sail.url(),
            folder.path(),
            &[],
            &["it could not carry out the statement", "a file may be damaged"],
        );
        assert!(!run.stderr.contains("asked again"), "{}", run.stderr);
    }
    let gone = good.lake().join("gone");
    refused(&sail.url(), &gone, &[], &["finds no rows"]);
    the_next_run_is_clean(&good);
}

/// Engines skip such files before they look into them, and say nothing.
#[test]
fn a_known_limit_is_that_a_file_of_no_bytes_is_not_noticed() {
    let good = good();
    let folder = spoiled(&good, b"");
    assert_eq!(same(&good, &ended(plan(&good.sail.url(), folder.path(), &[]))), 0);
}

#[test]
fn a_signal_ends_it_while_the_engine_is_at_work() {
    let good = good();
    let sail = &good.sail;
    let through = Relay::start(sail.port, vec![]);
    same(&good, &ended(plan(&through.url(), good.lake(), &[])));
    for (name, code, says) in [("-TERM", 143, "stopped by SIGTERM"), ("-INT", 130, "stopped by Ctrl-C")] {
        let relay = Relay::start(sail.port, vec![Fault::Stall(through.sent() / 2)]);
        let running = plan(&relay.url(), good.lake(), &[]).spawn().unwrap();
        relay.stalled();
        let begun = Instant::now();
        assert!(Command::new("kill").args([name, &running.id().to_string()]).status().unwrap().success());
        let run: Run = running.wait_with_output().unwrap().into();
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        expect(&run, code, &[says]);
    }
    the_next_run_is_clean(&good);
}

#[test]
fn encryption_is_not_left_out_and_not_made_up() {
    let good = good();
    let sail = &good.sail;
    refused(&format!("{}/;use_ssl=true", sail.url()), good.lake(), &[], &["no encrypted connection could be made"]);
    let keys = tempdir().unwrap();
    of_localhost(keys.path());
    certificate(keys.path(), "other", &["-subj", "/CN=another", "-addext", "basicConstraints=critical,CA:TRUE"]);
    let encrypted = Encrypted::start(keys.path(), sail.port);
    refused(&format!("sc://127.0.0.1:{}", encrypted.port), good.lake(), &ONCE, &["it hung up before it said anything"]);
    let trusting = |authority: &str| {
        let mut command = plan(&encrypted.url(), good.lake(), &[]);
        command.env("SSL_CERT_FILE", keys.path().join(authority));
        ended(command)
    };
    expect(&trusting("other.pem"), 3, &["no encrypted connection could be made", "UnknownIssuer"]);
    assert_eq!(same(&good, &trusting("ca.pem")), 0);
}

#[test]
fn a_run_whose_engine_fails_holds_what_is_under_way_and_decides_nothing() {
    let good = good();
    let mut world = World::new(GOOD);
    world.tick(&[]);
    world.goes_by(15);
    let log = world.folder.path().join("log.parquet");
    let csv = world.folder.path().join("log.csv");
    sql(&format!(
        "COPY (SELECT * FROM read_csv('{}', types = {{'ts': 'TIMESTAMPTZ', 'variant': 'VARCHAR', 'config_version': 'VARCHAR'}})) TO '{}' (FORMAT parquet)",
        csv.display(),
        log.display()
    ));
    let run = |engine: &str, more: &[&str]| {
        let from = ["run", "--format", "json", "--from", log.to_str().unwrap(), "--engine", engine];
        let run = world.command(&[&from[..], more].concat());
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        (run, report)
    };
    let (before, sail) = (world.document(), &good.sail);
    let broken = Relay::start(sail.port, vec![Fault::Stall(20_000)]);
    for (engine, more, says) in [
        (format!("sc://127.0.0.1:{}", free_port()), ONCE, "nothing answers there"),
        (broken.url(), ["--engine-timeout", "2s"], "no whole answer within 2 s"),
    ] {
        let (failed, report) = run(&engine, &more);
        assert_eq!(failed.code, Some(3), "{}", failed.stderr);
        assert!(failed.stderr.contains(says) && failed.stderr.contains("to fix:"), "{}", failed.stderr);
        let step = &report["steps"][0];
        assert_eq!((&step["did"], &step["share_before"], &step["share_after"]), (&"held".into(), &5.into(), &5.into()));
        assert_eq!(step["why"], "no traffic could be read");
        assert_eq!((&report["plan"], world.document()), (&Value::Null, before.clone()));
    }
    let (next, report) = run(&sail.url(), &[]);
    assert_eq!(next.code, Some(0), "{}", next.stderr);
    let seen = report["steps"][0]["judgement"]["readings"][0]["candidate_requests"].as_f64().unwrap();
    assert!(seen > 100.0, "what came meanwhile is counted: {seen}");
}
