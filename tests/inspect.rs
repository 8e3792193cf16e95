//! What `inspect` tells of a source, before anything rests on it.

mod support;

use serde_json::{Value, json};
use support::{good_rows, root, run, write_csv, write_lines};
use tempfile::tempdir;

fn inspect(folder: &std::path::Path, arguments: &[&str]) -> Value {
    let mut all = vec!["inspect", "--format", "json"];
    all.extend(arguments);
    let run = run(folder, &all);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON on standard output")
}

fn facts(found: &Value) -> Vec<(String, String)> {
    let text = |fact: &Value, name: &str| fact[name].as_str().unwrap().to_owned();
    found["facts"].as_array().unwrap().iter().map(|fact| (text(fact, "kind"), text(fact, "summary"))).collect()
}

#[test]
fn json_matches_its_published_schema() {
    let schema: Value = serde_json::from_str(&run(&root(), &["inspect", "--schema"]).stdout).unwrap();
    let published = std::fs::read_to_string(root().join("docs/schema/inspection.v1.json")).unwrap();
    assert!(
        serde_json::from_str::<Value>(&published).unwrap() == schema,
        "regenerate it: optimizer inspect --schema > docs/schema/inspection.v1.json"
    );
    let validator = jsonschema::validator_for(&schema).unwrap();
    for folder in ["testdata", "testdata/sources/otlp_spans", "testdata/sources/helicone"] {
        let found = inspect(&root(), &["--from", &format!("{folder}/")]);
        assert!(validator.is_valid(&found), "{:?}", validator.iter_errors(&found).next());
    }
}

#[test]
fn a_page_fits_and_names_what_may_fool_an_analysis() {
    let data = root().join("testdata").to_string_lossy().into_owned();
    let page = run(&root(), &["inspect", "--from", &data, "--format", "table"]);
    assert_eq!(page.code, Some(0), "{}", page.stderr);
    for words in [
        "layout    canonical",
        "because   it has the columns ts, latency_ms",
        "64,078 rows: 64,074 good, 3 of these told twice",
        "5 services, most requests first",
        "66 of 66 failures carry a latency of 0",
    ] {
        assert!(page.stdout.contains(words), "`{words}` is missing in\n{}", page.stdout);
    }
    let widest = page.stdout.lines().skip(1).map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{widest:?}");
}

#[test]
fn a_source_no_plan_would_rest_on_is_shown_all_the_same() {
    let folder = tempdir().unwrap();
    let mut rows = good_rows(20);
    rows.extend((0..80).map(|id| format!("2026-01-01T11:00:00Z,x{id},chat,gpt-4o,openai,-5,1,1,0.1,1,success,simple")));
    let file = write_csv(folder.path(), "bad.csv", &rows);
    let found = inspect(folder.path(), &["--from", &file]);
    assert_eq!(found["requests"]["good"], 20);
    assert_eq!(found["requests"]["rejected"], json!({"latency_ms: negative": 80}));
    assert_eq!(
        found["fields"].as_array().unwrap().iter().find(|field| field["name"] == "latency_ms").unwrap()["known"],
        1.0
    );
    assert!(found["tables"][0]["lacking"].as_array().unwrap().contains(&"ttft_ms".into()));
}

#[test]
fn suspicious_facts_are_facts() {
    let folder = tempdir().unwrap();
    let header = "ts,request_id,service,model,provider,latency_ms,input_tokens,output_tokens,cost_usd,quality,outcome"
        .to_owned();
    let minute = |at: usize| format!("2026-01-01T11:{:02}:{:02}Z", at / 60, at % 60);
    // Sixty answers in seconds instead of milliseconds, every third cut off at 2,000 tokens; and then ten silent minutes.
    let mut rows = vec![header];
    for id in 0..60 {
        let (tokens, score) = if id % 3 == 0 { (2_000, 0) } else { (500 + id, 1) };
        let model = if id % 2 == 0 { "gpt-5.2" } else { "openai/gpt-5.2" };
        rows.push(format!("{},a{id},chat,{model},openai,{}.5,550,{tokens},0,{score},success", minute(id), 2 + id % 5));
    }
    rows.push(format!("{},b,chat,gpt-5.2,openai,0,550,0,,,error", minute(700)));
    let file = write_lines(folder.path(), "log.csv", &rows);
    let found = facts(&inspect(folder.path(), &["--from", &file]));
    let has = |kind: &str, words: &str| {
        assert!(
            found.iter().any(|(other, summary)| other == kind && summary.contains(words)),
            "{kind}: {words}\n{found:#?}"
        );
    };
    has("failures_without_latency", "1 of 1 failures carry a latency of 0");
    has("free_with_tokens", "cost exactly 0, which means free");
    has("one_model_several_names", "gpt-5.2, openai/gpt-5.2");
    has("replies_at_the_cap", "end at exactly 2,000 tokens");
    has("silence", "no request for 10 minutes from 2026-01-01 11:01 UTC");
    has("latency_in_seconds", "are they in seconds?");
    has("same_input", "550 input tokens");
    // A sound log has none of them.
    let sound = write_csv(folder.path(), "sound.csv", &good_rows(200));
    let found = facts(&inspect(folder.path(), &["--from", &sound]));
    assert!(found.iter().all(|(kind, _)| kind == "same_input"), "{found:?}");
}
