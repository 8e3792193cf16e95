//! Who is asked.

/// A kind of service that this program talks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Governance,
    Orchestrator,
}

impl Peer {
    /// As in "the address of …".
    #[must_use]
    pub fn the(self) -> &'static str {
        match self {
            Self::Governance => "the governance service",
            Self::Orchestrator => "the Orchestrator",
        }
    }

    /// As in "no address of …".
    #[must_use]
    pub fn one(self) -> &'static str {
        match self {
            Self::Governance => "a governance service",
            Self::Orchestrator => "an Orchestrator",
        }
    }

    /// The environment variable its token comes from. Never a flag: everybody on the machine can read a command line.
    #[must_use]
    pub fn token_variable(self) -> &'static str {
        match self {
            Self::Governance => "OPTIMIZER_GOVERNANCE_TOKEN",
            Self::Orchestrator => "OPTIMIZER_SINK_TOKEN",
        }
    }
}
