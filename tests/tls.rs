//! An Orchestrator over TLS: only one whose certificate is trusted is told anything.

#[path = "support/certificate.rs"]
mod certificate;
mod support;

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use certificate::{certificate, of_localhost, openssl};
use support::{
    Run,
    canary::{GOOD, World},
    optimizer,
};

/// Calls itself localhost, by a certificate of an authority of its own, and prints what it is told.
struct Server {
    child: Child,
    said: BufReader<ChildStdout>,
    url: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        of_localhost(folder);
        let mut command =
            openssl(folder, &["s_server", "-accept", "127.0.0.1:0", "-cert", "leaf.pem", "-key", "leaf.key"]);
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = piped.spawn().expect("openssl is there");
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("ACCEPT") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended");
        }
        let port = line.trim().rsplit(':').next().unwrap().to_owned();
        Self { child, said, url: format!("https://localhost:{port}") }
    }

    /// Waits for one request, and says that it knows no such service.
    fn answers(mut self) -> (Self, String) {
        let mut heard = String::new();
        while !heard.ends_with("\r\n\r\n") {
            assert!(self.said.read_line(&mut heard).unwrap() > 0, "nothing came: {heard}");
        }
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        self.child.stdin.as_mut().unwrap().write_all(answer).unwrap();
        (self, heard)
    }

    /// Everything it was told.
    fn heard(mut self) -> String {
        self.child.kill().unwrap();
        let mut heard = Vec::new();
        self.said.read_to_end(&mut heard).unwrap();
        String::from_utf8_lossy(&heard).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(world: &World, url: &str, authority: &str) -> Command {
    let mut command = optimizer(world.folder.path());
    command.args(["run", "--from", "log.csv", "--format", "json", "--sink", url]);
    command.env("OPTIMIZER_STATE", &world.state).env("OPTIMIZER_NOW", world.now.to_string());
    command.env("SSL_CERT_FILE", world.folder.path().join(authority)).env("OPTIMIZER_SINK_TOKEN", "hunter2");
    command
}

#[test]
fn whoever_is_not_trusted_is_told_nothing() {
    let world = World::new(GOOD);
    let server = Server::start(world.folder.path());
    certificate(world.folder.path(), "other", &["-subj", "/CN=other authority"]);
    let refused: Run = run(&world, &server.url, "other.pem").output().expect("the binary starts").into();
    assert_eq!(refused.code, Some(5), "{} {}", refused.stdout, refused.stderr);
    assert!(refused.stdout.contains("it cannot be trusted"), "{}", refused.stdout);
    let heard = server.heard();
    assert!(!heard.contains("hunter2") && !heard.contains("GET"), "{heard}");
}

#[test]
fn whoever_is_trusted_is_asked() {
    let world = World::new(GOOD);
    let server = Server::start(world.folder.path());
    let mut command = run(&world, &server.url, "ca.pem");
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
    let (server, heard) = server.answers();
    let asked: Run = running.wait_with_output().unwrap().into();
    assert!(heard.contains("GET /api/v1/configurations/chat HTTP/1.1"), "{heard}");
    assert!(heard.contains("authorization: Bearer hunter2"), "{heard}");
    assert_eq!(asked.code, Some(0), "{} {}", asked.stdout, asked.stderr);
    assert!(asked.stdout.contains("the sink knows no configuration of this service"), "{}", asked.stdout);
    drop(server);
}

#[test]
fn a_doctor_says_whom_not_to_trust() {
    let world = World::new(GOOD);
    let server = Server::start(world.folder.path());
    certificate(
        world.folder.path(),
        "other",
        &["-subj", "/CN=another", "-addext", "basicConstraints=critical,CA:TRUE"],
    );
    let mut command = optimizer(world.folder.path());
    command.args(["doctor", "--from", "log.csv", "--format", "json", "--sink", &server.url]);
    command.env("OPTIMIZER_NOW", world.now.to_string()).env("OPTIMIZER_SINK_TOKEN", "hunter2");
    command.env("SSL_CERT_FILE", world.folder.path().join("other.pem"));
    let asked: Run = command.output().expect("the binary starts").into();
    assert_eq!(asked.code, Some(5), "{} {}", asked.stdout, asked.stderr);
    assert!(
        asked.stdout.contains("it cannot be trusted") && asked.stdout.contains("SSL_CERT_FILE"),
        "{}",
        asked.stdout
    );
    assert!(!asked.stdout.contains("hunter2") && !server.heard().contains("GET"), "{}", asked.stdout);
}
