//! The real program, run as a schedule or a person would.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use optimizer::domain::run::RunReport;

use super::traffic::LOG;

pub struct Program {
    binary: PathBuf,
    folder: PathBuf,
    sink: String,
}

/// What an operator says.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    pub verb: &'static str,
    pub service: &'static str,
    pub reason: &'static str,
}

impl Word {
    pub fn shown(&self) -> String {
        format!("optimizer {} {} --reason '{}'", self.verb, self.service, self.reason)
    }
}

impl Program {
    /// The binary that was built beside this example.
    pub fn new(folder: &Path, sink: &str) -> anyhow::Result<Self> {
        let own = env::current_exe().context("cannot tell where this program lies")?;
        let build = own.ancestors().nth(2).context("this program lies in no build folder")?;
        let binary = build.join(format!("optimizer{}", env::consts::EXE_SUFFIX));
        if !binary.exists() {
            bail!("{} is not built; `make loop` builds it", binary.display());
        }
        Ok(Self { binary, folder: folder.to_owned(), sink: sink.to_owned() })
    }

    fn output(&self, now: Timestamp, arguments: &[&str]) -> anyhow::Result<Output> {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/live_loop/policy.yaml");
        // Nothing that the caller's shell says of other stores and sinks gets in.
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.folder).env_clear().args(arguments);
        for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "USER", "TMPDIR", "SystemRoot"] {
            command.envs(env::var_os(name).map(|value| (name, value)));
        }
        command.env("OPTIMIZER_NOW", now.to_string()).env("OPTIMIZER_SINK", &self.sink);
        command.env("OPTIMIZER_STATE", "sqlite:optimizer.db").env("OPTIMIZER_POLICY", policy);
        command.output().with_context(|| format!("cannot start {}", self.binary.display()))
    }

    /// `optimizer run`.
    pub fn tick(&self, now: Timestamp) -> anyhow::Result<RunReport> {
        let text = self.shown(now, &["run", "--from", LOG, "--format", "json"])?;
        serde_json::from_str(&text).context("`optimizer run --format json` printed something else")
    }

    pub fn operator(&self, now: Timestamp, word: &Word) -> anyhow::Result<()> {
        self.shown(now, &[word.verb, word.service, "--reason", word.reason, "--yes"]).map(drop)
    }

    /// What a command prints, if it ends well.
    pub fn shown(&self, now: Timestamp, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.output(now, arguments)?;
        if !output.status.success() {
            bail!("`optimizer {}` failed: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        String::from_utf8(output.stdout).context("standard output is no text")
    }
}
