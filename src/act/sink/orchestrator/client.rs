//! One request and its answer.

use std::{
    sync::Once,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Client, Method, Response, StatusCode, header, redirect::Policy};
use url::Url;
use uuid::Uuid;

use super::{Base, Credential, Limits, OrchestratorError, retry, said};
use crate::domain::format::visible;

/// Bytes of an answer that are read.
const LARGEST: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Http {
    pub(super) base: Base,
    credential: Option<Credential>,
    client: Client,
}

/// A change that is asked for.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: String,
    pub(super) key: Uuid,
    /// The version that has to be there.
    pub(super) version: Option<String>,
}

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) etag: Option<String>,
    /// How long it wants to be left alone.
    pub(super) wait: Duration,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer that can be used.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) why: String,
    pub(super) kind: Kind,
    /// Whether the request may have arrived.
    pub(super) may_have_arrived: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Asking again may help.
    Passing,
    /// The server is not well, and asking again will not help.
    Lasting,
    /// Something is wrong with the request.
    OurFault,
    /// The same would be said to every request.
    Closed,
}

impl Trouble {
    pub(super) fn new(kind: Kind, why: impl Into<String>) -> Self {
        Self { why: why.into(), kind, may_have_arrived: true }
    }

    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::new(Kind::Passing, why)
    }

    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self::new(Kind::Lasting, why)
    }

    /// Whether it says something about the server.
    pub(super) fn is_sickness(&self) -> bool {
        matches!(self.kind, Kind::Passing | Kind::Lasting)
    }
}

impl Http {
    pub(super) fn new(base: Base, credential: Option<Credential>, limits: &Limits) -> Result<Self, OrchestratorError> {
        // The one cryptography of this program; another library may have chosen it before.
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut builder = Client::builder()
            .user_agent(concat!("llm-auto-optimizer/", env!("CARGO_PKG_VERSION")))
            .https_only(base.is_encrypted())
            .connect_timeout(limits.connect)
            .timeout(limits.attempt)
            // Whoever answers elsewhere is somebody else, and neither the token nor the change is for them.
            .redirect(Policy::none())
            // Nobody else repeats a write: that is for whoever looks in between.
            .retry(reqwest::retry::never());
        if base.is_local() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| OrchestratorError::Client { why: innermost(&error) })?;
        Ok(Self { base, credential, client })
    }

    pub(super) fn shown(&self) -> String {
        self.base.shown()
    }

    pub(super) async fn get(&self, url: Url, end: Instant) -> Result<Answer, Trouble> {
        self.send(self.client.get(url), end).await
    }

    pub(super) async fn change(&self, change: &Change, end: Instant) -> Result<Answer, Trouble> {
        let mut request = self
            .client
            .request(change.method.clone(), change.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", change.key.to_string())
            .body(change.body.clone());
        if let Some(version) = &change.version {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        self.send(request, end).await
    }

    pub(super) async fn delete(&self, url: Url, version: &str, end: Instant) -> Result<Answer, Trouble> {
        self.send(self.client.delete(url).header(header::IF_MATCH, format!("\"{version}\"")), end).await
    }

    async fn send(&self, request: reqwest::RequestBuilder, end: Instant) -> Result<Answer, Trouble> {
        let mut request = request.header(header::ACCEPT, "application/json");
        if let Some(credential) = &self.credential {
            request = credential.put_on(request);
        }
        let left = end.saturating_duration_since(Instant::now());
        let answer = async {
            let response = request.send().await.map_err(|error| unsent(&error))?;
            let text = |name| Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned());
            let (status, etag) = (response.status(), text(header::ETAG));
            let wait = retry::asked_for(response.headers(), SystemTime::now());
            Ok(Answer { status, etag, wait, body: whole(response).await? })
        };
        tokio::time::timeout(left, answer).await.unwrap_or_else(|_| Err(Trouble::passing("it does not answer in time")))
    }

    /// What a refusal says, without what it was shown to let us in.
    pub(super) fn refusal(&self, answer: &Answer) -> String {
        let hint = match answer.status.as_u16() {
            401 | 403 => " (is the token right?)",
            301..=303 | 307 | 308 => " and leads elsewhere, which is not followed",
            _ => "",
        };
        let said = said(&answer.body).map(|text| match &self.credential {
            Some(credential) => credential.taken_out_of(&text),
            None => text,
        });
        let said = said.filter(|text| !text.is_empty()).map_or_else(String::new, |text| format!(": {text}"));
        format!("it answered {}{hint}{said}", answer.status.as_u16())
    }
}

/// The whole body, so long as it is not too large.
async fn whole(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let too_large = || Trouble::lasting("its answer is larger than 1 MiB");
    if response.content_length().is_some_and(|length| length > LARGEST as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unsent(&error))? {
        if body.len() + chunk.len() > LARGEST {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unsent(error: &reqwest::Error) -> Trouble {
    let innermost = innermost(error);
    if innermost.contains("ertificate") {
        let why = format!("it cannot be trusted: {innermost}");
        return Trouble { may_have_arrived: false, ..Trouble::new(Kind::Closed, why) };
    }
    if error.is_connect() {
        let why = if error.is_timeout() { "no connection in time".to_owned() } else { innermost };
        return Trouble { may_have_arrived: false, ..Trouble::passing(format!("it cannot be reached: {why}")) };
    }
    if error.is_timeout() {
        return Trouble::passing("it does not answer in time");
    }
    Trouble::passing(format!("the connection failed: {innermost}"))
}

/// What is behind it all: the outer texts name the address again.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    visible(&cause.to_string())
}
