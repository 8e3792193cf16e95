//! Whatever the text, there is an answer and not a panic; and what is accepted keeps the promises of the types.

use proptest::prelude::*;

use super::read;
use crate::decide::policy::parse_models;

/// Fragments that YAML readers stumble over, and words of the language.
fn fragment() -> impl Strategy<Value = String> {
    let pieces = [
        "extends: balanced",
        "mode",
        "objectives",
        "cost",
        "rollout",
        "steps_percent",
        "services",
        "models",
        "allow",
        "provider",
        ":",
        ": ",
        "\n",
        "\n  ",
        "\n    ",
        "\t",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "?",
        "? ",
        "&a ",
        "*a",
        "!x ",
        "!!int ",
        "|",
        ">-\n",
        "'",
        "\"",
        "\\",
        "#",
        " #",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "~",
        "null",
        "<<",
        "@",
        "`",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "\r",
        "0.5",
        "5",
        "1e999",
        ".nan",
        "-.inf",
        "0x1F",
        "0o7",
        "1_000",
        "unlimited",
        "off",
        "é",
        "日本",
    ];
    proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned)
}

/// One setting with a value that may or may not fit.
fn setting() -> impl Strategy<Value = String> {
    let sections = vec![
        "objectives",
        "thresholds",
        "constraints",
        "evidence",
        "decision",
        "rollout",
        "rollback",
        "models",
        "services",
    ];
    let names = vec![
        "cost",
        "latency_p95_ms",
        "error_rate",
        "min_requests",
        "max_risk",
        "steps_percent",
        "bake_minutes",
        "automatic",
        "deny",
    ];
    let value = prop_oneof![
        any::<f64>().prop_map(|number| format!("{number:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        proptest::collection::vec(0..120u8, 0..5).prop_map(|list| format!("{list:?}")),
        "[ -~]{0,12}",
        Just("unlimited".to_owned()),
    ];
    (proptest::sample::select(sections), proptest::sample::select(names), value)
        .prop_map(|(section, name, value)| format!("{section}: {{ {name}: {value} }}\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_characters(text in "\\PC{0,200}") {
        let _ = (read(&text), parse_models("m.yaml", &text));
    }

    #[test]
    fn any_fragments(pieces in proptest::collection::vec(fragment(), 0..40)) {
        let text = pieces.concat();
        let _ = (read(&text), parse_models("m.yaml", &text));
    }

    #[test]
    fn any_settings(settings in proptest::collection::vec(setting(), 0..6)) {
        let text = format!("extends: balanced\n{}", settings.concat());
        if let Ok(policy) = read(&text) {
            let rules = policy.default;
            let weights = rules.objectives;
            prop_assert!((weights.cost + weights.latency + weights.quality - 1.0).abs() < 1e-5);
            prop_assert!((0.0..=1.0).contains(&rules.thresholds.error_rate));
            prop_assert_eq!(rules.rollout.steps_percent.last(), Some(&100));
            prop_assert_eq!(rules.rollout.bake_minutes.len() + 1, rules.rollout.steps_percent.len());
        }
    }

    /// Every message names the file, and no line of it can steer a terminal.
    #[test]
    fn messages_are_printable(text in "[\\x00-\\x7f]{0,80}") {
        if let Err(problems) = read(&text) {
            prop_assert!(problems.iter().count() > 0);
            for problem in &problems {
                let line = problem.to_string();
                prop_assert!(line.starts_with("x.yaml:"), "{}", line);
                prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
            }
        }
    }
}
