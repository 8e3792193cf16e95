//! The client: every question by itself, a few at a time, each with an end to its patience.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Once,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, Response, StatusCode, header, redirect::Policy};

use super::{Address, Form, GovernanceError, Token};
use crate::domain::{
    approval::{Question, Verdict},
    format::visible,
};

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connect: Duration,
    /// One attempt, from the connection to the last byte.
    pub attempt: Duration,
    /// One question with all its attempts.
    pub question: Duration,
    /// All questions of a plan.
    pub all: Duration,
    pub attempts: u32,
    /// Before the second attempt; it doubles up to `longest_pause`, and any part of it may pass.
    pub pause: Duration,
    pub longest_pause: Duration,
    /// What the service may ask for; more ends the question.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            attempt: Duration::from_secs(10),
            question: Duration::from_secs(30),
            all: Duration::from_mins(2),
            attempts: 3,
            pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            longest_wait: Duration::from_secs(30),
        }
    }
}

/// Questions that wait for their answers at the same time.
const AT_A_TIME: usize = 4;

/// Bytes of an answer that are read.
const LARGEST: usize = 1 << 20;

/// Questions without an answer, one after the other, after which no more are asked: a service that is away stays away for a while.
const GIVE_UP_AFTER: u32 = 3;

/// A governance service that can be asked.
#[derive(Debug)]
pub struct Service {
    address: Address,
    form: Form,
    token: Option<Token>,
    client: Client,
    limits: Limits,
}

/// Why there is no answer, and whether asking again may help.
struct Trouble {
    why: String,
    /// After so long at least.
    again: Option<Duration>,
    /// Nothing came back that would be an answer to anything.
    silent: bool,
    /// The same would be said to every question.
    final_for_all: bool,
}

impl Trouble {
    fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: Some(Duration::ZERO), silent: true, final_for_all: false }
    }

    fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: None, silent: false, final_for_all: false }
    }
}

impl Service {
    pub fn new(address: Address, form: Form, token: Option<Token>, limits: Limits) -> Result<Self, GovernanceError> {
        // The one cryptography of this program; another library may have chosen it before.
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let mut builder = Client::builder()
            .user_agent(concat!("llm-auto-optimizer/", env!("CARGO_PKG_VERSION")))
            .https_only(!address.is_local())
            .connect_timeout(limits.connect)
            .timeout(limits.attempt)
            // Whoever answers elsewhere is somebody else, and the token is not for them.
            .redirect(Policy::none());
        if address.is_local() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| GovernanceError::Client { why: innermost(&error) })?;
        Ok(Self { address, form, token, client, limits })
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.address.shown()
    }

    /// Asks every question. Each has a verdict in the end, by its id, whatever happens.
    #[must_use]
    pub fn ask(&self, questions: &[Question]) -> BTreeMap<String, Verdict> {
        let unanswered = |why: String| Verdict::Unanswered { why };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let why = format!("asking cannot start: {error}");
                return questions.iter().map(|question| (question.id.clone(), unanswered(why.clone()))).collect();
            }
        };
        let (silent, closed) = (AtomicU32::new(0), AtomicBool::new(false));
        let end = Instant::now() + self.limits.all;
        let ask = |question| {
            let (silent, closed) = (&silent, &closed);
            async move {
                let verdict = if closed.load(Ordering::Relaxed) {
                    unanswered("it refused to talk to us before".to_owned())
                } else if silent.load(Ordering::Relaxed) >= GIVE_UP_AFTER {
                    unanswered(format!("it left {GIVE_UP_AFTER} questions unanswered before, so it was not asked"))
                } else {
                    match self.question(question, end).await {
                        Ok(verdict) => {
                            silent.store(0, Ordering::Relaxed);
                            verdict
                        }
                        Err(trouble) => {
                            silent.fetch_add(u32::from(trouble.silent), Ordering::Relaxed);
                            closed.fetch_or(trouble.final_for_all, Ordering::Relaxed);
                            unanswered(trouble.why)
                        }
                    }
                };
                (question.id.clone(), verdict)
            }
        };
        runtime.block_on(stream::iter(questions).map(ask).buffered(AT_A_TIME).collect())
    }

    async fn question(&self, question: &Question, end: Instant) -> Result<Verdict, Trouble> {
        let body = self.form.question(question).to_string();
        let end = end.min(Instant::now() + self.limits.question);
        let mut attempt = 1;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(answered) = tokio::time::timeout(left, self.attempt(question, &body)).await else {
                return Err(Trouble { silent: true, ..Trouble::lasting("it does not answer in time") });
            };
            let trouble = match answered {
                Ok(verdict) => return Ok(verdict),
                Err(trouble) => trouble,
            };
            let Some(asked_for) = trouble.again.filter(|_| attempt < self.limits.attempts) else { return Err(trouble) };
            let doubled = self.limits.pause.saturating_mul(2_u32.saturating_pow(attempt - 1));
            let most = doubled.min(self.limits.longest_pause);
            let pause = most.mul_f64(chance()).max(asked_for);
            if asked_for > self.limits.longest_wait || Instant::now() + pause >= end {
                return Err(trouble);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, question: &Question, body: &str) -> Result<Verdict, Trouble> {
        let mut request = self
            .client
            .post(self.address.url())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(body.to_owned());
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        let response = request.send().await.map_err(|error| unsent(&error))?;
        let status = response.status();
        if status.is_success() {
            let body = whole(response).await?;
            return self.form.answer(question, &body).map_err(Trouble::lasting);
        }
        if status.is_redirection() {
            return Err(Trouble::lasting(format!(
                "it leads elsewhere ({}), and that is not followed",
                status.as_u16()
            )));
        }
        let wait = wait(&response);
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let passing =
            matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) || status.is_server_error();
        let said = whole(response)
            .await
            .ok()
            .and_then(|body| message(&body))
            .map_or_else(String::new, |text| format!(": {text}"));
        let hint = if refused { " (is the token right?)" } else { "" };
        Err(Trouble {
            why: format!("it answered {}{hint}{said}", status.as_u16()),
            again: passing.then_some(wait),
            silent: passing,
            final_for_all: refused,
        })
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
    if error.is_timeout() {
        return Trouble::passing("it does not answer in time");
    }
    let innermost = innermost(error);
    if innermost.contains("ertificate") {
        return Trouble { final_for_all: true, ..Trouble::lasting(format!("it cannot be trusted: {innermost}")) };
    }
    if error.is_connect() {
        return Trouble::passing(format!("it cannot be reached: {innermost}"));
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

/// How long the service asks to be left alone: seconds, or a Unix time at which it may be asked again.
fn wait(response: &Response) -> Duration {
    let number = |name: &str| response.headers().get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Duration::from_secs(seconds);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    number("x-ratelimit-reset").map_or(Duration::ZERO, |at| Duration::from_secs(at).saturating_sub(now))
}

/// What an error says of itself, in the forms that are about.
fn message(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let said = match &json {
        Some(json) => ["message", "error", "code"].iter().find_map(|key| json.get(key)?.as_str())?.to_owned(),
        None if text.trim_start().starts_with('<') => return None,
        None => text.into_owned(),
    };
    let words: Vec<&str> = said.split_whitespace().collect();
    let short: String = words.join(" ").chars().take(200).collect();
    (!short.is_empty()).then(|| visible(&short))
}

/// Any number in `0..1`: so that those who failed together do not come back together.
fn chance() -> f64 {
    (RandomState::new().hash_one(0_u8) >> 11) as f64 / (1_u64 << 53) as f64
}
