//! What the server says.

use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{configuration::Configuration, documents::Invalid};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub version: Option<String>,
    pub body: Value,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn configuration(status: u16, found: &Configuration) -> Self {
        Self { status, version: Some(found.version.clone()), body: found.shown(), headers: Vec::new() }
    }

    pub fn json(body: Value) -> Self {
        Self { status: 200, version: None, body, headers: Vec::new() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, version: None, body: Value::Null, headers: Vec::new() }
    }

    pub fn error(status: u16, message: &str) -> Self {
        let code = match status {
            400 | 422 => "validation_error",
            401 => "unauthorized",
            403 => "forbidden",
            404 => "not_found",
            409 => "conflict",
            412 | 428 => "precondition_failed",
            429 => "rate_limited",
            _ => "internal_error",
        };
        let body = json!({ "code": code, "message": message, "details": {}, "request_id": "req-0" });
        Self { status, version: None, body, headers: Vec::new() }
    }

    pub fn invalid(status: u16, invalid: &Invalid) -> Self {
        let mut answer = Self::error(status, &format!("`{}`: {}", invalid.field, invalid.why));
        answer.body["details"] = json!({ "field": invalid.field });
        answer
    }

    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn text(&self) -> String {
        if self.body.is_null() { String::new() } else { self.body.to_string() }
    }

    /// The same with another body.
    pub fn response_with(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(tag) =
            self.version.as_ref().and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok())
        {
            headers.insert(header::ETAG, tag);
        }
        for (name, value) in &self.headers {
            let name = header::HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                headers.insert(name, value);
            }
        }
        response
    }

    pub fn response(&self) -> Response<Body> {
        self.response_with(Body::from(self.text()))
    }
}
