//! What can be wrong before anybody is told, each with its way out.

use super::{UnknownTarget, template::UnknownPlace};
use crate::{
    domain::fault::{Exit, Fixable},
    http::HttpError,
};

#[derive(Debug, thiserror::Error)]
pub enum TellError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("`{variable}` is not set, and without it nobody can be told")]
    Missing { variable: &'static str },
    #[error("the template of messages cannot be used")]
    Template(#[source] UnknownPlace),
    #[error("`--metrics` cannot be used")]
    Target(#[source] UnknownTarget),
}

impl Fixable for TellError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Http(error) => return error.hint(),
            Self::Missing { variable } => format!("set `{variable}`, or name a file that holds it"),
            Self::Template(place) => place.hint(),
            Self::Target(target) => target.hint(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
