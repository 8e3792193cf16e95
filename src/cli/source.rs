//! The flags that name a source, the same for every command that reads one, and the thread it is read on.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;

use super::{Failure, engine::EngineArgs, halt};
use crate::{
    domain::Policy,
    observe::{self, Downloads, Engine, FileGroup, Format, LakeEngine, LayoutChoice, LoadRequest},
};

/// The example data of this repository, used when nothing else is named.
pub(super) const EXAMPLE_DATA: &str = "testdata";

#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    /// Request log: file, directory, quoted pattern, `-` for NDJSON on standard input, the same in `s3://`, `gs://` or
    /// `az://`, `https://host/file`, or `postgres://user@host/database`; may be repeated
    ///
    /// Parquet, CSV and NDJSON, the last two also as .gz or .zst. Request ids are unique within one `--from`.
    /// [default: testdata, where it exists]
    #[arg(long, help_heading = "Source", value_name = "PATH")]
    from: Vec<String>,
    /// Scores given after the requests; the policy declares the scale of each
    #[arg(long, help_heading = "Source", value_name = "PATH")]
    scores: Vec<String>,
    /// How the source is laid out, where its columns do not tell; once for all, or once for each `--from`
    #[arg(long, help_heading = "Source", value_name = "NAME")]
    layout: Vec<String>,
    /// SQL file that maps a log of your own to the canonical columns; examples/mapping.sql explains
    #[arg(long, help_heading = "Source", value_name = "FILE.sql", conflicts_with = "layout")]
    mapping: Option<PathBuf>,
    /// Service of rows that name none
    #[arg(long, help_heading = "Source", value_name = "NAME")]
    default_service: Option<String>,
    /// Write every rejected row with its reason to this CSV file
    #[arg(long, help_heading = "Source", value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Most memory the scan may take, for example `2GB` [default: 80 % of the machine's]
    #[arg(long, help_heading = "Source", value_name = "SIZE", env = "OPTIMIZER_MEMORY_LIMIT")]
    memory_limit: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
}

impl SourceArgs {
    pub(super) fn memory_limit(&self) -> Option<&str> {
        self.memory_limit.as_deref()
    }

    pub(super) fn rejects(&self) -> Option<&Path> {
        self.rejects.as_deref()
    }

    /// Whether a source was named; otherwise there is only the default.
    pub(super) fn is_named(&self) -> bool {
        !self.from.is_empty()
    }

    /// Whether objects are fetched before they are read.
    pub(super) fn fetches(&self) -> bool {
        if self.engine.is_named() {
            return false;
        }
        let mut all = self.from.iter().chain(&self.scores);
        all.any(|from| from.contains("://") && !from.starts_with("postgres"))
    }

    /// What was named, for people; empty for the default.
    pub(super) fn names(&self) -> String {
        shown(&self.from)
    }

    /// Everything that was named; nothing of it is looked at yet.
    pub(super) fn named(&self) -> Result<Named, Failure> {
        let from = self.from()?;
        let layouts = LayoutChoice::new(&self.layout, from.len(), self.mapping.as_deref())?;
        let rejects = self.rejects.clone();
        Ok(Named {
            rejects,
            ..Named::of(from, self.scores.clone(), layouts, self.default_service.clone(), &self.engine)?
        })
    }

    fn from(&self) -> Result<Vec<String>, Failure> {
        if !self.from.is_empty() {
            return Ok(self.from.clone());
        }
        if self.engine.is_named() {
            return Err(Failure::usage(
                "no source given for the engine to read",
                "name it with `--from`, for example `--from s3a://lake/requests` or `--from catalog.requests`",
            ));
        }
        if Path::new(EXAMPLE_DATA).is_dir() {
            return Ok(vec![EXAMPLE_DATA.to_owned()]);
        }
        Err(Failure::usage(
            "no source given, and there is no `testdata` here",
            "name your request log with `--from`, for example `--from requests.parquet`",
        ))
    }
}

/// What was named, for people. Users, passwords and signatures of addresses are left out: reports are passed on.
pub(super) fn shown(from: &[String]) -> String {
    let shown = |from: &String| match url::Url::parse(from) {
        Ok(url) if from.contains("://") => {
            format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        }
        _ => from.clone(),
    };
    from.iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// What was named.
pub(super) struct Named {
    from: Vec<String>,
    scores: Vec<String>,
    layouts: LayoutChoice,
    default_service: Option<String>,
    rejects: Option<PathBuf>,
    /// Who reads the requests, if not this program.
    engine: Option<LakeEngine>,
}

impl Named {
    pub(super) fn of(
        from: Vec<String>,
        scores: Vec<String>,
        layouts: LayoutChoice,
        default_service: Option<String>,
        engine: &EngineArgs,
    ) -> Result<Self, Failure> {
        let engine = engine.named()?;
        if engine.is_some() && !scores.is_empty() {
            return Err(Failure::usage(
                "`--scores` are joined to requests one by one, and with `--engine` only what they add up to comes here",
                "write the score into the column `quality` of the requests, or leave `--engine` out",
            ));
        }
        Ok(Self { from, scores, layouts, default_service, rejects: None, engine })
    }

    /// Finds all of it; objects of stores are fetched. Only from the thread that [`interruptible`] starts: it may take long.
    pub(super) fn find(&self, downloads: &Downloads) -> Result<Sources<'_>, Failure> {
        Ok(Sources {
            groups: match &self.engine {
                Some(engine) => observe::lakes(&self.from, engine)?,
                None => observe::resolve(&self.from, downloads)?,
            },
            scores: observe::resolve(&self.scores, downloads)?,
            named: self,
        })
    }
}

/// What was named, found.
pub(super) struct Sources<'a> {
    groups: Vec<FileGroup>,
    scores: Vec<FileGroup>,
    named: &'a Named,
}

impl Sources<'_> {
    pub(super) fn load<'a>(&'a self, policy: &'a Policy, now: Timestamp) -> LoadRequest<'a> {
        LoadRequest {
            groups: &self.groups,
            layouts: &self.named.layouts,
            scores: &self.scores,
            policy,
            default_service: self.named.default_service.as_deref(),
            pushdown: None,
            kept: None,
            now,
        }
    }

    /// Whether a part of it can be read only once.
    pub(super) fn come_once(&self) -> bool {
        self.groups.iter().chain(&self.scores).any(|group| group.format == Format::Stdin)
    }

    pub(super) fn rejects(&self) -> Option<&Path> {
        self.named.rejects.as_deref()
    }
}

/// Works on one thread while this one waits for whoever asks it to end. A query is interrupted at once; a reader that waits for more input
/// cannot be, so the process ends around it. Fetched objects are put away whatever happens, and messages name their addresses.
pub(super) fn interruptible<T: Send + 'static>(
    memory_limit: Option<&str>,
    work: impl FnOnce(&Engine, &Downloads) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let engine = Engine::open(memory_limit)?;
    let handle = engine.interrupt_handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start: {error}"), "the system is out of threads or files"))?;
    let (done, finished) = tokio::sync::oneshot::channel();
    let downloads = Arc::<Downloads>::default();
    let kept = Arc::clone(&downloads);
    let outcome = runtime.block_on(async {
        let _held = halt::hold();
        std::thread::spawn(move || {
            // Nobody listens any more then, and nobody needs the answer.
            let _ = done.send(work(&engine, &kept));
        });
        tokio::select! {
            biased;
            result = finished => result.unwrap_or_else(|_| panic!("the working thread reports whatever happens")),
            why = halt::wait() => {
                handle.interrupt();
                Err(why.failure())
            }
        }
    });
    // Not left to the working thread: the process may end before it.
    downloads.remove();
    outcome.map_err(|failure| failure.rewritten(|text| downloads.renamed(text)))
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_is_shown_holds_no_secret() {
        let from = [
            "day.csv",
            "postgres://me:secret@db:5432/llm?sslmode=require",
            "https://host/a.csv?sig=secret",
            "s3://b/*.csv",
        ];
        let told = shown(&from.map(str::to_owned));
        assert_eq!(told, "day.csv, postgres://db/llm, https://host/a.csv, s3://b/*.csv");
    }
}
