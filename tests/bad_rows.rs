//! Everything that can be wrong with a row: it is counted under its reason, and loses nothing else.

mod support;

use std::{io::Write, process::Stdio};

use serde_json::Value;
use support::{good_rows, optimizer, plan_json, refused, rejected, run, write_csv, write_lines};
use tempfile::tempdir;

#[test]
fn too_many_rejects_stop_the_plan_and_few_do_not() {
    let folder = tempdir().unwrap();
    let bad = |row: &String| row.replace(",success,", ",exploded,");
    let rows = good_rows(100);
    let all: Vec<String> = rows.iter().map(bad).collect();
    let file = write_csv(folder.path(), "all.csv", &all);
    refused(
        folder.path(),
        &["--from", &file],
        3,
        &["no usable row among 100", "outcome: not success, error, timeout or cancelled", "--rejects"],
    );
    let some: Vec<String> = rows.iter().take(11).map(bad).chain(rows.iter().skip(11).cloned()).collect();
    let file = write_csv(folder.path(), "some.csv", &some);
    refused(folder.path(), &["--from", &file], 3, &["11 of 100 rows were rejected (11.0 %)", "10 %"]);
    let few: Vec<String> = rows.iter().take(10).map(bad).chain(rows.iter().skip(10).cloned()).collect();
    let file = write_csv(folder.path(), "few.csv", &few);
    assert_eq!(
        rejected(&plan_json(folder.path(), &["--from", &file])),
        [("outcome: not success, error, timeout or cancelled".to_owned(), 10)]
    );
    let table = run(folder.path(), &["plan", "--dry-run", "--from", &file]).stdout;
    assert!(table.contains("WARNING 10 (10 %)"), "more than one percent is told:\n{table}");
}

#[test]
fn every_broken_value_is_a_reject_of_its_own() {
    let folder = tempdir().unwrap();
    // One field of a good row replaced; the reason it must be counted under.
    let cases = [
        (0, "", "ts: empty"),
        (0, "2026-01-01 11:00:00", "ts: not a time with a zone (RFC 3339)"),
        (0, "yesterday", "ts: not a time with a zone (RFC 3339)"),
        (0, "2999-01-01T00:00:00Z", "ts: in the future"),
        (1, "", "request_id: empty"),
        (2, "", "service: empty"),
        (3, "", "model: empty on a success"),
        (5, "-1", "latency_ms: negative"),
        (5, "NaN", "latency_ms: not a finite number"),
        (5, "inf", "latency_ms: above seven days or infinite"),
        (5, "1e400", "latency_ms: above seven days or infinite"),
        (5, "fast", "latency_ms: not a finite number"),
        (5, "", "latency_ms: empty on a success"),
        (6, "-5", "tokens: negative"),
        (6, "1.5", "tokens: not whole"),
        (8, "-0.1", "cost_usd: negative"),
        (8, "NaN", "cost_usd: not a finite number"),
        (8, "inf", "cost_usd: above 1e6 or infinite"),
        (9, "85", "quality: outside 0 to 1"),
        (9, "-0.033", "quality: outside 0 to 1"),
        (10, "", "outcome: neither it nor status_code nor error_type is known"),
        (11, "tricky", "complexity: not simple, medium or complex"),
    ];
    let mut rows = good_rows(1000);
    for (index, (field, value, _)) in cases.iter().enumerate() {
        let mut fields: Vec<&str> = rows[index].split(',').collect();
        fields[*field] = value;
        rows[index] = fields.join(",");
    }
    let file = write_csv(folder.path(), "a.csv", &rows);
    let mut expected = std::collections::BTreeMap::new();
    for (_, _, reason) in cases {
        *expected.entry(reason.to_owned()).or_insert(0) += 1;
    }
    let plan = plan_json(folder.path(), &["--from", &file, "--rejects", "rejects.csv"]);
    assert_eq!(rejected(&plan), expected.into_iter().collect::<Vec<_>>());
    let written = std::fs::read_to_string(folder.path().join("rejects.csv")).unwrap();
    assert_eq!(written.lines().count(), 1 + cases.len(), "every reject is written out");
    assert!(written.contains("latency_ms: negative") && written.contains("a.csv"));
    assert!(written.contains("yesterday") && written.contains("fast"), "as they stood in the source:\n{written}");
    refused(folder.path(), &["--from", &file, "--rejects", "no/such/folder/r.csv"], 2, &["cannot write rejected rows"]);
    // Not even the log itself is overwritten by its rejects.
    let before = std::fs::read(&file).unwrap();
    refused(folder.path(), &["--from", &file, "--rejects", "a.csv"], 2, &["`a.csv` exists already"]);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn lines_that_cannot_be_split_are_counted() {
    let folder = tempdir().unwrap();
    let mut rows = good_rows(100);
    rows[3] = "2026-01-01T11:59:00Z,too,few".to_owned();
    rows[4] += ",one,too,many";
    let file = write_csv(folder.path(), "a.csv", &rows);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(rejected(&plan), [("line: missing columns".to_owned(), 1), ("line: too many columns".to_owned(), 1)]);
    assert_eq!(plan["source"]["rows_read"], 100);

    let object = |row: &String| {
        let names = support::HEADER.split(',');
        let fields: serde_json::Map<String, Value> =
            names.zip(row.split(',')).map(|(name, value)| (name.to_owned(), value.into())).collect();
        Value::Object(fields).to_string()
    };
    let mut lines: Vec<Vec<u8>> = good_rows(100).iter().map(|row| object(row).into_bytes()).collect();
    lines[5] = b"{\"ts\": \"2026".to_vec();
    lines[6] = b"[1, 2]".to_vec();
    lines[7] = b"\xff\xfe not text".to_vec();
    std::fs::write(folder.path().join("b.ndjson"), lines.join(&b'\n')).unwrap();
    let plan = plan_json(folder.path(), &["--from", "b.ndjson"]);
    assert_eq!(rejected(&plan), [("line: invalid encoding".to_owned(), 1), ("line: not a JSON object".to_owned(), 2)]);
    assert_eq!(plan["source"]["rows_used"], 97);
}

#[test]
fn order_and_duplicates_do_not_matter() {
    let folder = tempdir().unwrap();
    let rows = good_rows(500);
    let plain_file = write_csv(folder.path(), "plain.csv", &rows);
    // The clock goes back: same rows, last first. Some come twice, once with less in them.
    let mut shuffled: Vec<String> = rows.iter().rev().cloned().collect();
    let poorer = rows[7].replace(",0.001,", ",,");
    shuffled.push(poorer);
    shuffled.extend_from_slice(&rows[100..120]);
    let shuffled = write_csv(folder.path(), "shuffled.csv", &shuffled);
    let (plain, shuffled) =
        (plan_json(folder.path(), &["--from", &plain_file]), plan_json(folder.path(), &["--from", &shuffled]));
    assert_eq!(shuffled["source"]["rows_duplicate"], 21);
    for part in ["totals", "services", "decisions", "findings", "windows"] {
        assert_eq!(plain[part], shuffled[part], "{part}");
    }
    // The same ids from another source are other requests.
    std::fs::copy(&plain_file, folder.path().join("copy.csv")).unwrap();
    let twice = plan_json(folder.path(), &["--from", "plain.csv", "--from", "copy.csv"]);
    assert_eq!((&twice["source"]["rows_used"], &twice["source"]["rows_duplicate"]), (&1000.into(), &0.into()));
}

#[test]
fn a_quote_that_is_never_closed_loses_no_row_in_silence() {
    let folder = tempdir().unwrap();
    for (name, quotes) in [("one.csv", &[5_000][..]), ("two.csv", &[3_000, 3_500])] {
        let mut rows = good_rows(6_000);
        for quote in quotes {
            rows[*quote] = rows[*quote].replace(",gpt-4o,", ",\"gpt-4o,");
        }
        let file = write_csv(folder.path(), name, &rows);
        refused(folder.path(), &["--from", &file], 3, &["6000 lines", "a quote that is never closed"]);
    }
    // A break inside a value that the plan does not read is nobody's loss.
    let mut rows: Vec<String> = good_rows(100).iter().map(|row| row.clone() + ",fine").collect();
    rows[7] = rows[7].replace(",fine", ",\"two\nlines\"");
    rows.insert(0, support::HEADER.to_owned() + ",note");
    let file = write_lines(folder.path(), "note.csv", &rows);
    assert_eq!(plan_json(folder.path(), &["--from", &file])["source"]["rows_used"], 100);
}

#[test]
fn columns_that_first_appear_late_count_as_well() {
    let folder = tempdir().unwrap();
    let line = |index: u32, more: &str| {
        format!(
            "{{\"ts\":\"2026-01-01T11:00:00Z\",\"request_id\":\"{index}\",\"service\":\"a\",\"model\":\"m\",\"latency_ms\":1,\"outcome\":\"success\"{more}}}"
        )
    };
    let mut lines: Vec<String> = (0..25_000).map(|index| line(index, "")).collect();
    lines.push(line(25_000, ",\"weight\":100,\"quality\":1"));
    let file = write_lines(folder.path(), "late.ndjson", &lines);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(plan["totals"]["requests"], 25_100.0);
    assert_eq!(plan["totals"]["quality"], 1.0);
}

#[test]
fn one_broken_weight_is_one_reject() {
    let folder = tempdir().unwrap();
    let mut rows: Vec<String> = good_rows(200).iter().map(|row| row.clone() + ",2").collect();
    for (index, weight) in ["heavy", "NaN", "inf", "1e300", "0", "-1"].iter().enumerate() {
        rows[index] = rows[index].strip_suffix(",2").unwrap().to_owned() + "," + weight;
    }
    rows.insert(0, support::HEADER.to_owned() + ",weight");
    let file = write_lines(folder.path(), "a.csv", &rows);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(rejected(&plan), [("weight: outside 0.001 to 1e6".to_owned(), 6)]);
    assert_eq!(plan["totals"]["requests"], 388.0);
}

#[test]
fn failures_are_not_lost_to_what_is_broken_in_them() {
    let folder = tempdir().unwrap();
    let header = "ts,request_id,service,model,latency_ms,outcome,status_code,quality";
    let mut rows = vec![header.to_owned()];
    rows.extend((0..90).map(|index| format!("2026-01-01T11:00:00Z,g{index},a,m,100,success,200,1")));
    for (index, row) in
        [",m,-1,error,429,", ",m,NaN,error,-100,", ",,,error,,", ",m,0,timeout,0,0", ",m,5,cancelled,499,"]
            .iter()
            .enumerate()
    {
        rows.push(format!("2026-01-01T11:00:00Z,b{index},a{row}"));
    }
    let file = write_lines(folder.path(), "a.csv", &rows);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(rejected(&plan), []);
    let service = &plan["services"][0];
    assert!((service["error_rate"].as_f64().unwrap() - 4.0 / 95.0).abs() < 1e-12);
    assert!((service["caller_error_rate"].as_f64().unwrap() - 1.0 / 95.0).abs() < 1e-12);
    assert_eq!(service["quality"], 1.0, "a failure is counted once, as a failure");
}

#[test]
fn times_are_read_in_the_spellings_that_databases_print() {
    let folder = tempdir().unwrap();
    let row = |index: usize, ts: &str| format!("\"{ts}\",r{index},chat,gpt-4o,openai,800,1,1,0.001,1,success,simple");
    let good = [
        "2026-01-01T11:00:00Z",
        "2026-01-01t11:00:00z",
        "2026-01-01 11:00:00+00",
        "2026-01-01 11:00:00.5+00:00",
        " 2026-01-01T11:00:00Z ",
        "2026-01-01 06:00:00-05",
        "2026-01-01T16:30:00.123456789+0530",
        "2026-01-01 11:00:00 UTC",
    ];
    let rows: Vec<String> = good.iter().enumerate().map(|(index, ts)| row(index, ts)).collect();
    let file = write_csv(folder.path(), "good.csv", &rows);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!((rejected(&plan), &plan["source"]["rows_used"]), (vec![], &good.len().into()));
    assert!(plan["source"]["oldest_event"].as_str().unwrap().starts_with("2026-01-01T11:00:00"));
    let bad = [
        "2026-01-01T11:00:00",
        "2026-01-01T11:00:00+25:00",
        "2026-01-01",
        "01/02/2026 11:00:00Z",
        "2026-13-01T11:00:00Z",
    ];
    let rows: Vec<String> =
        good_rows(100).into_iter().chain(bad.iter().enumerate().map(|(index, ts)| row(index, ts))).collect();
    let file = write_csv(folder.path(), "bad.csv", &rows.iter().map(|row| row.replace(",r", ",x")).collect::<Vec<_>>());
    assert_eq!(
        rejected(&plan_json(folder.path(), &["--from", &file])),
        [("ts: not a time with a zone (RFC 3339)".to_owned(), 5)]
    );
}

#[test]
fn the_zone_of_the_machine_changes_nothing() {
    let folder = tempdir().unwrap();
    let csv = write_csv(folder.path(), "a.csv", &good_rows(400));
    let connection = duckdb::Connection::open_in_memory().unwrap();
    for (name, rows, kind) in [("naive", "< 'r2'", "TIMESTAMP"), ("zoned", ">= 'r2'", "TIMESTAMPTZ")] {
        let sql = format!(
            "SET TimeZone = 'UTC'; COPY (SELECT * REPLACE (CAST(CAST(ts AS TIMESTAMPTZ) AS {kind}) AS ts) FROM '{csv}' WHERE request_id {rows}) TO '{}' (FORMAT parquet)",
            folder.path().join(format!("{name}.parquet")).display()
        );
        connection.execute_batch(&sql).unwrap();
    }
    let plan = |zone: &str| {
        let output = optimizer(folder.path())
            .env("TZ", zone)
            .args(["plan", "--dry-run", "--format", "json", "--from", "*.parquet"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let utc = plan("UTC");
    assert!(utc.contains("\"rows_used\": 400"), "{utc}");
    assert_eq!(utc, plan("Asia/Kolkata"));
}

#[test]
fn every_format_gives_the_same_plan() {
    let folder = tempdir().unwrap();
    let rows = good_rows(400);
    let csv = write_csv(folder.path(), "a.csv", &rows);
    let expected = plan_json(folder.path(), &["--from", &csv]);
    let connection = duckdb::Connection::open_in_memory().unwrap();
    let copy = |target: &str, options: &str| {
        let target = folder.path().join(target);
        let sql = format!(
            "COPY (SELECT * REPLACE (CAST(ts AS TIMESTAMPTZ) AS ts) FROM '{csv}') TO '{}' ({options})",
            target.display()
        );
        connection.execute_batch(&sql).unwrap();
    };
    copy("a.parquet", "FORMAT parquet");
    copy("a.ndjson.zst", "FORMAT json, COMPRESSION zstd, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'");
    copy("a.csv.gz", "FORMAT csv, HEADER, COMPRESSION gzip, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'");
    copy("b.ndjson", "FORMAT json, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'");
    for file in ["a.parquet", "a.ndjson.zst", "a.csv.gz"] {
        let plan = plan_json(folder.path(), &["--from", file]);
        assert_eq!(plan["decisions"], expected["decisions"], "{file}");
        assert_eq!(plan["services"], expected["services"], "{file}");
    }
    let mut child = optimizer(folder.path())
        .args(["plan", "--dry-run", "--format", "json", "--from", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(folder.path().join("b.ndjson")).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["decisions"], expected["decisions"], "standard input");
}

#[test]
fn unknown_costs_are_not_zero() {
    let folder = tempdir().unwrap();
    let rows: Vec<String> = good_rows(400)
        .iter()
        .map(|row| row.replace("gpt-4o,openai", "house-model,house").replace(",0.001,", ",,"))
        .collect();
    let file = write_csv(folder.path(), "a.csv", &rows);
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(plan["totals"]["spend_usd_per_day"], Value::Null);
    assert_eq!(plan["services"][0]["cost_per_request_usd"], Value::Null);
    assert_eq!(plan["findings"][0]["kind"], "cost_unknown");
    assert!(plan["findings"][0]["summary"].as_str().unwrap().contains("house/house-model"));
    // The same tokens with a known model are priced: 100 × 2.50 + 50 × 10 US dollars per million.
    let rows: Vec<String> = good_rows(400).iter().map(|row| row.replace(",0.001,", ",,")).collect();
    let file = write_csv(folder.path(), "b.csv", &rows);
    let cost = plan_json(folder.path(), &["--from", &file])["services"][0]["cost_per_request_usd"].as_f64().unwrap();
    assert!((cost - 0.000_75).abs() < 1e-12, "{cost}");
}

#[test]
fn a_moment_of_data_does_not_make_a_day_of_spend() {
    let folder = tempdir().unwrap();
    let file = write_csv(folder.path(), "a.csv", &good_rows(1));
    let plan = plan_json(folder.path(), &["--from", &file]);
    assert_eq!(plan["totals"]["spend_usd_per_day"], Value::Null);
    let table = run(folder.path(), &["plan", "--dry-run", "--from", &file]).stdout;
    assert!(table.contains("unknown: too little time to speak of a day"), "{table}");
    assert!(!table.contains("-0.0"), "{table}");
    // Half an hour does, and says what it rests on: 1,800 requests at a tenth of a cent carried on to a day.
    let file = write_csv(folder.path(), "b.csv", &good_rows(1801));
    let plan = plan_json(folder.path(), &["--from", &file]);
    let spend = plan["totals"]["spend_usd_per_day"].as_f64().unwrap();
    assert!((spend - 86.4).abs() < 0.1, "{spend}");
    assert!(run(folder.path(), &["plan", "--dry-run", "--from", &file]).stdout.contains("carried on from 30 min"));
}

#[test]
fn ids_that_start_again_are_refused_before_a_service_vanishes() {
    let folder = tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logs")).unwrap();
    write_csv(folder.path(), "logs/alpha.csv", &good_rows(100));
    let beta: Vec<String> = good_rows(100).iter().map(|row| row.replace(",chat,", ",beta,")).collect();
    write_csv(folder.path(), "logs/beta.csv", &beta);
    refused(
        folder.path(),
        &["--from", "logs"],
        3,
        &["100 request ids stand for different requests", "r0 in beta and chat", "`--from` of its own"],
    );
    let plan = plan_json(folder.path(), &["--from", "logs/alpha.csv", "--from", "logs/beta.csv"]);
    assert_eq!(plan["services"].as_array().unwrap().len(), 2);
}

#[test]
fn names_cannot_steer_a_terminal() {
    let folder = tempdir().unwrap();
    let nasty = "evil\\u001b[2J\\u202e\\u0007";
    let lines: Vec<String> = (0..20)
        .map(|index| format!("{{\"ts\":\"2026-01-01T11:00:00Z\",\"request_id\":\"{index}\",\"service\":\"{nasty}\",\"model\":\"{nasty}\",\"config_version\":\"{nasty}\",\"latency_ms\":9000,\"outcome\":\"success\",\"col{nasty}\":1}}"))
        .collect();
    let file = write_lines(folder.path(), "a.ndjson", &lines);
    let clean = |text: &str| {
        !text.chars().any(|character| (character.is_control() && character != '\n') || character == '\u{202e}')
    };
    for arguments in [
        &["--format", "table"][..],
        &["--format", "markdown"],
        &["--format", "json"],
        &["--explain", "nobody"],
        &["--explain", "evil\\u{1b}[2J\\u{202e}\\u{7}"],
    ] {
        let mut all = vec!["plan", "--dry-run", "--from", &file];
        all.extend(arguments);
        let run = run(folder.path(), &all);
        assert!(clean(&run.stdout) && clean(&run.stderr), "{arguments:?}\n{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("evil") || run.stderr.contains("evil"), "{arguments:?}");
    }
}

#[test]
fn an_endless_line_is_one_reject_and_needs_no_endless_memory() {
    let folder = tempdir().unwrap();
    let line = |id: usize, more: usize| {
        format!(
            "{{\"ts\":\"2026-01-01T11:00:00Z\",\"request_id\":\"{id}\",\"service\":\"a\",\"model\":\"m\",\"latency_ms\":1,\"outcome\":\"success\",\"x\":\"{}\"}}",
            "y".repeat(more)
        )
    };
    let mut lines: Vec<String> = (0..98).map(|id| line(id, 1)).collect();
    lines.insert(50, line(98, 10_000_000));
    lines.insert(60, line(99, 20_000_000));
    let file = write_lines(folder.path(), "a.ndjson", &lines);
    let plan = plan_json(folder.path(), &["--from", &file, "--memory-limit", "200MB"]);
    assert_eq!(rejected(&plan), [("line: line size over maximum".to_owned(), 1)]);
    assert_eq!(plan["source"]["rows_used"], 99);
}

#[test]
fn times_beyond_all_measure_are_rejects_of_their_own() {
    let folder = tempdir().unwrap();
    let row = |index: usize, started: &str, ended: &str| {
        format!(
            "{{\"request_id\":\"r{index}\",\"call_type\":\"acompletion\",\"model\":\"m\",\"model_group\":\"a\",\"spend\":0.01,\
             \"status\":\"success\",\"startTime\":\"{started}\",\"endTime\":\"{ended}\"}}"
        )
    };
    let noon = "2026-01-01 12:00:00";
    let mut lines: Vec<String> = (0..100).map(|index| row(index, noon, "2026-01-01 12:00:01.234")).collect();
    for (index, (started, ended)) in [
        ("infinity", noon),
        (noon, "infinity"),
        (noon, "-infinity"),
        (noon, "9999-12-31 23:59:59"),
        ("0001-01-01 00:00:00", noon),
    ]
    .into_iter()
    .enumerate()
    {
        lines[index] = row(index, started, ended);
    }
    let file = write_lines(folder.path(), "spend.ndjson", &lines);
    let plan = plan_json(folder.path(), &["--from", &file, "--layout", "litellm"]);
    let expected = [("latency_ms: empty on a success", 3), ("ts: empty", 2)];
    assert_eq!(rejected(&plan), expected.map(|(reason, rows)| (reason.to_owned(), rows)));
}
