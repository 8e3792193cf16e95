//! Saying what a run did: figures for Prometheus, a trace for OpenTelemetry, and messages for people. Whoever is told may be away, slow or wrong; that takes seconds at
//! most, and changes nothing of what the run came to.

mod address;
mod channel;
mod error;
mod messages;
mod pagerduty;
mod post;
mod pushgateway;
mod slack;
mod target;
mod template;
mod textfile;
mod traces;
mod webhook;

pub use address::Address;
pub use channel::{Channel, Receiver};
pub use error::TellError;
pub use messages::{Heard, Limits, tell, try_out};
pub use pushgateway::Group;
pub use target::{Target, UnknownTarget};
pub use template::Template;
pub use traces::Traces;
pub use webhook::{message_schema, signature};
