//! Policy and price files: where they are found when nobody says, and what is built in when they are nowhere.

use std::{fs, io, path::Path};

use crate::{
    decide::{
        examples::Examples,
        policy::{self, FileKind, Problems, Source},
    },
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
        None => built_in(),
    }
}

/// The built-in balanced profile.
pub(super) fn built_in() -> Result<Policy, FileError> {
    policy::parse(Source::profile("balanced").expect("balanced is built in"), &no_files)
        .map_err(|problems| FileError::Problems { what: "the built-in policy", problems })
}

/// Reads and checks one policy file.
pub(super) fn read_policy(path: &Path) -> Result<Policy, FileError> {
    let name = path.display().to_string();
    let text = read("policy", path)?;
    let resolve = |path: &str| fs::read_to_string(path).map_err(|error| error.to_string());
    policy::parse(Source { name: &name, text: &text }, &resolve)
        .map_err(|problems| FileError::Problems { what: "the policy", problems })
}

/// Reads and checks a file of policy tests.
pub(super) fn examples(path: &Path) -> Result<Examples, FileError> {
    let text = read("policy test", path)?;
    policy::parse_examples(&path.display().to_string(), &text)
        .map_err(|problems| FileError::Problems { what: "the policy tests", problems })
}

/// The policy that a file of tests names: a profile, or a file relative to that one.
pub(super) fn policy_beside(path: &Path, named: &str) -> Result<Policy, FileError> {
    match Source::profile(named) {
        Some(source) => policy::parse(source, &no_files)
            .map_err(|problems| FileError::Problems { what: "the built-in policy", problems }),
        None => read_policy(&path.parent().unwrap_or(Path::new("")).join(named)),
    }
}

/// One file that was checked.
pub(super) enum Checked {
    Policy(Box<Policy>),
    Prices(usize),
    Tests(usize),
}

/// Checks a file, or each YAML file of a folder, and reports all problems of all of them at once.
pub(super) fn check(path: &Path) -> Result<Vec<(String, Checked)>, FileError> {
    let unreadable = |cause| FileError::Read { what: "policy", path: path.display().to_string(), cause };
    let mut files = Vec::new();
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.is_file() && file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
                files.push(file);
            }
        }
        files.sort();
    } else {
        files.push(path.to_owned());
    }
    let (mut checked, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let text = read("policy", &file)?;
        let name = file.display().to_string();
        let result = match FileKind::of(&text) {
            FileKind::Prices => policy::parse_models(&name, &text).map(|table| Checked::Prices(table.models().len())),
            FileKind::Examples => {
                policy::parse_examples(&name, &text).map(|examples| Checked::Tests(examples.examples.len()))
            }
            FileKind::Policy => {
                let resolve = |path: &str| fs::read_to_string(path).map_err(|error| error.to_string());
                policy::parse(Source { name: &name, text: &text }, &resolve)
                    .map(|policy| Checked::Policy(Box::new(policy)))
            }
        };
        match result {
            Ok(result) => checked.push((name, result)),
            Err(more) => problems.push(more),
        }
    }
    match Problems::joined(problems) {
        Some(problems) => Err(FileError::Problems { what: "the policy", problems }),
        None => Ok(checked),
    }
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
