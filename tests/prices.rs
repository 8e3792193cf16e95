//! Prices against the outside world: what pydantic/genai-prices expects real replies of providers to cost, and the price
//! list from which the table that ships is written.

mod support;

#[path = "../examples/price_table/table.rs"]
mod table;

use std::{collections::BTreeMap, fs, io::Read};

use flate2::read::GzDecoder;
use optimizer::{
    decide::policy::{MODELS, parse_models},
    domain::{ModelTable, price::Usage},
};
use serde::Deserialize;
use support::root;

/// 1 August 2026 at noon: between the changes of prices that upstream knew of, and in the daytime of `deepseek`, when upstream
/// wrote its expectations down.
const AT_US: i64 = 1_785_585_600_000_000;

/// Tokens of a real reply and its expected cost. Upstream has already read the reply: `input_tokens` contains what was
/// read from and written to the cache for every `api_flavor` (Anthropic's own count would not), and `output_tokens`
/// contains reasoning.
#[derive(Debug, Deserialize)]
struct Case {
    #[serde(rename = "case_id")]
    id: String,
    provider: String,
    api_flavor: String,
    model: String,
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    output_reasoning_tokens: u64,
    expected_input_usd: f64,
    expected_output_usd: f64,
    exact_in_prices_csv: u8,
}

impl Case {
    fn key(&self) -> (String, String, String) {
        (self.id.clone(), self.provider.clone(), self.api_flavor.clone())
    }

    fn usage(&self) -> Usage {
        Usage {
            input: self.input_tokens,
            cached_input: self.cache_read_tokens,
            cache_write: self.cache_write_tokens,
            output: self.output_tokens,
            reasoning: self.output_reasoning_tokens,
        }
    }

    /// The names of the provider in the traffic.
    fn providers(&self) -> &'static [&'static str] {
        match self.provider.as_str() {
            "google" if self.model.starts_with("claude") => &["gcp.vertex_ai"],
            "google" => &["gcp.gemini", "gcp.vertex_ai"],
            "aws" => &["aws.bedrock"],
            _ => &[],
        }
    }

    /// Input and whole cost in US dollars by the table; none is unknown.
    fn priced(&self, table: &ModelTable) -> Option<(f64, f64)> {
        let own = [self.provider.as_str()];
        let names = if self.providers().is_empty() { own.as_slice() } else { self.providers() };
        let costs = names.iter().map(|name| {
            let price = table.price_of(Some(name), &self.model)?;
            let input_alone = Usage { output: 0, reasoning: 0, ..self.usage() };
            Some((price.cost_usd(AT_US, &input_alone)?, price.cost_usd(AT_US, &self.usage())?))
        });
        let costs: Vec<_> = costs.collect();
        assert!(costs.windows(2).all(|pair| pair[0] == pair[1]), "{}: one price under both names", self.id);
        costs[0]
    }

    fn expected(&self) -> (f64, f64) {
        (self.expected_input_usd, self.expected_input_usd + self.expected_output_usd)
    }
}

/// A case that upstream prices otherwise, and why.
#[derive(Debug, Deserialize)]
struct Difference {
    case_id: String,
    provider: String,
    api_flavor: String,
    model: String,
    ours_usd: Option<f64>,
    theirs_usd: f64,
    reason: String,
}

fn unpacked(name: &str) -> Vec<u8> {
    let packed = fs::read(root().join("testdata/public").join(name)).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn cases() -> Vec<Case> {
    let csv = unpacked("genai-usage-costs.csv.gz");
    csv::Reader::from_reader(csv.as_slice()).into_deserialize().collect::<Result<_, _>>().unwrap()
}

fn differences() -> BTreeMap<(String, String, String), Difference> {
    let path = root().join("testdata/public/genai-usage-cost-differences.csv");
    let rows = csv::Reader::from_path(path).unwrap().into_deserialize::<Difference>();
    rows.map(|row| {
        let row = row.unwrap();
        ((row.case_id.clone(), row.provider.clone(), row.api_flavor.clone()), row)
    })
    .collect()
}

fn shipped() -> ModelTable {
    parse_models("policies/models.yaml", MODELS).unwrap_or_else(|problems| panic!("{problems}"))
}

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-9 * theirs.abs()
}

#[test]
fn real_replies_cost_what_upstream_expects_or_the_difference_is_explained() {
    let (table, cases, mut listed) = (shipped(), cases(), differences());
    assert_eq!(cases.len(), 1_463);
    let (mut reproduced, mut explained, mut problems) = (0, 0, Vec::new());
    for case in cases.iter().filter(|case| case.exact_in_prices_csv == 1) {
        let (ours, theirs) = (case.priced(&table), case.expected());
        let same = ours.is_some_and(|ours| close(ours.0, theirs.0) && close(ours.1, theirs.1));
        match (same, listed.remove(&case.key())) {
            (true, None) => reproduced += 1,
            (true, Some(_)) => problems.push(format!("{case:?} does not differ any more; take it from the list")),
            (false, None) => problems.push(format!("{case:?}: ours (input, all) {ours:?}")),
            (false, Some(row)) => {
                let as_listed = match (row.ours_usd, ours) {
                    (Some(listed), Some(ours)) => close(ours.1, listed),
                    (None, None) => true,
                    _ => false,
                };
                let whole = as_listed && close(theirs.1, row.theirs_usd) && row.model == case.model;
                if !whole || row.reason.is_empty() {
                    problems.push(format!("{row:?} is not what is: {case:?}, ours (input, all) {ours:?}"));
                }
                explained += 1;
            }
        }
    }
    problems.extend(listed.values().map(|row| format!("{row:?} is no case")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!((reproduced, explained), (413, 23));
}

/// Upstream knows these by a pattern on the name; the length of their input makes them the only ones above a threshold.
#[test]
fn a_long_reply_costs_the_dear_price_for_every_token() {
    let price = shipped();
    let price = price.price_of(Some("anthropic"), "claude-sonnet-4-5").unwrap();
    let cases = cases();
    let long: Vec<&Case> = cases
        .iter()
        .filter(|case| {
            case.input_tokens > 200_000 && case.provider == "anthropic" && case.model.starts_with("claude-sonnet-4-5")
        })
        .collect();
    assert_eq!(long.len(), 2);
    for case in long {
        let ours = price.cost_usd(AT_US, &case.usage()).unwrap();
        assert!(close(ours, case.expected().1), "{case:?}: {ours}");
    }
}

#[test]
fn the_table_that_ships_is_written_from_the_price_list() {
    let mut written = Vec::new();
    table::write(unpacked("genai-prices.csv.gz").as_slice(), &mut written).unwrap();
    assert!(written == MODELS.as_bytes(), "run `cargo run --example price_table > policies/models.yaml`");
}

/// What a price list says in its blanks and dates: `:free` costs nothing, o3 fell on a day, one provider is dearer by day.
#[test]
fn blanks_dates_and_hours_of_the_price_list_mean_what_they_mean() {
    let table = shipped();
    let million = Usage { input: 1_000_000, output: 1_000_000, ..Usage::default() };
    let cost = |provider: &str, model: &str, at: &str| {
        let at: jiff::Timestamp = at.parse().unwrap();
        table.price_of(Some(provider), model).and_then(|price| price.cost_usd(at.as_microsecond(), &million))
    };
    let noon = "2026-03-01T12:00:00Z";
    assert_eq!(cost("openrouter", "google/gemini-2.0-flash-exp:free", noon), Some(0.0), "a gift, and known to be one");
    assert_eq!(cost("openrouter", "google/gemini-2.0-flash-exp", noon), None, "unknown is not free");
    for (at, usd) in [
        ("2025-06-09T23:59:59.999999Z", 50.0),
        ("2025-06-10T00:00:00Z", 10.0),
        // By the clock of UTC, whatever the date where it was asked.
        ("2025-06-10T01:00:00+02:00", 50.0),
        (noon, 10.0),
    ] {
        assert!(close(cost("openai", "o3", at).unwrap(), usd), "{at}");
    }
    for (at, usd) in [
        ("2026-03-01T00:29:59Z", 0.135 + 0.55),
        ("2026-03-01T00:30:00Z", 0.27 + 1.1),
        ("2026-03-01T16:29:59Z", 0.27 + 1.1),
        ("2026-03-01T16:30:00Z", 0.135 + 0.55),
    ] {
        assert!(close(cost("deepseek", "deepseek-chat", at).unwrap(), usd), "{at}");
    }
}
