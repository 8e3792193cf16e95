//! The example Orchestrator in a thread of its own, with one service in place, and who of it serves.

#![allow(dead_code, reason = "each test program uses the part that it needs")]

#[path = "../../examples/orchestrator/peer/mod.rs"]
pub mod peer;

use std::{
    sync::{Arc, mpsc},
    thread,
};

use peer::{Settings, configuration, documents::ConfigWrite, serve, serve::Peer};

use crate::support::canary::{Arm, Candidate, World};

/// Its address, and what is inside.
pub fn orchestrator(settings: Settings) -> (String, Arc<Peer>) {
    let (told, heard) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut running = serve(listener, settings).unwrap();
            told.send((format!("http://{}", running.address), Arc::clone(&running.peer))).unwrap();
            let _ = (&mut running.handle).await;
        });
    });
    let (url, peer) = heard.recv().unwrap();
    let body = br#"{"service_id": "chat", "configuration": {"model": "dear", "provider": "openai"}}"#;
    let write = ConfigWrite::read(body).unwrap();
    peer.with(|store| {
        let version = store.kept.next_version();
        store.kept.put(configuration::Configuration::following(None, &write, version));
    });
    (url, peer)
}

/// A world whose sink it is.
pub fn world(candidate: Candidate, settings: Settings) -> (World, Arc<Peer>) {
    let (url, peer) = orchestrator(settings);
    let serving = Arc::clone(&peer);
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with(candidate, folder, Box::new(move || arms(&serving)));
    world.sink = url;
    (world, peer)
}

/// Every state that was accepted after the first: model and share.
pub fn accepted(peer: &Peer) -> Vec<(String, u8)> {
    peer.with(|store| {
        let history = store.kept.history("chat").iter().skip(1);
        history.map(|state| (state.new.configuration["model"].clone(), state.percentage)).collect()
    })
}

/// Who serves; before the first write nobody labels anything.
fn arms(peer: &Peer) -> Option<Vec<Arm>> {
    peer.with(|store| {
        if store.kept.history("chat").len() < 2 {
            return None;
        }
        let found = store.kept.current("chat", 60_000)?;
        let arm = |labelled: &configuration::Labelled, variant, weight: u8| Arm {
            model: labelled.configuration["model"].clone(),
            version: labelled.config_version.clone().unwrap_or_default(),
            variant,
            weight: f64::from(weight),
        };
        Some(match &found.baseline {
            Some(baseline) if found.percentage < 100 => {
                let rest = 100 - found.percentage;
                vec![arm(baseline, "baseline", rest), arm(&found.new, "candidate", found.percentage)]
            }
            _ => vec![arm(&found.new, "", 100)],
        })
    })
}
