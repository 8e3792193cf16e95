//! Off-policy evaluation as a process, on made logs whose truth is known: a router that sends the easy requests to the cheap arm.

mod support;

use std::{fmt::Write as _, path::Path};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use support::{expect, root, run, write_lines};
use tempfile::tempdir;

const HEADER: &str =
    "ts,request_id,service,model,provider,latency_ms,input_tokens,output_tokens,cost_usd,quality,outcome,propensity";

/// 2026-03-12T18:00:00Z.
const END: i64 = 1_773_338_400;

const SMALL: usize = 0;
const LARGE: usize = 1;
const MODELS: [&str; 2] = ["gpt-4o-mini", "gpt-4o"];

const MEASURES: [&str; 4] = ["quality", "cost_per_request", "latency", "error_rate"];

/// A service of which half of the requests are easy. Pairs are of easy requests and of hard ones, pairs of pairs by arm.
struct Router {
    /// Probability of the small arm.
    small: [f64; 2],
    quality: [[f64; 2]; 2],
    cost: [[f64; 2]; 2],
    latency: [[f64; 2]; 2],
    errors: [[f64; 2]; 2],
}

const CONFOUNDED: Router = Router {
    small: [0.85, 0.15],
    quality: [[0.95, 0.55], [0.96, 0.90]],
    cost: [[0.001, 0.003], [0.010, 0.030]],
    latency: [[400.0, 900.0], [800.0, 1_600.0]],
    errors: [[0.02, 0.10], [0.02, 0.03]],
};

impl Router {
    /// What all requests on one arm come to. Quality, cost and latency are of successes.
    fn truth(&self, measure: &str, arm: usize) -> f64 {
        let succeed = self.errors[arm].map(|rate| 1.0 - rate);
        let of_successes =
            |means: [f64; 2]| (means[0] * succeed[0] + means[1] * succeed[1]) / (succeed[0] + succeed[1]);
        match measure {
            "quality" => of_successes(self.quality[arm]),
            "latency" => of_successes(self.latency[arm]),
            "cost_per_request" => of_successes(self.cost[arm]),
            _ => f64::midpoint(self.errors[arm][0], self.errors[arm][1]),
        }
    }

    /// A day of one service; `propensity` writes the probability of a choice.
    fn rows(
        &self,
        service: &str,
        seed: u64,
        requests: usize,
        propensity: impl Fn(usize, f64) -> String,
    ) -> Vec<String> {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = Vec::new();
        for number in 0..requests {
            let at = END - 86_400 + i64::try_from(number * 86_399 / requests).unwrap();
            let hard = usize::from(chance.random_bool(0.5));
            let small = chance.random_bool(self.small[hard]);
            let arm = if small { SMALL } else { LARGE };
            let likely = if small { self.small[hard] } else { 1.0 - self.small[hard] };
            let mut around = |mean: f64| mean * chance.random_range(0.8..1.2);
            let (cost, latency) = (around(self.cost[arm][hard]), around(self.latency[arm][hard]));
            let input = if hard == 1 { around(2_000.0) } else { around(200.0) } as i64;
            let failed = chance.random_bool(self.errors[arm][hard]);
            let good = chance.random_bool(self.quality[arm][hard]);
            let at = Timestamp::from_second(at).unwrap();
            let mut row = format!("{at},{service}-{number},{service},{},openai,{latency:.1},{input},50,", MODELS[arm]);
            let outcome = if failed { ",,error" } else { &format!("{cost:.8},{},success", u8::from(good)) };
            let _ = write!(row, "{outcome},{}", propensity(number, likely));
            rows.push(row);
        }
        rows
    }
}

fn honest(_: usize, likely: f64) -> String {
    format!("{likely:.2}")
}

fn file(folder: &Path, name: &str, rows: &[String]) -> String {
    let mut lines = vec![HEADER.to_owned()];
    lines.extend_from_slice(rows);
    write_lines(folder, name, &lines)
}

fn schema() -> Value {
    let text = std::fs::read_to_string(root().join("docs/schema/evaluation.v1.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn evaluated(from: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["evaluate", "--from", from, "--format", "json"];
    arguments.extend(more);
    let run = run(&root(), &arguments);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    let evaluation: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(jsonschema::validator_for(&schema()).unwrap().is_valid(&evaluation), "{evaluation:#}");
    evaluation
}

/// The line of an arm's measure.
fn line<'a>(segment: &'a Value, arm: usize, measure: &str) -> &'a Value {
    let arms = segment["arms"].as_array().unwrap();
    let arm = arms.iter().find(|found| found["arm"]["model"] == MODELS[arm]).unwrap();
    arm["measures"].as_array().unwrap().iter().find(|line| line["measure"] == measure).unwrap()
}

fn holds(estimate: &Value, truth: f64) -> bool {
    estimate["low"].as_f64().unwrap() <= truth && truth <= estimate["high"].as_f64().unwrap()
}

/// Within twice its interval: one that may miss in one case of ten is no test.
fn near(estimate: &Value, truth: f64) -> bool {
    let end = |name: &str| estimate[name].as_f64().unwrap();
    (end("value") - truth).abs() <= end("high") - end("low")
}

#[test]
fn a_confounded_arm_is_told_and_its_true_worth_is_inside_the_intervals() {
    const SERVICES: u64 = 40;
    let folder = tempdir().unwrap();
    let all: Vec<String> =
        (0..SERVICES).flat_map(|seed| CONFOUNDED.rows(&format!("s{seed:02}"), seed, 1_500, honest)).collect();
    let evaluation = evaluated(&file(folder.path(), "log.csv", &all), &[]);
    let segments = evaluation["segments"].as_array().unwrap();
    assert_eq!(segments.len(), SERVICES as usize);
    for measure in MEASURES {
        let (mut plain, mut weighted, mut robust, mut told) = (0, 0, 0, 0);
        let (mut wide, mut narrow) = (0.0, 0.0);
        for segment in segments {
            for arm in [SMALL, LARGE] {
                let (line, truth) = (line(segment, arm, measure), CONFOUNDED.truth(measure, arm));
                plain += i32::from(holds(&line["plain"], truth));
                weighted += i32::from(holds(&line["self_normalised"], truth));
                robust += i32::from(holds(&line["doubly_robust"], truth));
                let width =
                    |method: &str| line[method]["high"].as_f64().unwrap() - line[method]["low"].as_f64().unwrap();
                wide += width("self_normalised");
                narrow += width("doubly_robust");
                told += i32::from(line["confounded"] == true);
            }
        }
        // 90 % of 80 is 72; 61 is four standard errors less.
        assert!(weighted >= 61 && robust >= 61, "{measure}: {weighted} and {robust} of 80");
        // Of rare failures the model knows no more than the weights do.
        assert!(narrow < 1.02 * wide, "{measure}: {narrow} for {wide}");
        if measure != "error_rate" {
            assert!(plain <= 40 && told >= 40, "{measure}: the plain mean holds {plain} of 80, told {told}");
        }
    }
    let warnings = evaluation["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("got other requests than the rest")));
}

#[test]
fn where_chance_alone_chose_nothing_is_confounded() {
    let folder = tempdir().unwrap();
    let fair = Router { small: [0.4, 0.4], ..CONFOUNDED };
    let all: Vec<String> = (0..40).flat_map(|seed| fair.rows(&format!("s{seed:02}"), seed, 1_500, honest)).collect();
    let evaluation = evaluated(&file(folder.path(), "log.csv", &all), &[]);
    let lines = evaluation["segments"].as_array().unwrap().iter().flat_map(|segment| {
        MEASURES.into_iter().flat_map(move |measure| [SMALL, LARGE].map(|arm| line(segment, arm, measure)))
    });
    assert_eq!(lines.filter(|line| line["confounded"] == true).count(), 0);
}

/// A small arm that loses little: the plan moves to it, and thinks that it saves more than it does.
const WORTH_IT: Router = Router {
    small: [0.80, 0.10],
    quality: [[0.95, 0.91], [0.96, 0.97]],
    errors: [[0.02, 0.05], [0.02, 0.03]],
    ..CONFOUNDED
};

#[test]
fn the_routing_that_is_proposed_is_held_against_the_present_one() {
    let folder = tempdir().unwrap();
    let mut all = WORTH_IT.rows("helpdesk", 7, 20_000, honest);
    all.extend(WORTH_IT.rows("search", 8, 500, |_, _| String::new()));
    let from = file(folder.path(), "log.csv", &all);
    let evaluation = evaluated(&from, &[]);
    let segment = &evaluation["segments"][0];
    assert_eq!((&segment["action"], &segment["proposed"]["model"]), (&"change".into(), &MODELS[SMALL].into()));
    assert_eq!(evaluation["propensities"]["missing"], 500);
    let total = |measure: &str| {
        evaluation["totals"].as_array().unwrap().iter().find(|total| total["measure"] == measure).unwrap()
    };
    let cost = total("cost_per_request");
    assert!(near(&cost["planned"], WORTH_IT.truth("cost_per_request", SMALL)), "{cost:#}");
    let present = cost["present"]["value"].as_f64().unwrap();
    let saved = cost["difference"]["value"].as_f64().unwrap();
    assert!((cost["planned"]["value"].as_f64().unwrap() - present - saved).abs() < 1e-12);
    assert!(total("quality")["difference"]["high"].as_f64().unwrap() < 0.0, "it does lose something");

    // The same plan as the command that makes plans makes, and the same whatever the order of the rows.
    let plan = support::plan_json(&root(), &["--from", &from]);
    assert_eq!(plan["id"], evaluation["plan"]);
    all.reverse();
    let mut turned = evaluated(&file(folder.path(), "log.csv", &all), &[]);
    turned["source"] = evaluation["source"].clone();
    assert_eq!(turned, evaluation);

    for format in ["auto", "table", "markdown"] {
        let run = run(&root(), &["evaluate", "--from", &from, "--format", format]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        let words = [
            "WARNING",
            "as the plan proposes",
            "doubly robust",
            "20,000 of 20,500 requests tell",
            "500 requests left out",
        ];
        let flat = run.stdout.replace("\n            ", " ");
        for word in words {
            assert!(
                flat.contains(word) || flat.contains(&format!("**{word}**")),
                "{format} lacks `{word}`\n{}",
                run.stdout
            );
        }
        let wide = run.stdout.lines().find(|line| format != "markdown" && line.chars().count() > 100);
        assert_eq!(wide, None);
    }
}

#[test]
fn propensities_that_are_none_are_counted_and_told_and_many_of_them_end_it() {
    let folder = tempdir().unwrap();
    let broken = ["0", "-0.5", "1.5", "nan", "oops", "inf", ""];
    let some = |every: usize| {
        move |number: usize, likely: f64| {
            if number.is_multiple_of(every) {
                broken[number / every % broken.len()].to_owned()
            } else {
                honest(number, likely)
            }
        }
    };
    let few = file(folder.path(), "few.csv", &CONFOUNDED.rows("chat", 3, 7_000, some(100)));
    let evaluation = evaluated(&few, &[]);
    assert_eq!(evaluation["source"]["rejected"], serde_json::json!({}), "the plan does not need them");
    assert_eq!(evaluation["propensities"], serde_json::json!({ "requests": 7_000, "missing": 10, "invalid": 60 }));
    let warnings = evaluation["warnings"].to_string();
    assert!(warnings.contains("60 requests left out: their propensity is not above 0"), "{warnings}");
    assert!(warnings.contains("10 requests left out: they carry no propensity"), "{warnings}");
    assert!(near(
        &line(&evaluation["segments"][0], SMALL, "quality")["doubly_robust"],
        CONFOUNDED.truth("quality", SMALL)
    ));

    let many = file(folder.path(), "many.csv", &CONFOUNDED.rows("chat", 3, 7_000, some(5)));
    let evaluation = evaluated(&many, &[]);
    let segment = &evaluation["segments"][0];
    assert_eq!(segment["abstained"], "1,200 of 6,800 propensities are not above 0 and at most 1");
    assert_eq!(segment["arms"], serde_json::json!([]));
}

#[test]
fn it_abstains_with_a_reason() {
    let folder = tempdir().unwrap();
    let reason = |rows: &[String], arm: usize| {
        let evaluation = evaluated(&file(folder.path(), "log.csv", rows), &[]);
        line(&evaluation["segments"][0], arm, "cost_per_request")["abstained"].as_str().unwrap_or_default().to_owned()
    };
    let certain = |_: usize, _: f64| "1".to_owned();
    let split = Router { small: [1.0, 0.0], ..CONFOUNDED };
    let why = reason(&split.rows("chat", 1, 2_000, certain), SMALL);
    assert!(why.contains("for some requests the router never chose it"), "{why}");
    let rare = Router { small: [0.005, 0.005], ..CONFOUNDED };
    let why = reason(&rare.rows("chat", 1, 2_000, |_, likely| format!("{likely:.3}")), SMALL);
    assert!(why.ends_with("effective requests, 30 needed"), "{why}");
    let wrong = |_: usize, likely: f64| format!("{:.2}", 1.0 - likely);
    let why = reason(&CONFOUNDED.rows("chat", 1, 2_000, wrong), SMALL);
    assert!(why.contains("or it chose by other probabilities"), "{why}");

    // Nothing at all to go by is an answer, too.
    let none = file(folder.path(), "none.csv", &WORTH_IT.rows("chat", 1, 20_000, |_, _| String::new()));
    let evaluation = evaluated(&none, &[]);
    assert_eq!(evaluation["segments"][0]["abstained"], "no request of it carries a propensity");
    let text = run(&root(), &["evaluate", "--from", &none]).stdout;
    assert!(text.contains("0 of 20,000 requests tell"), "{text}");
}

#[test]
fn the_schema_is_the_published_one_and_failures_are_those_of_every_command() {
    let printed: Value = serde_json::from_str(&run(&root(), &["evaluate", "--schema"]).stdout).unwrap();
    assert!(printed == schema(), "regenerate it: optimizer evaluate --schema > docs/schema/evaluation.v1.json");
    expect(&run(&root(), &["evaluate", "--from", "nowhere.csv"]), 3, &["nowhere.csv"]);
    expect(&run(&root(), &["evaluate", "--from", "testdata", "--policy", "nowhere.yaml"]), 2, &["nowhere.yaml"]);
}

/// A column that is read in one command only must not change what the fast one makes of Parquet.
#[test]
fn a_plan_is_the_same_with_and_without_the_column() {
    let folder = tempdir().unwrap();
    let rows = WORTH_IT.rows("helpdesk", 7, 3_000, honest);
    let csv = file(folder.path(), "log.csv", &rows);
    let engine = duckdb::Connection::open_in_memory().unwrap();
    let copy = |columns: &str, name: &str| {
        let path = folder.path().join(name).to_string_lossy().into_owned();
        let sql = format!("COPY (SELECT {columns} FROM read_csv('{csv}')) TO '{path}' (FORMAT parquet)");
        engine.execute_batch(&sql).unwrap();
        support::plan_json(&root(), &["--from", &path])
    };
    let (with, without) = (copy("*", "with.parquet"), copy("* EXCLUDE (propensity)", "without.parquet"));
    assert_eq!(with, without);
    assert_eq!(with["source"]["ignored_columns"], serde_json::json!([]));
    let parquet = folder.path().join("with.parquet").to_string_lossy().into_owned();
    let (mut one, other) = (evaluated(&parquet, &[]), evaluated(&csv, &[]));
    one["source"] = other["source"].clone();
    assert_eq!(one["segments"], other["segments"]);
}
