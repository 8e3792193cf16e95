//! A real Spark of several processes, killed under a plan: it tells exactly the plan of DuckDB, or an error.
//! `scripts/test-spark` starts it, and leaves here what starts each process again (`start-NAME`) and its number (`NAME.pid`).

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use support::{optimizer, plan_json};
use tempfile::{TempDir, tempdir};

const ROWS: u64 = 2_000_000;

/// An hour and a half of 500 services; some ids come twice, and some latencies are below nothing.
const REQUESTS: &str = "SELECT TIMESTAMPTZ '2026-01-02 12:00:00Z' - to_microseconds(i * 2700) AS ts, 'r' || CASE WHEN i % 10007 = 0 AND i > 0 THEN i - 1 ELSE i END AS request_id,
    'service ' || CAST(hash(i) % 500 AS BIGINT) AS service, ['gpt-4o', 'gpt-4o-mini', 'claude-3-haiku'][1 + CAST(hash(i, 1) % 3 AS BIGINT)] AS model, 'openai' AS provider,
    CASE WHEN i % 50021 = 3 THEN -1 ELSE exp(5 + CAST(hash(i, 2) % 10000 AS BIGINT) / 4000) END AS latency_ms, exp(4 + CAST(hash(i, 3) % 10000 AS BIGINT) / 9000) AS ttft_ms,
    CAST(hash(i, 4) % 5000 AS BIGINT) AS input_tokens, CAST(hash(i, 5) % 900 AS BIGINT) AS output_tokens, CAST(hash(i, 6) % 100000 AS BIGINT) / 1e6 AS cost_usd,
    CASE WHEN i % 3 = 0 THEN CAST(hash(i, 7) % 1000 AS BIGINT) / 1e3 END AS quality, CASE WHEN CAST(hash(i, 8) % 33 AS BIGINT) = 0 THEN 'timeout' ELSE 'success' END AS outcome";

struct Cluster {
    folder: PathBuf,
    engine: String,
}

impl Cluster {
    /// As the environment says.
    fn found() -> Self {
        let named =
            |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: scripts/test-spark"));
        Self { folder: named("OPTIMIZER_TEST_SPARK").into(), engine: named("OPTIMIZER_TEST_ENGINE") }
    }

    /// A process, and those it has started: a worker's executor.
    fn kill(&self, name: &str) {
        let pid = fs::read_to_string(self.folder.join(format!("{name}.pid"))).unwrap().trim().to_owned();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &pid]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        assert!(name == "driver" || !children.trim().is_empty(), "{name} has no executor");
        let all = [pid.as_str()].into_iter().chain(children.split_whitespace());
        assert!(Command::new("kill").arg("-KILL").args(all).status().unwrap().success());
    }

    fn start(&self, name: &str) {
        assert!(Command::new(self.folder.join(format!("start-{name}"))).status().unwrap().success());
    }
}

/// A plan on the engine, and what it has been told, each as it comes.
struct Planning {
    child: Child,
    told: Receiver<String>,
    begun: Instant,
}

impl Planning {
    fn start(cluster: &Cluster, folder: &TempDir, log: &Path, retries: &str) -> Self {
        let mut command = optimizer(folder.path());
        command.args([
            "plan",
            "--dry-run",
            "--format",
            "json",
            "--until",
            "2026-01-02T12:00:00Z",
            "--lookback",
            "2h",
            "--from",
        ]);
        command.arg(log).args(["--engine", &cluster.engine, "--engine-retries", retries, "--log-format", "json"]);
        command.env("OPTIMIZER_LOG", "warn,optimizer=info");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (tell, told) = channel();
        thread::spawn(move || said.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, told, begun: Instant::now() }
    }

    /// Waits until this statement was answered, which is when the next is asked; how long it took.
    fn answered(&self, what: &str) -> Duration {
        let asked = format!("\"what\":\"{what}\"");
        loop {
            let line = self.told.recv_timeout(Duration::from_mins(5)).expect("it goes on");
            if line.contains("the engine has answered") && line.contains(&asked) {
                let line: Value = serde_json::from_str(&line).unwrap();
                let seconds = line["fields"]["seconds"].as_f64().expect("it says how long");
                return Duration::from_secs_f64(seconds);
            }
        }
    }

    /// Its plan, or what it says of the failure; how long it took.
    fn ended(self) -> (Result<Value, String>, f64) {
        let output = self.child.wait_with_output().unwrap();
        let seconds = self.begun.elapsed().as_secs_f64();
        if output.status.success() {
            return (Ok(serde_json::from_slice(&output.stdout).unwrap()), seconds);
        }
        assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0));
        (Err(self.told.iter().last().unwrap_or_default()), seconds)
    }
}

#[track_caller]
fn same(here: &Value, there: &Value) {
    for part in ["windows", "services", "findings", "decisions"] {
        assert!(!here[part].is_null() && here[part] == there[part], "{part} is another");
    }
    for count in ["rows_read", "rows_used", "rows_duplicate", "rejected"] {
        assert_eq!(here["source"][count], there["source"][count], "{count}");
    }
}

#[test]
#[ignore = "needs Spark: make test-spark"]
fn whoever_is_killed_the_plan_is_the_same_or_there_is_none() {
    let (cluster, folder) = (Cluster::found(), tempdir().unwrap());
    let log = folder.path().join("log.parquet");
    let write = format!("COPY ({REQUESTS} FROM range(1, {ROWS} + 1) AS t(i)) TO '{}' (FORMAT parquet)", log.display());
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&write).unwrap();
    let begun = Instant::now();
    let here = plan_json(
        folder.path(),
        &["--from", log.to_str().unwrap(), "--until", "2026-01-02T12:00:00Z", "--lookback", "2h"],
    );
    println!("DuckDB: {:.1} s", begun.elapsed().as_secs_f64());

    let planning = Planning::start(&cluster, &folder, &log, "0");
    let [minutes, bins] = ["minutes", "bins"].map(|what| planning.answered(what));
    let (plan, seconds) = planning.ended();
    same(&here, &plan.unwrap());
    println!(
        "Spark, undisturbed: {seconds:.1} s, minutes {:.1} s, bins {:.1} s",
        minutes.as_secs_f64(),
        bins.as_secs_f64()
    );

    for (name, kills, comes_back, after, wait, retries) in [
        ("a worker in the map stage", "worker-1", true, "repeated", minutes / 3, "2"),
        ("a worker when the bins are nearly there", "worker-2", true, "rows", bins * 4 / 5, "2"),
        ("the driver, started again", "driver", true, "rows", bins / 2, "8"),
        ("the driver, for good", "driver", false, "rows", bins / 2, "1"),
    ] {
        let planning = Planning::start(&cluster, &folder, &log, retries);
        planning.answered(after);
        thread::sleep(wait);
        cluster.kill(kills);
        if comes_back {
            cluster.start(kills);
        }
        let (outcome, seconds) = planning.ended();
        match outcome {
            Ok(plan) => {
                same(&here, &plan);
                let reduced = &plan["source"]["engines"][0];
                println!("{name}: the same plan after {seconds:.1} s, failed attempts {}", reduced["failed_attempts"]);
                assert!(comes_back, "nobody was there to answer");
            }
            Err(said) => {
                println!("{name}: exit 3 after {seconds:.1} s, {said}");
                assert!(!comes_back, "it should have been mended");
            }
        }
        // A worker has to find its master, and is given an executor.
        thread::sleep(Duration::from_secs(8));
    }
}
