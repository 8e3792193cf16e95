//! What an engine writes instead of sending it: folders of Parquet that it and this program see under one name.
//!
//! Every attempt has a folder of its own below one of this run, and only the folder of the attempt that the engine called done is read:
//! what another run, or another attempt, left behind is never looked at.

use std::path::PathBuf;

use duckdb::arrow::record_batch::RecordBatch;
use uuid::Uuid;

use crate::observe::{
    Downloads, Engine, ObserveError,
    engine::literal,
    remote::{self, is_address},
};

/// A place of this run's own.
pub(super) struct Out {
    /// Without the last `/`.
    place: String,
    /// Where it is a folder here: to be taken away again.
    folder: Option<PathBuf>,
    downloads: Downloads,
}

impl Out {
    /// Below a folder, or below an address of an object store.
    pub(super) fn below(out: &str) -> Self {
        let place = format!("{}/run={}", out.trim_end_matches('/'), Uuid::new_v4());
        let folder = (!out.contains("://")).then(|| PathBuf::from(&place));
        Self { place, folder, downloads: Downloads::default() }
    }

    /// Where an attempt writes.
    pub(super) fn attempt(&self, what: &str, attempt: u32) -> String {
        format!("{}/{what}/attempt={attempt}", self.place)
    }

    /// Reads what an attempt has written.
    pub(super) fn read<E: From<ObserveError>>(
        &self,
        engine: &Engine,
        written: &str,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<u64, E> {
        let files = self.files(written)?;
        if files.is_empty() {
            return Ok(0); // an answer without rows may be written as no file at all
        }
        let names: Vec<String> = files.iter().map(|file| literal(&file.to_string_lossy())).collect();
        let sql = format!("FROM read_parquet([{}])", names.join(", "));
        let failed = |cause| ObserveError::reading(written, "Parquet", cause);
        let mut statement = engine.connection().prepare(&sql).map_err(failed)?;
        let mut rows = 0;
        for batch in statement.query_arrow([]).map_err(failed)? {
            rows += batch.num_rows() as u64;
            take(batch)?;
        }
        Ok(rows)
    }

    fn files(&self, written: &str) -> Result<Vec<PathBuf>, ObserveError> {
        Ok(if self.folder.is_some() {
            let pattern = format!("{}/*.parquet", glob::Pattern::escape(written));
            let found = glob::glob(&pattern).map_err(|cause| ObserveError::BadPattern { pattern, cause })?;
            found.filter_map(Result::ok).collect::<Vec<_>>()
        } else {
            // Hadoop's name for it.
            let address = format!("{}/*.parquet", written.replacen("s3a://", "s3://", 1));
            if !is_address(&address) {
                let what = format!("`{written}` is in no store that this program reads: s3://, gs:// or az://");
                return Err(ObserveError::NotForAnEngine { what });
            }
            remote::fetch(&address, &self.downloads)?.into_iter().map(|object| object.path).collect()
        })
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // What cannot be taken away is never read either.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
