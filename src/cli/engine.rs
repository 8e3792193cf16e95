//! The flags that name an engine which reduces requests where they lie, the same for every command that reads a source.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use jiff::SignedDuration;

use super::{Failure, plan::duration};
use crate::observe::{LakeAddress, LakeEngine, LakeToken};

/// Reduces here.
const HERE: &str = "duckdb";

#[derive(Debug, Args)]
pub(super) struct EngineArgs {
    /// Who reduces requests to rollups: `duckdb` here, or an engine with Spark Connect, `sc://host:15002/;use_ssl=true`
    ///
    /// An engine reads `--from` itself: Parquet below a path or address that it sees, or a table of its catalog. See docs/scale.md.
    #[arg(long, help_heading = "Engine", value_name = "ENGINE", env = "OPTIMIZER_ENGINE", default_value = HERE)]
    engine: String,
    /// Longest that the engine may take for one attempt of one statement
    #[arg(long, help_heading = "Engine", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    engine_timeout: SignedDuration,
    /// Attempts after the first, where the engine was lost or not there yet
    #[arg(long, help_heading = "Engine", value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=10))]
    engine_retries: u32,
    /// File that holds the engine's token and nothing else [default: the variable `OPTIMIZER_ENGINE_TOKEN`]
    #[arg(long, help_heading = "Engine", value_name = "FILE")]
    engine_token_file: Option<PathBuf>,
    /// Let the engine write what it reduced there as Parquet, and read it from there, instead of sending it over the connection
    #[arg(long, help_heading = "Engine", value_name = "DIR|URL")]
    engine_out: Option<String>,
}

impl EngineArgs {
    /// Whether requests are reduced elsewhere.
    pub(super) fn is_named(&self) -> bool {
        self.engine != HERE
    }

    /// The engine that was named; none where requests are reduced here.
    pub(super) fn named(&self) -> Result<Option<LakeEngine>, Failure> {
        if !self.is_named() {
            return match (&self.engine_token_file, &self.engine_out) {
                (None, None) => Ok(None),
                _ => Err(Failure::usage(
                    "`--engine-token-file` and `--engine-out` are for an engine, and requests are reduced here",
                    "name the engine with `--engine sc://host:15002/`, or leave the flags out",
                )),
            };
        }
        let wrong = |why: String| {
            Failure::usage(format!("`--engine` cannot be used: {why}"), "docs/scale.md shows how an engine is named")
        };
        let address: LakeAddress = self.engine.parse().map_err(|why| wrong(format!("{why}")))?;
        if cfg!(not(feature = "spark")) {
            return Err(Failure::usage(
                "this program was built without the feature `spark`, so it can call no engine",
                "build it with `cargo build --release --features spark`, or leave `--engine` out: DuckDB reduces here",
            ));
        }
        let token = match &self.engine_token_file {
            Some(path) => Some(LakeToken::read(path)),
            None => {
                std::env::var("OPTIMIZER_ENGINE_TOKEN").ok().filter(|text| !text.is_empty()).map(|text| text.parse())
            }
        };
        let token: Option<LakeToken> = token.transpose().map_err(|why| wrong(format!("{why}")))?;
        if token.is_some() && !address.use_ssl && !address.is_local() {
            return Err(wrong(format!(
                "a token would travel in the clear to {address}; add `;use_ssl=true` after the `/`"
            )));
        }
        if let Some(out) = &self.engine_out
            && !out.contains("://")
            && !(Path::new(out).is_absolute() && Path::new(out).is_dir())
        {
            return Err(Failure::usage(
                format!("`--engine-out {out}` is no folder that the engine and this program both see"),
                "name a folder that exists, from the root (`/shared/rollups`), or an address of an object store (`s3a://bucket/rollups`)",
            ));
        }
        let timeout = Duration::try_from(self.engine_timeout).ok().filter(|timeout| !timeout.is_zero());
        let timeout = timeout.ok_or_else(|| wrong("`--engine-timeout` has to be longer than nothing".into()))?;
        Ok(Some(LakeEngine { address, token, timeout, retries: self.engine_retries, out: self.engine_out.clone() }))
    }
}
