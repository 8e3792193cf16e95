//! The machine: folders that are written to, and memory.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{
    Ward,
    area::{Findings, Over, failed},
};
use crate::{
    domain::{
        doctor::{self, Check, Outcome, Subject},
        fault::Exit,
        format::visible,
    },
    observe::Engine,
};

pub(super) const SUBJECTS: &[(Subject, Exit)] =
    &[(Subject::TemporaryFolder, Exit::Source), (Subject::StateFolder, Exit::State), (Subject::Memory, Exit::Usage)];

/// What a small write takes, so that a full disk is met here.
const TRIED: usize = 64 << 10;

#[allow(clippy::unnecessary_wraps, reason = "the form of all areas")]
pub(super) fn check(ward: &Ward, findings: &mut Findings) -> Result<(), Over> {
    let source = &ward.arguments.source;
    let mut temporary = folder(
        Subject::TemporaryFolder,
        Exit::Source,
        &std::env::temp_dir(),
        "mount a folder that can be written, and name it in TMPDIR",
    );
    if temporary.outcome == Outcome::Failed && !source.fetches() {
        temporary = Check::warning(
            Subject::TemporaryFolder,
            format!("{}; this source does not need it", temporary.found),
            "nothing, unless objects of stores are read one day",
        );
    }
    findings.tell(temporary);
    findings.tell(match ward.arguments.state.folder() {
        Ok(Some(path)) => folder(
            Subject::StateFolder,
            Exit::State,
            &path,
            "mount a volume that the user of this process may write to (`fsGroup`), or name another with `--state`",
        ),
        Ok(None) => Check::skipped(Subject::StateFolder, "the state is in a database"),
        Err(error) => failed(Subject::StateFolder, &error.into()),
    });
    let scan = Engine::open(source.memory_limit()).and_then(|engine| engine.memory_limit());
    findings.tell(match scan {
        Ok(Some(scan)) => doctor::memory(scan, container_memory()),
        Ok(None) => Check::skipped(Subject::Memory, "DuckDB does not say what it may take"),
        Err(error) => failed(Subject::Memory, &error.into()),
    });
    Ok(())
}

/// Whether something can be written there: a file without a name, which is gone with its handle.
pub(super) fn folder(subject: Subject, exit: Exit, path: &Path, fix: &str) -> Check {
    let tried = || -> io::Result<()> {
        let mut file = tempfile::tempfile_in(path)?;
        file.write_all(&vec![0; TRIED])?;
        file.sync_all()
    };
    let shown = visible(&path.display().to_string());
    match tried() {
        Ok(()) => doctor::room(subject, &shown, free(path)),
        Err(error) => Check::failed(subject, exit, format!("`{shown}` cannot be written: {error}"), fix),
    }
}

/// Bytes that are left there for a user who is nobody special.
#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// The smallest limit that holds for this process, in bytes: of cgroups of version 2, from its own up to the root, or of version 1.
fn container_memory() -> Option<u64> {
    let root = Path::new("/sys/fs/cgroup");
    let mut limits = vec![root.join("memory.max"), root.join("memory/memory.limit_in_bytes")];
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    for line in own.lines() {
        // `0::/path`, or `4:memory:/path`
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (base, name) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            listed if listed.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => continue,
        };
        let path = PathBuf::from(path.trim_start_matches('/'));
        limits.extend(path.ancestors().map(|part| base.join(part).join(name)));
    }
    limits.iter().filter_map(|file| limit(&fs::read_to_string(file).ok()?)).min()
}

/// What such a file says. `max`, or a number beyond any memory, is no limit.
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok().filter(|limit| *limit > 0 && *limit < 1 << 50)
}

#[cfg(test)]
mod tests {
    use super::limit;

    #[test]
    fn limits_of_containers() {
        assert_eq!(limit("536870912\n"), Some(512 << 20));
        // Version 1 says so where there is none.
        for none in ["max\n", "9223372036854771712\n", "", "0"] {
            assert_eq!(limit(none), None, "{none}");
        }
    }
}
