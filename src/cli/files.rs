//! Policy and price files: where they are found when nobody says, and what is built in when they are nowhere.

use std::{fs, io, path::Path};

use crate::{
    decide::policy::{self, Problems, Source},
    domain::{
        ModelTable, Policy,
        fault::{Exit, Fixable},
    },
};

#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("cannot read {what} `{path}`")]
    Read {
        what: &'static str,
        path: String,
        #[source]
        cause: io::Error,
    },
    #[error("{count} in {what}:\n{problems}", count = crate::domain::format::counted(problems.iter().len() as u64, "problem"))]
    Problems { what: &'static str, problems: Problems },
}

impl Fixable for FileError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { what, .. } => {
                format!("pass another {what} file, or leave the flag out to use the built-in one")
            }
            Self::Problems { .. } => {
                "`optimizer policy schema` prints every field with its range; policies/balanced.yaml explains them"
                    .into()
            }
        })
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}

/// The policy of the flag, else `policies/balanced.yaml` here, else the built-in balanced profile.
pub(super) fn policy(flag: Option<&Path>) -> Result<Policy, FileError> {
    let here = Path::new("policies/balanced.yaml");
    match flag.or_else(|| here.is_file().then_some(here)) {
        Some(path) => read_policy(path),
        None => policy::parse(Source::profile("balanced").expect("balanced is built in"), &no_files)
            .map_err(|problems| FileError::Problems { what: "the built-in policy", problems }),
    }
}

/// Reads and checks one policy file.
pub(super) fn read_policy(path: &Path) -> Result<Policy, FileError> {
    let name = path.display().to_string();
    let text = read("policy", path)?;
    let resolve = |path: &str| fs::read_to_string(path).map_err(|error| error.to_string());
    policy::parse(Source { name: &name, text: &text }, &resolve)
        .map_err(|problems| FileError::Problems { what: "the policy", problems })
}

/// The price table of the flag, else `policies/models.yaml` here, else the built-in one.
pub(super) fn models(flag: Option<&Path>) -> Result<ModelTable, FileError> {
    let here = Path::new("policies/models.yaml");
    let (name, text) = match flag.or_else(|| here.is_file().then_some(here)) {
        Some(path) => (path.display().to_string(), read("price table", path)?),
        None => ("built-in models".to_owned(), policy::MODELS.to_owned()),
    };
    policy::parse_models(&name, &text).map_err(|problems| FileError::Problems { what: "the price table", problems })
}

fn read(what: &'static str, path: &Path) -> Result<String, FileError> {
    fs::read_to_string(path).map_err(|cause| FileError::Read { what, path: path.display().to_string(), cause })
}

fn no_files(path: &str) -> Result<String, String> {
    Err(format!("a built-in policy cannot extend `{path}`"))
}
