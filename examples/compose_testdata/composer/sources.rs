//! The measured files, read into the few numbers that the logs are made of.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use anyhow::{Context, ensure};
use flate2::read::GzDecoder;
use serde::{Deserialize, de::DeserializeOwned};

use super::plan::{Judged, Speed, Trace};

/// One row of an Azure trace: when in the hour it came, and how long prompt and answer were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Milliseconds after the full hour, below 3,600,000.
    pub(crate) offset_ms: i64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
}

/// How one measured request went, in a form that carries over to another answer length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) ttft_ms: f64,
    /// Decoding time of each token after the first, in milliseconds.
    pub(crate) per_token_ms: f64,
}

impl Pace {
    pub(crate) fn latency_ms(self, output_tokens: u64) -> f64 {
        self.ttft_ms + self.per_token_ms * output_tokens.saturating_sub(1) as f64
    }
}

/// Whether each of two models answered one benchmark question correctly.
#[derive(Debug, Clone)]
pub(crate) struct Prompt {
    pub(crate) domain: String,
    gpt_4: bool,
    mixtral: bool,
}

impl Prompt {
    pub(crate) fn correct(&self, judged: Judged) -> bool {
        match judged {
            Judged::Gpt4 => self.gpt_4,
            Judged::Mixtral => self.mixtral,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Sources {
    traces: BTreeMap<Trace, Vec<Arrival>>,
    paces: BTreeMap<Speed, Vec<Pace>>,
    pub(crate) prompts: Vec<Prompt>,
}

impl Sources {
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut traces = BTreeMap::new();
        traces.insert(Trace::Conversation, arrivals(&folder.join("azure-llm-2023-conv.csv.gz"))?);
        traces.insert(Trace::Code, arrivals(&folder.join("azure-llm-2023-code.csv.gz"))?);

        let mut paces = llmperf_paces(&folder.join("llmperf-llama2-70b.csv"))?;
        paces.append(&mut latencylab_paces(&folder.join("latencylab-gpt35-openai-vs-azure.csv"))?);

        let mut prompts = prompts(&folder.join("routellm-mmlu.csv"))?;
        prompts.append(&mut self::prompts(&folder.join("routellm-gsm8k.csv"))?);
        Ok(Self { traces, paces, prompts })
    }

    pub(crate) fn trace(&self, trace: Trace) -> &[Arrival] {
        &self.traces[&trace]
    }

    pub(crate) fn paces(&self, speed: Speed) -> anyhow::Result<&[Pace]> {
        self.paces.get(&speed).map(Vec::as_slice).with_context(|| format!("no successful request of {speed:?}"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TraceRow {
    #[serde(rename = "TIMESTAMP")]
    timestamp: String,
    context_tokens: u64,
    generated_tokens: u64,
}

fn arrivals(path: &Path) -> anyhow::Result<Vec<Arrival>> {
    let mut arrivals = rows::<TraceRow>(path)?
        .into_iter()
        .map(|row| {
            let offset_ms = offset_in_hour_ms(&row.timestamp)
                .with_context(|| format!("`{}` in `{}` is not a time", row.timestamp, path.display()))?;
            Ok(Arrival { offset_ms, input_tokens: row.context_tokens, output_tokens: row.generated_tokens })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    // The traces run from a quarter past to a quarter past. Kept by the clock, they wrap around the full hour, and the
    // few minutes without data fall inside the hour instead of leaving the end of the day empty.
    arrivals.sort_by_key(|arrival| arrival.offset_ms);
    Ok(arrivals)
}

/// `2023-11-16 18:15:46.6805900` → 15 min 46.680 s, in milliseconds.
fn offset_in_hour_ms(timestamp: &str) -> Option<i64> {
    let number = |from: usize, to: usize| timestamp.get(from..to)?.parse::<i64>().ok();
    Some((number(14, 16)? * 60 + number(17, 19)?) * 1000 + number(20, 23)?)
}

#[derive(Debug, Deserialize)]
struct LlmperfRow {
    provider: String,
    status: String,
    ttft_s: f64,
    e2e_latency_s: f64,
    output_tokens: u64,
}

/// The file's `inter_token_latency_s` is the whole latency over the tokens, time to first token included; adding the
/// first token again would make every answer too slow. The pace of the remaining tokens comes from the two totals.
fn llmperf_paces(path: &Path) -> anyhow::Result<BTreeMap<Speed, Vec<Pace>>> {
    let mut paces = BTreeMap::<Speed, Vec<Pace>>::new();
    for row in rows::<LlmperfRow>(path)? {
        let speed = match row.provider.as_str() {
            "together" => Speed::Together,
            "fireworks" => Speed::Fireworks,
            "replicate" => Speed::Replicate,
            _ => continue,
        };
        // Failed rows carry zeros, which would make the provider that fails most look fastest.
        if row.status != "ok" || row.output_tokens < 2 {
            continue;
        }
        let per_token_s = (row.e2e_latency_s - row.ttft_s) / (row.output_tokens - 1) as f64;
        paces.entry(speed).or_default().push(pace(row.ttft_s, per_token_s, path)?);
    }
    Ok(paces)
}

#[derive(Debug, Deserialize)]
struct LatencyLabRow {
    provider: String,
    model: String,
    status: String,
    output_chars: u64,
    ttft_s: f64,
    e2e_latency_s: f64,
}

/// The usual rule of thumb for English; the file counts characters only.
const CHARS_PER_TOKEN: f64 = 4.0;

fn latencylab_paces(path: &Path) -> anyhow::Result<BTreeMap<Speed, Vec<Pace>>> {
    let mut paces = BTreeMap::<Speed, Vec<Pace>>::new();
    for row in rows::<LatencyLabRow>(path)? {
        let speed = match (row.provider.as_str(), row.model.as_str()) {
            ("azure", "gpt-3.5-turbo-0613") => Speed::AzureGpt35,
            ("openai", "gpt-3.5-turbo-0613") => Speed::OpenAiGpt35June,
            ("openai", "gpt-3.5-turbo-0125") => Speed::OpenAiGpt35January,
            _ => continue,
        };
        if row.status != "ok" || row.output_chars == 0 {
            continue;
        }
        let per_token_s = (row.e2e_latency_s - row.ttft_s) * CHARS_PER_TOKEN / row.output_chars as f64;
        paces.entry(speed).or_default().push(pace(row.ttft_s, per_token_s, path)?);
    }
    Ok(paces)
}

fn pace(ttft_s: f64, per_token_s: f64, path: &Path) -> anyhow::Result<Pace> {
    ensure!(ttft_s > 0.0 && per_token_s > 0.0, "a successful row of `{}` took no time", path.display());
    Ok(Pace { ttft_ms: ttft_s * 1000.0, per_token_ms: per_token_s * 1000.0 })
}

#[derive(Debug, Deserialize)]
struct PromptRow {
    domain: String,
    mixtral_8x7b_correct: u8,
    gpt_4_1106_correct: u8,
    contaminated: u8,
}

fn prompts(path: &Path) -> anyhow::Result<Vec<Prompt>> {
    // A contaminated prompt was seen in training: a right answer to it says nothing.
    let clean = rows::<PromptRow>(path)?.into_iter().filter(|row| row.contaminated == 0);
    Ok(clean
        .map(|row| Prompt {
            domain: row.domain,
            gpt_4: row.gpt_4_1106_correct == 1,
            mixtral: row.mixtral_8x7b_correct == 1,
        })
        .collect())
}

fn rows<Row: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<Row>> {
    let read = || format!("cannot read `{}`", path.display());
    let file = File::open(path).with_context(read)?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> = if packed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    csv::Reader::from_reader(reader).into_deserialize().collect::<Result<_, _>>().with_context(read)
}
