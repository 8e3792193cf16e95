//! The flags that name where changes go.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    act::{
        Progression,
        sink::{Base, Credential, FileSink, Options, Orchestrator, Sink},
        tick::Create,
    },
    http::{Peer, Token},
};

#[derive(Debug, Args)]
pub(super) struct SinkArgs {
    /// Where configurations are written: `https://host` of an Orchestrator, or `file:DIR` for one document a service
    #[arg(
        long,
        help_heading = "Sink",
        value_name = "ADDRESS",
        env = "OPTIMIZER_SINK",
        default_value = "file:configurations"
    )]
    sink: String,
    /// File with the token of the Orchestrator [default: the environment variable `OPTIMIZER_SINK_TOKEN`]
    #[arg(long, help_heading = "Sink", value_name = "FILE", env = "OPTIMIZER_SINK_TOKEN_FILE")]
    sink_token_file: Option<PathBuf>,
    /// The header the token goes in
    #[arg(long, help_heading = "Sink", value_enum, env = "OPTIMIZER_SINK_AUTH", default_value_t = Auth::Bearer)]
    sink_auth: Auth,
    /// Let the token and configurations cross a network unencrypted
    #[arg(long, help_heading = "Sink")]
    allow_plain_http: bool,
    /// Who goes on to the next step of a rollout: this program, run by run, or the Orchestrator, which is then watched
    #[arg(
        long,
        help_heading = "Sink",
        value_enum,
        env = "OPTIMIZER_PROGRESSION_OWNER",
        default_value_t = ProgressionOwner::Client
    )]
    progression_owner: ProgressionOwner,
    /// Let changes that take all traffic at once make services that the Orchestrator does not know
    ///
    /// A canary needs something there for the rest of the traffic. A folder of files begins empty, and needs no leave.
    #[arg(long, help_heading = "Sink")]
    create: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// `Authorization: Bearer …`
    Bearer,
    /// `X-API-Key: …`
    ApiKey,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProgressionOwner {
    Client,
    Server,
}

/// Where changes go, and how.
#[derive(Debug)]
pub(super) struct Target {
    pub sink: Box<dyn Sink>,
    pub progression: Progression,
    pub create: Create,
}

impl SinkArgs {
    /// The folder, where it is one.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.sink.strip_prefix("file:").map(Path::new)
    }

    /// Nothing is asked or written yet.
    pub(super) fn target(&self) -> Result<Target, Failure> {
        let progression = match self.progression_owner {
            ProgressionOwner::Client => Progression::Client,
            ProgressionOwner::Server => Progression::Server,
        };
        if let Some(folder) = self.sink.strip_prefix("file:") {
            if folder.is_empty() {
                return Err(Failure::usage("`file:` names no folder", "write `--sink file:configurations`"));
            }
            return Ok(Target {
                sink: Box::new(FileSink::new(Path::new(folder))?),
                progression,
                create: Create::AnyShare,
            });
        }
        let base = Base::new(&self.sink, self.allow_plain_http)?;
        let token = Token::given(Peer::Orchestrator, self.sink_token_file.as_deref())?;
        let credential = token.map(|token| match self.sink_auth {
            Auth::Bearer => Credential::Bearer(token),
            Auth::ApiKey => Credential::ApiKey(token),
        });
        let options = Options { create_missing: self.create, ..Options::default() };
        let create = if self.create { Create::Whole } else { Create::No };
        let sink = Orchestrator::new(base, credential, options)?;
        Ok(Target { sink: Box::new(sink), progression, create })
    }
}
