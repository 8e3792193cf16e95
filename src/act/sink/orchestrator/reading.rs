//! What a service has, asked as often as it is worth.

use std::time::{Duration, Instant};

use reqwest::StatusCode;

use super::{
    Limits,
    client::{Answer, Http, Kind, Trouble},
    wire,
};
use crate::{
    act::sink::{Deployed, Probe, Seen},
    domain::service_id::ServiceId,
    http::chance,
};

impl Http {
    /// Nothing, where the server does not know the service.
    pub(super) async fn look(
        &self,
        service: &ServiceId,
        limits: &Limits,
        end: Instant,
    ) -> Result<Option<Deployed>, Trouble> {
        let mut attempt = 1;
        loop {
            let (trouble, wait) = match self.get(self.base.service(service), end).await {
                Ok(answer) if answer.status == StatusCode::NOT_FOUND => return Ok(None),
                Ok(answer) if answer.status == StatusCode::OK => {
                    let state = wire::parse_state(&answer.body, answer.etag.as_deref(), service);
                    return state.map(Some).map_err(Trouble::lasting);
                }
                Ok(answer) => (self.unreadable(&answer), answer.wait),
                Err(trouble) => (trouble, Duration::ZERO),
            };
            if trouble.kind != Kind::Passing {
                return Err(trouble);
            }
            let pause = limits.patience.before_next(attempt, wait, end, chance());
            let Some(pause) = pause else { return Err(trouble) };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Asks once, and tells apart what [`Self::look`] needs not.
    pub(super) async fn probe(&self, service: &ServiceId, end: Instant) -> Probe {
        let answer = match self.get(self.base.service(service), end).await {
            Ok(answer) => answer,
            Err(trouble) => {
                let seen = match trouble.kind {
                    Kind::Closed => Seen::Untrusted(trouble.why),
                    Kind::Passing => Seen::Silent(trouble.why),
                    Kind::Lasting | Kind::OurFault => Seen::Odd(trouble.why),
                };
                return Probe { seen, date: None };
            }
        };
        let seen = match answer.status.as_u16() {
            200 => match wire::parse_state(&answer.body, answer.etag.as_deref(), service) {
                Ok(_) => Seen::Known,
                Err(why) => Seen::Odd(why),
            },
            404 => Seen::Unknown,
            401 | 403 => Seen::Refused(self.refusal(&answer)),
            _ => Seen::Odd(self.refusal(&answer)),
        };
        Probe { seen, date: answer.date }
    }

    fn unreadable(&self, answer: &Answer) -> Trouble {
        let kind = match answer.status.as_u16() {
            401 | 403 => Kind::Closed,
            408 | 429 | 500.. => Kind::Passing,
            400..=499 => Kind::OurFault,
            _ => Kind::Lasting,
        };
        Trouble::new(kind, self.refusal(answer))
    }
}
