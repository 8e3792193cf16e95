//! From rows in a file to rollups, number by number.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    decide::{self, policy::Source},
    domain::{
        Arm, ModelTable, Policy, Segment,
        policy::{Model, Tier},
    },
    observe::{self, Downloads, Engine, LayoutChoice, LoadRequest, Request},
    stats::{Observation, Sketch},
};
use tempfile::tempdir;

fn model(provider: &str, model: &str, input: f64, output: f64, cached: Option<f64>) -> Model {
    Model {
        provider: provider.into(),
        model: model.into(),
        tier: Some(Tier::Fast),
        input_usd_per_token: Some(input),
        output_usd_per_token: Some(output),
        cached_input_usd_per_token: cached,
        ..Model::default()
    }
}

fn prices() -> ModelTable {
    ModelTable::new(vec![
        model("openai", "cheap", 1e-6, 2e-6, Some(5e-7)),
        model("openai", "shared", 3e-6, 4e-6, None),
        model("groq", "shared", 3e-6, 4e-6, None),
        model("openai", "disputed", 1e-6, 1e-6, None),
        model("groq", "disputed", 9e-6, 9e-6, None),
    ])
}

fn policy() -> Policy {
    decide::policy::parse(Source::profile("balanced").unwrap(), &|_| unreachable!()).unwrap()
}

/// Writes the rows, observes one hour with a day of evidence that ends at noon, and hands the rollups back.
fn observed(folder: &Path, header: &str, rows: &[&str]) -> Observation {
    let file = folder.join("rows.csv");
    std::fs::write(&file, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let groups = observe::resolve(&[file.to_string_lossy().into_owned()], &Downloads::default()).unwrap();
    let engine = Engine::open(None).unwrap();
    let noon: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let request = Request {
        load: LoadRequest {
            groups: &groups,
            layouts: &LayoutChoice::default(),
            scores: &[],
            policy: &policy(),
            default_service: Some("fallback"),
            pushdown: None,
            kept: None,
            now: noon,
        },
        window: SignedDuration::from_hours(1),
        lookback: SignedDuration::from_hours(24),
        until: Some(noon),
        prices: &prices(),
        rejects: None,
    };
    observe::observe(&engine, &request, &|_| ()).unwrap()
}

fn arm(provider: Option<&str>, model: &str) -> Arm {
    Arm { provider: provider.map(str::to_owned), model: model.into(), config_version: None }
}

fn close(got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-12 * want.abs().max(1e-12), "{got} for {want}");
}

const HEADER: &str = "ts,request_id,service,provider,model,latency_ms,ttft_ms,input_tokens,cached_input_tokens,output_tokens,cost_usd,quality,outcome,status_code,weight,cache_hit,complexity";

#[test]
fn windows_are_half_open_and_evidence_holds_them_all() {
    let folder = tempdir().unwrap();
    let row = |ts: &str, id: &str| format!("{ts},{id},a,openai,cheap,100,,10,,10,,,success,,,,");
    let rows = [
        row("2025-12-31T11:59:59.999Z", "too old"),
        row("2025-12-31T12:00:00Z", "first of the evidence"),
        row("2026-01-01T10:00:00Z", "first before"),
        row("2026-01-01T10:59:59.999999Z", "last before"),
        row("2026-01-01T12:00:00+01:00", "first of the window in another zone"),
        row("2026-01-01T11:59:59.9999999Z", "last of the window with seven digits"),
        row("2026-01-01T12:00:00Z", "too late"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let observation = observed(folder.path(), HEADER, &rows);
    let service = &observation.services["a"];
    assert_eq!((service.window.requests.rows, service.before.requests.rows, service.lookback.requests.rows), (2, 2, 5));
    assert_eq!((observation.source.rows_used, observation.source.rows_outside), (5, 2));
}

#[test]
fn costs_are_reported_or_priced_or_unknown() {
    let folder = tempdir().unwrap();
    let rows = [
        "2026-01-01T11:00:00Z,1,a,openai,cheap,100,,1000,,100,0.5,,success,,,,",
        "2026-01-01T11:00:00Z,2,a,openai,cheap,100,,1000,,100,,,success,,,,",
        "2026-01-01T11:00:00Z,3,a,openai,cheap,100,,1000,400,100,,,success,,,,",
        "2026-01-01T11:00:00Z,4,a,,shared,100,,1000,,100,,,success,,,,",
        "2026-01-01T11:00:00Z,5,a,,disputed,100,,1000,,100,,,success,,,,",
        "2026-01-01T11:00:00Z,6,a,openai,unheard-of,100,,1000,,100,,,success,,,,",
        "2026-01-01T11:00:00Z,7,a,openai,cheap,100,,,,100,,,success,,,,",
        "2026-01-01T11:00:00Z,8,a,openai,cheap,100,,1000,,100,0,,success,,,,",
        "2026-01-01T11:00:00Z,9,a,openai,cheap,,,,,,,,error,429,,,",
    ];
    let observation = observed(folder.path(), HEADER, &rows);
    let arms = &observation.services["a"].segments[&Segment::Unlabelled];
    let cheap = &arms[&arm(Some("openai"), "cheap")].window;
    // Reported, tokens × price, 600 fresh and 400 cached tokens, and really free.
    close(cheap.cost.sum(), 0.5 + (1e-3 + 2e-4) + (6e-4 + 2e-4 + 2e-4) + 0.0);
    assert_eq!(cheap.cost.rows(), 4);
    close(cheap.requests.unpriced, 1.0); // no input tokens; the failed request cost nothing that is missing
    close(arms[&arm(None, "shared")].window.cost.sum(), 3e-3 + 4e-4);
    assert_eq!(arms[&arm(None, "disputed")].window.cost.rows(), 0, "providers disagree, so nobody knows");
    close(arms[&arm(Some("openai"), "unheard-of")].window.requests.unpriced, 1.0);
}

#[test]
fn only_successes_have_a_latency_and_callers_are_kept_apart() {
    let folder = tempdir().unwrap();
    let rows = [
        "2026-01-01T11:00:00Z,1,a,openai,cheap,100,20,1,,1,,1,success,200,,,",
        "2026-01-01T11:00:00Z,2,a,openai,cheap,300,,1,,1,,0,,200,,,",
        "2026-01-01T11:00:00Z,3,a,openai,cheap,0,0,1,,1,,,,429,,,",
        "2026-01-01T11:00:00Z,4,a,openai,cheap,9000,,1,,1,,,,504,,,",
        "2026-01-01T11:00:00Z,5,a,openai,cheap,5,,1,,1,,,,400,,,",
        "2026-01-01T11:00:00Z,6,a,openai,cheap,5,,1,,1,,,,499,,,",
        "2026-01-01T11:00:00Z,7,a,openai,cheap,1,,1,,1,0.9,0.5,success,200,,true,",
    ];
    let observation = observed(folder.path(), HEADER, &rows);
    let window = &observation.services["a"].window;
    assert_eq!(window.latency, Sketch::from_values([100.0, 300.0]), "the SQL bins as the sketch does");
    assert_eq!(window.ttft, Sketch::from_values([20.0]));
    let requests = &window.requests;
    assert_eq!(requests.rows, 7);
    for (got, want) in [
        (requests.served, 6.0),
        (requests.succeeded, 2.0),
        (requests.provider_errors, 2.0),
        (requests.caller_errors, 2.0),
    ] {
        close(got, want);
    }
    close(window.error_rate().unwrap(), 2.0 / 6.0);
    // The gateway's own answer is counted and scored, but neither slow nor dear.
    close(window.quality_coverage(), 3.0 / 7.0);
    assert!(window.cost.sum() < 0.01);
}

#[test]
fn sampled_rows_stand_for_all_they_were_sampled_from() {
    let folder = tempdir().unwrap();
    let rows = [
        "2026-01-01T11:00:10Z,1,a,openai,cheap,100,,1,,1,0.25,1,success,,10,,",
        "2026-01-01T11:00:50Z,2,a,openai,cheap,300,,1,,1,0.50,0,success,,2.5,,",
        "2026-01-01T11:01:00Z,3,a,openai,cheap,300,,1,,1,1,0,success,,,,",
    ];
    let observation = observed(folder.path(), HEADER, &rows);
    let service = &observation.services["a"];
    let window = &service.window;
    close(window.requests.weight, 13.5);
    close(window.requests.weight_efficiency(), 13.5 * 13.5 / (3.0 * (100.0 + 6.25 + 1.0)));
    close(window.cost.sum(), 2.5 + 1.25 + 1.0);
    close(window.quality.mean().unwrap(), 10.0 / 13.5);
    let minutes: Vec<f64> = service.spend_by_minute.values().copied().collect();
    assert_eq!(minutes, [3.75, 1.0]);
}

#[test]
fn names_are_folded_and_missing_services_filled() {
    let folder = tempdir().unwrap();
    let rows = [
        "2026-01-01T11:00:00Z,1,,Azure,m,1,,,,,1,,success,,,,simple",
        "2026-01-01T11:00:00Z,2,,azure_openai,m,1,,,,,1,,success,,,,Simple",
        "2026-01-01T11:00:00Z,3,,\"  bedrock \",m,1,,,,,1,,success,,,,",
    ];
    let observation = observed(folder.path(), HEADER, &rows);
    let segments = &observation.services["fallback"].segments;
    assert_eq!(segments[&Segment::Simple][&arm(Some("azure.ai.openai"), "m")].window.requests.rows, 2);
    assert_eq!(segments[&Segment::Unlabelled][&arm(Some("aws.bedrock"), "m")].window.requests.rows, 1);
}

#[test]
fn of_two_rows_with_one_identity_the_fuller_stays() {
    let folder = tempdir().unwrap();
    let rows = [
        "2026-01-01T11:00:00Z,1,a,openai,cheap,100,,,,,,,success,,,,",
        "2026-01-01T11:00:00Z,1,a,openai,cheap,100,,10,,10,,0.5,success,,,,",
        "2026-01-01T11:00:00Z,1,a,openai,cheap,100,,,,,,,success,,,,",
        "2026-01-01T11:00:00Z,2,a,openai,cheap,100,,,,,,,success,,,,",
    ];
    let observation = observed(folder.path(), HEADER, &rows);
    assert_eq!((observation.source.rows_used, observation.source.rows_duplicate), (2, 2));
    assert_eq!(observation.services["a"].window.quality.rows(), 1);
}

#[test]
fn quantiles_of_the_test_data_are_within_alpha_of_exact() {
    let groups =
        observe::resolve(&[concat!(env!("CARGO_MANIFEST_DIR"), "/testdata").to_owned()], &Downloads::default())
            .unwrap();
    let engine = Engine::open(None).unwrap();
    let until: Timestamp = "2023-11-17T18:00:00Z".parse().unwrap();
    let request = Request {
        load: LoadRequest {
            groups: &groups,
            layouts: &LayoutChoice::default(),
            scores: &[],
            policy: &policy(),
            default_service: None,
            pushdown: None,
            kept: None,
            now: until,
        },
        window: SignedDuration::from_hours(1),
        lookback: SignedDuration::from_hours(24),
        until: Some(until),
        prices: &prices(),
        rejects: None,
    };
    let observation = observe::observe(&engine, &request, &|_| ()).unwrap();
    for (service, evidence) in &observation.services {
        let file = format!("{}/testdata/{service}.csv.gz", env!("CARGO_MANIFEST_DIR"));
        let reader = flate2::read::GzDecoder::new(std::fs::File::open(file).unwrap());
        let mut rows = csv::Reader::from_reader(reader);
        let headers = rows.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let (latency, outcome, id) = (column("latency_ms"), column("outcome"), column("request_id"));
        let mut seen = std::collections::BTreeSet::new();
        let mut exact: Vec<f64> = rows
            .records()
            .map(Result::unwrap)
            .filter(|row| &row[outcome] == "success" && seen.insert(row[id].to_owned()))
            .filter_map(|row| row[latency].parse().ok())
            .filter(|latency| *latency >= 0.0)
            .collect();
        exact.sort_by(f64::total_cmp);
        for q in [0.5, 0.95, 0.99] {
            // A broken row or two were rejected by other columns, so a neighbour of the exact rank may be the right one.
            let rank = (q * exact.len() as f64).ceil() as usize - 1;
            let (low, high) = (exact[rank.saturating_sub(4)], exact[(rank + 4).min(exact.len() - 1)]);
            let got = evidence.lookback.latency.quantile(q).unwrap();
            assert!(low * 0.99 <= got && got <= high * 1.0102, "{service} {q}: {got} outside {low} to {high}");
        }
    }
}
