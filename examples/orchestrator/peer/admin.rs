//! What a test, or a person at the demo, asks of the server itself.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::Response,
};
use serde_json::{Value, json};

use super::{answer::Answer, configuration::Configuration, faults::Rule, serve::Peer, split};

/// Replaces the list of faults; `[]` makes the server behave.
pub async fn set_faults(State(peer): State<Arc<Peer>>, body: Bytes) -> Response<Body> {
    match serde_json::from_slice::<Vec<Rule>>(&body) {
        Ok(rules) => {
            peer.misbehave(rules);
            Answer::empty(204).response()
        }
        Err(error) => Answer::error(400, &error.to_string()).response(),
    }
}

pub async fn faults(State(peer): State<Arc<Peer>>) -> Response<Body> {
    Answer::json(json!(peer.faults())).response()
}

/// Every accepted write of a service, the oldest first.
pub async fn history(State(peer): State<Arc<Peer>>, Path(service): Path<String>) -> Response<Body> {
    let history: Vec<Value> =
        peer.with(|store| store.kept.history(&service).iter().map(Configuration::shown).collect());
    Answer::json(json!(history)).response()
}

/// Every request to a configuration, the oldest first.
pub async fn requests(State(peer): State<Arc<Peer>>) -> Response<Body> {
    Answer::json(peer.with(|store| json!(store.requests))).response()
}

pub async fn arms(State(peer): State<Arc<Peer>>, Path(service): Path<String>) -> Response<Body> {
    let minute_ms = peer.settings.minute_ms();
    let arms = peer.with(|store| store.kept.current(&service, minute_ms).map(split::arms));
    arms.map_or_else(|| Answer::error(404, "there is no such service"), Answer::json).response()
}
