use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use super::{super::tests::*, *};
use crate::act::sink::{Job, Scope, State, carry_out, settle};

#[expect(clippy::needless_pass_by_value, reason = "jobs are made where they are done")]
fn now(job: Job, sink: &FileSink) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(carry_out(sink, &job))
}

fn done(report: &Report) -> &Deployed {
    match &report.outcome {
        Outcome::Done { deployed, .. } => deployed,
        other => panic!("{other:?}"),
    }
}

fn folder() -> (tempfile::TempDir, FileSink) {
    let folder = tempfile::tempdir().unwrap();
    let sink = FileSink::new(folder.path()).unwrap();
    (folder, sink)
}

fn text(folder: &Path) -> String {
    fs::read_to_string(folder.join("chat.json")).unwrap()
}

#[test]
fn a_canary_and_its_way_back() {
    let (folder, sink) = folder();
    let first = done(&now(create("a"), &sink)).clone();
    assert_eq!((first.percentage, first.state), (100, State::Completed));
    let second = done(&now(canary("a", "b", 5, &first.version), &sink)).clone();
    assert_eq!((second.percentage, second.configuration.get("model")), (5, Some("b")));
    assert_eq!(second.baseline.as_ref().unwrap().get("model"), Some("a"));
    let json: serde_json::Value = serde_json::from_str(&text(folder.path())).unwrap();
    assert_eq!(json["schema"], "llm-auto-optimizer/config/v1");
    assert_eq!((json["version"].as_u64(), json["candidate_percentage"].as_u64()), (Some(2), Some(5)));
    assert_eq!(json["active"]["config_version"], "hash-a", "services label their traffic with it");
    assert_eq!(json["candidate"]["config_version"], "hash-b");
    let mode = fs::metadata(folder.path().join("chat.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);

    let back = done(&now(back("a", &second.version, Scope::Canary), &sink)).clone();
    assert_eq!((back.percentage, back.state, back.configuration.get("model")), (100, State::RolledBack, Some("a")));
    assert_eq!(back.config_version.as_deref(), Some("hash-a"));
    // Twice the same is once the same, and a step that was decided before the way back is a conflict.
    assert!(matches!(now(create("a"), &sink).outcome, Outcome::Done { unchanged: true, .. }));
    assert!(matches!(now(canary("a", "b", 25, &second.version), &sink).outcome, Outcome::Conflict { .. }));
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".chat.lock", "chat.json"]);
}

#[test]
fn a_promotion_keeps_what_was_before() {
    let (_folder, sink) = folder();
    let first = done(&now(create("a"), &sink)).clone();
    let second = done(&now(canary("a", "b", 50, &first.version), &sink)).clone();
    let third = done(&now(full("b", &second.version), &sink)).clone();
    assert_eq!((third.percentage, &third.baseline), (100, &None));
    // What the third took all the traffic from is the canary's document, with `a` for the rest.
    assert_eq!(third.previous_version.as_ref(), Some(&second.version));
    assert_eq!(done(&now(back("a", &third.version, Scope::All), &sink)).configuration.get("model"), Some("a"));
}

#[test]
fn an_edit_by_hand_is_somebody_elses_work() {
    let (folder, sink) = folder();
    let first = done(&now(create("a"), &sink)).clone();
    fs::write(folder.path().join("chat.json"), text(folder.path()).replace("\"a\"", "\"z\"")).unwrap();
    let job = canary("a", "b", 5, &first.version);
    let Outcome::Conflict { found: Some(found), .. } = now(job, &sink).outcome else { panic!() };
    assert_eq!(found.configuration.get("model"), Some("z"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let settled = runtime.block_on(settle(&sink, &canary("a", "b", 5, &found.version)));
    assert!(settled.outcome.is_done());
}

#[test]
fn nothing_but_our_own_documents() {
    for odd in ["", "{}", "null", "[1]", "\u{0}", "{\"schema\":\"llm-auto-optimizer/config/v1\"}"] {
        let (folder, sink) = folder();
        fs::write(folder.path().join("chat.json"), odd).unwrap();
        assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }), "{odd}");
        assert_eq!(text(folder.path()), odd, "what is not ours is left alone");
    }
    let (folder, sink) = folder();
    now(create("a"), &sink);
    let good = text(folder.path());
    for (from, to) in [
        ("config/v1", "config/v2"),
        ("\"chat\"", "\"chut\""),
        ("percentage\": 0", "percentage\": 7"),
        ("percentage\": 0", "percentage\": 300"),
    ] {
        fs::write(folder.path().join("chat.json"), good.replace(from, to)).unwrap();
        assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }), "{to}");
    }
    fs::write(folder.path().join("chat.json"), " ".repeat(1 << 20) + &good).unwrap();
    assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }));
}

#[test]
fn links_and_pipes_lead_nowhere() {
    for name in ["chat.json", ".chat.lock", ".chat.new"] {
        let (folder, sink) = folder();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("target");
        fs::write(&target, "precious").unwrap();
        symlink(&target, folder.path().join(name)).unwrap();
        let outcome = now(create("a"), &sink).outcome;
        assert_eq!(outcome.is_done(), name == ".chat.new", "{name}: {outcome:?}");
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious", "{name}");
    }
    let (folder, sink) = folder();
    symlink(folder.path().join("nowhere"), folder.path().join("chat.json")).unwrap();
    assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }), "a link to nothing is a link");
    let (folder, sink) = self::folder();
    fs::create_dir(folder.path().join("chat.json")).unwrap();
    assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }));
    let (folder, sink) = self::folder();
    let pipe = std::process::Command::new("mkfifo").arg(folder.path().join(".chat.lock")).status();
    if pipe.is_ok_and(|status| status.success()) {
        assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }), "and does not wait for ever");
    }
}

fn disk_full(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(&bytes[..bytes.len() / 2])?;
    Err(io::ErrorKind::StorageFull.into())
}

#[test]
fn a_full_disk_changes_nothing() {
    let (folder, sink) = folder();
    let first = done(&now(create("a"), &sink)).clone();
    let before = text(folder.path());
    let full = FileSink { folder: Arc::new(Folder::open(folder.path(), PATIENCE).unwrap().filled_by(disk_full)) };
    let report = now(canary("a", "b", 5, &first.version), &full);
    assert!(matches!(&report.outcome, Outcome::Failed { why } if why.contains("no storage space")), "{report:?}");
    assert_eq!(text(folder.path()), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no half document is left behind");
    assert!(now(canary("a", "b", 5, &first.version), &sink).outcome.is_done(), "and later it goes on");
}

#[test]
fn a_folder_that_cannot_be_used() {
    let (folder, sink) = folder();
    let missing = FileSink::new(&folder.path().join("missing")).unwrap_err();
    assert!(crate::domain::fault::Fixable::hint(&missing).is_some());
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(FileSink::new(&folder.path().join("file")).is_err());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let everything_is_allowed = File::create(folder.path().join("probe")).is_ok();
    if !everything_is_allowed {
        assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }));
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    drop(folder);
    assert!(matches!(now(create("a"), &sink).outcome, Outcome::Failed { .. }), "the folder is gone");
}

#[test]
fn one_writer_at_a_time() {
    let (folder, sink) = folder();
    let impatient = FileSink { folder: Arc::new(Folder::open(folder.path(), Duration::from_millis(30)).unwrap()) };
    let held = impatient.folder.lock(&"chat".parse().unwrap()).unwrap();
    assert!(matches!(now(create("a"), &impatient).outcome, Outcome::Failed { .. }));
    drop(held);
    // Eight want to be first; the version lets one of them.
    let first = done(&now(create("a"), &sink)).clone();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let one = |model: usize| {
            let (sink, job) = (sink.clone(), full(&format!("m{model}"), &first.version));
            scope.spawn(move || now(job, &sink).outcome)
        };
        let all: Vec<_> = (0..8).map(one).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_done()).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Conflict { .. })).count(), 7);
}

#[test]
fn a_writer_that_died_is_in_nobodys_way() {
    let (folder, sink) = folder();
    fs::write(folder.path().join(".chat.new"), "half a docu").unwrap();
    fs::write(folder.path().join(".chat.lock"), "").unwrap();
    assert!(now(create("a"), &sink).outcome.is_done());
    assert!(!folder.path().join(".chat.new").exists());
}
