//! What can be wrong before anybody is asked, each with its way out.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum GovernanceError {
    #[error("`{text}` is no address of a governance service")]
    Address { text: String },
    #[error("the address of the governance service holds a password or a query")]
    SecretInAddress,
    #[error("the governance service `{shown}` is not asked over an encrypted connection")]
    Unencrypted { shown: String },
    #[error("`{path}` is no path of a governance service")]
    Path { path: String },
    #[error("the token for the governance service is empty, or holds what no header may")]
    Token,
    #[error("cannot read the token for the governance service from `{path}`")]
    TokenFile {
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("the client for the governance service cannot be made: {why}")]
    Client { why: String },
}

impl Fixable for GovernanceError {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Address { .. } => "write `https://host`, or `https://host:8443/base`",
                Self::SecretInAddress => {
                    "leave it out: a token comes from OPTIMIZER_GOVERNANCE_TOKEN or a file, because everybody on the machine can \
                     read a command line"
                }
                Self::Unencrypted { .. } => "use `https://`; without it, only this machine is asked",
                Self::Path { .. } => "write it as `/api/v1/policies/evaluate`, without a query",
                Self::Token => "put the token alone on the first line",
                Self::TokenFile { .. } => "check the name and the rights of the file",
                Self::Client { .. } => "check the certificates of this machine",
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
