//! Cost by price arithmetic: input of the service itself, answers and tokenizer as they compare elsewhere.

use std::{collections::BTreeMap, path::Path};

use optimizer::{
    domain::price::{ModelPrice, PriceEntry, Rates},
    stats::{
        Sketch,
        interval::Uncertain,
        prediction::{Scale, Student},
        price_arithmetic::{Workload, per_request},
        transfer::{Elsewhere, Spread, effect, predict},
    },
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    DEALS,
    data::{self, Record},
    own::{evidence, mean, on_log},
    tally::{Line, Outcome, Tally},
};

/// Model and US dollars per million tokens of input and output: what the costs in the data are made with.
const MODELS: [(&str, f64, f64); 2] = [("claude-3-haiku-20240307", 0.25, 1.25), ("gemini-2.0-flash-001", 0.10, 0.40)];

/// Rows of a dataset below which it is left out.
const LEAST: usize = 8;

/// Tokenizers differ less than models do.
const TOKENIZERS: Spread = Spread { between_services: 0.1, worth: 4.0 };

/// Requests of one model.
#[derive(Default)]
struct Served {
    input: Vec<f64>,
    output: Vec<f64>,
    cost: Vec<f64>,
}

impl Served {
    fn of(records: &[&Record]) -> Self {
        let column = |name: &str| records.iter().map(|record| record[name].parse().expect("a number")).collect();
        Self { input: column("input_tokens"), output: column("output_tokens"), cost: column("cost_usd") }
    }
}

fn price(input: f64, output: f64) -> ModelPrice {
    let rates = Rates { input: Some(input / 1e6), output: Some(output / 1e6), ..Rates::default() };
    ModelPrice::new(vec![PriceEntry { valid_from: None, daily_utc: None, rates, long_input: Vec::new() }])
}

/// Present model and candidate by dataset, each prompt dealt to one of them.
fn dealt(records: &[Record], present: &str, random: &mut ChaCha8Rng) -> Vec<[Served; 2]> {
    let mut datasets: BTreeMap<&str, BTreeMap<&str, Vec<&Record>>> = BTreeMap::new();
    for record in records {
        let prompts = datasets.entry(&record["dataset"]).or_default();
        prompts.entry(&record["prompt_id"]).or_default().push(record);
    }
    let large = datasets.into_values().filter(|prompts| prompts.len() >= LEAST);
    large
        .map(|prompts| {
            let mut prompts: Vec<Vec<&Record>> = prompts.into_values().collect();
            prompts.shuffle(random);
            let half = prompts.len() / 2;
            let side = |prompts: &[Vec<&Record>], of_present: bool| {
                let all = prompts.iter().flatten().copied();
                Served::of(&all.filter(|record| (record["model"] == present) == of_present).collect::<Vec<_>>())
            };
            [side(&prompts[..half], true), side(&prompts[half..], false)]
        })
        .collect()
}

fn outcome(services: &[[Served; 2]], left_out: usize, price: &ModelPrice) -> Option<Outcome> {
    let elsewhere = |column: fn(&Served) -> &Vec<f64>, usual: Spread| {
        let others = services.iter().enumerate().filter(|(place, _)| *place != left_out);
        let effects: Vec<Uncertain> = others
            .filter_map(|(_, [present, candidate])| {
                effect(Scale::Log, &evidence(column(candidate))?, &evidence(column(present))?)
            })
            .collect();
        Elsewhere::of(Scale::Log, &effects, None, &usual).ok()
    };
    let [present, candidate] = &services[left_out];
    let answers = elsewhere(|served| &served.output, Spread::OF_RATIOS)?;
    let answers = predict(&answers, Some(&evidence(&present.output)?.on(Scale::Log)?), None).ok()?;
    let input = Sketch::from_values(present.input.iter().copied());
    let mut workload = Workload::new(&input, present.input.len() as f64, Some(answers.uncertain()));
    workload.log_tokenizer_ratio = elsewhere(|served| &served.input, TOKENIZERS)?.effect().uncertain();
    let cost = per_request(price, &[0], &workload).ok()?;
    let error = evidence(&candidate.cost)?.on(Scale::Log)?;
    on_log(&Student::normal(&cost.log()?)?.plus(&Student { value: 0.0, ..error }), mean(&candidate.cost))
}

pub fn lines(folder: &Path) -> Vec<Line> {
    let records = data::records(folder, "routerarena-haiku-vs-gemini-flash");
    let mut tally = Tally::default();
    for seed in 0..DEALS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for (place, (present, ..)) in MODELS.iter().enumerate() {
            let (_, input, output) = MODELS[1 - place];
            let price = price(input, output);
            let services = dealt(&records, present, &mut random);
            for left_out in 0..services.len() {
                tally.add(outcome(&services, left_out, &price));
            }
        }
    }
    vec![tally.line("price arithmetic: cost, RouterArena datasets", super::tally::Evidence::Enough)]
}
