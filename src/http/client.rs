//! The client, and what a failed request comes to.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Once,
};

use reqwest::{Client, redirect::Policy};

use super::{Endpoint, HttpError, Patience};
use crate::domain::format::visible;

/// A client for one service: no redirects, no repetitions of its own, no proxy on the way to this machine.
pub fn client(endpoint: &Endpoint, patience: &Patience) -> Result<Client, HttpError> {
    // The one cryptography of this program; another library may have chosen it before.
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let mut builder = Client::builder()
        .user_agent(concat!("llm-auto-optimizer/", env!("CARGO_PKG_VERSION")))
        .https_only(endpoint.is_encrypted())
        .connect_timeout(patience.connect)
        .timeout(patience.attempt)
        // Whoever answers elsewhere is somebody else, and neither the token nor the request is for them.
        .redirect(Policy::none())
        // Nobody else repeats a request: that is for whoever looks in between.
        .retry(reqwest::retry::never());
    if endpoint.is_local() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| HttpError::Client { peer: endpoint.peer(), why: innermost(&error) })
}

/// Why a request has no whole answer, in words that go on from "it".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// Its certificate is not one to trust; that holds for every request. Nothing was sent.
    Untrusted(String),
    /// No connection. Nothing was sent.
    Unreached(String),
    /// It may have arrived, and no answer came.
    Unanswered(String),
    /// There is an answer, and it is too large to be one.
    TooLarge(String),
}

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        let innermost = innermost(&error);
        if innermost.contains("ertificate") {
            return Self::Untrusted(format!("it cannot be trusted: {innermost}"));
        }
        if error.is_connect() {
            let why = if error.is_timeout() { "no connection in time".to_owned() } else { innermost };
            return Self::Unreached(format!("it cannot be reached: {why}"));
        }
        Self::Unanswered(if error.is_timeout() {
            "it does not answer in time".to_owned()
        } else {
            format!("the connection failed: {innermost}")
        })
    }
}

/// What is behind it all: the outer texts name the address again.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    visible(&cause.to_string())
}

/// Any number in `0..1`: so that those who failed together do not come back together.
#[must_use]
pub fn chance() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}
