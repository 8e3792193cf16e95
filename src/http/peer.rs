//! Who is asked.

/// A kind of service that this program talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Governance,
    Orchestrator,
    Pushgateway,
    Slack,
    PagerDuty,
    Webhook,
    /// What the messages to a webhook are signed with.
    WebhookSecret,
    /// Of traces.
    Collector,
}

impl Peer {
    /// As in "the address of …".
    #[must_use]
    pub fn the(self) -> &'static str {
        match self {
            Self::Governance => "the governance service",
            Self::Orchestrator => "the Orchestrator",
            Self::Pushgateway => "the Pushgateway",
            Self::Slack => "the Slack webhook",
            Self::PagerDuty => "PagerDuty",
            Self::Webhook => "the webhook",
            Self::WebhookSecret => "the signature of the webhook",
            Self::Collector => "the trace collector",
        }
    }

    /// As in "no address of …".
    #[must_use]
    pub fn one(self) -> &'static str {
        match self {
            Self::Governance => "a governance service",
            Self::Orchestrator => "an Orchestrator",
            Self::Pushgateway => "a Pushgateway",
            Self::Slack => "a Slack webhook",
            Self::PagerDuty => "PagerDuty",
            Self::Webhook => "a webhook",
            Self::WebhookSecret => "a signature of a webhook",
            Self::Collector => "a trace collector",
        }
    }

    /// The environment variable its token comes from. Never a flag: everybody on the machine can read a command line.
    #[must_use]
    pub fn token_variable(self) -> &'static str {
        match self {
            Self::Governance => "OPTIMIZER_GOVERNANCE_TOKEN",
            Self::Orchestrator => "OPTIMIZER_SINK_TOKEN",
            Self::Pushgateway => "OPTIMIZER_PUSHGATEWAY_TOKEN",
            // The address is the secret.
            Self::Slack => "OPTIMIZER_SLACK_URL",
            Self::PagerDuty => "OPTIMIZER_PAGERDUTY_KEY",
            Self::Webhook => "OPTIMIZER_WEBHOOK_URL",
            Self::WebhookSecret => "OPTIMIZER_WEBHOOK_SECRET",
            Self::Collector => "OTEL_EXPORTER_OTLP_HEADERS",
        }
    }
}
