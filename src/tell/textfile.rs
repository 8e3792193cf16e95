//! A file for the textfile collector of the node exporter.

use std::{fs, io::Write as _, path::Path, sync::mpsc, thread, time::Duration};

/// A folder in a network may be away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Puts the text in the place of the old file: whoever reads meanwhile sees one of the two, whole.
pub(super) fn write(path: &Path, text: &str) -> Result<(), String> {
    let (told, heard) = mpsc::channel();
    let (owned, text) = (path.to_owned(), text.to_owned());
    thread::spawn(move || told.send(replace(&owned, &text).map_err(|error| error.to_string())));
    heard
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err(format!("it takes longer than {} seconds", PATIENCE.as_secs())))
        .map_err(|why| format!("the figures cannot be written to `{}`: {why}", path.display()))
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The collector reads what ends in `.prom`, and this does not.
    let mut beside = tempfile::Builder::new().prefix(".optimizer-").suffix(".new").tempfile_in(folder)?;
    beside.write_all(text.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The exporter runs as somebody else.
        beside.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    // Not synchronised: after a power cut the next run writes it anew.
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.prom");
        for text in ["one\n", "two\n"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_told_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let missing = write(&folder.path().join("none/o.prom"), "x").unwrap_err();
        assert!(missing.contains("none/o.prom") && missing.contains("No such file"), "{missing}");
        let path = folder.path().join("o.prom");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, "x").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
