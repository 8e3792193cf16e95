//! What fools an analysis in real data, one test a trap. All of it was measured in the real world (`testdata/README.md`) and is
//! read as it was published, through a few lines of SQL each (`tests/mappings`). Traps of prices are in `tests/prices.rs`.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{
    public::{Source, csv_rows, public},
    refused, rejected, root, run,
};
use tempfile::tempdir;

/// Facts of one kind, as `inspect` puts them.
fn facts(inspection: &Value, kind: &str) -> Vec<(u64, String)> {
    let facts = inspection["facts"].as_array().unwrap().iter().filter(|fact| fact["kind"] == kind);
    facts.map(|fact| (fact["rows"].as_u64().unwrap(), fact["summary"].as_str().unwrap().to_owned())).collect()
}

/// What `inspect` found of a field: share known, least, mean, greatest.
fn field(inspection: &Value, name: &str) -> (f64, Option<f64>, Option<f64>, Option<f64>) {
    let found = inspection["fields"].as_array().unwrap().iter().find(|field| field["name"] == name).unwrap();
    (found["known"].as_f64().unwrap(), found["least"].as_f64(), found["mean"].as_f64(), found["greatest"].as_f64())
}

fn model<'a>(inspection: &'a Value, provider: Option<&str>, name: &str) -> &'a Value {
    let models = inspection["models"].as_array().unwrap();
    models.iter().find(|model| model["provider"].as_str() == provider && model["model"] == name).unwrap()
}

fn reasons(rows: &Value) -> Vec<(&str, u64)> {
    let reasons = rows["rejected"].as_object().unwrap();
    reasons.iter().map(|(reason, rows)| (reason.as_str(), rows.as_u64().unwrap())).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?} is a number"))
}

#[track_caller]
fn near(found: f64, wanted: f64, share: f64) {
    assert!((found - wanted).abs() <= share * wanted.abs(), "{found}, not {wanted}");
}

/// The value in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn llmperf() -> Source {
    Source::new("llmperf", &["llmperf-llama2-70b.csv", "llmperf-llama2-7b.csv.gz"])
}

const LLMPERF_SPAN: &[&str] = &["--window", "14d", "--lookback", "30d"];

/// The candidate of a plan's only decision.
fn candidate<'a>(plan: &'a Value, provider: &str, name: &str) -> &'a Value {
    let candidates = plan["decisions"][0]["candidates"].as_array().unwrap();
    let wanted = |one: &&Value| one["arm"]["provider"] == provider && one["arm"]["model"] == name;
    candidates.iter().find(wanted).unwrap()
}

/// Trap 1: a failed request carries a latency of 0. With 87 % of them, the worst provider would be the fastest.
#[test]
fn failures_without_latency_make_nobody_fast() {
    let inspection = llmperf().inspect();
    assert_eq!((&inspection["requests"]["good"], reasons(&inspection["requests"])), (&1945.into(), vec![]));
    let told = facts(&inspection, "failures_without_latency");
    assert_eq!(told.iter().map(|(rows, _)| *rows).collect::<Vec<_>>(), [130, 130, 2]);
    let failing = facts(&inspection, "mostly_failing");
    assert!(failing.len() == 2 && failing.iter().all(|(rows, what)| *rows == 130 && what.contains("lepton")));
    assert!(field(&inspection, "latency_ms").1.unwrap() > 480.0, "no latency of 0 is known");

    let plan = llmperf().plan(LLMPERF_SPAN);
    assert_eq!(plan["decisions"][0]["action"], "keep");
    for name in ["llama-2-70b-chat", "llama-2-7b-chat"] {
        let lepton = candidate(&plan, "lepton", name);
        near(lepton["error_rate"]["value"].as_f64().unwrap(), 130.0 / 150.0, 1e-9);
        // Twenty answers are too few to speak of a 95th percentile, and the zeros make them no more.
        assert_eq!(lepton["latency_p95_ms"], Value::Null);
        let p50 = model(&inspection, Some("lepton"), name)["latency_p50_ms"].as_f64().unwrap();
        near(p50, median(llmperf_latencies("lepton", name, "ok")), 0.05);
        assert!(median(llmperf_latencies("lepton", name, "")).abs() < 1e-9, "with them it would be 0");
        assert_eq!(lepton["standing"], "refused");
    }
}

/// Latencies in milliseconds of one model of the published file.
fn llmperf_latencies(provider: &str, name: &str, status: &str) -> Vec<f64> {
    let rows = ["llmperf-llama2-70b.csv", "llmperf-llama2-7b.csv.gz"].into_iter().flat_map(csv_rows);
    rows.filter(|row| row["provider"] == provider && row["model"] == name && row["status"].starts_with(status))
        .map(|row| number(&row, "e2e_latency_s") * 1000.0)
        .collect()
}

/// Trap 2: a failure with a latency like any other's is a failure all the same. Its latency is not one of an answer.
#[test]
fn failures_with_a_plausible_latency_are_failures() {
    let inspection = llmperf().inspect();
    let bedrock = model(&inspection, Some("aws.bedrock"), "llama-2-70b-chat");
    near(bedrock["failed"].as_f64().unwrap(), 49.0 / 150.0, 1e-9);
    let (answers, all) = (
        median(llmperf_latencies("bedrock", "llama-2-70b-chat", "ok")),
        median(llmperf_latencies("bedrock", "llama-2-70b-chat", "")),
    );
    assert!((answers - all).abs() > 0.009 * answers, "the failures would show: {answers} and {all}");
    near(bedrock["latency_p50_ms"].as_f64().unwrap(), answers, 0.006);
    assert!(facts(&inspection, "failures_without_latency").iter().all(|(_, what)| !what.contains("bedrock")));
}

/// Trap 3: runs differ in size, and one has a tail sixty times its median. Nothing is cut off or filled up.
#[test]
fn runs_of_different_size_and_long_tails_stay_what_they_are() {
    let inspection = llmperf().inspect();
    assert_eq!(model(&inspection, Some("replicate"), "llama-2-70b-chat")["requests"], 145);
    assert_eq!(model(&inspection, Some("replicate"), "llama-2-7b-chat")["requests"], 150);
    near(field(&inspection, "ttft_ms").3.unwrap(), 71_564.7, 1e-4);
    let plan = llmperf().plan(LLMPERF_SPAN);
    let replicate = candidate(&plan, "replicate", "llama-2-70b-chat");
    assert_eq!(replicate["requests"], 145);
    let mut exact = llmperf_latencies("replicate", "llama-2-70b-chat", "ok");
    exact.sort_by(f64::total_cmp);
    let p95 = replicate["latency_p95_ms"]["value"].as_f64().unwrap();
    assert!(exact[135] * 0.99 <= p95 && p95 <= exact[139] * 1.01, "{p95}");
}

/// Trap 4: CRLF, no line end at the end, seven digits of a second, no zone, and no latency at all.
#[test]
fn a_trace_with_odd_lines_is_read_to_its_last_row_and_its_gaps_are_told() {
    let folder = tempdir().unwrap();
    for (name, rows, most_output) in
        [("azure-llm-2023-code.csv.gz", 8_819, 1_899.0), ("azure-llm-2023-conv.csv.gz", 19_366, 1_000.0)]
    {
        let last = csv_rows(name).last().unwrap()["TIMESTAMP"].replace(' ', "T") + "Z";
        let source = Source::new("azure", &[name]);
        let inspection = source.inspect();
        assert_eq!((&inspection["requests"]["good"], reasons(&inspection["requests"])), (&rows.into(), vec![]));
        let found: jiff::Timestamp = inspection["requests"]["newest"].as_str().unwrap().parse().unwrap();
        let wanted: jiff::Timestamp = last.parse().unwrap();
        assert_eq!(found.as_microsecond(), wanted.as_microsecond(), "the last row is there, to its last digit");
        assert_eq!(field(&inspection, "output_tokens").3, Some(most_output));
        // Thirteen of the code trace's minutes are empty: bursts are no reason to lose a row.
        let silence = facts(&inspection, "silence");
        assert_eq!(silence.len(), usize::from(name.contains("code")), "{silence:?}");
        assert!(silence.iter().all(|(_, what)| what.contains("3 minutes")));
        let plan = source.plan(&[]);
        assert_eq!(plan["services"][0]["error_rate"], Value::Null, "nobody wrote failures down");
        assert_eq!(plan["source"]["rows_duplicate"], 0);

        let file = public(name);
        for (from, to, reason) in [
            ("utc(\"TIMESTAMP\") AS ts", "\"TIMESTAMP\" AS ts", "ts: not a time with a zone (RFC 3339)"),
            ("number(\"GeneratedTokens\") * 20", "NULL", "latency_ms: empty on a success"),
        ] {
            let mapping = source.changed(folder.path(), from, to);
            refused(
                folder.path(),
                &["--from", &file, "--mapping", &mapping],
                3,
                &[reason, &format!("no usable row among {rows}")],
            );
        }
    }
}

/// Trap 5: arrivals told every three seconds share their times. Shared times are neither duplicates nor a burst.
#[test]
fn arrivals_told_by_batch_are_not_duplicates() {
    let source = Source::new("mooncake", &["mooncake-conversation.csv.gz"]);
    let inspection = source.inspect();
    assert_eq!((&inspection["requests"]["good"], &inspection["requests"]["duplicates"]), (&5_719.into(), &0.into()));
    let shared = facts(&inspection, "shared_times");
    assert!(shared.len() == 1 && shared[0].0 == 5_719 && shared[0].1.contains("600 points of time"), "{shared:?}");
    assert_eq!(field(&inspection, "input_tokens").3, Some(123_192.0));
    let plan = source.plan(&[]);
    assert_eq!((&plan["totals"]["requests"], &plan["source"]["rows_duplicate"]), (&5_719.0.into(), &0.into()));
}

/// Trap 9: an errored reply with a real latency, a cost of 0 that means unknown, empty replies at the cap called fine.
#[test]
fn a_cost_of_zero_and_replies_at_the_cap_are_told_and_errors_are_not_scored() {
    let folder = tempdir().unwrap();
    let source = Source::new("llmbench", &["llmbench0xnu-2runs.csv.gz"]);
    let inspection = source.inspect();
    assert_eq!(inspection["requests"]["good"], 208);
    let free = facts(&inspection, "free_with_tokens");
    assert!(free.len() == 1 && free[0].0 == 16 && free[0].1.contains("qwen3-32b"), "{free:?}");
    let capped = facts(&inspection, "replies_at_the_cap");
    assert!(
        capped[0].0 == 10 && capped[0].1.contains("2,000 tokens") && capped[0].1.contains("7 of them are scored 0")
    );
    // Two of 32 failed: their zeros are no scores, and their 21 seconds no latency of an answer.
    let gemini = model(&inspection, Some("gcp.gemini"), "gemini-2.5-pro");
    near(gemini["failed"].as_f64().unwrap(), 2.0 / 32.0, 1e-9);
    near(gemini["scored"].as_f64().unwrap(), 30.0 / 32.0, 1e-9);
    let answers: Vec<f64> = csv_rows("llmbench0xnu-2runs.csv.gz")
        .into_iter()
        .filter(|row| row["status"] == "ok")
        .map(|row| number(&row, "quality_score_0_100") / 100.0)
        .collect();
    near(field(&inspection, "quality").2.unwrap(), answers.iter().sum::<f64>() / answers.len() as f64, 1e-9);

    let span = ["--window", "24h", "--lookback", "72h"];
    let plan = source.plan(&span);
    assert_eq!(plan["decisions"][0]["action"], "keep", "thirty requests a model prove nothing");
    // Told that 0 means unknown, the plan says so and the fact is gone.
    let source =
        source.with(&source.changed(folder.path(), "    cost_usd,", "    nullif(number(cost_usd), 0) AS cost_usd,"));
    assert_eq!(facts(&source.inspect(), "free_with_tokens"), []);
    assert_eq!(model(&source.inspect(), Some("qwen"), "qwen3-32b")["costed"], 0.0);
    let plan = source.plan(&span);
    let unknown = plan["findings"].as_array().unwrap().iter().find(|finding| finding["kind"] == "cost_unknown");
    assert!(unknown.unwrap()["summary"].as_str().unwrap().contains("qwen/qwen3-32b"));
    assert_eq!(plan["totals"]["spend_usd_per_day"], Value::Null);
}

/// Trap 10: a score below its scale, scores of two natures, and tokens that are paid for and not shown.
#[test]
fn a_negative_score_is_a_reject_and_hidden_tokens_do_not_change_a_reported_cost() {
    let folder = tempdir().unwrap();
    let rows = csv_rows("routerarena-haiku-vs-gemini-flash.csv.gz");
    let gemini: Vec<_> = rows.iter().filter(|row| row["provider"] == "google").collect();
    let hidden = |row: &&&BTreeMap<String, String>| {
        number(row, "total_tokens_reported") > number(row, "input_tokens") + number(row, "output_tokens")
    };
    assert_eq!((gemini.len(), gemini.iter().filter(hidden).count()), (401, 204));
    let source = Source::new("routerarena", &["routerarena-haiku-vs-gemini-flash.csv.gz"]);
    let total = source.changed(
        folder.path(),
        "    output_tokens,",
        "    number(total_tokens_reported) - number(input_tokens) AS output_tokens,",
    );
    let mean = |column: &str| gemini.iter().map(|row| number(row, column)).sum::<f64>() / gemini.len() as f64;
    for source in [&source, &source.with(&total)] {
        let plan = source.plan(&[]);
        assert_eq!(rejected(&plan), [("quality: outside 0 to 1".to_owned(), 1)]);
        let service = &plan["services"][1];
        assert_eq!((&service["service"], &service["requests"]), (&"gemini-2.0-flash-001".into(), &401.0.into()));
        near(service["cost_per_request_usd"].as_f64().unwrap(), mean("cost_usd"), 1e-5);
        near(service["quality"].as_f64().unwrap(), mean("score"), 1e-5);
    }
    let mean = |inspection: &Value| field(inspection, "output_tokens").2.unwrap() * 801.0;
    let more = mean(&source.with(&total).inspect()) - mean(&source.inspect());
    let wanted: f64 = rows
        .iter()
        .filter(|row| number(row, "score") >= 0.0)
        .map(|row| number(row, "total_tokens_reported") - number(row, "input_tokens") - number(row, "output_tokens"))
        .sum();
    near(more, wanted, 1e-6);
}

/// Trap 11: one model under two names, requests that never completed, completed ones without a latency, idle weeks.
#[test]
fn requests_that_never_completed_are_failures_without_a_model_or_a_cost() {
    let source = Source::new("aider_usage", &["aider-usage-log.csv.gz"]);
    let inspection = source.inspect();
    assert_eq!(inspection["requests"]["good"], 156);
    assert_eq!(reasons(&inspection["requests"]), [("latency_ms: empty on a success", 4)]);
    let unknown = model(&inspection, None, "unknown");
    assert_eq!((&unknown["requests"], &unknown["failed"], &unknown["costed"]), (&53.into(), &1.0.into(), &0.0.into()));
    assert_eq!(unknown["latency_p50_ms"], Value::Null);
    near(field(&inspection, "cost_usd").0, 103.0 / 156.0, 1e-9);
    near(field(&inspection, "model").0, 103.0 / 156.0, 1e-9);
    let names: Vec<String> = facts(&inspection, "one_model_several_names").into_iter().map(|(_, what)| what).collect();
    for pair in ["gpt-5.2, openai/gpt-5.2", "gpt-5.4, openai/gpt-5.4", "gpt-5.5, openai/gpt-5.5"] {
        assert_eq!(names.iter().filter(|what| what.contains(pair)).count(), 1, "{pair}: {names:?}");
    }
    assert_eq!(names.len(), 3);
    assert_eq!((facts(&inspection, "whole_seconds").len(), facts(&inspection, "silence").len()), (1, 1));

    let plan = source.plan(&["--window", "300d", "--lookback", "600d"]);
    near(plan["services"][0]["error_rate"].as_f64().unwrap(), 53.0 / 156.0, 1e-9);
    assert_eq!(plan["decisions"][0]["proposed"], Value::Null);
}

/// Trap 12: a total cost of 0 means a preview or that nobody wrote it down; names repeat and dates are not in order.
#[test]
fn costs_nobody_wrote_down_are_unknown_and_a_name_may_come_twice() {
    let folder = tempdir().unwrap();
    let source = Source::new("aider_polyglot", &["aider-polyglot-leaderboard.csv.gz"]);
    let inspection = source.inspect();
    assert_eq!((&inspection["requests"]["good"], &inspection["requests"]["duplicates"]), (&69.into(), &0.into()));
    assert_eq!((&inspection["models_in_all"], &inspection["models"][0]["requests"]), (&68.into(), &2.into()));
    let (known, least, ..) = field(&inspection, "cost_usd");
    near(known, 51.0 / 69.0, 1e-9);
    assert!(least.unwrap() > 0.0);
    // Taken at its word, 0 is a value, and the blank is still unknown.
    let zeros = source.changed(folder.path(), "nullif(number(total_cost_usd), 0)", "number(total_cost_usd)");
    let (known, least, ..) = field(&source.with(&zeros).inspect(), "cost_usd");
    near(known, 68.0 / 69.0, 1e-9);
    assert_eq!(least, Some(0.0));
}

/// Trap 13: questions asked twice, and questions the models may have been trained on.
#[test]
fn repeated_questions_count_once_and_contaminated_ones_not_at_all() {
    let source = Source::new("routellm", &["routellm-mmlu.csv", "routellm-mmlu-rest.csv.gz"]);
    let inspection = source.inspect();
    let requests = &inspection["requests"];
    // Every row is answered by two models.
    assert_eq!(requests["passed_over"], serde_json::json!({"contaminated": 2 * 4}));
    assert_eq!((&requests["read"], &requests["duplicates"]), (&(2 * 6_524).into(), &(2 * 12).into()));
    let plan = source.plan(&[]);
    assert_eq!(plan["source"]["rows_duplicate"], 2 * 12);
    assert_eq!(plan["totals"]["requests"], f64::from(2 * (6_524 - 12)));
    let plan = Source::new("routellm", &["routellm-gsm8k.csv"]).plan(&[]);
    assert_eq!(plan["source"]["passed_over"], serde_json::json!({"contaminated": 2 * 8}));
    assert_eq!(plan["totals"]["requests"], f64::from(2 * (780 - 8)));
}

/// In whatever order the lines of these files are, the answers are the same to the byte.
#[test]
fn the_order_of_lines_changes_no_byte() {
    for (mapping, name, span) in [
        ("llmperf", "llmperf-llama2-70b.csv", LLMPERF_SPAN),
        ("aider_usage", "aider-usage-log.csv.gz", &["--window", "100d", "--lookback", "600d"]),
        ("aider_polyglot", "aider-polyglot-leaderboard.csv.gz", &["--window", "100d", "--lookback", "600d"]),
        ("llmbench", "llmbench0xnu-2runs.csv.gz", &["--window", "24h", "--lookback", "72h"]),
        ("routellm", "routellm-gsm8k.csv", &[]),
        ("vmnoise", "vmnoise-postgres.csv.gz", &["--window", "24h"]),
        ("series", "nab/ec2_request_latency_system_failure.csv.gz", &[]),
    ] {
        let mapping = root().join(format!("tests/mappings/{mapping}.sql")).to_string_lossy().into_owned();
        let said = |seed: Option<u64>| {
            let folder = tempdir().unwrap();
            support::public::write_shuffled(name, seed, &folder.path().join("log.csv"));
            let mut plan = vec!["plan", "--dry-run", "--format", "json", "--from", "log.csv", "--mapping", &mapping];
            plan.extend(span);
            let inspect = ["inspect", "--format", "json", "--from", "log.csv", "--mapping", &mapping];
            [&plan[..], &inspect].map(|arguments| run(folder.path(), arguments)).map(|run| {
                assert_eq!(run.code, Some(0), "{name}\n{}", run.stderr);
                run.stdout
            })
        };
        let straight = said(None);
        for seed in [1, 2] {
            let shuffled = said(Some(seed));
            assert!(straight == shuffled, "{name}:\n{}\n{}", straight[1], shuffled[1]);
        }
    }
}
