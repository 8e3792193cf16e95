//! What is over and old leaves the store for an archive, and is never in neither; and a store that was changed from outside is told.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use optimizer::state::{Address, Commit, DecisionRow, Document, Open, PlanRow, Store, Table};
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, any::install_default_drivers};
use support::{
    Run,
    canary::{GOOD, World},
    expect, optimizer,
    postgres::Server,
};
use tempfile::{TempDir, tempdir};

const NOW: &str = "2026-06-01T00:00:00Z";

struct Place {
    folder: TempDir,
    state: String,
}

impl Place {
    fn new(state: Option<String>) -> Self {
        let folder = tempdir().unwrap();
        let state = state.unwrap_or_else(|| format!("sqlite:{}", folder.path().join("s.db").display()));
        Self { folder, state }
    }

    fn open(&self) -> Store {
        Store::open(&self.state.parse::<Address>().unwrap(), Open::Create).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = optimizer(self.folder.path());
        command.env("OPTIMIZER_STATE", &self.state).env("OPTIMIZER_NOW", NOW).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().expect("the binary starts").into()
    }

    fn gc(&self, more: &[&str]) -> Run {
        self.run(&[&["state", "gc", "--archive", "archive", "--yes", "--reason", "weekly"], more].concat())
    }

    fn tamper(&self, sql: &'static str) {
        install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = AnyConnection::connect(&self.state).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        });
    }

    fn files(&self) -> Vec<PathBuf> {
        let Ok(files) = fs::read_dir(self.folder.path().join("archive")) else { return Vec::new() };
        let mut files: Vec<PathBuf> = files.flatten().map(|file| file.path()).collect();
        files.retain(|file| !file.ends_with(".lock"));
        files.sort();
        files
    }

    /// Ids that the archive holds of a table, in its whole files.
    fn archived(&self, table: &str) -> Vec<String> {
        let connection = duckdb::Connection::open_in_memory().unwrap();
        let mut ids = Vec::new();
        let of_table = |file: &&PathBuf| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with(&format!("{table}-")) && name.ends_with(".parquet")
        };
        for file in self.files().iter().filter(of_table) {
            // As the store finds them.
            let id = if table == "decisions" { "plan_id" } else { "id" };
            let sql = format!("SELECT {id} FROM read_parquet('{}')", file.display());
            let mut statement = connection.prepare(&sql).unwrap();
            ids.extend(statement.query_map([], |row| row.get::<_, String>(0)).unwrap().map(Result::unwrap));
        }
        ids.sort();
        ids
    }

    fn stored(&self, table: &str) -> Vec<String> {
        self.open().ids(table).unwrap()
    }
}

fn document(id: &str, service: &str, state: &str, day: &str) -> Document {
    let changed_at = format!("{day}T00:00:00.000000Z");
    let body = format!("{{\"is\": \"{id}\"}}");
    Document { id: id.into(), service: service.into(), state: state.into(), generation: 0, changed_at, body }
}

/// What does not get smaller when it is packed.
fn noise(seed: u32) -> String {
    let each = |number: u32| format!("é'{:x}", (number + 1_000 * seed).wrapping_mul(2_654_435_761));
    (0..800).map(each).collect::<Vec<_>>().concat()
}

/// 130 old plans and 2 of May; rollouts that are open, lately closed and long closed; runs and writes of each kind.
fn fill(place: &Place) {
    let mut store = place.open();
    for number in 0..132 {
        let id = format!("{number:04x}");
        let month = if number < 130 { 1 } else { 5 };
        let made_at = format!("2026-{month:02}-{:02}T{:02}:00:00Z", 1 + number / 24 % 28, number % 24);
        let plan = PlanRow {
            id: id.clone(),
            made_at,
            body: format!("{{\"number\": {number}, \"x\": \"{}\"}}", noise(number)),
        };
        let decision = |service: &str| DecisionRow {
            id: format!("d{number:03x}{service}"),
            plan_id: id.clone(),
            service: service.into(),
            segment: "all".into(),
            action: "keep".into(),
        };
        let seen = store.memory().unwrap().generation;
        store.put_plan(&plan, &[decision("aa"), decision("bb")], "{}", seen).unwrap();
    }
    let documents = vec![
        (Table::Rollouts, document("d003aa", "chat", "open", "2025-01-01")),
        (Table::Evidence, document("d003aa", "chat", "open", "2025-01-01")),
        (Table::Rollouts, document("long-closed", "chat", "closed", "2025-04-01")),
        (Table::Evidence, document("long-closed", "chat", "closed", "2025-04-01")),
        (Table::Rollouts, document("without-evidence", "chat", "closed", "2025-04-02")),
        (Table::Rollouts, document("closed", "chat", "closed", "2025-09-01")),
        (Table::Evidence, document("closed", "chat", "closed", "2025-09-01")),
        (Table::Intents, document("settled-of-open", "chat", "settled", "2025-01-01")),
        (Table::Intents, document("settled", "mail", "settled", "2025-01-01")),
        (Table::Intents, document("settled-lately", "mail", "settled", "2026-05-20")),
        (Table::Ticks, document("old-run", "", "ended", "2026-01-01")),
        (Table::Ticks, document("killed-run", "", "running", "2026-01-02")),
        (Table::Ticks, document("new-run", "", "ended", "2026-05-20")),
        (Table::Configurations, document("chat@1", "chat", "known", "2024-01-01")),
        (Table::Services, document("chat", "chat", "known", "2024-01-01")),
    ];
    store.commit(None, &Commit { documents, ..Commit::default() }).unwrap();
}

fn expected_gone() -> [(&'static str, usize); 6] {
    // Of the 132 plans the newest 100 stay, and the one that began what is under way.
    [("decisions", 62), ("evidence", 1), ("intents", 1), ("plans", 31), ("rollouts", 2), ("ticks", 2)]
}

fn suite(place: &Place) {
    fill(place);
    let before: Vec<Vec<String>> = expected_gone().iter().map(|(table, _)| place.stored(table)).collect();
    let dry = place.gc(&["--dry-run"]);
    assert_eq!((dry.code, dry.stderr.as_str()), (Some(0), ""));
    for line in ["plans     31", "runs      2", "writes    1", "rollouts  2"] {
        assert!(dry.stdout.contains(line), "{}", dry.stdout);
    }
    assert!(!place.folder.path().join("archive").exists());
    assert_eq!(place.stored("plans").len(), 132);
    let run = place.gc(&[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(run.stdout.starts_with("Moved 99 rows to 6 files in `archive`:"), "{}", run.stdout);
    for ((table, gone), before) in expected_gone().into_iter().zip(before) {
        let (stored, archived) = (place.stored(table), place.archived(table));
        assert_eq!(archived.len(), gone, "{table}");
        if table != "decisions" {
            let both: BTreeSet<String> = stored.iter().chain(&archived).cloned().collect();
            assert_eq!((both.len(), stored.len() + archived.len()), (before.len(), before.len()), "{table}");
        }
    }
    assert!(place.stored("plans").contains(&"0003".to_owned()), "it began what is under way");
    assert_eq!(place.archived("ticks"), ["killed-run", "old-run"]);
    assert_eq!(place.archived("intents"), ["settled"]);
    assert_eq!(place.archived("rollouts"), ["long-closed", "without-evidence"]);
    assert_eq!(place.archived("evidence"), ["long-closed"]);
    // What an archive holds can be read without this program.
    let engine = duckdb::Connection::open_in_memory().unwrap();
    let sql = format!(
        "SELECT json_extract_string(body, 'number') FROM read_parquet('{}/archive/plans-*.parquet') WHERE id = '0007'",
        place.folder.path().display()
    );
    assert_eq!(engine.query_row(&sql, [], |row| row.get::<_, String>(0)).unwrap(), "7");
    // Told in the audit log, which stays whole, and by `explain`.
    let mut store = place.open();
    assert_eq!(store.verify().unwrap(), Ok(4));
    let deed = store.newest_deed("gc").unwrap().unwrap().deed;
    let detail: Value = serde_json::from_str(&deed.body).unwrap();
    assert_eq!((detail["because"].as_str(), detail["archived"]["rollouts"].as_u64()), (Some("weekly"), Some(2)));
    let explained = place.run(&["explain", "d007aa"]);
    expect(
        &explained,
        2,
        &["in the store has the id `d007aa`", "older plans were moved to an archive", "decisions-*.parquet"],
    );
    assert_eq!(place.run(&["history", "--verify"]).code, Some(0));
    let history = place.run(&["history"]);
    assert!(history.stdout.contains("gc") && history.stdout.contains("weekly"), "{}", history.stdout);
    // Again, there is nothing to do.
    let again = place.gc(&[]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "Nothing is over and old enough.\n"));
    assert_eq!(place.files().len(), 6);
    // Never beside a run.
    let lease = store.acquire("a run", Duration::from_mins(1)).unwrap();
    expect(&place.gc(&["--wait", "1s", "--older-than", "1d"]), 75, &["another run acts"]);
    store.release(lease).unwrap();
}

#[test]
fn in_a_file() {
    let place = Place::new(None);
    suite(&place);
    for file in place.files() {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn in_postgres() {
    let server = Server::shared();
    server.database("gc");
    suite(&Place::new(Some(server.url("gc"))));
}

#[test]
fn a_write_that_is_open_keeps_what_it_belongs_to() {
    let place = Place::new(None);
    fill(&place);
    // As a run records it, but of a rollout that is over: taking it back is not done yet.
    let world = lived();
    let mut lived = Store::open(&world.state.parse::<Address>().unwrap(), Open::AsItIs).unwrap();
    let real = lived.documents(Table::Intents, optimizer::state::Wanted::default()).unwrap().remove(0);
    let mut intent: Value = serde_json::from_str(&real.body).unwrap();
    intent["rollout"] = "long-closed".into();
    intent["outcome"] = serde_json::json!({"state": "open"});
    let mut row = document("open", "mail", "open", "2024-01-01");
    row.body = intent.to_string();
    place.open().commit(None, &Commit { documents: vec![(Table::Intents, row)], ..Commit::default() }).unwrap();
    assert_eq!(place.gc(&[]).code, Some(0));
    assert_eq!(place.archived("rollouts"), ["without-evidence"]);
    assert!(place.stored("intents").contains(&"open".to_owned()));
    // One that cannot be read stops everything: what it belongs to is not known.
    place.tamper("UPDATE optimizer_intents SET body = '{}' WHERE id = 'open'");
    let files = place.files();
    expect(&place.gc(&["--older-than", "1d"]), 4, &["the entry `open`"]);
    assert_eq!(place.files(), files);
}

#[test]
fn killed_anywhere_every_row_is_in_the_file_or_in_the_archive() {
    let filled = Place::new(None);
    fill(&filled);
    killed_anywhere(&|_| {
        let place = Place::new(None);
        fs::copy(filled.folder.path().join("s.db"), place.folder.path().join("s.db")).unwrap();
        place
    });
}

#[test]
fn killed_anywhere_every_row_is_in_postgres_or_in_the_archive() {
    let server = Server::shared();
    server.database("gc_filled");
    fill(&Place::new(Some(server.url("gc_filled"))));
    killed_anywhere(&|kill| {
        let name = format!("gc_killed_{kill}");
        server.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE gc_filled"));
        Place::new(Some(server.url(&name)))
    });
}

fn killed_anywhere(place: &dyn Fn(u32) -> Place) {
    let mut died = 0;
    for kill in 1..=15 {
        let place = place(kill);
        let all: Vec<Vec<String>> = expected_gone().iter().map(|(table, _)| place.stored(table)).collect();
        let gc = ["state", "gc", "--archive", "archive", "--yes", "--reason", "weekly", "--wait", "1s"];
        let status = place.command(&gc).env("OPTIMIZER_TEST_KILL_AT", kill.to_string()).output().unwrap().status;
        died += u32::from(status.signal() == Some(9));
        for ((table, _), all) in expected_gone().iter().zip(&all) {
            let there: BTreeSet<String> = place.stored(table).into_iter().chain(place.archived(table)).collect();
            assert_eq!(there, all.iter().cloned().collect(), "{table} after {kill}");
        }
        // In PostgreSQL nobody knows that the holder of the lease died.
        place.tamper("UPDATE optimizer_lease SET expires_at = 0");
        let run = place.gc(&[]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "after {kill}");
        for ((table, gone), all) in expected_gone().into_iter().zip(&all) {
            let (stored, archived) = (place.stored(table), place.archived(table));
            let unique: BTreeSet<&String> = archived.iter().collect();
            if table != "decisions" {
                assert_eq!((stored.len() + gone, unique.len()), (all.len(), gone), "{table} after {kill}");
            }
        }
        assert!(place.files().iter().all(|file| file.extension().is_some_and(|end| end == "parquet")));
        assert!(place.open().verify().unwrap().is_ok());
    }
    assert_eq!(died, 14, "each point was tried");
}

#[test]
fn an_archive_that_cannot_be_written_costs_nothing() {
    let server = Server::shared();
    server.database("gc_full");
    let place = Place::new(Some(server.url("gc_full")));
    fill(&place);
    let all: Vec<Vec<String>> = expected_gone().iter().map(|(table, _)| place.stored(table)).collect();
    // A file where the folder should be.
    fs::write(place.folder.path().join("archive"), "").unwrap();
    expect(&place.gc(&[]), 4, &["cannot write the archive", "still in the store"]);
    fs::remove_file(place.folder.path().join("archive")).unwrap();
    // A disk that is full after a kilobyte.
    let mut command = Command::new("sh");
    command.current_dir(place.folder.path()).env("OPTIMIZER_STATE", &place.state).env("OPTIMIZER_NOW", NOW).arg("-c");
    command.arg(
        "trap '' XFSZ; ulimit -f 2; exec \"$0\" state gc --archive archive --yes --reason weekly --older-than 30d",
    );
    let run: Run = command.arg(env!("CARGO_BIN_EXE_optimizer")).output().unwrap().into();
    expect(&run, 4, &["cannot write the archive"]);
    assert!(place.files().is_empty(), "what was half written is gone");
    let now: Vec<Vec<String>> = expected_gone().iter().map(|(table, _)| place.stored(table)).collect();
    assert_eq!(now, all);
    assert!(place.open().holder().unwrap().is_none(), "the lease was given back");
    assert_eq!(place.gc(&[]).code, Some(0));
}

#[test]
fn what_is_asked_first_and_what_is_refused() {
    let place = Place::new(None);
    expect(&place.gc(&[]), 4, &["there is no state store"]);
    fill(&place);
    let run = place.run(&["state", "gc", "--archive", "archive", "--reason", "x"]);
    expect(&run, 2, &["nobody is there to be asked: Move what is over for longer than", "--yes"]);
    // Two at once into one folder.
    fs::create_dir(place.folder.path().join("archive")).unwrap();
    let lock = fs::File::create(place.folder.path().join("archive/.lock")).unwrap();
    lock.try_lock().unwrap();
    expect(&place.gc(&[]), 75, &["another `state gc` writes to"]);
    drop(lock);
    fs::write(place.folder.path().join("archive/plans-x-001.parquet.part"), "half").unwrap();
    fs::write(place.folder.path().join("archive/theirs.txt"), "other").unwrap();
    assert_eq!(place.gc(&[]).code, Some(0));
    let names: Vec<String> =
        place.files().iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.contains(&"theirs.txt".to_owned()) && !names.iter().any(|name| name.ends_with("part")), "{names:?}");
}

#[test]
fn a_file_made_to_shrink_does() {
    let place = Place::new(None);
    fs::write(place.folder.path().join("s.db"), "").unwrap();
    place.tamper("PRAGMA auto_vacuum = INCREMENTAL");
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(&place.state).await.unwrap();
        sqlx::raw_sql("PRAGMA auto_vacuum = INCREMENTAL; VACUUM").execute(&mut connection).await.unwrap();
    });
    fill(&place);
    let size = || fs::metadata(place.folder.path().join("s.db")).unwrap().len();
    let before = size();
    let run = place.gc(&[]);
    assert!(run.stdout.contains("went back to the disk"), "{}", run.stdout);
    assert!(size() < before);
    let other = Place::new(None);
    fill(&other);
    assert!(other.gc(&[]).stdout.contains("The store keeps its size"));
}

/// A store as runs leave it: a rollout under way, one of its writes settled.
fn lived() -> World {
    let world = World::new(GOOD);
    world.tick(&[]);
    world
}
