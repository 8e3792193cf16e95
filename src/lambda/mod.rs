//! AWS Lambda: the same binary, asked by events in place of a command line.
//!
//! An event becomes words of the command line, and those go to a process of their own: a tick runs exactly as it does everywhere
//! else, what breaks it does not break the function, and nothing of it lives on while the sandbox is frozen between two events.
//! Here is only what lies in between: what an event may ask for (`commands`), how long it may take (`time`), and what is
//! answered (`answer`).

mod answer;
mod child;
mod commands;
mod event;
mod gone;
mod pipes;
mod serve;
mod setup;
mod time;
mod trouble;

pub use gone::Gone;
pub use serve::{serve, wanted};
