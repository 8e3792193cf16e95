//! One request and its answer.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use reqwest::{Client, Method, StatusCode, header};
use url::Url;
use uuid::Uuid;

use super::{Base, Credential, Limits};
use crate::http::{self, Broken, HttpError};

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
    /// Its clock.
    pub(super) date: Option<Timestamp>,
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

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Untrusted(why) => Self { may_have_arrived: false, ..Self::new(Kind::Closed, why) },
            Broken::Unreached(why) => Self { may_have_arrived: false, ..Self::passing(why) },
            Broken::Unanswered(why) => Self::passing(why),
            Broken::TooLarge(why) => Self::lasting(why),
        }
    }
}

impl Http {
    pub(super) fn new(base: Base, credential: Option<Credential>, limits: &Limits) -> Result<Self, HttpError> {
        let client = http::client(base.endpoint(), &limits.patience)?;
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
            let response = request.send().await.map_err(Broken::from)?;
            let text = |name| Some(response.headers().get(name)?.to_str().ok()?.trim().to_owned());
            let (status, etag) = (response.status(), text(header::ETAG));
            let wait = http::asked_for(response.headers(), SystemTime::now());
            let date = http::date(response.headers());
            Ok(Answer { status, etag, wait, date, body: http::body(response).await? })
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
        let secrets = self.credential.as_ref().map(Credential::secrets).unwrap_or_default();
        let said = http::said(&answer.body, &secrets).map_or_else(String::new, |text| format!(": {text}"));
        format!("it answered {}{hint}{said}", answer.status.as_u16())
    }
}
