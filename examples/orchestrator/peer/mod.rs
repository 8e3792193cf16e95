//! An Orchestrator on loopback: it keeps the configurations of services, splits their traffic, and misbehaves when told to.
//!
//! A test takes this folder in as a module; the example program is a command line around it. It shares no code with the
//! optimizer, so that a mistake on one side is not repeated, and hidden, on the other.

#![allow(dead_code, unused_imports, reason = "whoever takes the folder in uses the part that it needs")]

pub mod admin;
pub mod answer;
pub mod api;
pub mod call;
pub mod configuration;
pub mod connection;
pub mod documents;
pub mod faults;
pub mod misbehave;
pub mod serve;
pub mod split;
pub mod store;

pub use faults::{Fault, Match, Rule};
pub use serve::{Running, Settings, serve};
