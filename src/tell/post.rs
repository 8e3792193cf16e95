//! One request until it arrives or its time is up.

use std::time::{Duration, Instant, SystemTime};

use reqwest::{RequestBuilder, Response, StatusCode};

use crate::http::{self, Broken, Patience};

/// How a request is made.
#[derive(Debug)]
pub(super) struct Post<'a> {
    pub patience: &'a Patience,
    /// What must not be repeated from an answer.
    pub hide: &'a [String],
}

/// Why it did not arrive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// In words that go on from the name of the receiver.
    pub why: String,
    /// Whether nothing else need be tried there in this run.
    pub closed: bool,
    again: Option<Duration>,
}

impl Trouble {
    fn passing(why: String, asked_for: Duration) -> Self {
        Self { why, closed: true, again: Some(asked_for) }
    }
}

impl From<Broken> for Trouble {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Untrusted(why) => Self { why, closed: true, again: None },
            Broken::Unreached(why) | Broken::Unanswered(why) => Self::passing(why, Duration::ZERO),
            // It took the message, and says too much about it.
            Broken::TooLarge(why) => Self { why, closed: false, again: None },
        }
    }
}

impl Post<'_> {
    /// Sends it, again where that may help. `request` is asked anew for every attempt: some carry the time.
    pub async fn send(&self, request: impl Fn() -> RequestBuilder, end: Instant) -> Result<(), Trouble> {
        self.answered(request, end).await.map(drop)
    }

    /// The same for whoever wants to know what the receiver says when it has taken it.
    pub async fn answered(&self, request: impl Fn() -> RequestBuilder, end: Instant) -> Result<Response, Trouble> {
        let mut attempt = 1;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(answered) = tokio::time::timeout(left, self.attempt(request())).await else {
                return Err(Trouble { why: "it does not answer in time".to_owned(), closed: true, again: None });
            };
            let trouble = match answered {
                Ok(response) => return Ok(response),
                Err(trouble) => trouble,
            };
            let pause =
                trouble.again.and_then(|asked_for| self.patience.before_next(attempt, asked_for, end, http::chance()));
            let Some(pause) = pause else { return Err(trouble) };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        // The library names the address in its errors, and the address may be the secret.
        let broken = |error: reqwest::Error| Broken::from(error.without_url());
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let why = format!("it leads elsewhere ({}), and that is not followed", status.as_u16());
            return Err(Trouble { why, closed: true, again: None });
        }
        let asked_for = http::asked_for(response.headers(), SystemTime::now());
        let body = http::body(response).await.unwrap_or_default();
        let said = http::said(&body, self.hide).map_or_else(String::new, |text| format!(": {text}"));
        let why = format!("it answered {}{said}", status.as_u16());
        let passing =
            matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) || status.is_server_error();
        if passing {
            return Err(Trouble::passing(why, asked_for));
        }
        // Who refuses one message for what is in it may take the next.
        let about_it = matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
        );
        Err(Trouble { why, closed: !about_it, again: None })
    }
}
