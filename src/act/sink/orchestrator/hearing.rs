//! What the answer to a write means, and what its absence does.

use std::time::Duration;

use super::{
    client::{Answer, Http, Kind, Trouble},
    errand::Errand,
    wire,
};
use crate::act::sink::{Deployed, Expected, Outcome};

/// What follows from an attempt.
pub(super) enum Next {
    Over(Outcome),
    /// The server says that it is done, and calls the result so.
    ReadBack {
        version: Option<String>,
    },
    Poll,
    /// Look what became of it, and ask again if nothing did. `again`: not before so long; never, where it would not help.
    Look {
        why: String,
        again: Option<Duration>,
    },
    /// The version is not the expected one, or the service is busy: look once, and do not ask again.
    Settle {
        why: String,
        busy: bool,
    },
    /// The service is gone, or what it should go back to.
    Gone {
        why: String,
    },
}

impl Errand<'_> {
    /// What an answer to a write means. The status counts; the body is only believed once it was read back.
    pub(super) fn heard(&mut self, http: &Http, answer: &Answer) -> Next {
        let status = answer.status.as_u16();
        self.sick = matches!(status, ..200 | 300..=399 | 408 | 429 | 500..);
        let refused = |stop_all| Next::Over(Outcome::Refused { why: http.refusal(answer), stop_all });
        match status {
            202 => Next::Poll,
            200..=299 => match wire::parse_state(&answer.body, answer.etag.as_deref(), self.service()) {
                Ok(state) => self.told(state),
                Err(why) => {
                    (self.sick, self.unanswered) = (true, true);
                    Next::Look { why: format!("it answered {status}, but {why}"), again: Some(answer.wait) }
                }
            },
            401 | 403 => refused(true),
            404 if self.expected != Expected::Absent => Next::Gone { why: http.refusal(answer) },
            409 | 412 => Next::Settle { why: http.refusal(answer), busy: status == 409 },
            429 => Next::Look { why: http.refusal(answer), again: Some(answer.wait) },
            500 | 501 | 503 => {
                self.broke = true;
                Next::Look { why: http.refusal(answer), again: Some(answer.wait) }
            }
            // Somebody on the way gave up waiting: the server itself may still be at it.
            408 | 502 | 504..=599 => {
                self.unanswered = true;
                Next::Look { why: http.refusal(answer), again: Some(answer.wait) }
            }
            300..=399 => Next::Look { why: http.refusal(answer), again: None },
            _ => refused(false),
        }
    }

    /// A version that took the place of one we have never seen means that `If-Match` was not looked at.
    fn told(&self, state: Deployed) -> Next {
        match (&self.expected, &state.previous_version) {
            (Expected::Version(expected), Some(previous)) if previous != expected && !self.unanswered => {
                let why = format!(
                    "it wrote over version `{previous}`, which somebody made after our {}: it does not keep to If-Match",
                    self.expected
                );
                Next::Over(Outcome::Conflict { found: Some(state), why })
            }
            _ => Next::ReadBack { version: Some(state.version) },
        }
    }

    pub(super) fn unheard(&mut self, trouble: Trouble) -> Next {
        self.sick = true;
        self.unanswered |= trouble.may_have_arrived;
        if trouble.kind == Kind::Closed {
            return Next::Over(Outcome::Refused { why: trouble.why, stop_all: true });
        }
        Next::Look { why: trouble.why, again: Some(Duration::ZERO) }
    }
}
