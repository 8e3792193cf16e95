//! `optimizer state export` and `import`: the whole store as a file, and back.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, IsTerminal as _, Write as _},
    path::Path,
};

use clap::Args;
use jiff::Timestamp;

use crate::{
    cli::{Failure, progress::Progress, rights, sink, state::StateArgs},
    domain::{format::counted, rights::Permission},
    state::{Header, Open, StateError, Store},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer state export backup.ndjson.gz                     a backup, readable with `zcat`
  optimizer state export --replace backup.ndjson.gz           the newest one in the place of the last
  optimizer state export - | ssh vault 'cat > backup.ndjson.gz'

It holds prompts and what people said, so only its owner may read it.")]
pub(super) struct ExportArgs {
    /// The file; `-` is standard output
    file: String,
    /// Put it in the place of a file that is there
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    state: StateArgs,
    /// Take this for the present time, RFC 3339 with a zone: for replays and demonstrations
    #[arg(long, value_name = "TIME", env = "OPTIMIZER_NOW")]
    now: Option<Timestamp>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer state import backup.ndjson.gz --state sqlite:restored.db
  optimizer state export - --state sqlite:optimizer.db | optimizer state import - --state postgres://me@db/llm
                                                              from a file to PostgreSQL")]
pub(super) struct ImportArgs {
    /// What `optimizer state export` wrote; `-` is standard input
    file: String,
    #[command(flatten)]
    state: StateArgs,
}

pub(super) fn export(arguments: &ExportArgs) -> Result<(), Failure> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    if arguments.file == "-" {
        if io::stdout().is_terminal() {
            return Err(Failure::usage("an export is nothing to look at", "send it to a file, or through `zcat`"));
        }
        let mut store = arguments.state.open(Open::AsItIs)?;
        written(&mut store, io::stdout().lock(), now)?;
        return Ok(());
    }
    let file = Path::new(&arguments.file);
    if file.exists() && !arguments.replace {
        return Err(taken(&arguments.file));
    }
    let mut store = arguments.state.open(Open::AsItIs)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritten = |cause| Failure::from(StateError::ExportUnwritten { cause });
    // Beside the file, so that it can take its name at once; others may not read it.
    let part = tempfile::Builder::new().prefix(".optimizer-").suffix(".part").tempfile_in(folder).map_err(unwritten)?;
    let header = written(&mut store, part.as_file(), now)?;
    part.as_file().sync_all().map_err(unwritten)?;
    let named = if arguments.replace { part.persist(file) } else { part.persist_noclobber(file) };
    named.map_err(|tempfile::PersistError { error, .. }| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(&arguments.file),
        _ => unwritten(error),
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritten)?;
    sink::print(&format!("Exported {} to `{}`.\n", said(&header), arguments.file))
}

fn written(store: &mut Store, to: impl io::Write, now: Timestamp) -> Result<Header, StateError> {
    let progress = Progress::start();
    let mut to = BufWriter::new(to);
    let header = store.export(&mut to, now, &|table| progress.says(table))?;
    to.flush().map_err(|cause| StateError::ExportUnwritten { cause })?;
    Ok(header)
}

fn taken(file: &str) -> Failure {
    Failure::usage(format!("`{file}` exists already"), "choose another name, or add `--replace`")
}

pub(super) fn import(arguments: &ImportArgs) -> Result<(), Failure> {
    let unreadable = |cause: io::Error| {
        Failure::usage(format!("cannot read `{}`: {cause}", arguments.file), "name what `optimizer state export` wrote")
    };
    let progress = Progress::start();
    progress.says("importing");
    let header = if arguments.file == "-" {
        fresh(arguments)?.import(io::stdin().lock())?
    } else {
        let file = File::open(&arguments.file).map_err(unreadable)?;
        fresh(arguments)?.import(BufReader::new(file))?
    };
    drop(progress);
    sink::print(&format!(
        "Imported {}, exported at {}. Runs may go on with `{}`.\n",
        said(&header),
        header.exported_at,
        arguments.state.shown()?
    ))
}

/// The store to fill, if this is for us to do. A new one has no roles, and takes over those of the export.
fn fresh(arguments: &ImportArgs) -> Result<Store, Failure> {
    let mut store = arguments.state.open(Open::Create)?;
    rights::allow(&mut store, Permission::Administer, "state import")?;
    Ok(store)
}

fn said(header: &Header) -> String {
    let rows: i64 = header.rows.values().sum();
    format!(
        "{} of {}",
        counted(rows.unsigned_abs(), "row"),
        counted(header.rows.values().filter(|rows| **rows > 0).count() as u64, "table")
    )
}
