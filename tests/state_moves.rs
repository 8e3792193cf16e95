//! The whole store as a file, and a store from it: the same rows in both databases, all of them or none.

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    time::Duration,
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use jiff::Timestamp;
use optimizer::state::{
    Address, BaselineRow, Commit, DecisionRow, Deed, Document, Existing, Open, PlanRow, SlotHead, SlotRow, StateError,
    Store, Table, Wanted,
};
use proptest::{prelude::*, test_runner::TestRunner};
use sha2::{Digest as _, Sha256};
use sqlx::{AnyConnection, Connection as _, any::install_default_drivers};
use support::{Run, expect, optimizer, postgres::Server};
use tempfile::tempdir;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn open(address: &str) -> Store {
    Store::open(&address.parse::<Address>().unwrap(), Open::Create).unwrap()
}

fn sqlite(folder: &Path, name: &str) -> String {
    format!("sqlite:{}", folder.join(name).display())
}

fn exported(address: &str) -> Vec<u8> {
    let mut store = Store::open(&address.parse::<Address>().unwrap(), Open::AsItIs).unwrap();
    let mut file = Vec::new();
    store.export(&mut file, NOW, &|_| {}).unwrap();
    file
}

fn lines(file: &[u8]) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The lines as an export, with a hash that fits.
fn packed(lines: &[String]) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut file = GzEncoder::new(Vec::new(), Compression::fast());
    for line in lines.iter().filter(|line| !line.starts_with("{\"end\"")) {
        hash.update(format!("{line}\n"));
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    if let Some(end) = lines.iter().find(|line| line.starts_with("{\"end\"")) {
        let mut end: serde_json::Value = serde_json::from_str(end).unwrap();
        end["end"]["sha256"] = format!("{:x}", hash.finalize()).into();
        file.write_all(format!("{end}\n").as_bytes()).unwrap();
    }
    file.finish().unwrap()
}

fn tamper(address: &str, sql: &'static str) {
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(address).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    });
}

/// Something in every table. `texts` is what comes from outside.
fn fill(store: &mut Store, texts: &[String]) {
    let text = |place: usize| texts[place % texts.len()].clone();
    for (number, body) in texts.iter().enumerate() {
        let name = format!("{number}{}", text(number + 1));
        let row = BaselineRow { name, kind: text(number), created_at: "2026".into(), body: body.clone() };
        store.put_baseline(&row, Existing::Refuse).unwrap();
        let plan = PlanRow { id: format!("{number:04x}"), made_at: text(number + 2), body: body.repeat(number * 300) };
        let decision = DecisionRow {
            id: format!("d{number}"),
            plan_id: plan.id.clone(),
            service: text(number),
            segment: text(number + 1),
            action: "keep".into(),
        };
        let seen = store.memory().unwrap().generation;
        store.put_plan(&plan, &[decision], body, seen).unwrap();
        let document = |table, id: String| {
            let row = Document {
                service: format!("{number}{}", text(number)),
                state: "open".into(),
                generation: 0,
                changed_at: text(number + 3),
                body: body.clone(),
                id,
            };
            (table, row)
        };
        let documents = Table::ALL.map(|table| document(table, format!("{}{number}", text(number)))).to_vec();
        let deed =
            Deed { at: text(1), actor: text(number), action: text(number + 1), service: text(0), body: body.clone() };
        let head = SlotHead { grain: text(number), start: i64::try_from(number).unwrap() - 1, minutes: 60, rows: 7 };
        let slots = vec![SlotRow { head, figures: text(number + 1), body: body.clone() }];
        let deeds = vec![deed.clone(), deed];
        store.commit(None, &Commit { documents, deeds, slots, ..Commit::default() }).unwrap();
    }
    for _ in 0..texts.len() {
        let lease = store.acquire("one", Duration::from_mins(1)).unwrap();
        store.release(lease).unwrap();
    }
}

#[test]
fn any_rows_go_from_one_database_to_the_other_and_back() {
    let folder = tempdir().unwrap();
    let server = Server::shared();
    let cases = std::cell::Cell::new(0);
    // PostgreSQL has no text with a zero byte; everything else has to come through.
    let texts = prop::collection::vec("[^\u{0}]{0,9}|[a-zA-Z_\u{e9}\u{df}\"\n\\\\'-]{0,6}", 1..5);
    let config = ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() };
    let tried = TestRunner::new(config).run(&texts, |texts| {
        let case = cases.get() + 1;
        cases.set(case);
        let name = format!("moves_{case}");
        server.database(&name);
        let (first, other) = (sqlite(folder.path(), &format!("{case}.db")), server.url(&name));
        let last = sqlite(folder.path(), &format!("{case}-back.db"));
        fill(&mut open(&first), &texts);
        let file = exported(&first);
        let header = open(&other).import(file.as_slice()).unwrap();
        let times = i64::try_from(texts.len()).unwrap();
        assert_eq!((header.lease_token, header.audit_seq), (times, 2 * times));
        assert!(exported(&other) == file, "{:?}", (lines(&file), lines(&exported(&other))));
        open(&last).import(exported(&other).as_slice()).unwrap();
        assert!(exported(&last) == file);
        // It goes on from there.
        for address in [&other, &last] {
            let mut store = open(address);
            assert_eq!(store.verify().unwrap(), Ok(header.audit_seq));
            assert!(store.acquire("next", Duration::from_mins(1)).unwrap().token > header.lease_token);
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn an_empty_store_and_those_of_every_earlier_version_move_too() {
    const STEPS: [&str; 7] = [
        include_str!("../migrations/0001_baselines.sql"),
        include_str!("../migrations/0002_plans.sql"),
        include_str!("../migrations/0003_rollouts.sql"),
        include_str!("../migrations/0004_rollouts_by_time.sql"),
        include_str!("../migrations/0005_deeds_by_action.sql"),
        include_str!("../migrations/0006_history.sql"),
        include_str!("../migrations/0007_notes.sql"),
    ];
    let folder = tempdir().unwrap();
    for version in 0..=STEPS.len() {
        let old = sqlite(folder.path(), &format!("{version}.db"));
        fs::write(folder.path().join(format!("{version}.db")), "").unwrap();
        if version > 0 {
            tamper(&old, "CREATE TABLE optimizer_migrations (version BIGINT)");
            for (number, sql) in (1_i64..).zip(&STEPS[..version]) {
                install_default_drivers();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut connection = AnyConnection::connect(&old).await.unwrap();
                    sqlx::raw_sql(*sql).execute(&mut connection).await.unwrap();
                    let done = sqlx::query("INSERT INTO optimizer_migrations VALUES ($1)").bind(number);
                    done.execute(&mut connection).await.unwrap();
                });
            }
            tamper(&old, "INSERT INTO optimizer_baselines VALUES ('march', 'golden', '2026-03-01T00:00:00Z', '{}')");
        }
        if version >= 3 {
            tamper(&old, "INSERT INTO optimizer_services VALUES ('a', 'a', 'known', 9, '2026', '{}')");
            tamper(&old, "UPDATE optimizer_lease SET token = 5");
        }
        // The old store is read as it is, and stays as it is.
        let file = exported(&old);
        assert!(lines(&file)[0].contains(&format!("\"tables_version\":{version},")), "{}", lines(&file)[0]);
        let new = sqlite(folder.path(), &format!("{version}-new.db"));
        open(&new).import(file.as_slice()).unwrap();
        let mut store = open(&new);
        assert_eq!(store.baselines().unwrap().len(), usize::from(version > 0));
        let services = store.document(Table::Services, "a").unwrap().map(|row| row.generation);
        assert_eq!(services, (version >= 3).then_some(9));
        let lease = store.acquire("next", Duration::from_mins(1)).unwrap();
        assert_eq!(lease.token, if version >= 3 { 6 } else { 1 });
        assert_eq!(exported(&old), file);
    }
}

#[test]
fn what_is_not_as_it_was_written_is_refused_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let server = Server::shared();
    server.database("moves_refused");
    let from = sqlite(folder.path(), "from.db");
    fill(&mut open(&from), &["a\n".to_owned(), "{}".to_owned(), String::new()]);
    let file = exported(&from);
    let all = lines(&file);
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = all.clone();
        change(&mut lines);
        packed(&lines)
    };
    let place = |beginning: &str| all.iter().position(|line| line.starts_with(beginning)).unwrap();
    let audit = all.iter().position(|line| line.contains("\"table\":\"audit\"")).expect("a deed");
    let mut flipped = file.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let mut unhashed = GzEncoder::new(Vec::new(), Compression::fast());
    let other = [&all[..1], &[all[1].replace("a\\n", "b\\n")], &all[2..]].concat();
    assert_ne!(other, all);
    unhashed.write_all((other.join("\n") + "\n").as_bytes()).unwrap();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (Vec::new(), "it is no export"),
        (b"SQLite format 3".to_vec(), "it is no export"),
        (packed(&["{}".to_owned()]), "does not begin as an export does"),
        (file[..file.len() / 2].to_vec(), "cut short"),
        (file[..file.len() - 1].to_vec(), "damaged at its end"),
        (packed(&all[..all.len() - 1]), "cut short"),
        (flipped, ""),
        (unhashed.finish().unwrap(), "the hash at its end is another"),
        ([file.clone(), b"more".to_vec()].concat(), ""),
        (with(&|lines| lines.push("{}".to_owned())), ""),
        (with(&|lines| lines[0] = lines[0].replace("state/v1", "state/v2")), "its form is `state/v2`"),
        (
            with(&|lines| lines[0] = lines[0].replace("\"tables_version\":", "\"tables_version\":9")),
            "a later version wrote it",
        ),
        (with(&|lines| drop(lines.remove(place("{\"table\":\"plans\"")))), "the tables refuse some of its rows"),
        (with(&|lines| drop(lines.remove(place("{\"table\":\"ticks\"")))), "promises 3 rows of `ticks`, and holds 2"),
        (with(&|lines| lines.insert(2, lines[1].clone())), "the tables refuse some of its rows"),
        (with(&|lines| lines[1] = lines[1].replace("\"kind\":\"", "\"name\":\"")), "the tables refuse"),
        (with(&|lines| drop(lines.remove(audit))), "deed 1 is missing, the next one is 2"),
        (with(&|lines| lines[audit] = lines[audit].replace("\"actor\":\"", "\"actor\":\"x")), "deed 1 was changed"),
        (with(&|lines| lines[1] = lines[1].replace("\"row\"", "\"raw\"")), "line 2: it is no row"),
        (with(&|lines| lines[1] = lines[1].replace("\"kind\":", "\"kind) VALUES (1); --\":")), "has no column"),
        (with(&|lines| lines[1] = lines[1].replace("\"baselines\"", "\"users\"")), "there is no table `users`"),
        (with(&|lines| lines[1] = lines[1].replace("\"kind\":\"", "\"kind\":7,\"name\":\"")), ""),
        (with(&|lines| lines[1] = "{}".to_owned()), "neither a row nor the end"),
    ];
    for to in [sqlite(folder.path(), "to.db"), server.url("moves_refused")] {
        let empty = lines(&{
            drop(open(&to));
            exported(&to)
        });
        for (number, (file, says)) in cases.iter().enumerate() {
            let error = open(&to).import(file.as_slice()).unwrap_err();
            assert!(matches!(error, StateError::BadExport { .. }), "{number} {error:?}");
            assert!(error.to_string().contains(says), "{number} {error}");
            assert_eq!(lines(&exported(&to))[1..empty.len() - 1], empty[1..empty.len() - 1], "{number}");
            assert!(open(&to).holder().unwrap().is_none());
        }
        // The same file, whole, still fits.
        open(&to).import(file.as_slice()).unwrap();
        let error = open(&to).import(file.as_slice()).unwrap_err();
        assert!(matches!(error, StateError::NotEmpty { .. }), "{error:?}");
        assert!(error.to_string().contains("baselines: 3"), "{error}");
        // Nor does it go into a store that somebody acts on.
        let mut held = open(&to);
        let lease = held.acquire("one", Duration::from_mins(1)).unwrap();
        assert!(matches!(open(&to).import(file.as_slice()), Err(StateError::Held { .. })));
        held.release(lease).unwrap();
    }
}

/// Each of these commits adds a run and a deed, so an export with more of one than of the other saw half of something.
#[test]
fn an_export_sees_one_moment_while_others_write() {
    let folder = tempdir().unwrap();
    let server = Server::shared();
    server.database("moves_moment");
    for address in [sqlite(folder.path(), "s.db"), server.url("moves_moment")] {
        drop(open(&address));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut store = open(&address);
                for number in 0..150 {
                    let row = Document {
                        id: format!("{number}"),
                        service: String::new(),
                        state: "ended".into(),
                        generation: 0,
                        changed_at: String::new(),
                        body: "{}".into(),
                    };
                    let [at, actor, action, service, body] = ["", "ada", "x", "", "{}"].map(str::to_owned);
                    let deeds = vec![Deed { at, actor, action, service, body }];
                    store
                        .commit(None, &Commit { documents: vec![(Table::Ticks, row)], deeds, ..Commit::default() })
                        .unwrap();
                }
            });
            let mut seen = Vec::new();
            while !writer.is_finished() || seen.is_empty() {
                let mut store = open(&address);
                let header = store.export(std::io::sink(), NOW, &|_| {}).unwrap();
                assert_eq!((header.rows["audit"], header.rows["ticks"]), (header.audit_seq, header.audit_seq));
                seen.push(header.audit_seq);
            }
            writer.join().unwrap();
            assert!(seen.is_sorted());
        });
    }
}

#[test]
fn an_import_that_is_killed_leaves_a_store_that_holds_nothing() {
    let folder = tempdir().unwrap();
    let from = sqlite(folder.path(), "from.db");
    let deeds = (0..20_000).map(|number| Deed {
        at: String::new(),
        actor: format!("{number}"),
        action: "x".into(),
        service: String::new(),
        body: "{}".into(),
    });
    open(&from).commit(None, &Commit { deeds: deeds.collect(), ..Commit::default() }).unwrap();
    fs::write(folder.path().join("b.gz"), exported(&from)).unwrap();
    let mut killed = 0;
    for (number, millis) in [40, 120, 250, 400, 600].into_iter().enumerate() {
        let to = sqlite(folder.path(), &format!("{number}.db"));
        let mut import = optimizer(folder.path());
        let mut import = import
            .args(["state", "import", "b.gz", "--state", &to])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        let _ = import.kill();
        if import.wait().unwrap().success() {
            continue;
        }
        killed += 1;
        assert_eq!(open(&to).deeds(None, None, 1).unwrap(), []);
        let run: Run =
            optimizer(folder.path()).args(["state", "import", "b.gz", "--state", &to]).output().unwrap().into();
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert_eq!(open(&to).verify().unwrap(), Ok(20_000));
    }
    assert!(killed > 0, "a faster machine needs a longer log");
}

fn state(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = optimizer(folder);
    command.env("OPTIMIZER_STATE", "sqlite:s.db").env("OPTIMIZER_NOW", "2026-03-01T00:00:00Z");
    command.arg("state").args(arguments).output().expect("the binary starts").into()
}

#[test]
fn a_backup_is_private_whole_and_never_in_the_place_of_another_unasked() {
    let folder = tempdir().unwrap();
    let (path, there) = (folder.path(), |name: &str| folder.path().join(name).exists());
    expect(&state(path, &["export", "b.gz"]), 4, &["there is no state store"]);
    assert!(!there("s.db") && !there("b.gz"));
    fill(&mut open(&sqlite(path, "s.db")), &["x".to_owned()]);
    let run = state(path, &["export", "b.gz"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(run.stdout, "Exported 15 rows of 14 tables to `b.gz`.\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(path.join("b.gz")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let backup = fs::read(path.join("b.gz")).unwrap();
    expect(&state(path, &["export", "b.gz"]), 2, &["`b.gz` exists already", "--replace"]);
    assert_eq!(state(path, &["export", "b.gz", "--replace"]).code, Some(0));
    assert!(fs::read(path.join("b.gz")).unwrap() == backup, "the same store at the same time is the same file");
    expect(&state(path, &["export", "no/b.gz"]), 2, &["cannot be written"]);

    let mut piped = optimizer(path);
    let piped =
        piped.args(["state", "export", "-", "--state", "sqlite:s.db"]).env("OPTIMIZER_NOW", "2026-03-01T00:00:00Z");
    assert!(piped.output().unwrap().stdout == backup);
    expect(&state(path, &["import", "b.gz"]), 2, &["is not empty (baselines: 1, plans: 1,", "a store that is new"]);
    expect(&state(path, &["import", "no.gz", "--state", "sqlite:t.db"]), 2, &["cannot read `no.gz`"]);
    let run = state(path, &["import", "b.gz", "--state", "sqlite:t.db"]);
    assert!(run.stdout.starts_with("Imported 15 rows of 14 tables, exported at 2026-03-01T00:00:00Z."), "{run:?}");
    assert_eq!(state(path, &["export", "c.gz", "--state", "sqlite:t.db"]).code, Some(0));
    assert!(fs::read(path.join("c.gz")).unwrap() == backup);
    fs::write(path.join("half.gz"), &backup[..backup.len() / 2]).unwrap();
    expect(&state(path, &["import", "half.gz", "--state", "sqlite:u.db"]), 4, &["cut short", "nothing was imported"]);
    assert_eq!(open(&sqlite(path, "u.db")).documents(Table::Rollouts, Wanted::default()).unwrap(), []);
    let left: Vec<_> = fs::read_dir(path)
        .unwrap()
        .flatten()
        .filter(|file| file.file_name().to_string_lossy().ends_with("part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A disk that is full after so many bytes.
#[cfg(unix)]
#[test]
fn a_backup_that_does_not_fit_leaves_the_last_one() {
    let folder = tempdir().unwrap();
    let each = |number: u32| format!("{:x}", number.wrapping_mul(2_654_435_761));
    let noise = (0..40_000).map(each).collect::<Vec<_>>().concat();
    fill(&mut open(&sqlite(folder.path(), "s.db")), &[noise]);
    fs::write(folder.path().join("b.gz"), "the last one").unwrap();
    let mut command = std::process::Command::new("sh");
    command.current_dir(folder.path()).arg("-c");
    command.arg("trap '' XFSZ; ulimit -f 8; exec \"$0\" state export --replace b.gz --state sqlite:s.db");
    let run: Run = command.arg(env!("CARGO_BIN_EXE_optimizer")).output().unwrap().into();
    expect(&run, 2, &["the export cannot be written", "File too large"]);
    assert_eq!(fs::read(folder.path().join("b.gz")).unwrap(), b"the last one");
    assert_eq!(fs::read_dir(folder.path()).unwrap().flatten().count(), 3, "the store, its lock, and the last backup");
}
