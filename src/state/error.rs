//! What can be wrong with a store, each with its way out.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("`{text}` is no address of a state store")]
    Address { text: String },
    #[error("the address of the state store holds a password")]
    PasswordInAddress,
    #[error("there is no state store `{store}`")]
    Missing { store: String },
    #[error("the state store `{store}` failed while {doing}")]
    Failed {
        store: String,
        doing: &'static str,
        #[source]
        cause: sqlx::Error,
    },
    #[error("the tables of the state store `{store}` cannot be brought up to date")]
    Migration {
        store: String,
        #[source]
        cause: sqlx::migrate::MigrateError,
    },
    #[error("`{store}` is no SQLite database")]
    NoStore { store: String },
    #[error("the state store `{store}` was written by a later version (step {version})")]
    Newer { store: String, version: i64 },
    #[error("`{}` is no name for a baseline", crate::domain::format::visible(name))]
    Name { name: String },
    #[error("a baseline `{name}` exists already")]
    Exists { name: String },
    #[error("no baseline `{name}`{}", if known.is_empty() { String::new() } else { format!("; there are {}", known.join(", ")) })]
    NoBaseline { name: String, known: Vec<String> },
    #[error("another run stored a plan in `{store}` meanwhile")]
    Overtaken { store: String },
    #[error("another run acts on `{store}`: {holder}, until {until} at the latest")]
    Held { store: String, holder: String, until: String },
    #[error("another run took the lease of `{store}` from this one")]
    Fenced { store: String },
    #[error("`{store}` is not empty ({holds})")]
    NotEmpty { store: String, holds: String },
    #[error("the export cannot be read: {why}")]
    BadExport { why: String },
    #[error("the export cannot be written")]
    ExportUnwritten {
        #[source]
        cause: std::io::Error,
    },
    #[error("cannot lock `{}`", path.display())]
    Lock {
        path: std::path::PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error("{what} in the state store cannot be read")]
    Unreadable {
        what: String,
        #[source]
        cause: serde_json::Error,
    },
    #[error("baseline `{name}` cannot be read")]
    Damaged {
        name: String,
        #[source]
        cause: serde_json::Error,
    },
}

impl Fixable for StateError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Address { .. } => "write `sqlite:FILE` or `postgres://user@host/database`".into(),
            Self::PasswordInAddress => {
                "leave it out and set PGPASSWORD, or use a password file: everybody on the machine can read a command line"
                    .into()
            }
            Self::Missing { .. } => {
                "`optimizer run`, `plan` or `baseline set` makes one; or name another with `--state` or OPTIMIZER_STATE".into()
            }
            Self::Failed { .. } => "check that it can be reached and written, then run again; nothing is half done".into(),
            Self::Migration { .. } => "give this user the right to create tables, or name another store".into(),
            Self::NoStore { .. } => "name another file with `--state`, or restore this one from a backup".into(),
            Self::Newer { .. } => "use at least the version that wrote it".into(),
            Self::Name { .. } => "a name has 1 to 128 characters, none of them a line break or another control character, and no blank at its ends".into(),
            Self::Exists { .. } => "choose another name, or add `--replace`".into(),
            Self::NoBaseline { .. } => "`optimizer baseline list` shows them; `optimizer baseline set` adds one".into(),
            Self::Overtaken { .. } => {
                "run it again: it then decides with what the other run left behind; nothing of this one was stored".into()
            }
            Self::Held { .. } => {
                "wait for it, or look at it with `optimizer status`; if it was killed, the lease ends by itself".into()
            }
            Self::Fenced { .. } => {
                "nothing to do: the other run goes on, and what this one had begun is finished by the next".into()
            }
            Self::NotEmpty { .. } => {
                "import into a store that is new, for example `--state sqlite:NEW.db`; nothing was changed".into()
            }
            Self::BadExport { .. } => "take another copy of it, or export again; nothing was imported".into(),
            Self::ExportUnwritten { .. } => "see whether there is room; nothing was changed".into(),
            Self::Lock { .. } => "give this user the right to write beside the store".into(),
            Self::Unreadable { .. } => "use the version that wrote it, or restore the store from a backup".into(),
            Self::Damaged { .. } => "delete it with `optimizer baseline delete` and set it again".into(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Address { .. }
            | Self::PasswordInAddress
            | Self::Name { .. }
            | Self::Exists { .. }
            | Self::NotEmpty { .. }
            | Self::ExportUnwritten { .. }
            | Self::NoBaseline { .. } => Exit::Usage,
            Self::Held { .. } | Self::Fenced { .. } => Exit::Held,
            Self::Missing { .. }
            | Self::Failed { .. }
            | Self::Migration { .. }
            | Self::NoStore { .. }
            | Self::Newer { .. }
            | Self::Overtaken { .. }
            | Self::BadExport { .. }
            | Self::Lock { .. }
            | Self::Unreadable { .. }
            | Self::Damaged { .. } => Exit::State,
        }
    }
}
