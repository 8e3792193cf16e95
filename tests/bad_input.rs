//! Everything that can be wrong with a path, a file or a command line: what is said, where, and how the process ends.

mod support;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{Run, expect, good_rows, optimizer, plan_json, refused, run, write_csv, write_lines};
use tempfile::tempdir;

#[test]
fn paths_that_lead_nowhere() {
    let folder = tempdir().unwrap();
    refused(folder.path(), &["--from", "none.csv"], 3, &["no such file or directory: `none.csv`"]);
    refused(folder.path(), &["--from", "none-*.csv"], 3, &["nothing matches `none-*.csv`"]);
    refused(folder.path(), &["--from", "[.csv"], 2, &["not a valid pattern"]);
    refused(folder.path(), &[], 2, &["no source given", "--from"]);
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    refused(folder.path(), &["--from", "logs"], 3, &["no data file in directory `logs`", ".parquet, .csv, .ndjson"]);
    std::fs::write(folder.path().join("notes.txt"), "x").unwrap();
    refused(folder.path(), &["--from", "notes.txt"], 3, &["cannot tell the format of `notes.txt`"]);
}

#[test]
fn empty_files() {
    let folder = tempdir().unwrap();
    for name in ["a.csv", "a.ndjson", "a.parquet", "a.csv.gz"] {
        std::fs::write(folder.path().join(name), "").unwrap();
        refused(folder.path(), &["--from", name], 3, &[&format!("`{name}` is empty"), "not an hour without traffic"]);
    }
    write_csv(folder.path(), "header.csv", &[]);
    refused(folder.path(), &["--from", "header.csv"], 3, &["`header.csv` holds no rows"]);
}

#[test]
fn files_that_are_not_what_their_name_says() {
    let folder = tempdir().unwrap();
    let csv = write_csv(folder.path(), "good.csv", &good_rows(10));
    for (name, word) in [
        ("a.parquet", "is not Parquet"),
        ("a.ndjson", "is not NDJSON"),
        ("a.csv.gz", "is not gzip"),
        ("a.csv.zst", "is not zstd"),
    ] {
        std::fs::copy(&csv, folder.path().join(name)).unwrap();
        refused(folder.path(), &["--from", name], 3, &[word, "rename the file"]);
    }
    write_lines(folder.path(), "b.csv", &["{\"ts\": 1}".to_owned()]);
    refused(folder.path(), &["--from", "b.csv"], 3, &["is not CSV", "begins like JSON"]);
    std::fs::write(folder.path().join("c.csv"), b"PAR1\0\0").unwrap();
    refused(folder.path(), &["--from", "c.csv"], 3, &["begins like Parquet"]);
}

#[test]
fn a_truncated_parquet_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("whole.parquet");
    let sql = format!("COPY (SELECT range AS x FROM range(100000)) TO '{}' (FORMAT parquet)", path.display());
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(folder.path().join("cut.parquet"), &bytes[..bytes.len() / 2]).unwrap();
    refused(
        folder.path(),
        &["--from", "cut.parquet"],
        3,
        &["`cut.parquet` cannot be read as Parquet", "because:", "cut short"],
    );
    // The other columns of a whole one are missing, which is another mistake with another message.
    refused(folder.path(), &["--from", "whole.parquet"], 3, &["lacks the required columns `ts`", "found x"]);
}

#[test]
fn truncated_compressed_files() {
    // A reader that takes what is there for all there is would plan on half a log.
    let folder = tempdir().unwrap();
    let whole = std::fs::read(support::root().join("testdata/translator.csv.gz")).unwrap();
    std::fs::write(folder.path().join("cut.csv.gz"), &whole[..whole.len() / 2]).unwrap();
    refused(folder.path(), &["--from", "cut.csv.gz"], 3, &["`cut.csv.gz` is cut short or damaged", "because:"]);
    let mut damaged = whole;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    std::fs::write(folder.path().join("damaged.csv.gz"), damaged).unwrap();
    refused(folder.path(), &["--from", "damaged.csv.gz"], 3, &["`damaged.csv.gz` is cut short or damaged"]);

    let csv = write_csv(folder.path(), "a.csv", &good_rows(3000));
    let packed = folder.path().join("whole.csv.zst");
    let sql = format!(
        "COPY (FROM read_csv('{csv}', all_varchar = true)) TO '{}' (FORMAT csv, HEADER, COMPRESSION zstd)",
        packed.display()
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    let whole = std::fs::read(&packed).unwrap();
    for part in [10, 50, 90, 99] {
        std::fs::write(folder.path().join("cut.csv.zst"), &whole[..whole.len() * part / 100]).unwrap();
        refused(folder.path(), &["--from", "cut.csv.zst"], 3, &["`cut.csv.zst` is cut short or damaged"]);
    }
}

#[test]
fn missing_columns_are_named_with_what_may_be_them() {
    let folder = tempdir().unwrap();
    write_lines(folder.path(), "half.csv", &["ts,model,latency_ms".into(), "2026-01-01T00:00:00Z,m,1".into()]);
    refused(
        folder.path(),
        &["--from", "half.csv"],
        3,
        &[
            "`half.csv` lacks the required columns `request_id`, `service`, `outcome`",
            "found ts, model, latency_ms",
            "status_code or error_type will do",
        ],
    );
    write_lines(
        folder.path(),
        "azure.csv",
        &["TIMESTAMP,ContextTokens,GeneratedTokens".into(), "2023-11-16 18:17:03.9799600,4808,10".into()],
    );
    refused(folder.path(), &["--from", "azure.csv"], 3, &["perhaps `TIMESTAMP`?", "`--layout`", "`--mapping`"]);
    write_lines(
        folder.path(),
        "near.csv",
        &["timestamp,request_id,service,model,Latency,status".into(), "2026-01-01T00:00:00Z,a,s,m,1,ok".into()],
    );
    refused(
        folder.path(),
        &["--from", "near.csv"],
        3,
        &["perhaps `timestamp`?", "perhaps `Latency`?", "perhaps `status`?"],
    );
    // Only the service is missing: a flag can name it.
    write_lines(
        folder.path(),
        "one.csv",
        &["ts,request_id,model,latency_ms,outcome".into(), "2026-01-01T00:00:00Z,a,m,1,success".into()],
    );
    refused(folder.path(), &["--from", "one.csv"], 3, &["the required column `service`", "--default-service"]);
    let plan = plan_json(folder.path(), &["--from", "one.csv", "--default-service", "chat"]);
    assert_eq!(plan["services"][0]["service"], "chat");
}

#[test]
fn no_event_in_the_window() {
    let folder = tempdir().unwrap();
    let file = write_csv(folder.path(), "a.csv", &good_rows(10));
    refused(
        folder.path(),
        &["--from", &file, "--until", "2025-06-01T00:00:00Z"],
        3,
        &["no event between", "2026-01-01T12:00:00Z", "leave out `--until`"],
    );
    // Evidence but no request in the window is not all clear.
    let plan = plan_json(folder.path(), &["--from", &file, "--until", "2026-01-01T16:00:00Z"]);
    assert_eq!(plan["findings"][0]["kind"], "no_traffic");
    let table = run(folder.path(), &["plan", "--dry-run", "--from", &file, "--until", "2026-01-01T16:00:00Z"]).stdout;
    let words: Vec<&str> = table.split_whitespace().collect();
    let words = words.join(" ");
    assert!(words.contains("the newest event is 4 h older") && words.contains("10 before it"), "{table}");
}

#[test]
fn file_names_are_names_and_not_patterns() {
    let folder = tempdir().unwrap();
    let rows = good_rows(30);
    for (name, count) in [("day*.csv", 10), ("day1.csv", 20), ("[a].csv", 5), ("a.csv", 30), ("it's ?.csv", 7)] {
        write_csv(folder.path(), name, &rows[..count]);
        let plan = plan_json(folder.path(), &["--from", name]);
        assert_eq!((&plan["source"]["rows_read"], &plan["source"]["files"]), (&count.into(), &1.into()), "{name}");
    }
    refused(folder.path(), &["--from", "a.csv", "--from", "./a.csv"], 2, &["is named twice"]);
    refused(folder.path(), &["--from", "-", "--from", "-"], 2, &["`-` is named twice"]);
}

#[test]
fn empty_standard_input() {
    let folder = tempdir().unwrap();
    let output =
        optimizer(folder.path()).args(["plan", "--dry-run", "--from", "-"]).stdin(Stdio::null()).output().unwrap();
    expect(&output.into(), 3, &["`standard input` is empty"]);
}

#[test]
fn usage_and_policy_mistakes() {
    let folder = tempdir().unwrap();
    let file = write_csv(folder.path(), "a.csv", &good_rows(10));
    refused(folder.path(), &["--from", &file, "--window", "2h", "--lookback", "1h"], 2, &["shorter than two windows"]);
    refused(
        folder.path(),
        &["--from", &file, "--policy", "none.yaml"],
        2,
        &["cannot read policy `none.yaml`", "because:"],
    );
    write_lines(
        folder.path(),
        "p.yaml",
        &["extends: balanced".into(), "thresholds: { latency_p95_ms: 5s }".into(), "colour: red".into()],
    );
    refused(
        folder.path(),
        &["--from", &file, "--policy", "p.yaml"],
        2,
        &["2 problems", "p.yaml:2", "p.yaml:3", "latency_p95_ms", "colour"],
    );
    refused(folder.path(), &["--from", &file, "--memory-limit", "much"], 2, &["`much` is not a memory limit", "512MB"]);
    refused(folder.path(), &["--from", &file, "--explain", "nobody"], 2, &["no service `nobody`", "it has chat"]);
    let stored = run(folder.path(), &["plan", "--from", &file]);
    expect(&stored, 2, &["--dry-run"]);
    for arguments in [&["--window", "15"][..], &["--until", "noon"], &["--format", "xml"], &["--no-such-flag"]] {
        let mut all = vec!["plan", "--dry-run", "--from", &file];
        all.extend(arguments);
        let run = run(folder.path(), &all);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains(arguments[0]), "{}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn permission_denied() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let folder = tempdir().unwrap();
    let file = write_csv(folder.path(), "a.csv", &good_rows(10));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = optimizer(folder.path());
    command.args(["plan", "--dry-run", "--from", "a.csv"]);
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if root {
        // Root reads everything, so the process runs as somebody else; the binary must be within that user's reach.
        let reachable = Path::new("/tmp").join(format!("optimizer-permission-{}", std::process::id()));
        std::fs::copy(env!("CARGO_BIN_EXE_optimizer"), &reachable).unwrap();
        std::fs::set_permissions(&reachable, std::fs::Permissions::from_mode(0o755)).unwrap();
        let library = copy_library();
        let mut other = Command::new(&reachable);
        other
            .current_dir(folder.path())
            .env_clear()
            .args(["plan", "--dry-run", "--from", "a.csv"])
            .uid(65534)
            .gid(65534);
        if let Some(library) = &library {
            other.env("LD_LIBRARY_PATH", library.path());
        }
        let output = other.output();
        std::fs::remove_file(&reachable).unwrap();
        expect(&output.unwrap().into(), 3, &["cannot read `a.csv`", "ermission denied", "permissions"]);
    } else {
        expect(&command.output().unwrap().into(), 3, &["cannot read `a.csv`", "ermission denied", "permissions"]);
    }
}

/// A copy of the prebuilt DuckDB, when one is linked, that every user can read.
#[cfg(unix)]
fn copy_library() -> Option<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let source = Path::new(option_env!("DUCKDB_LIB_DIR")?);
    let folder = tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["libduckdb.so", "libduckdb.dylib"] {
        if source.join(name).exists() {
            std::fs::copy(source.join(name), folder.path().join(name)).unwrap();
        }
    }
    Some(folder)
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_and_says_so() {
    let folder = tempdir().unwrap();
    // Standard input that never ends keeps the process reading until it is stopped.
    let mut child = optimizer(folder.path())
        .args(["plan", "--dry-run", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"{\"ts\":\"2026-01-01T00:00:00Z\"}\n").unwrap();
    // The handler is in place once the first line was read; wait for that by its effect, not by the clock alone.
    let process = child.id().to_string();
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let handled = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let caught = handled
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        if caught.is_none_or(|mask| mask & 0b10 != 0) {
            break;
        }
    }
    assert!(Command::new("kill").args(["-INT", &process]).status().unwrap().success());
    let run: Run = child.wait_with_output().unwrap().into();
    drop(input);
    expect(&run, 130, &["stopped by Ctrl-C", "nothing was changed"]);
}

#[test]
fn help_version_and_policy_commands() {
    let folder = tempdir().unwrap();
    let help = run(folder.path(), &["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("Examples:") && help.stdout.contains("Exit codes:"));
    assert!(run(folder.path(), &["--version"]).stdout.starts_with("optimizer 0."));
    let none = run(folder.path(), &[]);
    assert_eq!(none.code, Some(2));
    let root = support::root();
    for profile in ["conservative", "balanced", "aggressive"] {
        let checked = run(&root, &["policy", "check", &format!("policies/{profile}.yaml")]);
        assert_eq!(checked.code, Some(0), "{}", checked.stderr);
        assert!(checked.stdout.contains("fine"));
    }
    let schema: Value = serde_json::from_str(&run(&root, &["policy", "schema"]).stdout).unwrap();
    let published = std::fs::read_to_string(root.join("docs/schema/policy.v1.json")).unwrap();
    assert_eq!(schema, serde_json::from_str::<Value>(&published).unwrap(), "regenerate docs/schema/policy.v1.json");
}
