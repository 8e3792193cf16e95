//! The five services. Shares, curves, caps and breaks are chosen here; everything else is measured.

use super::plan::{Arm, FailureLog, Judged, Price, Segment, Service, Speed, Stretch, Trace, Wart};

const CHAT: &str = "/v1/chat/completions";

/// Traffic by UTC hour: quiet nights, a long working day.
const WORKING_DAY: [f64; 24] = [
    0.45, 0.40, 0.40, 0.40, 0.45, 0.55, 0.70, 0.90, 1.10, 1.30, 1.40, 1.45, 1.40, 1.45, 1.50, 1.50, 1.45, 1.40, 1.25,
    1.10, 0.95, 0.80, 0.65, 0.55,
];

/// Traffic by UTC hour that climbs from midnight on. The log starts at 18:00, so the last six are the evening before.
const CLIMBING_DAY: [f64; 24] = [
    38.0, 39.0, 40.0, 41.0, 43.0, 44.0, 45.0, 46.0, 47.0, 48.0, 50.0, 51.0, 52.0, 53.0, 55.0, 56.0, 57.0, 58.0, 25.0,
    25.0, 25.0, 25.0, 25.0, 25.0,
];

/// 16:20 UTC, counted from 18:00 the day before.
const SLOWDOWN_MINUTE: i64 = 22 * 60 + 20;
/// 14:00 UTC, counted from 18:00 the day before.
const NEW_PROMPT_MINUTE: i64 = 20 * 60;

pub(crate) fn all() -> [Service; 5] {
    [helpdesk(), assistant(), code_review(), summarizer(), translator()]
}

/// Simple questions answered by an expensive model.
fn helpdesk() -> Service {
    Service {
        name: "helpdesk",
        id_prefix: "hd",
        endpoint: CHAT,
        requests: 22_500.0,
        trace: Trace::Conversation,
        min_input_tokens: 0,
        max_output_tokens: 256,
        curve: WORKING_DAY,
        segments: vec![
            Segment { complexity: "simple", share: 0.45, subjects: &["sociology"] },
            Segment {
                complexity: "medium",
                share: 0.35,
                subjects: &["nutrition", "high_school_geography", "high_school_biology"],
            },
            Segment {
                complexity: "complex",
                share: 0.20,
                subjects: &["gsm8k", "formal_logic", "college_computer_science"],
            },
        ],
        arms: vec![
            Arm {
                provider: "openrouter",
                model: "openai/gpt-4-1106-preview",
                variant: "baseline",
                share: 0.82,
                price: None,
                stretches: all_day("hd-7", Speed::AzureGpt35, Judged::Gpt4),
            },
            Arm {
                provider: "openrouter",
                model: "mistralai/mixtral-8x7b-instruct",
                variant: "explore",
                share: 0.18,
                price: None,
                stretches: all_day("hd-7", Speed::Together, Judged::Mixtral),
            },
        ],
        scored_share: 0.8,
        failures: FailureLog::Blank,
        wart: Wart::Broken,
    }
}

/// The same open model at two providers, one of which becomes slow.
fn assistant() -> Service {
    Service {
        name: "assistant",
        id_prefix: "as",
        endpoint: CHAT,
        requests: 12_000.0,
        trace: Trace::Conversation,
        min_input_tokens: 0,
        max_output_tokens: 200,
        curve: WORKING_DAY,
        segments: vec![Segment {
            complexity: "medium",
            share: 1.0,
            subjects: &["nutrition", "high_school_geography", "high_school_biology"],
        }],
        arms: vec![
            Arm {
                provider: "together",
                model: "meta-llama/Llama-2-70b-chat-hf",
                variant: "baseline",
                share: 0.7,
                price: None,
                stretches: vec![
                    Stretch { from_minute: 0, config_version: "as-4", speed: Speed::Together, judged: Judged::Mixtral },
                    Stretch {
                        from_minute: SLOWDOWN_MINUTE,
                        config_version: "as-4",
                        speed: Speed::Replicate,
                        judged: Judged::Mixtral,
                    },
                ],
            },
            Arm {
                provider: "openrouter",
                model: "meta-llama/llama-2-70b-chat",
                variant: "secondary",
                share: 0.3,
                price: None,
                stretches: all_day("as-4", Speed::Fireworks, Judged::Mixtral),
            },
        ],
        scored_share: 0.6,
        failures: FailureLog::Zeros,
        wart: Wart::Duplicates,
    }
}

/// Spending past its daily budget, where the cheaper model is not good enough.
fn code_review() -> Service {
    Service {
        name: "code-review",
        id_prefix: "cr",
        endpoint: "/v1/reviews",
        requests: 13_800.0,
        trace: Trace::Code,
        // A review carries the code under review; this also keeps the log small at a believable bill.
        min_input_tokens: 600,
        max_output_tokens: 256,
        curve: CLIMBING_DAY,
        segments: vec![Segment {
            complexity: "complex",
            share: 1.0,
            subjects: &["gsm8k", "machine_learning", "college_computer_science"],
        }],
        arms: vec![
            Arm {
                provider: "openai",
                model: "gpt-4",
                variant: "baseline",
                share: 0.92,
                price: Some(Price { input: 30_000, output: 60_000 }),
                stretches: all_day("cr-12", Speed::AzureGpt35, Judged::Gpt4),
            },
            Arm {
                provider: "openrouter",
                model: "mistralai/mixtral-8x7b-instruct",
                variant: "explore",
                share: 0.08,
                price: Some(Price { input: 240, output: 240 }),
                stretches: all_day("cr-12", Speed::Together, Judged::Mixtral),
            },
        ],
        scored_share: 0.7,
        failures: FailureLog::Blank,
        wart: Wart::None,
    }
}

/// A new configuration of the same model that answers worse.
fn summarizer() -> Service {
    Service {
        name: "summarizer",
        id_prefix: "sm",
        endpoint: CHAT,
        requests: 9_000.0,
        trace: Trace::Conversation,
        min_input_tokens: 0,
        max_output_tokens: 256,
        curve: WORKING_DAY,
        segments: vec![Segment {
            complexity: "medium",
            share: 1.0,
            subjects: &["nutrition", "high_school_biology", "astronomy"],
        }],
        arms: vec![Arm {
            provider: "openai",
            model: "gpt-3.5-turbo-0613",
            variant: "baseline",
            share: 1.0,
            price: None,
            stretches: vec![
                Stretch {
                    from_minute: 0,
                    config_version: "sm-41",
                    speed: Speed::OpenAiGpt35June,
                    judged: Judged::Gpt4,
                },
                Stretch {
                    from_minute: NEW_PROMPT_MINUTE,
                    config_version: "sm-42",
                    speed: Speed::OpenAiGpt35June,
                    judged: Judged::Mixtral,
                },
            ],
        }],
        scored_share: 0.7,
        failures: FailureLog::Blank,
        wart: Wart::None,
    }
}

/// Healthy: the other model costs more and is no better.
fn translator() -> Service {
    Service {
        name: "translator",
        id_prefix: "tr",
        endpoint: CHAT,
        requests: 7_000.0,
        trace: Trace::Conversation,
        min_input_tokens: 0,
        max_output_tokens: 256,
        curve: WORKING_DAY,
        segments: vec![Segment { complexity: "simple", share: 1.0, subjects: &["sociology", "high_school_geography"] }],
        arms: vec![
            Arm {
                provider: "openai",
                model: "gpt-3.5-turbo",
                variant: "baseline",
                share: 0.95,
                price: None,
                stretches: all_day("tr-3", Speed::OpenAiGpt35January, Judged::Gpt4),
            },
            Arm {
                provider: "openai",
                model: "gpt-4-turbo",
                variant: "explore",
                share: 0.05,
                price: None,
                stretches: all_day("tr-3", Speed::OpenAiGpt35January, Judged::Gpt4),
            },
        ],
        scored_share: 0.7,
        failures: FailureLog::Blank,
        wart: Wart::None,
    }
}

fn all_day(config_version: &'static str, speed: Speed, judged: Judged) -> Vec<Stretch> {
    vec![Stretch { from_minute: 0, config_version, speed, judged }]
}
