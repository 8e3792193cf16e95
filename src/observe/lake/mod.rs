//! Requests in a lake, reduced where they lie by an engine that speaks Spark Connect. See docs/scale.md.
//!
//! Without the feature `spark` there is no more of it than the names of engines and sources, which are then refused.

mod address;
#[cfg(feature = "spark")]
mod call;
#[cfg(feature = "spark")]
mod calls;
#[cfg(feature = "spark")]
mod connect;
#[cfg(feature = "spark")]
mod dialect;
#[cfg(feature = "spark")]
mod doubt;
#[cfg(feature = "spark")]
mod failure;
#[cfg(feature = "spark")]
mod kind;
#[cfg(feature = "spark")]
mod out;
#[cfg(feature = "spark")]
mod reduce;
#[cfg(feature = "spark")]
mod rows;
mod source;
#[cfg(feature = "spark")]
mod take;
#[cfg(feature = "spark")]
mod text;

pub use address::{BadAddress, LakeAddress, LakeToken};
#[cfg(feature = "spark")]
pub use doubt::LakeDoubt;
#[cfg(feature = "spark")]
pub use failure::{LakeError, LakeTrouble};
#[cfg(feature = "spark")]
pub(super) use reduce::{Reading, Task};
pub use source::{Lake, LakeEngine};

#[cfg(feature = "spark")]
use {super::ObserveError, duckdb::arrow::record_batch::RecordBatch};

/// One session on an engine. It blocks: for the thread that reads, never for one of an asynchronous runtime.
#[cfg(feature = "spark")]
pub(super) trait Remote {
    /// What answers, for people and for the audit log, for example `Spark 4.2.1`.
    fn version(&mut self) -> Result<String, ObserveError>;

    /// Runs one statement and hands its batches over as they come. Only when it succeeds was the answer whole.
    fn query(
        &mut self,
        sql: &str,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), ObserveError>,
    ) -> Result<(), ObserveError>;
}

/// A session that can keep what a statement finds, where the engine keeps files.
#[cfg(feature = "spark")]
pub(super) trait Writes: Remote {
    /// Writes it as Parquet files into a folder that must not exist yet. What is there after a failure is not to be used.
    fn write(&mut self, sql: &str, folder: &str) -> Result<(), ObserveError>;
}
