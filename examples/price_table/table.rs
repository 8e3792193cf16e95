//! Which rows of the price list make the table, and how they are written.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use anyhow::{Context, bail};
use serde::Deserialize;

/// A model whose prices change has the tier of the one in force on this day.
const TODAY: &str = "2026-08-01";

/// Models of a router with hundreds of them that recorded traffic needs.
const WANTED: [(&str, &str); 12] = [
    ("openrouter", "google/gemini-2.0-flash-exp:free"),
    ("openrouter", "google/gemini-2.5-flash"),
    ("openrouter", "meta-llama/llama-2-70b-chat"),
    ("openrouter", "mistralai/mixtral-8x7b-instruct"),
    ("openrouter", "openai/gpt-4-1106-preview"),
    ("openrouter", "openai/gpt-4o-mini"),
    ("openrouter", "openai/gpt-5-mini"),
    ("openrouter", "openai/gpt-5.1-codex-mini"),
    ("openrouter", "openai/gpt-oss-120b"),
    ("openrouter", "qwen/qwen3-30b-a3b-instruct-2507"),
    ("openrouter", "qwen/qwen3-32b"),
    ("openrouter", "z-ai/glm-4.6"),
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
# copyright (c) Pydantic Services. Cache prices for long input: prices/data_v2_slim.json at commit 8a98bff1.
# Written by `examples/price_table`; no number was changed.
#
# Taken: every model with a price for input and one for output, from openai, anthropic, google, aws, azure, mistral,
# groq, together, fireworks, deepseek, x-ai, cohere, perplexity, minimax, cerebras, ovhcloud and the providers behind
# huggingface, under the provider names of the OpenTelemetry conventions where they have one (Google's models under both
# of its services), and twelve of openrouter.
# Left out, because one number per token would be wrong or is of no use:
#   - audio, images, embeddings, realtime, fine-tuned models and tools that also bill per search;
#   - free variants, but for one of openrouter: it costs 0, which is not the same as a price that nobody knows;
#   - models marked deprecated, the completion models before chat, previews at groq, and other makers than Meta and
#     Mistral at together, than Amazon, Anthropic, Meta, Mistral and OpenAI at aws;
#   - aws in single regions (`regional.` in the source): the newer Claude models cost a tenth more there.
# Models of text also take audio and images; those tokens cost more at some providers, which is not in here.
# Perplexity adds a fee per request, and Anthropic, OpenAI and Google one per search; neither is in here.
#
# long_input: beyond that many input tokens, all tokens of the request cost these prices.
# valid_from: the first day, in UTC, of prices that replaced others or will. daily_utc: prices of certain hours.
# tier: by the blended price of three tokens of input and one of output: below 1 dollar `fast`, below 8 `balanced`,
# above `advanced`. A rule of thumb for proposing neighbours, not a judgement of any model.

models:
";

/// One row of the price list, in US dollars per million tokens. Steps are `threshold:price`, the threshold in tokens.
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
    cache_read_tiers: String,
    cache_write_tiers: String,
    valid_from_date: String,
    daily_from_utc: String,
    daily_to_utc: String,
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
            "aws" => !made_by(&["amazon.", "global.", "meta.", "mistral.", "openai."]),
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

    /// Input, output, cache read, cache write. The source leaves the prices of a free variant blank; a blank of any other
    /// model is a price that nobody knows.
    fn prices(&self) -> [Option<f64>; 4] {
        if self.model.ends_with(":free") {
            return [Some(0.0), Some(0.0), None, None];
        }
        [self.input_usd_per_mtok, self.output_usd_per_mtok, self.cache_read_usd_per_mtok, self.cache_write_usd_per_mtok]
    }

    /// The prices for long input, by rising threshold.
    fn steps(&self) -> anyhow::Result<BTreeMap<u64, [Option<f64>; 4]>> {
        let mut steps: BTreeMap<u64, [Option<f64>; 4]> = BTreeMap::new();
        let lists = [&self.input_tiers, &self.output_tiers, &self.cache_read_tiers, &self.cache_write_tiers];
        for (kind, list) in lists.into_iter().enumerate() {
            for step in list.split_whitespace() {
                let (start, price) = step.split_once(':').context("a step is `threshold:price`")?;
                steps.entry(start.parse()?).or_default()[kind] = Some(price.parse()?);
            }
        }
        Ok(steps)
    }
}

/// The names under which traffic to this row's provider appears.
fn providers(row: &Row) -> Vec<&str> {
    match row.provider.as_str() {
        "google" if row.model.starts_with("claude") => vec!["gcp.vertex_ai"],
        "google" => vec!["gcp.gemini", "gcp.vertex_ai"],
        "aws" => vec!["aws.bedrock"],
        "azure" => vec!["azure.ai.openai"],
        "mistral" => vec!["mistral_ai"],
        "x-ai" => vec!["x_ai"],
        "openrouter" if !WANTED.contains(&(&row.provider, &row.model)) => vec![],
        same @ ("openai" | "anthropic" | "groq" | "together" | "fireworks" | "deepseek" | "cohere" | "perplexity"
        | "minimax" | "cerebras" | "ovhcloud" | "openrouter") => vec![same],
        same if same.starts_with("huggingface_") => vec![same],
        _ => vec![],
    }
}

fn tier(prices: [Option<f64>; 4]) -> &'static str {
    let [input, output, ..] = prices.map(Option::unwrap_or_default);
    match (3.0 * input + output) / 4.0 {
        blended if blended < 1.0 => "fast",
        blended if blended < 8.0 => "balanced",
        _ => "advanced",
    }
}

fn write_prices(out: &mut impl Write, prices: [Option<f64>; 4]) -> anyhow::Result<()> {
    for (name, price) in ["input", "output", "cached_input", "cache_write"].iter().zip(prices) {
        if let Some(price) = price {
            write!(out, ", {name}_usd_per_mtok: {price}")?;
        }
    }
    Ok(())
}

/// `00:30` of `00:30:00Z`.
fn minute(time: &str) -> anyhow::Result<&str> {
    time.strip_suffix(":00Z").with_context(|| format!("`{time}` is not a whole minute in UTC"))
}

fn write_row(out: &mut impl Write, provider: &str, row: &Row, tier: &str) -> anyhow::Result<()> {
    write!(out, "  - {{provider: {provider}, model: \"{}\", tier: {tier}", row.model)?;
    write_prices(out, row.prices())?;
    let steps = row.steps()?;
    for (index, (above, prices)) in steps.iter().enumerate() {
        if prices.map(|price| price.is_some()) != row.prices().map(|price| price.is_some()) {
            bail!("{provider}/{} above {above} tokens: not the same prices as below", row.model);
        }
        write!(out, "{}{{above_tokens: {above}", if index == 0 { ", long_input: [" } else { ", " })?;
        write_prices(out, *prices)?;
        write!(out, "}}")?;
    }
    if !steps.is_empty() {
        write!(out, "]")?;
    }
    if !row.valid_from_date.is_empty() {
        write!(out, ", valid_from: {}", row.valid_from_date)?;
    }
    if !row.daily_from_utc.is_empty() {
        let (from, to) = (minute(&row.daily_from_utc)?, minute(&row.daily_to_utc)?);
        write!(out, ", daily_utc: {{from: \"{from}\", to: \"{to}\"}}")?;
    }
    if let Some(tokens) = row.context_window {
        write!(out, ", context_window: {tokens}")?;
    }
    Ok(writeln!(out, "}}")?)
}

/// Reads the price list and writes the table.
pub fn write(prices: impl Read, out: &mut impl Write) -> anyhow::Result<()> {
    let rows: Vec<Row> = csv::Reader::from_reader(prices).into_deserialize().collect::<Result<_, _>>()?;
    let mut models: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_wanted()) {
        for provider in providers(row) {
            models.entry((provider, &row.model)).or_default().push(row);
        }
    }
    out.write_all(HEADER.as_bytes())?;
    let mut last = "";
    for ((provider, _), mut rows) in models {
        if provider != last {
            writeln!(out, "  # {provider}")?;
            last = provider;
        }
        rows.sort_by_key(|row| (&row.valid_from_date, &row.daily_from_utc));
        let mut all_day = rows.iter().filter(|row| row.daily_from_utc.is_empty());
        let now = all_day.rfind(|row| row.valid_from_date.as_str() <= TODAY).unwrap_or(&rows[0]);
        let tier = tier(now.prices());
        for row in rows {
            write_row(out, provider, row, tier)?;
        }
    }
    Ok(())
}
