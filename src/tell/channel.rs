//! One receiver of messages: where it is, what it wants, and how it is spoken to.

use std::{collections::BTreeSet, path::Path};

use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, header};

use super::{Address, TellError, Template, pagerduty, slack, webhook};
use crate::{
    domain::{
        notice::{Event, Notice},
        told::Wanted,
    },
    http::{self, Patience, Peer, Token},
};

/// Kinds of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    Slack,
    PagerDuty,
    Webhook,
}

impl Receiver {
    /// As flags and the memory of what was told have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::PagerDuty => "pagerduty",
            Self::Webhook => "webhook",
        }
    }

    /// What it hears of, unless somebody says otherwise. Nobody is woken because something went well, or because of what an operator did.
    #[must_use]
    pub fn usual(self) -> BTreeSet<Event> {
        match self {
            Self::Slack | Self::Webhook => Event::ALL.into(),
            Self::PagerDuty => [Event::RolledBack, Event::BudgetBreached, Event::RunFailed].into(),
        }
    }
}

/// What proves who we are, beside the address.
#[derive(Debug, Clone)]
enum Proof {
    /// The address alone.
    Slack,
    PagerDuty(Token),
    Webhook(Token),
}

/// A receiver, ready to be told. Its `Debug` shows no secret.
#[derive(Debug)]
pub struct Channel {
    receiver: Receiver,
    address: Address,
    proof: Proof,
    /// How this installation calls itself.
    origin: String,
    template: Template,
    pub wanted: Wanted,
    client: Client,
}

/// Messages of one run to one receiver.
const MOST: usize = 5;

impl Channel {
    /// From secrets that were read before: the address of Slack and of a webhook, the key of PagerDuty, the secret of a webhook.
    pub fn new(receiver: Receiver, address: Address, proof: Option<Token>, origin: &str) -> Result<Self, TellError> {
        let missing = |peer: Peer| TellError::Missing { variable: peer.token_variable() };
        let proof = match receiver {
            Receiver::Slack => Proof::Slack,
            Receiver::PagerDuty => Proof::PagerDuty(proof.ok_or_else(|| missing(Peer::PagerDuty))?),
            Receiver::Webhook => Proof::Webhook(proof.ok_or_else(|| missing(Peer::WebhookSecret))?),
        };
        let client = http::client(address.endpoint(), &patience())?;
        let wanted = Wanted { events: receiver.usual(), most: MOST };
        Ok(Self { receiver, address, proof, origin: origin.to_owned(), template: Template::default(), wanted, client })
    }

    /// From the environment, or from files that hold one secret each: `secret` is the address of Slack or of a webhook, or the key of
    /// PagerDuty; `signed_with` what messages to a webhook are signed with.
    pub fn given(
        receiver: Receiver,
        secret: Option<&Path>,
        signed_with: Option<&Path>,
        origin: &str,
        allow_plain: bool,
    ) -> Result<Self, TellError> {
        let read =
            |peer: Peer, file| Token::given(peer, file)?.ok_or(TellError::Missing { variable: peer.token_variable() });
        let address = |peer| -> Result<Address, TellError> {
            let text = read(peer, secret)?.bare();
            // Header values that came as text hold text.
            Ok(Address::new(peer, text.to_str().unwrap_or_default(), allow_plain)?)
        };
        match receiver {
            Receiver::Slack => Self::new(receiver, address(Peer::Slack)?, None, origin),
            Receiver::PagerDuty => {
                let at = Address::new(Peer::PagerDuty, pagerduty::URL, false)?;
                Self::new(receiver, at, Some(read(Peer::PagerDuty, secret)?), origin)
            }
            Receiver::Webhook => {
                let proof = read(Peer::WebhookSecret, signed_with)?;
                Self::new(receiver, address(Peer::Webhook)?, Some(proof), origin)
            }
        }
    }

    #[must_use]
    pub fn with_template(mut self, template: Template) -> Self {
        self.template = template;
        self
    }

    #[must_use]
    pub fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{} `{}`", self.address.endpoint().peer().the(), self.address.shown())
    }

    pub(super) fn request(&self, notice: &Notice) -> RequestBuilder {
        let Self { origin, template, .. } = self;
        let request = self.client.post(self.address.url()).header(header::CONTENT_TYPE, "application/json");
        match &self.proof {
            Proof::Slack => request.body(slack::body(notice, origin, template)),
            Proof::PagerDuty(key) => request.body(pagerduty::body(notice, origin, template, key)),
            Proof::Webhook(secret) => {
                let (body, now) = (webhook::body(notice, origin, template), Timestamp::now().as_second());
                request
                    .header(webhook::TIMESTAMP, now)
                    .header(webhook::SIGNATURE, webhook::signature(secret, now, &body))
                    .body(body)
            }
        }
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets = self.address.secrets();
        if let Proof::PagerDuty(token) | Proof::Webhook(token) = &self.proof {
            secrets.extend(token.secrets());
        }
        secrets
    }
}

pub(super) fn patience() -> Patience {
    use std::time::Duration;
    Patience {
        attempt: Duration::from_secs(5),
        longest_pause: Duration::from_secs(2),
        longest_wait: Duration::from_secs(10),
        ..Patience::default()
    }
}
