//! From files to rollups. Everything that touches a file or DuckDB is here; what leaves is [`crate::stats::Observation`].

mod alerts;
mod archive;
mod bins;
mod census;
mod columns;
mod cut;
mod duplicates;
mod engine;
mod error;
mod files;
mod fold;
mod gate;
mod glance;
mod histogram;
pub mod history;
mod identities;
mod inspect;
mod integrity;
mod kept;
mod lake;
mod layout;
mod load;
mod logged;
mod merge;
mod plain;
mod postgres;
mod price;
mod record;
mod reduce;
mod remote;
mod rollups;
mod scores;
mod sides;
mod stamp;
mod summed;
mod tables;
mod totals;
mod typed;

#[cfg(test)]
mod judge_tests;

pub use alerts::alerts;
pub use archive::{reads_back, write_parquet};
pub use census::{Census, Tally};
pub use engine::Engine;
pub use error::ObserveError;
pub use files::{FileGroup, Format, lakes, resolve};
pub use gate::{ArmColumn, GateRead, Sides, gate_requests};
pub use glance::{Glance, glance};
pub use inspect::inspect;
pub use kept::{Alignment, BASELINE_SCHEMA, Baseline, KeptHour, aligned, together};
pub use lake::{BadAddress, Lake, LakeAddress, LakeEngine, LakeToken};
#[cfg(feature = "spark")]
pub use lake::{LakeDoubt, LakeError, LakeTrouble};
pub use layout::{Layout, LayoutChoice, Yields, names as layout_names};
pub use load::{Kept, LoadRequest};
pub use logged::logged;
pub use postgres::{Database, Place, Range};
pub use record::{REFERENCE_DAYS, Record, record};
pub use reduce::{Request, Stage, observe, observe_rows};
pub use remote::{Downloads, RemoteError, Trouble};
pub use rollups::{Series, StoredRollup, rollups};
pub use sides::sides;
pub use stamp::Stamp;
