//! What the function is set up with, from its environment. Secrets in it go to the process that does the work, unread.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::{gone::Gone, trouble::Trouble};

/// Not to be printed: addresses may hold passwords.
pub(super) struct Setup {
    /// This program. By path: `/proc/self` is another one in another process.
    pub program: PathBuf,
    /// `OPTIMIZER_FROM`: what is read where an event names nothing, one source a line.
    pub from: Vec<String>,
    store: Store,
    /// For the scan, where nobody set a limit.
    pub memory_limit: Option<String>,
}

/// What `OPTIMIZER_STATE` names.
#[derive(Clone, Copy)]
enum Store {
    Nothing,
    /// A file that is gone with the sandbox, or where nobody can write.
    Fleeting,
    Lasting,
}

impl Store {
    fn of(address: Option<&str>) -> Self {
        let Some(address) = address else { return Self::Nothing };
        match address.strip_prefix("sqlite:").map(Path::new) {
            Some(file) if !file.is_absolute() || file.starts_with("/tmp") => Self::Fleeting,
            _ => Self::Lasting,
        }
    }
}

impl Setup {
    pub(super) fn of_this_process() -> Result<Self, Gone> {
        let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let from = set("OPTIMIZER_FROM").unwrap_or_default();
        // Half of it: the rest of the program and this process need their part.
        let half = || set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")?.parse::<u64>().ok().map(|megabytes| megabytes / 2);
        let unlimited = set("OPTIMIZER_MEMORY_LIMIT").is_none();
        Ok(Self {
            program: env::current_exe().map_err(|cause| Gone::Program { cause })?,
            from: from.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
            store: Store::of(set("OPTIMIZER_STATE").as_deref()),
            memory_limit: unlimited.then(half).flatten().map(|megabytes| format!("{megabytes}MB")),
        })
    }

    /// Whether what is stored will be there at the next event.
    pub(super) fn store_lasts(&self, command: &str) -> Result<(), Trouble> {
        let why = match self.store {
            Store::Lasting => return Ok(()),
            Store::Nothing => format!("`{command}` needs a state store, and OPTIMIZER_STATE names none"),
            Store::Fleeting => {
                format!(
                    "`{command}` needs a state store that lasts, and OPTIMIZER_STATE names a file that goes with the sandbox"
                )
            }
        };
        let fix = "set OPTIMIZER_STATE to `postgres://…`, or to `sqlite:/mnt/…` on a file system that is mounted; or add \
                   `\"dry_run\": true` where the command knows it";
        Err(Trouble::refused(why, fix))
    }
}
