//! A Sail of a test's own: an engine that speaks Spark Connect, one process, on loopback.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// As `scripts/ensure-sail` pins it.
const VERSION: &str = "0.7.2";

pub struct Sail {
    child: Child,
    pub port: u16,
}

impl Sail {
    pub fn start() -> Self {
        Self::start_at(free_port())
    }

    /// Where a client expects it.
    pub fn start_at(port: u16) -> Self {
        let program = program();
        let mut child = Command::new(&program)
            .args(["spark", "server", "--ip", "127.0.0.1", "--port", &port.to_string()])
            // Its workers are threads of the one process.
            .env("SAIL_MODE", "local-cluster")
            // A session that has lost its settings shows.
            .env("TZ", "America/New_York")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start ({error}): run scripts/ensure-sail", program.display()));
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(matches!(child.try_wait(), Ok(None)), "Sail ended before it listened");
            assert!(begun.elapsed() < Duration::from_mins(1), "Sail does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port }
    }

    /// Where clients find it.
    pub fn url(&self) -> String {
        format!("sc://127.0.0.1:{}", self.port)
    }

    /// As a machine that fails ends it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// As an operator ends it.
    pub fn terminate(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Sail {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port()
}

/// Where `scripts/ensure-sail` has put it.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("OPTIMIZER_TEST_SAIL") {
        return PathBuf::from(named);
    }
    let here = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".sail");
    let folder = std::env::var_os("SAIL_CACHE").map_or_else(here, PathBuf::from);
    folder.join(VERSION).join("bin/sail")
}
