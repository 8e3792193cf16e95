//! The example Orchestrator as a process of its own, so that its memory and its core are not counted with ours.

#[path = "../../../../examples/orchestrator/peer/mod.rs"]
mod peer;

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use peer::{Settings, serve};

/// This program is one when it finds this in its environment.
const ASKED: &str = "SCOREBOARD_ORCHESTRATOR";

/// Serves until its caller ends it, where that is what it was started for.
pub fn serve_if_asked() {
    if std::env::var_os(ASKED).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port of loopback");
        let mut running = serve(listener, Settings::default()).expect("nothing is read from a file");
        println!("http://{}", running.address);
        let _ = (&mut running.handle).await;
    });
    std::process::exit(0);
}

/// One that runs.
#[derive(Debug)]
pub struct Remote {
    child: Child,
    pub url: String,
}

impl Remote {
    pub fn start() -> Self {
        let own = std::env::current_exe().expect("this program is a file");
        let mut child =
            Command::new(own).env(ASKED, "1").stdout(Stdio::piped()).spawn().expect("this program starts again");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut url).expect("it says where it is");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
