//! The public data as values by service and model, and how they are dealt out.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

pub type Record = BTreeMap<String, String>;

/// Values by service, then model.
pub type Table = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// The records of a file, packed or not.
pub fn records(folder: &Path, stem: &str) -> Vec<Record> {
    let path = folder.join(format!("{stem}.csv"));
    let bytes = fs::read(&path).unwrap_or_else(|_| {
        let packed = folder.join(format!("{stem}.csv.gz"));
        let file = fs::File::open(&packed).unwrap_or_else(|error| panic!("{}: {error}", packed.display()));
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(file).read_to_end(&mut bytes).expect("a whole file");
        bytes
    });
    csv::Reader::from_reader(bytes.as_slice()).into_deserialize().map(|row| row.expect("a row")).collect()
}

fn table(records: impl IntoIterator<Item = Record>, key: impl Fn(&Record) -> Option<(String, String, f64)>) -> Table {
    let mut table = Table::new();
    for record in records {
        if let Some((service, model, value)) = key(&record) {
            table.entry(service).or_default().entry(model).or_default().push(value);
        }
    }
    table
}

fn number(record: &Record, column: &str) -> Option<f64> {
    record[column].parse().ok()
}

/// One column of the answers in `RouterArena`, by dataset and model. One score lies below zero and counts as zero.
pub fn routerarena(folder: &Path, column: &str) -> Table {
    table(records(folder, "routerarena-haiku-vs-gemini-flash"), |record| {
        Some((record["dataset"].clone(), record["model"].clone(), number(record, column)?.max(0.0)))
    })
}

/// Right and wrong answers of two models by subject.
pub fn routellm(folder: &Path) -> Table {
    let stems = ["routellm-mmlu", "routellm-mmlu-rest", "routellm-gsm8k"];
    let all: Vec<Record> = stems.iter().flat_map(|stem| records(folder, stem)).collect();
    let mut both = Table::new();
    for model in ["mixtral_8x7b", "gpt_4_1106"] {
        let column = format!("{model}_correct");
        let one =
            table(all.clone(), |record| Some((record["domain"].clone(), model.to_owned(), number(record, &column)?)));
        for (service, models) in one {
            both.entry(service).or_default().extend(models);
        }
    }
    both
}

/// One column of the successes of a benchmark of seven models, by task and model; models without a price have no cost.
pub fn llmbench(folder: &Path, column: &str) -> Table {
    let sound = |record: &Record| record["status"] == "ok" && (column != "cost_usd" || record["cost_usd"] != "0.0");
    table(records(folder, "llmbench0xnu-2runs"), |record| {
        let value = number(record, column).filter(|_| sound(record))?;
        Some((record["task"].clone(), record["model"].clone(), value))
    })
}

/// Seconds to the last token of the successes, by provider and model.
pub fn llmperf(folder: &Path) -> Table {
    let stems = ["llmperf-llama2-70b", "llmperf-llama2-7b"];
    table(stems.iter().flat_map(|stem| records(folder, stem)), |record| {
        let value = number(record, "e2e_latency_s").filter(|_| record["status"] == "ok")?;
        Some((record["provider"].clone(), record["model"].clone(), value))
    })
}

/// All values by model, whatever the service.
pub fn by_model(table: &Table) -> Table {
    let mut all = BTreeMap::new();
    for (model, values) in table.values().flatten() {
        all.entry(model.clone()).or_insert_with(Vec::new).extend(values);
    }
    Table::from([("all".to_owned(), all)])
}

/// Two halves at random, the second not smaller.
pub fn halves(values: &[f64], random: &mut ChaCha8Rng) -> (Vec<f64>, Vec<f64>) {
    let mut dealt = values.to_vec();
    dealt.shuffle(random);
    let rest = dealt.split_off(values.len() / 2);
    (dealt, rest)
}
