//! What all services that are asked over HTTP have in common: where they are, how they are reached, how we prove who we are, and
//! how little of their answers is believed.

mod answer;
mod client;
mod endpoint;
mod error;
mod patience;
mod peer;
mod token;

pub use answer::{asked_for, body, date, said, short, without};
pub use client::{Broken, chance, client};
pub use endpoint::Endpoint;
pub use error::HttpError;
pub use patience::Patience;
pub use peer::Peer;
pub use token::Token;
