//! The trace of a run, for whoever collects them with OpenTelemetry: OTLP over HTTP, as JSON, sent once at the end. Off unless the
//! environment names a collector.
//!
//! The form is small and fixed, and the client is there already: the libraries of OpenTelemetry would bring a second way of sending, with
//! retries and time limits of its own.

mod form;
mod headers;
mod parent;
mod settings;

use std::time::{Duration, Instant};

use reqwest::header;

use super::{Address, post::Post};
use crate::{
    domain::{format, span::Span},
    http::{self, Patience},
};
use headers::Headers;
use parent::Parent;

/// All attempts together, and a little less than the two seconds that are promised: making the client takes time too.
const ALL: Duration = Duration::from_millis(1_800);

/// Where traces go.
#[derive(Debug, Clone)]
pub struct Traces {
    address: Address,
    headers: Headers,
    /// What the traces are of, by name.
    resource: Vec<(String, String)>,
    parent: Option<Parent>,
    all: Duration,
}

impl Traces {
    /// As the environment says. None where it names no collector or switches traces off; where what it says cannot be used, one sentence
    /// that says why. No run fails for it.
    pub fn from_environment() -> Result<Option<Self>, String> {
        Self::given(&|name| std::env::var(name).ok())
    }

    /// The same, with no more time than this: a run that has to end soon leaves less than two seconds.
    #[must_use]
    pub fn within(self, left: Duration) -> Self {
        Self { all: self.all.min(left), ..self }
    }

    /// Sends the trace of this run, within two seconds. On failure one sentence that says why; no run fails for it.
    pub fn send(&self, run: &str, root: &Span) -> Result<(), String> {
        let end = Instant::now() + self.all;
        let patience = Patience {
            connect: Duration::from_secs(1).min(self.all),
            attempt: self.all,
            pause: Duration::from_millis(200),
            longest_wait: self.all,
            ..Patience::default()
        };
        let endpoint = self.address.endpoint();
        let problem = |why: String| {
            format!(
                "the trace of this run did not reach {} at `{}`: {why}",
                endpoint.peer().the(),
                self.address.shown()
            )
        };
        let client = http::client(endpoint, &patience).map_err(|error| problem(error.to_string()))?;
        let body = form::request(&self.resource, self.parent.as_ref(), run, root);
        let request = || {
            let request = client.post(self.address.url()).headers(self.headers.all());
            request.header(header::CONTENT_TYPE, "application/json").body(body.clone())
        };
        let hide = [self.headers.secrets(), self.address.secrets()].concat();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| problem(format!("it cannot start: {error}")))?;
        let post = Post { patience: &patience, hide: &hide };
        let answered = runtime.block_on(async {
            let answer = post.answered(request, end).await.map_err(|trouble| trouble.why)?;
            let left = end.saturating_duration_since(Instant::now());
            // It has the trace. What it says of that is worth a moment, and no error of its own.
            Ok(tokio::time::timeout(left, http::body(answer)).await.ok().and_then(Result::ok).unwrap_or_default())
        });
        // A name that is still being looked up must not keep the run from ending.
        runtime.shutdown_background();
        match answered.map_err(problem)? {
            body if body.is_empty() => Ok(()),
            body => form::refused(&body).map_or(Ok(()), |(spans, why)| {
                let why = http::without(&why, &hide);
                let spans = format::counted(spans, "span");
                Err(problem(format!("it refused {spans} of it{}{why}", if why.is_empty() { "" } else { ": " })))
            }),
        }
    }

    /// By which the trace of a run is found, in hexadecimal digits.
    #[must_use]
    pub fn id(&self, run: &str) -> String {
        form::trace_id(self.parent.as_ref(), run)
    }
}
