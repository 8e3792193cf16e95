//! The real requests that traffic is drawn from: latency, tokens and quality of what a model answered, by how hard the request was.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use rand::Rng;
use serde::Deserialize;

/// What serves everything at first, and what does the simple requests nearly as well for a fiftieth of the price.
pub const DEAR: &str = "openai/gpt-4-1106-preview";
pub const CHEAP: &str = "mistralai/mixtral-8x7b-instruct";
pub const PROVIDER: &str = "openrouter";

/// A line of the log as it is written.
#[derive(Debug, Clone, Deserialize)]
pub struct Request {
    pub ts: String,
    pub endpoint: String,
    pub provider: String,
    pub model: String,
    pub variant: String,
    pub latency_ms: Option<f64>,
    pub ttft_ms: Option<f64>,
    pub input_tokens: Option<f64>,
    pub output_tokens: Option<f64>,
    pub quality: Option<f64>,
    pub outcome: String,
    pub status_code: Option<u16>,
    pub error_type: String,
    pub complexity: String,
}

/// A day of requests.
#[derive(Debug)]
pub struct Pool {
    day: Vec<Request>,
    /// Places in `day`, by model and complexity.
    by_kind: BTreeMap<(String, String), Vec<usize>>,
}

impl Pool {
    /// Lines that cannot be read, which the data has on purpose, are left out.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let packed = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(packed.as_slice()));
        let sound = |request: &Request| {
            let number = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value >= 0.0);
            let later = request.ttft_ms <= request.latency_ms;
            request.ts.ends_with('Z') && number(request.latency_ms) && number(request.ttft_ms) && later
        };
        let day: Vec<Request> = reader.deserialize::<Request>().filter_map(Result::ok).filter(sound).collect();
        let mut by_kind: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, request) in day.iter().enumerate() {
            by_kind.entry((request.model.clone(), request.complexity.clone())).or_default().push(place);
        }
        Ok(Self { day, by_kind })
    }

    /// The day as it was.
    pub fn day(&self) -> &[Request] {
        &self.day
    }

    /// How hard a request is, by the day's shares.
    pub fn complexity(&self, random: &mut impl Rng) -> &str {
        &self.day[random.random_range(0..self.day.len())].complexity
    }

    /// One that this model answered.
    pub fn draw(&self, model: &str, complexity: &str, random: &mut impl Rng) -> &Request {
        let places = self.by_kind.get(&(model.to_owned(), complexity.to_owned()));
        let places = places.unwrap_or_else(|| panic!("the data has no {complexity} request of {model}"));
        &self.day[places[random.random_range(0..places.len())]]
    }
}
