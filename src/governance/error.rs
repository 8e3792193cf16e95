//! What can be wrong before anybody is asked, each with its way out.

use crate::{
    domain::fault::{Exit, Fixable},
    http::HttpError,
};

#[derive(Debug, thiserror::Error)]
pub enum GovernanceError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("`{path}` is no path of a governance service")]
    Path { path: String },
}

impl Fixable for GovernanceError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.hint(),
            Self::Path { .. } => Some("write it as `/api/v1/policies/evaluate`, without a query".to_owned()),
        }
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
