//! How plans are written: schema, widths, colour, closed pipes, and that a dry run writes nothing.

mod support;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    process::Stdio,
    time::SystemTime,
};

use support::{optimizer, plan_json, root, run};

#[test]
fn json_matches_its_published_schema() {
    let schema: serde_json::Value = serde_json::from_str(&run(&root(), &["plan", "--schema"]).stdout).unwrap();
    let published = std::fs::read_to_string(root().join("docs/schema/plan.v1.json")).unwrap();
    let published: serde_json::Value = serde_json::from_str(&published).unwrap();
    assert!(published == schema, "regenerate it: optimizer plan --schema > docs/schema/plan.v1.json");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let plan = plan_json(&root(), &[]);
    let problems: Vec<String> =
        validator.iter_errors(&plan).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(plan["schema_version"], "plan/v1");
    let mut broken = plan;
    broken["decisions"][0]["action"] = "explode".into();
    assert!(!validator.is_valid(&broken), "the schema refuses what is not a plan");
}

#[test]
fn tables_fit_a_hundred_columns_and_carry_no_colour_without_a_terminal() {
    for format in ["auto", "table"] {
        let run = run(&root(), &["plan", "--dry-run", "--format", format]);
        for line in run.stdout.lines() {
            assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
            assert!(!line.contains('\u{1b}'), "{line}");
        }
        assert_eq!(run.stderr, "", "nothing but data where nobody watches");
    }
}

#[test]
fn markdown_tables_have_the_same_number_of_cells_in_every_row() {
    let run = run(&root(), &["plan", "--dry-run", "--format", "markdown"]);
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let rows: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 10);
    for row in rows {
        assert!(matches!(cells(row), 4 | 9), "{row}");
    }
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = optimizer(&root())
        .args(["plan", "--dry-run", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((status.code(), stderr.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = optimizer(&root()).args(["plan", "--dry-run"]).stdout(full).output().unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
}

/// Every file below a folder with its size and time of change.
fn snapshot(folder: &Path, into: &mut BTreeMap<PathBuf, (u64, SystemTime)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            into.insert(path.clone(), (0, metadata.modified().unwrap()));
            snapshot(&path, into);
        } else {
            into.insert(path, (metadata.len(), metadata.modified().unwrap()));
        }
    }
}

#[test]
fn a_dry_run_writes_nothing_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["testdata", "policies"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        for entry in std::fs::read_dir(root().join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, folder.path().join(name).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let (home, temporary) = (folder.path().join("home"), folder.path().join("tmp"));
    std::fs::create_dir(&home).unwrap();
    std::fs::create_dir(&temporary).unwrap();
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    snapshot(folder.path(), &mut before);
    let output = optimizer(folder.path())
        .env("HOME", &home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("TMPDIR", &temporary)
        .args(["plan", "--dry-run"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    snapshot(folder.path(), &mut after);
    assert_eq!(before, after);
}

#[test]
fn a_thousand_services_are_still_readable() {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> = support::good_rows(1000)
        .iter()
        .enumerate()
        .map(|(index, row)| row.replace(",chat,", &format!(",service-{index},")))
        .collect();
    let file = support::write_csv(folder.path(), "a.csv", &rows);
    let table = run(folder.path(), &["plan", "--dry-run", "--from", &file]).stdout;
    assert!(table.contains("1,000 more segments stay as they are"), "{table}");
    assert!(table.lines().count() < 200);
    assert_eq!(plan_json(folder.path(), &["--from", &file])["decisions"].as_array().unwrap().len(), 1000);
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let shown = readme.split("```text\n").find(|block| block.starts_with("Plan ")).expect("a plan in the README");
    let shown = shown.split("```").next().unwrap();
    let printed = run(&root(), &["plan", "--dry-run"]).stdout;
    // The id hashes every digit, and the last ones may differ between mathematics libraries.
    let page = |text: &str| text.lines().skip(1).map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(page(shown), page(&printed), "paste the new output into README.md");
}

#[test]
fn shells_take_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&root(), &["completions", shell]);
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(script.stdout.contains("doctor") && script.stdout.contains("lookback"), "{shell}");
    }
    let script = run(&root(), &["completions", "bash"]).stdout;
    let words = format!(
        "{script}\nCOMP_WORDS=(optimizer do); COMP_CWORD=1; _optimizer optimizer do optimizer; echo \"${{COMPREPLY[@]}}\""
    );
    let done = std::process::Command::new("bash").args(["-c", &words]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "doctor", "{}", String::from_utf8_lossy(&done.stderr));
}
