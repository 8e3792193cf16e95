//! The sets that the statistics were worked out on.

use super::{
    requests::{Row, numbered},
    sets::{Blocks, Record, Set, by_clock, by_field, composed, from, minute, number, priced},
};

/// A trace without latencies: the tokens of the answer stand in for them.
fn trace(name: &'static str, file: &str) -> Set {
    let row = |record: &Record| {
        let output_tokens = number(record, "GeneratedTokens");
        let (minute, input_tokens) = (minute(record, "TIMESTAMP"), number(record, "ContextTokens"));
        priced(Row { minute, input_tokens, output_tokens, latency_ms: output_tokens, ..Row::default() })
    };
    from(name, file, row, |_, rows| vec![by_clock(rows, "minute", 1)])
}

fn llmperf(name: &'static str, file: &str) -> Set {
    let row = |record: &Record| {
        let failed = record["status"] != "ok";
        let (latency_ms, ttft_ms) = (1e3 * number(record, "e2e_latency_s"), 1e3 * number(record, "ttft_s"));
        Row { kind: record["provider"].clone(), failed, latency_ms, ttft_ms, ..Row::default() }
    };
    let ten = |record: &Record| format!("{}{}", record["provider"], (number(record, "seq") / 10.0).floor());
    from(name, file, row, |records, _| {
        vec![Blocks { name: "ten in a row", number: numbered(records.iter().map(ten)), told: true }]
    })
}

/// Whether a model's answers are right.
pub fn answers(name: &'static str, file: &str, field: &str) -> Set {
    let quality = |record: &Record| number(record, field);
    from(
        name,
        file,
        |record| Row { kind: record["domain"].clone(), quality: quality(record), ..Row::default() },
        |_, _| vec![],
    )
}

/// Two models' answers to the same prompts, graded and priced.
pub fn arena() -> Set {
    let row = |record: &Record| Row {
        kind: record["dataset"].clone(),
        input_tokens: number(record, "input_tokens"),
        output_tokens: number(record, "output_tokens"),
        cost_usd: number(record, "cost_usd"),
        quality: number(record, "score"),
        ..Row::default()
    };
    let file = "routerarena-haiku-vs-gemini-flash.csv.gz";
    from("routerarena", file, row, |records, _| vec![by_field(records, "prompt", &["prompt_id"])])
}

/// All of them.
#[must_use]
pub fn sets() -> Vec<Set> {
    let mut sets: Vec<Set> = ["helpdesk", "assistant", "code-review", "summarizer", "translator"].map(composed).into();
    sets.push(trace("azure-llm-2023-conv", "azure-llm-2023-conv.csv.gz"));
    sets.push(trace("azure-llm-2023-code", "azure-llm-2023-code.csv.gz"));
    let mooncake = |record: &Record| {
        let output_tokens = number(record, "output_tokens");
        let minute = (number(record, "timestamp_ms") / 60_000.0) as i64;
        priced(Row {
            minute,
            input_tokens: number(record, "input_tokens"),
            output_tokens,
            latency_ms: output_tokens,
            ..Row::default()
        })
    };
    sets.push(from("mooncake-conversation", "mooncake-conversation.csv.gz", mooncake, |_, rows| {
        vec![by_clock(rows, "minute", 1)]
    }));
    sets.push(llmperf("llmperf-llama2-70b", "llmperf-llama2-70b.csv"));
    sets.push(llmperf("llmperf-llama2-7b", "llmperf-llama2-7b.csv.gz"));
    let bench = |record: &Record| Row {
        kind: record["model"].clone(),
        failed: record["status"] != "ok",
        latency_ms: 1e3 * number(record, "latency_s"),
        cost_usd: number(record, "cost_usd"),
        quality: number(record, "quality_score_0_100") / 100.0,
        ..Row::default()
    };
    sets.push(from("llmbench0xnu-2runs", "llmbench0xnu-2runs.csv.gz", bench, |records, _| {
        vec![by_field(records, "task of a run", &["task", "run"])]
    }));
    let lab = |record: &Record| Row {
        kind: format!("{}|{}", record["provider"], record["model"]),
        latency_ms: 1e3 * number(record, "e2e_latency_s"),
        ttft_ms: 1e3 * number(record, "ttft_s"),
        ..Row::default()
    };
    sets.push(from("latencylab-gpt35", "latencylab-gpt35-openai-vs-azure.csv", lab, |records, _| {
        vec![by_field(records, "round", &["round"])]
    }));
    sets.push(answers("routellm-gsm8k", "routellm-gsm8k.csv", "mixtral_8x7b_correct"));
    sets.push(answers("routellm-mmlu", "routellm-mmlu.csv", "mixtral_8x7b_correct"));
    sets.push(answers("routellm-mmlu-rest", "routellm-mmlu-rest.csv.gz", "mixtral_8x7b_correct"));
    sets.push(arena());
    let aider = |record: &Record| Row {
        kind: record["edit_format"].clone(),
        minute: (number(record, "start_unix_s") / 60.0) as i64,
        latency_ms: 1e3 * number(record, "latency_s"),
        cost_usd: number(record, "cost_usd"),
        ..Row::default()
    };
    sets.push(from("aider-usage-log", "aider-usage-log.csv.gz", aider, |_, _| vec![]));
    let noise = |record: &Record| Row {
        minute: minute(record, "starttime"),
        latency_ms: number(record, "runtime"),
        cost_usd: number(record, "value"),
        ..Row::default()
    };
    let machine = |record: &Record| format!("{}|{}", record["VM_id"], &record["starttime"][..10]);
    sets.push(from("vmnoise-postgres", "vmnoise-postgres.csv.gz", noise, |records, _| {
        vec![Blocks { name: "day of a machine", number: numbered(records.iter().map(machine)), told: true }]
    }));
    sets
}
