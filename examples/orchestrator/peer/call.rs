//! A request, told apart from HTTP.

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, header},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Create,
    Read,
    Replace,
    Delete,
    Rollback,
    Unknown,
}

#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub operation: Operation,
    pub service: String,
    pub key: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    /// What it shows to prove who asks, never recorded.
    pub credential: Option<String>,
    pub body: Bytes,
}

const BASE: &str = "/api/v1/configurations";

impl Call {
    pub fn new(method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Self {
        let text = |name: header::HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
        let (operation, service) = target(method, uri.path());
        let named = || serde_json::from_slice::<Value>(&body).ok()?.get("service_id")?.as_str().map(str::to_owned);
        let service = if operation == Operation::Create { named().unwrap_or_default() } else { service };
        let bearer = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
        Self {
            method: method.to_string(),
            path: uri.path().to_owned(),
            operation,
            service,
            key: text(header::HeaderName::from_static("idempotency-key")),
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
            credential: bearer.or_else(|| text(header::HeaderName::from_static("x-api-key"))),
            body,
        }
    }

    /// What makes two requests the same request.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.method.as_bytes(), self.path.as_bytes(), &self.body] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hex(&hash.finalize())
    }

    /// For the record.
    pub fn noted(&self) -> Value {
        json!({
            "method": self.method, "path": self.path, "service": self.service, "operation": self.operation,
            "key": self.key, "if_match": self.if_match, "body_sha256": hex(&Sha256::digest(&self.body)),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn target(method: &Method, path: &str) -> (Operation, String) {
    let Some(rest) = path.strip_prefix(BASE) else { return (Operation::Unknown, String::new()) };
    let (service, action) = match rest.strip_prefix('/') {
        None => ("", ""),
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
    };
    let operation = match (method.as_str(), service, action) {
        ("POST", "", "") => Operation::Create,
        (_, "", _) => Operation::Unknown,
        ("GET", _, "") => Operation::Read,
        ("PUT", _, "") => Operation::Replace,
        ("DELETE", _, "") => Operation::Delete,
        ("POST", _, "rollback") => Operation::Rollback,
        _ => Operation::Unknown,
    };
    (operation, service.to_owned())
}
