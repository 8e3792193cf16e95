//! Files and columns that nobody looked at while the statistics were worked out: requests, and values of other kinds that stand in for
//! them.

use super::{
    requests::Row,
    sets::{Record, Set, by_clock, by_field, from, number},
};
use crate::public;

/// Files and columns that nobody looked at while the statistics were worked out.
#[must_use]
pub fn sets() -> Vec<Set> {
    let usage = |record: &Record| Row {
        kind: record["provider"].clone(),
        input_tokens: number(record, "input_tokens"),
        output_tokens: number(record, "output_tokens"),
        latency_ms: number(record, "output_tokens"),
        cost_usd: number(record, "expected_input_usd") + number(record, "expected_output_usd"),
        ..Row::default()
    };
    let lengths = |record: &Record| Row {
        latency_ms: number(record, "mixtral_8x7b_response_chars"),
        ttft_ms: number(record, "gpt_4_1106_response_chars"),
        quality: number(record, "gpt_4_1106_correct"),
        ..Row::default()
    };
    let gaps = |record: &Record| Row {
        kind: format!("{}|{}", record["provider"], record["model"]),
        latency_ms: 1e3 * number(record, "first_sentence_s"),
        ttft_ms: 1e3 * number(record, "max_chunk_gap_s"),
        ..Row::default()
    };
    let mut sets = vec![
        from("genai-usage-costs", "genai-usage-costs.csv.gz", usage, |_, _| vec![]),
        from("routellm-gsm8k, lengths", "routellm-gsm8k.csv", lengths, |_, _| vec![]),
        from("latencylab-gpt35, gaps", "latencylab-gpt35-openai-vs-azure.csv", gaps, |records, _| {
            vec![by_field(records, "round", &["round"])]
        }),
    ];
    for (name, stem, scale) in [
        ("nab request latency", "ec2_request_latency_system_failure", 1.0),
        ("nab travel time", "TravelTime_451", 1e3),
        ("nab cost per mille", "exchange-3_cpm_results", 0.0),
        ("nab request count", "elb_request_count_8c0756", 1.0),
        ("nab disk writes", "ec2_disk_write_bytes_1ef3de", 1.0),
    ] {
        let row = |(at, value): (i64, f64)| {
            let row = Row { minute: at.div_euclid(60), ..Row::default() };
            if scale > 0.0 { Row { latency_ms: scale * value, ..row } } else { Row { cost_usd: value, ..row } }
        };
        let rows: Vec<Row> = public::nab(stem).into_iter().map(row).collect();
        let blocks = vec![by_clock(&rows, "hour", 60)];
        sets.push(Set { name, arms: vec![String::new(); rows.len()], rows, blocks, known: true });
    }
    sets.into_iter().map(|set| Set { known: false, ..set }).collect()
}
