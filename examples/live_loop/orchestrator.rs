//! The example Orchestrator in a thread of its own, and what it says about who serves.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, thread};

use anyhow::Context as _;
use serde_json::json;

use super::peer::{
    Settings,
    configuration::{Configuration, Labelled},
    documents::ConfigWrite,
    serve,
    serve::Peer,
};

/// A minute of a progression that the server walks by itself; nobody asks it to.
const MINUTE_MS: u64 = 60_000;

/// What the real log calls the configuration that served.
const FIRST: &str = "hd-7";

pub struct Orchestrator {
    pub url: String,
    peer: Arc<Peer>,
}

/// One configuration that serves.
#[derive(Debug, Clone)]
pub struct Arm {
    pub settings: BTreeMap<String, String>,
    pub version: String,
    /// Empty where there is only one.
    pub variant: &'static str,
    /// In percent.
    pub weight: u8,
}

impl Orchestrator {
    /// Serves until the program ends. Ctrl-C removes `folder` first.
    pub fn start(folder: PathBuf) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no port is free on loopback")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let (told, heard) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
                let mut running = serve(listener, Settings::default()).expect("nothing is read from a file");
                told.send(Arc::clone(&running.peer)).expect("somebody waits");
                tokio::select! {
                    _ = &mut running.handle => {}
                    _ = tokio::signal::ctrl_c() => {
                        let _ = fs::remove_dir_all(folder);
                        eprintln!("\nstopped; the temporary folder is gone");
                        std::process::exit(130);
                    }
                }
            });
        });
        Ok(Self { url, peer: heard.recv().context("the Orchestrator did not start")? })
    }

    /// What a service runs with before anybody optimizes it.
    pub fn create<const N: usize>(&self, service: &str, settings: [(&str, &str); N]) {
        let settings: BTreeMap<&str, &str> = settings.into();
        let metadata = json!({"requested_by": "a person", "config_version": FIRST});
        let body = json!({"service_id": service, "configuration": settings, "metadata": metadata});
        let write = ConfigWrite::read(body.to_string().as_bytes()).expect("it is a whole configuration");
        self.peer.with(|store| {
            let version = store.kept.next_version();
            store.kept.put(Configuration::following(None, &write, version));
        });
    }

    /// Who serves a service now, as its gateway would ask before it splits the traffic.
    pub fn arms(&self, service: &str) -> Vec<Arm> {
        self.peer.with(|store| {
            let found = store.kept.current(service, MINUTE_MS).expect("the service is there");
            let arm = |labelled: &Labelled, variant, weight| Arm {
                settings: labelled.configuration.clone(),
                version: labelled.config_version.clone().unwrap_or_default(),
                variant,
                weight,
            };
            match &found.baseline {
                Some(old) if found.percentage < 100 => {
                    vec![arm(old, "baseline", 100 - found.percentage), arm(&found.new, "candidate", found.percentage)]
                }
                _ => vec![arm(&found.new, "", 100)],
            }
        })
    }
}
