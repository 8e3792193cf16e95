//! Asking a governance service whether changes may be made. It asks, and never decides: what an answer, or none, comes to is
//! [`crate::decide::approve`]'s to say.

mod address;
mod client;
mod error;
mod form;

pub use address::Address;
pub use client::{Limits, Service};
pub use error::GovernanceError;
pub use form::Form;
