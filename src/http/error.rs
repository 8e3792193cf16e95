//! What can be wrong before anybody is asked, each with its way out.

use super::Peer;
use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("`{text}` is no address of {}", peer.one())]
    Address { peer: Peer, text: String },
    #[error("the address of {} holds a password or a query", peer.the())]
    SecretInAddress { peer: Peer },
    #[error("{} `{shown}` is not asked over an encrypted connection", peer.the())]
    Unencrypted { peer: Peer, shown: String },
    #[error("the token for {} is empty, or holds what no header may", peer.the())]
    Token { peer: Peer },
    #[error("cannot read the token for {} from `{path}`", peer.the())]
    TokenFile {
        peer: Peer,
        path: String,
        #[source]
        cause: std::io::Error,
    },
    #[error("the client for {} cannot be made: {why}", peer.the())]
    Client { peer: Peer, why: String },
}

impl Fixable for HttpError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address { .. } => "write `https://host`, or `https://host:8443/base`".to_owned(),
            Self::SecretInAddress { peer } => format!(
                "leave it out: a token comes from {} or a file, because everybody on the machine can read a command line",
                peer.token_variable()
            ),
            Self::Unencrypted { peer: Peer::Governance, .. } => {
                "use `https://`; without it, only this machine is asked".to_owned()
            }
            Self::Unencrypted { peer: Peer::Orchestrator, .. } => {
                "use `https://`; or `--allow-plain-http`, where nobody else \
                 can listen on the way: the token would be sent in the clear"
                    .to_owned()
            }
            Self::Unencrypted { peer: Peer::Pushgateway, .. } => {
                "use `https://`; without a token, `http://` will do too".to_owned()
            }
            Self::Unencrypted { .. } => "use `https://`; without it, only this machine is told".to_owned(),
            Self::Token { .. } => "put the token alone on the first line".to_owned(),
            Self::TokenFile { .. } => "check the name and the rights of the file".to_owned(),
            Self::Client { .. } => "check the certificates of this machine".to_owned(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
