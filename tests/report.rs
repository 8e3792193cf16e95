//! The page of `optimizer report`, through the binary: what it is made from, what it refuses, and that its three forms say the same.

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use support::{
    Run,
    canary::{SLOW, World},
    expect, good_rows, optimizer, root, run, write_csv,
};
use tempfile::tempdir;

fn page(folder: &Path, arguments: &[&str]) -> Value {
    let run = run(folder, &[&["report", "--format", "json"], arguments].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&run.stdout).expect("JSON on standard output")
}

fn html(folder: &Path, arguments: &[&str]) -> String {
    let run = run(folder, &[&["report"], arguments].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    run.stdout
}

/// What a command prints, kept as a file.
fn kept(folder: &Path, name: &str, arguments: &[&str]) -> String {
    let printed = run(&root(), arguments);
    assert_eq!(printed.code, Some(0), "{}", printed.stderr);
    let path = folder.join(name);
    fs::write(&path, printed.stdout).unwrap();
    path.display().to_string()
}

fn sections(page: &Value) -> Vec<&str> {
    page["sections"].as_array().unwrap().iter().map(|section| section["id"].as_str().unwrap()).collect()
}

/// Every text of a JSON document.
fn texts<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, into)),
        Value::Object(all) => all.values().for_each(|one| texts(one, into)),
        _ => {}
    }
}

/// The pieces of text of an HTML document between its tags, without styles and drawings.
fn pieces(html: &str) -> Vec<String> {
    let mut rest = html.to_owned();
    for (from, to) in [("<style>", "</style>"), ("<svg", "</svg>")] {
        while let Some(start) = rest.find(from) {
            let end = start + rest[start..].find(to).expect("it is closed") + to.len();
            rest.replace_range(start..end, "");
        }
    }
    let texts = rest.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| plain(text.trim()));
    texts.filter(|text| !text.is_empty()).collect()
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// What stands in the cells of tables and in large on cards.
fn cells(html: &str) -> Vec<String> {
    let after = |open: &'static str| html.split(open).skip(1).filter_map(|rest| rest.split_once('>'));
    after("<td").chain(after("<b")).map(|(_, rest)| plain(rest.split('<').next().unwrap_or_default())).collect()
}

#[test]
fn the_example_data_gives_a_page_that_tells_its_findings_first() {
    let html = html(&root(), &[]);
    assert!(
        !html.contains(" src=") && !html.contains("url(") && !html.contains("<script"),
        "nothing is fetched or run"
    );
    assert!(html.split("href=\"").skip(1).all(|rest| rest.starts_with('#')), "links lead inside the page");
    let page = page(&root(), &[]);
    let title = page["title"].as_str().unwrap();
    assert!(
        title.starts_with("Today's spend $1,111 is past the daily budget of $1,000; the plan would save"),
        "{title}"
    );
    assert_eq!(sections(&page), ["findings", "spend", "decisions", "models", "services", "data"]);
    let budget = page["sections"][1]["charts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|chart| chart["title"].as_str().unwrap().contains("passes the daily budget of $1,000 at 20:24 UTC"));
    let marks = &budget.expect("the budget that will be passed is drawn")["marks"];
    assert_eq!((&marks[0]["text"], &marks[1]["text"]), (&json!("budget $1,000"), &json!("20:24")));
    // The plan is the one that `plan` makes of the same.
    let plan = support::plan_json(&root(), &[]);
    let about = page["about"].to_string();
    assert!(about.contains(plan["id"].as_str().unwrap()), "{about}");
    assert!(page["not_given"][0].as_str().unwrap().contains("rollouts and their evidence"));
}

#[test]
fn every_figure_of_the_html_is_in_the_json_and_the_other_way_round() {
    let folder = tempdir().unwrap();
    let replay = kept(folder.path(), "ticks.ndjson", &["replay", "--every", "1h", "--quiet"]);
    for arguments in [&[][..], &[replay.as_str()]] {
        let (html, page) = (html(&root(), arguments), page(&root(), arguments));
        let mut known = Vec::new();
        texts(&page, &mut known);
        let known: BTreeSet<&str> = known.into_iter().collect();
        let shown = cells(&html);
        assert!(shown.len() > 20, "{}", shown.len());
        for cell in shown.iter().filter(|cell| !cell.is_empty()) {
            assert!(known.contains(cell.as_str()), "`{cell}` is not in the JSON");
        }
        // Sentences too; only the numbers of rows are the page's own.
        for piece in pieces(&html).iter().filter(|piece| piece.chars().any(|letter| letter.is_ascii_digit())) {
            let rows = piece.contains(" row") || piece.starts_with(" (");
            assert!(rows || known.contains(piece.as_str()), "`{piece}` is not in the JSON");
        }
        let shown: BTreeSet<String> = shown.into_iter().collect();
        let mut cells = 0;
        each_cell(&page, &mut |text, value| {
            cells += 1;
            assert!(shown.contains(text), "`{text}` is not in the HTML");
            if let (Some(value), Some((read, coarse))) = (value, number(text)) {
                assert!((value - read).abs() <= 0.006 * value.abs() + coarse, "`{text}` stands for {value}");
            }
        });
        assert!(cells > 20);
    }
}

/// Every cell of the tables: its text, and its value.
fn each_cell(value: &Value, look: &mut impl FnMut(&str, Option<f64>)) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| each_cell(one, look)),
        Value::Object(all) => match (all.get("rows"), all.get("text")) {
            (Some(Value::Array(rows)), _) => {
                for cell in rows.iter().flat_map(|row| row.as_array().unwrap()) {
                    look(cell["text"].as_str().unwrap(), cell.get("value").and_then(Value::as_f64));
                }
            }
            _ => all.values().for_each(|one| each_cell(one, look)),
        },
        _ => {}
    }
}

/// Reads what people read: `$1,330`, `−9 %`, `24.6 s`, and how coarse it is; none for what is no number alone.
fn number(text: &str) -> Option<(f64, f64)> {
    let text = text.replace(',', "").replace('−', "-").replace(['+', '±', '$'], "");
    let (digits, scale, coarse) = match text.split_once(' ') {
        None => (text.as_str(), 1.0, 0.0006),
        Some((digits, "%")) => (digits, 0.01, 0.0051),
        Some((digits, "ms")) => (digits, 1.0, 0.51),
        Some((digits, "s")) => (digits, 1000.0, 51.0),
        Some(_) => return None,
    };
    Some((digits.parse::<f64>().ok()? * scale, coarse))
}

#[test]
fn every_kind_of_document_is_recognised() {
    let folder = tempdir().unwrap();
    let plan = kept(folder.path(), "plan.json", &["plan", "--dry-run", "--format", "json"]);
    let analysis = kept(folder.path(), "analysis.json", &["analyze", "--format", "json"]);
    let replay = kept(folder.path(), "ticks.ndjson", &["replay", "--every", "1h", "--span", "3h"]);
    let rows: Vec<String> = good_rows(400).into_iter().map(|row| row.replace(",800,", ",900,")).collect();
    let file = write_csv(folder.path(), "same.csv", &rows);
    let gate = folder.path().join("gate.json").display().to_string();
    run(folder.path(), &["gate", "--baseline", &file, "--candidate", &file, "--json", &gate]);
    for (document, expected, not) in [
        (&plan, &["findings", "spend", "decisions", "models", "services", "data"][..], "the course of spend"),
        (&analysis, &["findings", "data"], "decisions and models"),
        (&replay, &["replay"], "decisions and models"),
        (&gate, &["gate-0"], "rollouts and their evidence"),
    ] {
        let page = page(folder.path(), &[document]);
        assert_eq!(sections(&page), expected, "{document}");
        assert!(page["not_given"][0].as_str().unwrap().contains(not), "{document}");
        assert!(html(folder.path(), &[document]).starts_with("<!DOCTYPE html>"));
    }
    let all = page(folder.path(), &[&plan, &analysis, &replay, &gate]);
    assert_eq!(sections(&all), ["findings", "gate-0", "spend", "decisions", "models", "services", "replay", "data"]);
    let older = page(folder.path(), &[&plan, &plan]);
    assert!(older["about"].to_string().contains("1 plan of an older window"));
}

#[test]
fn a_store_tells_rollouts_with_the_evidence_of_every_run() {
    let mut world = World::new(SLOW);
    world.tick(&[]);
    for _ in 0..12 {
        world.goes_by(15);
        if world.tick(&[])["steps"][0]["did"] == "rolled_back" {
            break;
        }
    }
    let folder = world.folder.path();
    let page_of = |more: &[&str]| page(folder, &[&["--state", world.state.as_str()], more].concat());
    let stored = page_of(&[]);
    assert_eq!(stored["headline"].as_array().unwrap().last().unwrap()["note"], "0 completed, 1 taken back");
    let rollouts = stored["sections"].as_array().unwrap().iter().find(|section| section["id"] == "rollouts").unwrap();
    assert_eq!(rollouts["title"], "1 rollout: chat taken back");
    let titles: Vec<&str> =
        rollouts["charts"].as_array().unwrap().iter().map(|chart| chart["title"].as_str().unwrap()).collect();
    assert!(
        titles.iter().any(|title| title.starts_with("chat: latency p95 +") && title.ends_with("breached")),
        "{titles:?}"
    );
    // The share as it was pushed, and one look a run.
    let share = &rollouts["charts"][0]["series"][0]["points"];
    let shares: Vec<f64> = share.as_array().unwrap().iter().map(|point| point["y"].as_f64().unwrap()).collect();
    assert_eq!((shares.first(), shares.last()), (Some(&0.0), Some(&0.0)));
    assert!(shares.contains(&0.05), "{shares:?}");
    assert!(
        sections(&stored).contains(&"deeds") && sections(&stored).contains(&"decisions"),
        "the newest plan is there too"
    );
    // With the log beside it, its steps stand on the plots of the service.
    let both = page_of(&["--from", "log.csv"]);
    let services = both["sections"].as_array().unwrap().iter().find(|section| section["id"] == "services").unwrap();
    assert!(services["charts"][0]["marks"].to_string().contains("5 %"), "{}", services["charts"][0]["marks"]);
    let missing = run(folder, &["report", "--state", "sqlite:nowhere.db"]);
    expect(&missing, 4, &["nowhere.db"]);
    assert!(!folder.join("nowhere.db").exists(), "a page makes no store");
}

#[test]
fn days_of_the_stored_history_are_drawn() {
    let folder = tempdir().unwrap();
    // An hour apart, two whole days and parts of the days around them.
    let first: jiff::Timestamp = "2025-12-31T22:10:00Z".parse().unwrap();
    let rows: Vec<String> = (0..62)
        .map(|hour| {
            let at = first + jiff::SignedDuration::from_hours(hour);
            format!("{at},r{hour},chat,gpt-4o,openai,800,100,50,0.5,1,success,simple")
        })
        .collect();
    let log = write_csv(folder.path(), "log.csv", &rows);
    fs::create_dir(folder.path().join("sink")).unwrap();
    let ticked = optimizer(folder.path())
        .args(["run", "--scope", "deep", "--from", &log, "--sink", "file:sink", "--state", "sqlite:s.db"])
        .env("OPTIMIZER_NOW", "2026-01-03T12:00:00Z")
        .output()
        .unwrap();
    assert_eq!(ticked.status.code(), Some(0), "{}", String::from_utf8_lossy(&ticked.stderr));
    let page = page(folder.path(), &["--state", "sqlite:s.db"]);
    let spend = page["sections"].as_array().unwrap().iter().find(|section| section["id"] == "spend").unwrap();
    let days = spend["charts"].as_array().unwrap().iter().find(|chart| chart["id"] == "spend-days").expect("days");
    let cells: Vec<&str> =
        days["table"]["rows"].as_array().unwrap().iter().map(|row| row[1]["text"].as_str().unwrap()).collect();
    // A day of which hours are not known, or still to come, is no cheap day.
    let known: Vec<&&str> = cells.iter().filter(|cell| **cell != "–").collect();
    assert_eq!(known, [&"$12.0", &"$12.0"], "{cells:?}");
}

fn refused(folder: &Path, content: &str, words: &[&str]) {
    let path = folder.join("document.json");
    fs::write(&path, content).unwrap();
    let output = folder.join("page.html");
    fs::write(&output, "what was there").unwrap();
    let run = run(folder, &["report", "document.json", "-o", "page.html"]);
    expect(&run, 3, words);
    assert!(run.stderr.contains("document.json"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&output).unwrap(), "what was there", "a failure leaves the page as it was");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn what_is_no_document_is_refused_in_words() {
    let folder = tempdir().unwrap();
    let plan = support::plan_json(&root(), &[]).to_string();
    let path = folder.path();
    refused(path, "", &["is empty"]);
    refused(path, "  \n\n", &["is empty"]);
    refused(path, "ts,service\n1,2\n", &["is no JSON", "--from"]);
    refused(path, &plan[..plan.len() / 2], &["is cut off", "run it again"]);
    refused(path, "{\"schema_version\": \"plan/v1\", \"spend\": NaN}", &["is no JSON", "NaN"]);
    refused(path, "[1, 2]", &["no `schema_version`", "plan/v1"]);
    refused(path, "{\"schema_version\": \"plan/v2\"}", &["`plan/v2`, which this version cannot show", "plan/v1"]);
    refused(
        path,
        "{\"schema_version\": \"plan/v1\"}",
        &["says that it is `plan/v1`, and is not", "missing field", "docs/schema/plan.v1.json"],
    );
    refused(path, "{\"schema_version\": \"tick/v1\", \"at\": \"yesterday\"}", &["tick/v1", "docs/schema/tick.v1.json"]);
    expect(&run(path, &["report", "nowhere.json"]), 3, &["nowhere.json"]);
    expect(&run(path, &["report"]), 2, &["no source given"]);
    expect(&run(path, &["report", "--from", "-"]), 2, &["reads its source twice", "write it to a file"]);
    expect(&run(path, &["report", "--from", "a.csv", "--window", "10m"]), 2, &["no whole number of slots", "--every"]);
    fs::write(path.join("binary.json"), [0xff_u8, 0xfe, 0x00]).unwrap();
    expect(&run(path, &["report", "binary.json"]), 3, &["cannot read document"]);
}

#[test]
fn a_page_is_written_whole_or_not_at_all() {
    let folder = tempdir().unwrap();
    let plan = kept(folder.path(), "plan.json", &["plan", "--dry-run", "--format", "json"]);
    let to = |path: &str| -> Run { run(folder.path(), &["report", &plan, "-o", path]) };
    let done = to("page.html");
    assert_eq!((done.code, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    let written = fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert_eq!(written, html(folder.path(), &[&plan]), "the same input gives the same bytes");
    expect(&to("nowhere/page.html"), 2, &["nowhere/page.html", "folder"]);
    expect(&to("."), 2, &["is a folder"]);
    #[cfg(target_os = "linux")]
    expect(&to("/dev/full"), 2, &["cannot write `/dev/full`"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("page.html")).unwrap().permissions().mode();
        assert_eq!(mode & 0o400, 0o400);
        std::os::unix::fs::symlink("page.html", folder.path().join("link.html")).unwrap();
        assert_eq!(to("link.html").code, Some(0));
        assert!(folder.path().join("link.html").is_symlink(), "a link stays one");
    }
}

#[test]
fn json_matches_its_published_schema() {
    let schema: Value = serde_json::from_str(&run(&root(), &["report", "--schema"]).stdout).unwrap();
    let published = fs::read_to_string(root().join("docs/schema/report.v1.json")).unwrap();
    let published: Value = serde_json::from_str(&published).unwrap();
    assert!(published == schema, "regenerate it: optimizer report --schema > docs/schema/report.v1.json");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let page = page(&root(), &[]);
    let problems: Vec<String> =
        validator.iter_errors(&page).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(page["schema_version"], "report/v1");
    let mut broken = page;
    broken["sections"][0]["title"] = 7.into();
    assert!(!validator.is_valid(&broken), "the schema refuses what is no page");
}

/// Names that try to become something else.
fn awkward() -> [String; 7] {
    [
        "<script>alert(1)</script>".to_owned(),
        "\"><img src=x onerror=alert(1)>".to_owned(),
        "a|b`c*d_e[f](g)#h".to_owned(),
        "línea\nbreak\ttab\r🙂".to_owned(),
        "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd} right to left".to_owned(),
        "&lt;b&gt; ' & </style></svg>".to_owned(),
        "x".repeat(300),
    ]
}

/// The example plan, each service under another name.
fn plan_of(names: &[String]) -> String {
    let mut plan = support::plan_json(&root(), &[]);
    let own: Vec<String> =
        plan["services"].as_array().unwrap().iter().map(|one| one["service"].as_str().unwrap().to_owned()).collect();
    for (place, name) in names.iter().enumerate() {
        let old = &own[place % own.len()];
        for list in ["services", "findings", "decisions"] {
            let copies: Vec<Value> =
                plan[list].as_array().unwrap().iter().filter(|one| one["service"] == **old).cloned().collect();
            for mut copy in copies {
                copy["service"] = name.as_str().into();
                if let Some(candidates) = copy["candidates"].as_array_mut() {
                    for candidate in candidates {
                        candidate["arm"]["model"] = name.as_str().into();
                    }
                }
                plan[list].as_array_mut().unwrap().push(copy);
            }
        }
    }
    plan.to_string()
}

#[test]
fn names_are_never_anything_but_text() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("plan.json"), plan_of(&awkward())).unwrap();
    let html = html(folder.path(), &["plan.json"]);
    for tag in ["<script", "<img", "<b>alert", "</svg></svg>"] {
        assert!(!html.contains(tag), "{tag}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_eq!(html.matches("</style>").count(), 1);
    assert!(!html.contains('\u{202e}'), "what turns the reading direction is written out");
    assert!(html.contains(&"x".repeat(300)), "tables have the whole name");
    let markdown = run(folder.path(), &["report", "plan.json", "--format", "markdown"]).stdout;
    assert!(!markdown.contains("<script") && !markdown.contains("<img"), "no tag survives");
    let mut width = None;
    for line in markdown.lines() {
        let cells = line.starts_with('|').then(|| line.replace("\\\\", "").replace("\\|", "").matches('|').count());
        assert!(width.is_none() || cells.is_none() || width == cells, "{line}");
        width = cells;
    }
}

#[test]
fn figures_at_the_ends_of_numbers_are_shown_and_not_waited_for() {
    let folder = tempdir().unwrap();
    for (small, large) in [(5e-324, 1e308), (-1e308, 1e308), (0.0, 5e-324), (1e15, 1e15 + 1.0)] {
        let mut plan = support::plan_json(&root(), &[]);
        plan["totals"]["spend_usd_per_day"] = large.into();
        plan["totals"]["planned_spend_usd_per_day"] = small.into();
        for decision in plan["decisions"].as_array_mut().unwrap() {
            for (candidate, value) in decision["candidates"].as_array_mut().unwrap().iter_mut().zip([small, large]) {
                candidate["cost_per_request_usd"] = json!({"value": value, "low": value, "high": value});
                candidate["quality"] = json!({"value": value, "low": small, "high": large});
            }
        }
        fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
        assert!(html(folder.path(), &["plan.json"]).len() < 2_000_000, "{small} {large}");
    }
}

#[test]
fn a_thousand_services_stay_small_and_are_all_there() {
    let folder = tempdir().unwrap();
    let names: Vec<String> = (0..1_000).map(|number| format!("service-{number:04}")).collect();
    fs::write(folder.path().join("plan.json"), plan_of(&names)).unwrap();
    let begun = std::time::Instant::now();
    let html = html(folder.path(), &["plan.json"]);
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    // Generous: this is no release build, and other tests run beside it.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(names.iter().all(|name| html.contains(&format!(">{name}</td>"))));
    assert!(html.matches("<svg").count() < 40, "plots are for those that matter");
}

#[test]
fn a_closed_pipe_is_no_failure_and_help_teaches() {
    let mut child = optimizer(&root())
        .args(["report"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let help = run(&root(), &["report", "--help"]).stdout;
    for word in ["-o report.html", "--state", "plan.json gate.json", "whole or not at all"] {
        assert!(help.contains(word), "{word}");
    }
}
