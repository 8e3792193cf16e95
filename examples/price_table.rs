//! Prints `policies/models.yaml` from a price list in CSV:
//!
//! ```text
//! cargo run --example price_table -- prices.csv > policies/models.yaml
//! ```
//!
//! The list has a header and the columns of `Row`, prices in US dollars per million tokens. Which rows are taken, and
//! why the others are not, is written at the head of the table itself.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Deserialize;

/// Prices in force on this day; later ones become a comment.
const TODAY: &str = "2026-08-01";

/// Rows of no provider above that recorded traffic needs.
const WANTED: [(&str, &str); 3] = [
    ("openrouter", "openai/gpt-4-1106-preview"),
    ("openrouter", "mistralai/mixtral-8x7b-instruct"),
    ("openrouter", "meta-llama/llama-2-70b-chat"),
];

/// What is not plain text in, text out by the token.
const OTHER_KINDS: [&str; 18] = [
    "audio",
    "image",
    "embed",
    "tts",
    "transcribe",
    "realtime",
    "live",
    "vision",
    "sonic",
    "voxtral",
    "moderation",
    "guard",
    "computer-use",
    "research",
    "search",
    "ft:",
    ".ft-",
    "multi-agent",
];

/// Models of the completion API before chat, switched off long ago.
const RETIRED: [&str; 6] = ["ada", "babbage", "curie", "davinci", "text-davinci", "gpt-3.5-0301"];

const HEADER: &str = "\
# yaml-language-server: $schema=../docs/schema/models.v1.json
#
# What models cost: US dollars per million tokens, as listed in August 2026. Used to compare models that a service has
# not used yet, and to price requests whose source does not report a cost. Your own contract may say something else:
# copy this file, change it, and pass it with `--models FILE`.
#
# Source: pydantic/genai-prices, prices/data.json at commit 47df840a. MIT licence (licences/genai-prices-MIT.txt),
# copyright (c) Pydantic Services.
# Written by `examples/price_table.rs`; no number was changed.
#
# Taken: every model with one plain price for input and one for output, from openai, anthropic, google, aws, azure,
# mistral, groq, together, fireworks, deepseek, x-ai, cohere and perplexity, under the provider names of the
# OpenTelemetry conventions (Google's models under both of its services), and three of openrouter.
# Left out, because one number per token would be wrong or is of no use:
#   - prices that rise beyond a number of input tokens, or change with the time of day (listed at the end);
#   - free variants, audio, images, embeddings, realtime, fine-tuned models and tools that also bill per search;
#   - models marked deprecated, the completion models before chat, previews at groq, and other makers than Meta and
#     Mistral at together, than Amazon, Anthropic, Meta and Mistral at aws;
#   - aws in single regions (`regional.` in the source): the newer Claude models cost a tenth more there.
# Perplexity adds a fee per request, and Anthropic, OpenAI and Google one per search; neither is in here.
# Where prices change on a known later day, the one in force on 1 August 2026 stands, and the next in the comment.
#
# tier: by the blended price of three tokens of input and one of output: below 1 dollar `fast`, below 8 `balanced`,
# above `advanced`. A rule of thumb for proposing neighbours, not a judgement of any model.

models:
";

#[derive(Debug, Clone, Deserialize)]
struct Row {
    provider: String,
    model: String,
    input_usd_per_mtok: Option<f64>,
    output_usd_per_mtok: Option<f64>,
    cache_read_usd_per_mtok: Option<f64>,
    cache_write_usd_per_mtok: Option<f64>,
    context_window: Option<u64>,
    input_tiers: String,
    output_tiers: String,
    valid_from_date: String,
    daily_from_utc: String,
    deprecated: u8,
}

impl Row {
    /// Text in, text out, in use, and from a provider of the list.
    fn is_wanted(&self) -> bool {
        let model = self.model.to_lowercase();
        if WANTED.contains(&(&self.provider, &self.model)) {
            return true;
        }
        let made_by = |makers: &[&str]| makers.iter().any(|maker| model.starts_with(maker));
        let of_no_use = match self.provider.as_str() {
            "together" => !made_by(&["meta-llama/", "mistralai/"]),
            "aws" => !made_by(&["amazon.", "global.", "meta.", "mistral."]),
            "groq" => model.ends_with("-preview"),
            _ => false,
        };
        !providers(self).is_empty()
            && self.deprecated == 0
            && !of_no_use
            && !OTHER_KINDS.iter().any(|kind| model.contains(kind))
            && !RETIRED
                .iter()
                .any(|name| model == *name || model.strip_prefix(name).is_some_and(|rest| rest.starts_with("-00")))
            && self.input_usd_per_mtok.is_some()
            && self.output_usd_per_mtok.is_some()
    }

    /// Whether the price depends on nothing but the number of tokens.
    fn is_plain(&self) -> bool {
        self.input_tiers.is_empty() && self.output_tiers.is_empty() && self.daily_from_utc.is_empty()
    }
}

/// The names under which traffic to this row's provider appears.
fn providers(row: &Row) -> &'static [&'static str] {
    match row.provider.as_str() {
        "openai" => &["openai"],
        "anthropic" => &["anthropic"],
        "google" if row.model.starts_with("claude") => &["gcp.vertex_ai"],
        "google" => &["gcp.gemini", "gcp.vertex_ai"],
        "aws" => &["aws.bedrock"],
        "azure" => &["azure.ai.openai"],
        "mistral" => &["mistral_ai"],
        "groq" => &["groq"],
        "together" => &["together"],
        "fireworks" => &["fireworks"],
        "deepseek" => &["deepseek"],
        "x-ai" => &["x_ai"],
        "cohere" => &["cohere"],
        "perplexity" => &["perplexity"],
        "openrouter" if WANTED.contains(&(&row.provider, &row.model)) => &["openrouter"],
        _ => &[],
    }
}

fn tier(input: f64, output: f64) -> &'static str {
    match (3.0 * input + output) / 4.0 {
        blended if blended < 1.0 => "fast",
        blended if blended < 8.0 => "balanced",
        _ => "advanced",
    }
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).ok_or_else(|| anyhow::anyhow!("usage: price_table PRICES.csv"))?;
    let mut models: BTreeMap<(&str, String), Vec<Row>> = BTreeMap::new();
    for row in csv::Reader::from_path(path)?.deserialize() {
        let row: Row = row?;
        if row.is_wanted() {
            for provider in providers(&row) {
                models.entry((*provider, row.model.clone())).or_default().push(row.clone());
            }
        }
    }

    let mut out = std::io::stdout().lock();
    out.write_all(HEADER.as_bytes())?;
    let mut left_out = Vec::new();
    let mut last = "";
    for ((provider, model), mut rows) in models {
        rows.sort_by(|a, b| a.valid_from_date.cmp(&b.valid_from_date));
        let in_force = rows.iter().rposition(|row| row.valid_from_date.as_str() <= TODAY);
        let later = in_force.and_then(|now| rows.get(now + 1));
        let Some(row) = in_force.map(|now| &rows[now]) else { continue };
        let hourly = rows.iter().any(|row| !row.daily_from_utc.is_empty());
        let (true, false, Some(input), Some(output)) =
            (row.is_plain(), hourly, row.input_usd_per_mtok, row.output_usd_per_mtok)
        else {
            left_out.push(format!("{provider}/{model}"));
            continue;
        };
        if provider != last {
            writeln!(out, "  # {provider}")?;
            last = provider;
        }
        write!(out, "  - {{provider: {provider}, model: \"{model}\", tier: {}", tier(input, output))?;
        write!(out, ", input_usd_per_mtok: {input}, output_usd_per_mtok: {output}")?;
        if let Some(price) = row.cache_read_usd_per_mtok {
            write!(out, ", cached_input_usd_per_mtok: {price}")?;
        }
        if let Some(price) = row.cache_write_usd_per_mtok {
            write!(out, ", cache_write_usd_per_mtok: {price}")?;
        }
        if let Some(tokens) = row.context_window {
            write!(out, ", context_window: {tokens}")?;
        }
        match later.and_then(|later| Some((later, later.input_usd_per_mtok?, later.output_usd_per_mtok?))) {
            Some((later, input, output)) => writeln!(out, "}} # {input} and {output} from {}", later.valid_from_date)?,
            None => writeln!(out, "}}")?,
        }
    }
    writeln!(out, "\n# Left out for prices that depend on the length of the input or on the time of day:")?;
    for name in left_out {
        writeln!(out, "#   {name}")?;
    }
    Ok(())
}
