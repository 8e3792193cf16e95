//! The file a page is written to: all of it or nothing, because somebody forwards it.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use super::super::Failure;

/// Whether it could be written there, as far as can be told without writing.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::usage(
            format!("`{}` is a folder", path.display()),
            "name the file itself, for example `-o report.html`",
        ));
    }
    if folder(path).is_dir() { Ok(()) } else { Err(failed(path, &io::Error::from(io::ErrorKind::NotFound))) }
}

/// Puts the text in the place of what was there.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    replaced(path, text).map_err(|cause| failed(path, &cause))
}

fn replaced(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one, and a device or pipe is nothing to be put in the place of.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        return fs::File::options().write(true).open(&path)?.write_all(text.as_bytes());
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: what may be read is for the umask to say.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder(&path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn failed(path: &Path, cause: &io::Error) -> Failure {
    Failure::usage(
        format!("cannot write `{}`: {cause}", path.display()),
        "check that its folder is there and can be written, and the room on the disk",
    )
}
