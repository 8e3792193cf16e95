//! Documents that other commands wrote, recognised by their `schema_version`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

use crate::domain::{
    Plan, analysis, evaluation,
    fault::{Exit, Fixable},
    format::counted,
    gate,
    material::Material,
    plan, run, status,
};

#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error("cannot read document `{path}`")]
    Read {
        path: String,
        #[source]
        cause: io::Error,
    },
    #[error("document `{path}` is empty")]
    Empty { path: String },
    #[error("document `{path}` is cut off")]
    CutOff {
        path: String,
        #[source]
        cause: serde_json::Error,
    },
    #[error("document `{path}` is no JSON")]
    NoJson {
        path: String,
        #[source]
        cause: serde_json::Error,
    },
    #[error("document `{path}` does not say what it is: it has no `schema_version`")]
    Nameless { path: String },
    #[error("document `{path}` is `{found}`, which this version cannot show")]
    Unknown { path: String, found: String },
    #[error("document `{path}` says that it is `{said}`, and is not")]
    Broken {
        path: String,
        said: String,
        #[source]
        cause: serde_json::Error,
    },
}

impl Fixable for DocumentError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "name a file that `optimizer plan --format json` wrote, for example".into(),
            Self::Empty { .. } | Self::CutOff { .. } => {
                "the command that wrote it may have failed or been stopped: run it again, and look at its exit code".into()
            }
            Self::NoJson { .. } => {
                "write it with `--format json` (of `gate`: `--json FILE`); a request log is read with `--from`, and NaN is no JSON".into()
            }
            Self::Nameless { .. } | Self::Unknown { .. } => format!("known are {}", KNOWN.join(", ")),
            Self::Broken { said, .. } => format!("write it again with this version; {}", schema_of(said)),
        })
    }

    fn exit(&self) -> Exit {
        Exit::Source
    }
}

const KNOWN: [&str; 7] = [
    plan::SCHEMA_VERSION,
    analysis::SCHEMA_VERSION,
    analysis::TICK_SCHEMA_VERSION,
    gate::SCHEMA_VERSION,
    evaluation::SCHEMA_VERSION,
    run::SCHEMA_VERSION,
    status::SCHEMA_VERSION,
];

/// `docs/schema/plan.v1.json describes it`
fn schema_of(said: &str) -> String {
    format!("docs/schema/{}.json describes it", said.replace('/', "."))
}

/// Adds all of them to what there is.
pub(super) fn read(paths: &[PathBuf], material: &mut Material) -> Result<(), DocumentError> {
    for path in paths {
        file(path, material)?;
    }
    material.ticks.sort_by_key(|tick| tick.at);
    material.runs.sort_by_key(|run| run.started_at);
    Ok(())
}

fn file(path: &Path, material: &mut Material) -> Result<(), DocumentError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|cause| DocumentError::Read { path: name.clone(), cause })?;
    let text = text.trim_start_matches('\u{feff}');
    let mut said: Vec<(String, u64)> = Vec::new();
    // Lines of a replay are one document each.
    for document in Deserializer::from_str(text).into_iter::<Value>() {
        let document = document.map_err(|cause| {
            let path = name.clone();
            if cause.is_eof() { DocumentError::CutOff { path, cause } } else { DocumentError::NoJson { path, cause } }
        })?;
        let version = one(&name, document, material)?;
        match said.iter_mut().find(|(known, _)| *known == version) {
            Some((_, times)) => *times += 1,
            None => said.push((version, 1)),
        }
    }
    if said.is_empty() {
        return Err(DocumentError::Empty { path: name });
    }
    let what = said
        .into_iter()
        .map(|(version, times)| if times == 1 { version } else { format!("{} of {version}", counted(times, "line")) });
    material.given.push(format!("{name} ({})", what.collect::<Vec<_>>().join(", ")));
    Ok(())
}

/// Adds one document, and says what it was.
fn one(path: &str, document: Value, material: &mut Material) -> Result<String, DocumentError> {
    let version = match document.get("schema_version").and_then(Value::as_str) {
        Some(version) => version.to_owned(),
        None => return Err(DocumentError::Nameless { path: path.to_owned() }),
    };
    let said = version.as_str();
    match said {
        plan::SCHEMA_VERSION => add_plan(typed(path, said, document)?, material),
        analysis::SCHEMA_VERSION => material.analyses.push(typed(path, said, document)?),
        analysis::TICK_SCHEMA_VERSION => material.ticks.push(typed(path, said, document)?),
        gate::SCHEMA_VERSION => material.gates.push(typed(path, said, document)?),
        evaluation::SCHEMA_VERSION => material.evaluations.push(typed(path, said, document)?),
        run::SCHEMA_VERSION => material.runs.push(typed(path, said, document)?),
        status::SCHEMA_VERSION => material.statuses.push(typed(path, said, document)?),
        _ => return Err(DocumentError::Unknown { path: path.to_owned(), found: version }),
    }
    Ok(version)
}

/// Only the plan of the newest window is shown.
pub(super) fn add_plan(plan: Plan, material: &mut Material) {
    let newer = material.plan.as_ref().is_none_or(|known| known.windows.window.end() < plan.windows.window.end());
    material.older_plans += u64::from(material.plan.is_some());
    if newer {
        material.plan = Some(plan);
    }
}

fn typed<T: DeserializeOwned>(path: &str, said: &str, document: Value) -> Result<T, DocumentError> {
    serde_json::from_value(document).map_err(|cause| DocumentError::Broken {
        path: path.to_owned(),
        said: said.to_owned(),
        cause,
    })
}
