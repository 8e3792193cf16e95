//! A real Prometheus and a real Pushgateway of the tests' own: in temporary folders, on loopback, gone when the test has ended.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub struct Server {
    folder: TempDir,
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// A Pushgateway without anything in it.
    pub fn pushgateway() -> Self {
        // Debian's keeps what it holds in a file of the machine, unless it is told not to.
        Self::start("prometheus-pushgateway", |_| vec!["--persistence.file=".to_owned()])
    }

    /// A Prometheus that reads this Pushgateway five times a second, once it has looked for it: that takes it five seconds.
    pub fn prometheus(pushgateway: &Self) -> Self {
        let target = pushgateway.port;
        Self::start("prometheus", |folder| {
            let configuration = format!(
                "global: {{scrape_interval: 200ms}}\n\
                 scrape_configs: [{{job_name: gateway, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{target}']}}]}}]\n"
            );
            let file = folder.path().join("prometheus.yml");
            std::fs::write(&file, configuration).expect("a temporary folder can be written");
            vec![
                format!("--config.file={}", file.display()),
                format!("--storage.tsdb.path={}", folder.path().join("data").display()),
            ]
        })
    }

    /// On a port that the system picks for it: one that is looked for beforehand may be somebody else's by then.
    fn start(program: &str, arguments: impl Fn(&TempDir) -> Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let child = Command::new(program)
            .args(arguments(&folder))
            .arg("--web.listen-address=127.0.0.1:0")
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .unwrap_or_else(|error| panic!("{program} starts (scripts/ensure-prometheus): {error}"));
        let mut server = Self { folder, child, port: 0 };
        let begun = Instant::now();
        while server.port == 0 || server.get("/-/ready").is_none_or(|answer| !answer.starts_with("HTTP/1.0 200")) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{program} does not come up:\n{}", server.log());
            thread::sleep(Duration::from_millis(20));
            server.port = server.listens().unwrap_or(0);
        }
        server
    }

    /// The port, as its log names it.
    fn listens(&self) -> Option<u16> {
        let log = self.log();
        let (_, said) = log.split_once("msg=\"Listening on\" address=127.0.0.1:")?;
        // With the line break: the end of the number may not be written yet.
        let (port, _) = said.split_once(char::is_whitespace)?;
        port.parse().ok()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The whole answer, headers included.
    pub fn get(&self, target: &str) -> Option<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        // 1.0, so that the body comes as it is.
        socket.write_all(format!("GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// What a query comes to: labels and value of each series. Only of a Prometheus.
    #[track_caller]
    pub fn query(&self, query: &str) -> Vec<(Value, f64)> {
        let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let answer = self.get(&format!("/api/v1/query?query={encoded}")).expect("an answer");
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
        assert_eq!(body["status"], "success", "{query}: {body}");
        let series = body["data"]["result"].as_array().expect("series");
        let number = |one: &Value| one["value"][1].as_str().and_then(|text| text.parse().ok()).expect("a number");
        series.iter().map(|one| (one["metric"].clone(), number(one))).collect()
    }

    /// The same once there is anything.
    #[track_caller]
    pub fn awaited(&self, query: &str) -> Vec<(Value, f64)> {
        let begun = Instant::now();
        loop {
            let found = self.query(query);
            if !found.is_empty() {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing comes of `{query}`:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// What `promtool check metrics` says.
pub fn promtool(text: &str) -> Output {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool starts (scripts/ensure-prometheus)");
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads everything");
    child.wait_with_output().expect("it ends")
}
