//! What can be wrong before anything is sent, each with its way out.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum OrchestratorError {
    #[error("`{text}` is no address of an Orchestrator")]
    Address { text: String },
    #[error("the address of the Orchestrator holds a password or a query")]
    SecretInAddress,
    #[error("the Orchestrator `{shown}` is not reached over an encrypted connection")]
    Unencrypted { shown: String },
    #[error("the client for the Orchestrator cannot be made: {why}")]
    Client { why: String },
}

impl Fixable for OrchestratorError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Address { .. } => "write `https://host`, or `https://host:8443/base`",
                Self::SecretInAddress => {
                    "leave it out: a token comes from the environment or a file, because everybody on the machine can read a \
                     command line"
                }
                Self::Unencrypted { .. } => {
                    "use `https://`; or allow it, where nobody else can listen on the way: the token would be sent in the clear"
                }
                Self::Client { .. } => "check the certificates of this machine",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
