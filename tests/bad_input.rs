//! Everything that can be wrong with a path, a file or a command line: what is said, where, and how the process ends.

mod support;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use support::{Run, expect, good_rows, optimizer, plan_json, refused, rejected, run, write_csv, write_lines};
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
    assert_eq!(stored.code, Some(0), "{}", stored.stderr);
    assert!(stored.stdout.ends_with("Stored in sqlite:optimizer.db; nothing was changed.\n"), "{}", stored.stdout);
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

#[test]
fn frames_of_the_collector_and_documents_of_many_lines() {
    let folder = tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let zstd = [&[0x00, 0x00, 0x01, 0x20, 0x28, 0xb5, 0x2f, 0xfd][..], &[7; 288]].concat();
    let proto = [&[0x00, 0x00, 0x00, 0x40, 0x0a, 0x3e][..], &[9; 62]].concat();
    for name in ["a.json", "a.jsonl", "a.ndjson", "a.json.zst"] {
        for frames in [&zstd, &proto] {
            write(name, frames);
            let words =
                [&*format!("`{name}` holds length-prefixed frames"), "Collector", "`format: json`", "`compression`"];
            refused(folder.path(), &["--from", name], 3, &words);
        }
    }
    let pretty = b"{\n  \"resourceSpans\": [\n    {}\n  ]\n}\n";
    let compact = b"{\"name\": \"x\",\n \"series\": [1,\n 2]}";
    for (name, text) in
        [("pretty.json", &pretty[..]), ("compact.json", compact), ("bom.json", b"\xef\xbb\xbf{\n\"a\":\n1}")]
    {
        write(name, text);
        refused(folder.path(), &["--from", name], 3, &["JSON that runs over several lines", "jq -c ."]);
    }
    let packed = folder.path().join("pretty.json.gz");
    let mut gzip = flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    gzip.write_all(pretty).unwrap();
    gzip.finish().unwrap();
    refused(folder.path(), &["--from", "pretty.json.gz"], 3, &["JSON that runs over several lines"]);
    // A document longer than what is looked at, and a log whose first line is cut off, which is one reject.
    let long: Vec<String> = (0..20_000).map(|index| format!("  \"key{index}\": {index},")).collect();
    write("long.json", format!("{{\n{}\n  \"last\": 0\n}}\n", long.join("\n")).as_bytes());
    refused(folder.path(), &["--from", "long.json"], 3, &["JSON that runs over several lines"]);
    let mut lines = objects(&good_rows(100));
    lines[0].truncate(40);
    let file = write_lines(folder.path(), "cut.ndjson", &lines);
    assert_eq!(rejected(&plan_json(folder.path(), &["--from", &file])), [("line: not a JSON object".to_owned(), 1)]);
}

/// Canonical rows as JSON objects.
fn objects(rows: &[String]) -> Vec<String> {
    let object = |row: &String| {
        let fields = support::HEADER.split(',').zip(row.split(','));
        Value::Object(fields.map(|(name, value)| (name.to_owned(), value.into())).collect()).to_string()
    };
    rows.iter().map(object).collect()
}

#[test]
fn lines_that_do_not_end_alike() {
    let folder = tempdir().unwrap();
    // A header from one system, rows from another: the engine cannot read it, and says why in words that help.
    let mixed = format!("{}\r\n{}\n", support::HEADER, good_rows(100).join("\n"));
    std::fs::write(folder.path().join("mixed.csv"), mixed).unwrap();
    refused(folder.path(), &["--from", "mixed.csv"], 3, &["lines of `mixed.csv` do not all end alike", "LF"]);
    // Lines of JSON are told apart whatever ends them; a return in the middle of one breaks that one.
    let mut lines = objects(&good_rows(100));
    for line in lines.iter_mut().step_by(3) {
        line.push('\r');
    }
    lines[50] = lines[50].replace("\"service\"", "\r\"service\"");
    lines[61] += "\u{1f}";
    lines[70] = "\u{1f}".to_owned() + &lines[70];
    lines[80] = "\u{1f}".to_owned();
    std::fs::write(folder.path().join("mixed.ndjson"), lines.join("\n")).unwrap();
    let plan = plan_json(folder.path(), &["--from", "mixed.ndjson"]);
    assert_eq!(rejected(&plan), [("line: not a JSON object".to_owned(), 2 + 3)]);
    assert_eq!(plan["source"]["rows_used"], 96);
}

#[test]
fn ten_thousand_services_and_what_is_shown_of_them() {
    let folder = tempdir().unwrap();
    let rows: Vec<String> = good_rows(3_000)
        .iter()
        .flat_map(|row| (0..4).map(move |copy| (row, copy)))
        .enumerate()
        .map(|(index, (row, copy))| {
            let row = row.replacen(",chat,", &format!(",service-{:05},", index % 10_000), 1);
            // The last of them are slow, so that there are findings about many.
            let row = if index % 10_000 < 500 { row.replacen(",openai,", ",openai,9", 1) } else { row };
            row.replacen(",r", &format!(",r{copy}-"), 1)
        })
        .collect();
    let file = write_csv(folder.path(), "many.csv", &rows);
    let table = run(folder.path(), &["plan", "--dry-run", "--from", &file]).stdout;
    let lines = table.lines().count();
    assert!(lines < 200, "{lines} lines for a person to read");
    assert!(table.contains("10,000 more segments stay as they are; --format json lists them all"), "{table}");
    assert!(table.contains("read      12,000 rows"), "{table}");
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(plan["services"].as_array().unwrap().len(), 10_000);
    assert_eq!(plan["source"]["rows_used"], 12_000);
    let inspection = run(folder.path(), &["inspect", "--from", &file]).stdout;
    assert!(inspection.contains("10,000") && inspection.lines().count() < 100, "{inspection}");
}

#[test]
fn text_that_is_not_utf8_in_every_format() {
    let folder = tempdir().unwrap();
    let spoil = |text: String| {
        let text = text.into_bytes();
        let at = text.windows(6).position(|bytes| bytes == b"spoilt").unwrap();
        [&text[..at], b"sp\xff\xfelt", &text[at + 6..]].concat()
    };
    let mut rows = good_rows(100);
    rows[50] = rows[50].replace(",chat,", ",spoilt,");
    let csv = format!("{}\n{}\n", support::HEADER, rows.join("\n"));
    std::fs::write(folder.path().join("a.csv"), spoil(csv)).unwrap();
    std::fs::write(folder.path().join("a.ndjson"), spoil(objects(&rows).join("\n"))).unwrap();
    for name in ["a.csv", "a.ndjson"] {
        let plan = plan_json(folder.path(), &["--from", name]);
        assert_eq!(rejected(&plan), [("line: invalid encoding".to_owned(), 1)], "{name}");
        assert_eq!(plan["source"]["rows_used"], 99, "{name}");
    }
    // Texts in Parquet are promised to be UTF-8: a file that breaks it was written by something broken.
    let path = folder.path().join("a.parquet");
    let csv = write_csv(folder.path(), "good.csv", &good_rows(100));
    let sql = format!(
        "COPY (SELECT * REPLACE ('spoilt' AS service) FROM read_csv('{csv}', all_varchar = true)) TO '{}' (FORMAT parquet, COMPRESSION uncompressed)",
        path.display()
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    while let Some(at) = bytes.windows(6).position(|bytes| bytes == b"spoilt") {
        bytes[at + 2] = 0xff;
    }
    std::fs::write(&path, bytes).unwrap();
    refused(folder.path(), &["--from", "a.parquet"], 3, &["`a.parquet` cannot be read as Parquet", "because:", "UTF"]);
}

#[test]
fn values_of_ten_megabytes() {
    let folder = tempdir().unwrap();
    let megabytes = |count: usize| "x".repeat(count * 1_000_000);
    // In a column that nothing reads it is nobody's business; beyond the longest line it is a reject; as a name it is none.
    let mut rows: Vec<String> = good_rows(100).iter().map(|row| row.clone() + ",").collect();
    rows[50] += &megabytes(10);
    rows[60] += &megabytes(20);
    rows[70] = rows[70].replace(",gpt-4o,", &format!(",{},", megabytes(10)));
    rows[71] = rows[71].replace(",openai,", &format!(",{},", megabytes(1)));
    rows.insert(0, support::HEADER.to_owned() + ",note");
    let file = write_lines(folder.path(), "a.csv", &rows);
    let plan = plan_json(folder.path(), &["--from", &file, "--memory-limit", "400MB"]);
    let expected = ["line: line size over maximum", "model: over 256 characters", "provider: over 256 characters"];
    assert_eq!(rejected(&plan), expected.map(|reason| (reason.to_owned(), 1)));
    assert_eq!(plan["source"]["rows_used"], 97);
}

#[test]
fn too_little_memory_says_what_to_do() {
    let folder = tempdir().unwrap();
    let file = write_csv(folder.path(), "a.csv", &good_rows(20_000));
    refused(
        folder.path(),
        &["--from", &file, "--memory-limit", "20MB"],
        3,
        &["not enough memory", "because:", "shorten `--lookback`", "Parquet", "`--memory-limit`"],
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is spilled to disk");
}

#[cfg(unix)]
#[test]
fn no_room_for_the_rejects() {
    let folder = tempdir().unwrap();
    let rows: Vec<String> = good_rows(20_000)
        .iter()
        .enumerate()
        .map(|(index, row)| if index % 20 == 0 { row.replace(",success,", ",exploded,") } else { row.clone() })
        .collect();
    write_csv(folder.path(), "a.csv", &rows);
    let limited = |blocks: u32| {
        // A limit on the size of files is a disk without room that needs no disk.
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" plan --dry-run --from a.csv --rejects r.csv");
        let mut shell = Command::new("sh");
        shell.current_dir(folder.path()).env_clear().args(["-c", &script, env!("CARGO_BIN_EXE_optimizer")]);
        if let Some(path) = std::env::var_os("LD_LIBRARY_PATH") {
            shell.env("LD_LIBRARY_PATH", path);
        }
        Run::from(shell.output().unwrap())
    };
    expect(&limited(8), 2, &["cannot write rejected rows to `r.csv`", "because:", "has room"]);
    assert!(!folder.path().join("r.csv").exists(), "half a list looks like a whole one");
    let whole = limited(100_000);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    assert_eq!(std::fs::read_to_string(folder.path().join("r.csv")).unwrap().lines().count(), 1_001);
}
