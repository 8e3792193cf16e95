//! From files to rollups. Everything that touches a file or DuckDB is here; what leaves is [`crate::stats::Observation`].

mod columns;
mod duplicates;
mod engine;
mod error;
mod files;
mod fold;
mod histogram;
mod integrity;
mod layout;
mod load;
mod merge;
mod postgres;
mod reduce;
mod remote;
mod scores;
mod tables;
mod typed;

pub use engine::Engine;
pub use error::ObserveError;
pub use files::{FileGroup, Format, resolve};
pub use layout::{Layout, LayoutChoice, Yields, names as layout_names};
pub use load::{Census, LoadRequest, Tally};
pub use postgres::{Database, Range};
pub use reduce::{Request, Stage, observe};
pub use remote::{Downloads, Trouble};
