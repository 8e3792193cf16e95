//! From files to rollups. Everything that touches a file or DuckDB is here; what leaves is [`crate::stats::Observation`].

mod columns;
mod duplicates;
mod engine;
mod error;
mod files;
mod fold;
mod histogram;
mod integrity;
mod load;
mod merge;
mod reduce;

pub use engine::Engine;
pub use error::ObserveError;
pub use files::{FileGroup, Format, resolve};
pub use load::{LoadRequest, RejectSummary};
pub use reduce::{Request, Stage, observe};
