//! The client: every question by itself, a few at a time, each with an end to its patience.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant, SystemTime},
};

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, StatusCode, header};

use super::{Address, Form};
use crate::{
    domain::approval::{Question, Verdict},
    http::{self, Broken, HttpError, Patience, Token},
};

/// How patient the client is.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub patience: Patience,
    /// One question with all its attempts.
    pub question: Duration,
    /// All questions of a plan.
    pub all: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { patience: Patience::default(), question: Duration::from_secs(30), all: Duration::from_mins(2) }
    }
}

/// Questions that wait for their answers at the same time.
const AT_A_TIME: usize = 4;

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

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Untrusted(why) => Self { final_for_all: true, ..Self::lasting(why) },
            Broken::Unreached(why) | Broken::Unanswered(why) => Self::passing(why),
            Broken::TooLarge(why) => Self::lasting(why),
        }
    }
}

impl Service {
    pub fn new(address: Address, form: Form, token: Option<Token>, limits: Limits) -> Result<Self, HttpError> {
        let client = http::client(address.endpoint(), &limits.patience)?;
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

    /// Whether anybody is there: the status of an answer to a reading, which asks nothing and is no question.
    pub async fn reach(&self) -> Result<StatusCode, Broken> {
        let mut request = self.client.get(self.address.url()).header(header::ACCEPT, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        Ok(request.send().await?.status())
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
            let pause = trouble
                .again
                .and_then(|asked_for| self.limits.patience.before_next(attempt, asked_for, end, http::chance()));
            let Some(pause) = pause else { return Err(trouble) };
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
        let response = request.send().await.map_err(Broken::from)?;
        let status = response.status();
        if status.is_success() {
            let body = http::body(response).await?;
            return self.form.answer(question, &body).map_err(Trouble::lasting);
        }
        if status.is_redirection() {
            return Err(Trouble::lasting(format!(
                "it leads elsewhere ({}), and that is not followed",
                status.as_u16()
            )));
        }
        let wait = http::asked_for(response.headers(), SystemTime::now());
        let refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        let passing =
            matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) || status.is_server_error();
        let secrets = self.token.as_ref().map(Token::secrets).unwrap_or_default();
        let said = http::body(response)
            .await
            .ok()
            .and_then(|body| http::said(&body, &secrets))
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
