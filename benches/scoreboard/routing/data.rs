//! Prompts with what either model's answer cost and was worth.

use std::collections::{BTreeMap, BTreeSet};

use crate::public::records;

/// One prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    pub domain: String,
    /// US dollars and quality of the strong model's answer, and of the cheap one's.
    pub strong: (f64, f64),
    pub cheap: (f64, f64),
}

/// Prompts of one source.
#[derive(Debug)]
pub struct Set {
    pub name: &'static str,
    pub prompts: Vec<Prompt>,
}

impl Set {
    pub fn domains(&self) -> BTreeSet<String> {
        self.prompts.iter().map(|prompt| prompt.domain.clone()).collect()
    }
}

/// US dollars a token of input and of output: those of `openrouter` in policies/models.yaml.
const GPT_4: (f64, f64) = (10e-6, 30e-6);
const MIXTRAL: (f64, f64) = (0.24e-6, 0.24e-6);

/// Letters of a token, about.
const LETTERS: f64 = 4.0;

/// Tokens of an answer that is one letter and what goes with it.
const SHORT_ANSWER: f64 = 5.0;

pub fn sets() -> Vec<Set> {
    vec![
        Set { name: "routellm-mmlu", prompts: mmlu() },
        Set { name: "routellm-gsm8k", prompts: routellm(&["routellm-gsm8k.csv"]) },
        Set { name: "routerarena", prompts: routerarena() },
    ]
}

fn mmlu() -> Vec<Prompt> {
    routellm(&["routellm-mmlu.csv", "routellm-mmlu-rest.csv.gz"])
}

fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    row.get(column)?.parse().ok()
}

/// GPT-4 against Mixtral 8x7B. Questions the models may have been trained on are left out.
fn routellm(files: &[&str]) -> Vec<Prompt> {
    let rows = files.iter().flat_map(|file| records(file));
    let kept = rows.filter(|row| row["contaminated"] != "1");
    kept.map(|row| {
        let input = number(&row, "prompt_chars").expect("a length") / LETTERS;
        let answer = |column: &str| number(&row, column).map_or(SHORT_ANSWER, |letters| letters / LETTERS);
        let cost = |price: (f64, f64), column: &str| input * price.0 + answer(column) * price.1;
        let right = |column: &str| number(&row, column).expect("right or wrong");
        Prompt {
            strong: (cost(GPT_4, "gpt_4_1106_response_chars"), right("gpt_4_1106_correct")),
            cheap: (cost(MIXTRAL, "mixtral_8x7b_response_chars"), right("mixtral_8x7b_correct")),
            domain: row["domain"].clone(),
        }
    })
    .collect()
}

/// Claude 3 Haiku, the dearer one, against Gemini 2.0 Flash. Families of benchmarks are the domains; what has no family is one.
fn routerarena() -> Vec<Prompt> {
    let mut pairs: BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
    for row in records("routerarena-haiku-vs-gemini-flash.csv.gz") {
        pairs.entry(row["prompt_id"].clone()).or_default().insert(row["model"].clone(), row);
    }
    let prompt = |models: &BTreeMap<String, BTreeMap<String, String>>| {
        let of = |name: &str| {
            let row = models.iter().find(|(model, _)| model.contains(name))?.1;
            // One score lies below its scale, as the source has it; it is kept out like any bad row.
            let score = number(row, "score").filter(|score| (0.0..=1.0).contains(score))?;
            (row["status"] == "ok").then_some(())?;
            Some((number(row, "cost_usd")?, score))
        };
        let dataset = &models.values().next()?["dataset"];
        let family = ["MMLUPro", "OpenTDB", "QANTA", "SuperGLUE", "WMT19", "Ethics"].into_iter();
        let family = family.into_iter().find(|family| dataset.starts_with(family)).unwrap_or("others");
        Some(Prompt { domain: family.to_owned(), strong: of("haiku")?, cheap: of("gemini")? })
    };
    pairs.values().filter_map(prompt).collect()
}
