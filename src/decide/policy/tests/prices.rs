//! The price table: the one that ships, and mistakes in one's own.

use std::collections::BTreeSet;

use crate::decide::policy::{MODELS, parse_models};
use crate::domain::{
    ModelTable,
    policy::{Model, Tier},
    price::{DailyHours, LongInput, Rates, Usage},
};

fn problems(text: &str) -> String {
    parse_models("m.yaml", text).map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[test]
fn the_table_that_ships_is_sound() {
    let table = parse_models("policies/models.yaml", MODELS).unwrap_or_else(|problems| panic!("{problems}"));
    let names: BTreeSet<_> = table.models().iter().map(|model| (&model.provider, &model.model)).collect();
    assert_eq!((names.len(), table.models().len()), (509, 516));
    for model in table.models() {
        let (input, output) = (model.input_usd_per_token, model.output_usd_per_token);
        let sold = |price: Option<f64>| price.is_some_and(|price| (price > 0.0) != model.model.ends_with(":free"));
        assert!(sold(input) && sold(output), "{model:?}");
        assert!(
            model.cached_input_usd_per_token <= input && model.cached_input_usd_per_token != Some(0.0),
            "{model:?}"
        );
        assert!(model.tier.is_some(), "{model:?}");
        let dearer = |step: &LongInput| step.rates.input > input && step.rates.output > output;
        assert!(model.long_input.iter().all(dearer), "{model:?}");
    }
    let having = |has: fn(&Model) -> bool| table.models().iter().filter(|model| has(model)).count();
    assert_eq!(having(|model| !model.long_input.is_empty()), 26);
    assert_eq!(having(|model| model.valid_from.is_some()), 5);
    assert_eq!(having(|model| model.daily_utc.is_some()), 2);
    for (provider, model) in [
        ("openai", "gpt-4"),
        ("openai", "gpt-4-turbo"),
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-3.5-turbo"),
        ("openai", "gpt-3.5-turbo-0613"),
        ("together", "meta-llama/Llama-2-70b-chat-hf"),
        ("openrouter", "openai/gpt-4-1106-preview"),
        ("openrouter", "mistralai/mixtral-8x7b-instruct"),
        ("openrouter", "meta-llama/llama-2-70b-chat"),
    ] {
        assert!(names.contains(&(&provider.to_owned(), &model.to_owned())), "{provider}/{model}");
    }
}

#[test]
fn prices_are_per_token_in_the_type() {
    let text = "models:\n- {provider: openai, model: gpt-4o, tier: balanced, input_usd_per_mtok: 2.5, output_usd_per_mtok: 10, context_window: 128000}\n- {provider: local, model: llama, input_usd_per_mtok: 0}";
    let table = parse_models("m.yaml", text).expect("a sound table");
    assert_eq!(
        table.models()[0],
        Model {
            provider: "openai".into(),
            model: "gpt-4o".into(),
            tier: Some(Tier::Balanced),
            input_usd_per_token: Some(2.5e-6),
            output_usd_per_token: Some(1e-5),
            context_window: Some(128_000),
            ..Model::default()
        }
    );
    assert_eq!((table.models()[1].input_usd_per_token, table.models()[1].output_usd_per_token), (Some(0.0), None));
}

#[test]
fn steps_dates_and_hours_are_read() {
    let text = "models:
- {provider: a, model: m, input_usd_per_mtok: 2, output_usd_per_mtok: 10, long_input: [{above_tokens: 200000, input_usd_per_mtok: 4, output_usd_per_mtok: 15}]}
- {provider: a, model: m, input_usd_per_mtok: 1, valid_from: 2026-03-13}
- {provider: a, model: m, input_usd_per_mtok: 0.5, valid_from: 2026-03-13, daily_utc: {from: \"22:00\", to: 06:30}}";
    let table = parse_models("m.yaml", text).unwrap_or_else(|problems| panic!("{problems}"));
    let [first, second, third] = table.models() else { panic!("three entries") };
    let rates = Rates { input: Some(4e-6), output: Some(1.5e-5), ..Rates::default() };
    assert_eq!(first.long_input, [LongInput { above_tokens: 200_000, rates }]);
    assert_eq!((first.valid_from, second.valid_from), (None, Some(jiff::civil::date(2026, 3, 13))));
    assert_eq!((second.daily_utc, third.daily_utc), (None, DailyHours::new(22 * 60, 6 * 60 + 30)));
}

#[test]
fn without_a_provider_only_a_price_on_which_all_agree_is_known() {
    let model = |provider: &str, model: &str, input: f64| Model {
        provider: provider.into(),
        model: model.into(),
        input_usd_per_token: Some(input),
        ..Model::default()
    };
    let dated = Model { valid_from: Some(jiff::civil::date(2026, 1, 1)), ..model("b", "changed", 2.0) };
    let table = ModelTable::new(vec![
        model("a", "same", 1.0),
        model("b", "same", 1.0),
        model("a", "disputed", 1.0),
        model("b", "disputed", 3.0),
        model("a", "changed", 1.0),
        model("b", "changed", 1.0),
        dated,
        model("b", "alone", 5.0),
    ]);
    let cost = |provider, model| table.price_of(provider, model)?.cost_usd(0, &Usage { input: 1, ..Usage::default() });
    assert_eq!(
        (cost(Some("a"), "disputed"), cost(Some("b"), "disputed"), cost(None, "disputed")),
        (Some(1.0), Some(3.0), None)
    );
    assert_eq!((cost(None, "same"), cost(None, "alone"), cost(Some("a"), "alone")), (Some(1.0), Some(5.0), None));
    assert_eq!((cost(Some("b"), "changed"), cost(None, "changed")), (Some(1.0), None));
    assert_eq!((cost(Some("a"), "unheard of"), cost(None, "unheard of")), (None, None));
}

/// The message for the second of two entries of `a/m`, the first being `first`.
fn beside(first: &str, second: &str) -> String {
    problems(&format!("models:\n- {{provider: a, model: m, {first}}}\n- {{provider: a, model: m, {second}}}"))
}

#[test]
fn entries_that_claim_the_same_time_are_refused() {
    for (first, second, message) in [
        (
            "valid_from: 2026-01-01",
            "valid_from: 2026-01-01",
            "repeats `a/m`, which has a price on line 2; keep one, or give them different `valid_from`",
        ),
        (
            "daily_utc: {from: 22:00, to: 06:00}",
            "daily_utc: {from: 05:59, to: 12:00}",
            "shares hours of `daily_utc` with `a/m`, which has a price on line 2; let no hour belong to both",
        ),
        (
            "tier: fast",
            "tier: advanced, valid_from: 2026-01-01",
            "states another `tier` than `a/m`, which has a price on line 2; a model has one",
        ),
        (
            "context_window: 8192",
            "context_window: 8193, valid_from: 2026-01-01",
            "states another `context_window` than `a/m`, which has a price on line 2; a model has one",
        ),
    ] {
        assert_eq!(beside(first, second), format!("m.yaml:3: `models[1]`: {message}"), "{first} beside {second}");
    }
    for (first, second) in [
        ("tier: fast", "valid_from: 2026-01-01"),
        ("valid_from: 2026-01-02", "valid_from: 2026-01-01"),
        ("valid_from: 2026-01-01", "valid_from: 2026-01-01, daily_utc: {from: 00:00, to: 12:00}"),
        ("daily_utc: {from: 22:00, to: 06:00}", "daily_utc: {from: 06:00, to: 22:00}"),
        ("daily_utc: {from: 22:00, to: 06:00}", "daily_utc: {from: 05:00, to: 12:00}, valid_from: 2026-01-01"),
    ] {
        assert_eq!(beside(first, second), "", "{first} beside {second}");
    }
}

#[test]
fn each_mistake_in_steps_dates_and_hours_has_its_message() {
    for (entry, message) in [
        ("valid_from: 2026-02-30", "valid_from`: wants a day as `YYYY-MM-DD`, got `2026-02-30`"),
        (
            "valid_from: 20260201",
            "valid_from`: wants a day as `YYYY-MM-DD`, got the number 20260201; put it in quotes: `\"20260201\"`",
        ),
        (
            "daily_utc: {from: 8:00, to: 12:00}",
            "daily_utc.from`: wants a time in UTC as `HH:MM`, `00:00` to `23:59`, got `8:00`",
        ),
        ("daily_utc: {from: \"08:00\"}", "daily_utc`: lacks `to`, which is required"),
        (
            "daily_utc: {from: 08:00, to: 08:00}",
            "daily_utc`: begins and ends at the same time; for the whole day delete it",
        ),
        ("long_input: []", "long_input`: has 0 entries, wants 1..=16"),
        ("long_input: [{input_usd_per_mtok: 1}]", "long_input[0]`: lacks `above_tokens`, which is required"),
        (
            "long_input: [{above_tokens: 200k, input_usd_per_mtok: 1}]",
            "long_input[0].above_tokens`: wants whole tokens, 1..=1000000000, as a plain number; for `200k` write 200000",
        ),
        (
            "long_input: [{above_tokens: 9}]",
            "long_input[0]`: lacks `input_usd_per_mtok`, which the entry has; state what it is for long input",
        ),
        (
            "long_input: [{above_tokens: 9, input_usd_per_mtok: 1, output_usd_per_mtok: 1}]",
            "long_input[0].output_usd_per_mtok`: has no counterpart in the entry; state there what it is for short input",
        ),
        (
            "long_input: [{above_tokens: 9, input_usd_per_mtok: 0.000001}]",
            "long_input[0].input_usd_per_mtok`: looks like a price per token; per million tokens it is 1",
        ),
        (
            "long_input: [{above_tokens: 9, input_usd_per_mtok: 1}, {above_tokens: 9, input_usd_per_mtok: 2}]",
            "long_input[1]`: repeats the step above 9 tokens; keep one",
        ),
    ] {
        let text = format!("models:\n- {{provider: a, model: m, input_usd_per_mtok: 1, {entry}}}");
        let found = problems(&text);
        let first = found.lines().next().unwrap_or_default();
        assert_eq!(first, format!("m.yaml:2: `models[0].{message}"), "{entry}");
    }
}

#[test]
fn each_mistake_has_its_message() {
    for (text, message) in [
        ("", "m.yaml: is empty; begin with `models:`"),
        ("models: []\nmodel: 1", "m.yaml:2: `model`: is not a known setting; did you mean `models`?"),
        ("models:\n- {model: gpt-4}", "m.yaml:2: `models[0]`: lacks `provider`, which is required"),
        (
            "models:\n- {provider: azure, model: o1}",
            "m.yaml:2: `models[0].provider`: is called `azure.ai.openai` here, as in the traffic",
        ),
        (
            "models:\n- {provider: OpenAI, model: o1}",
            "m.yaml:2: `models[0].provider`: wants a provider in lower case; write `openai`",
        ),
        (
            "models:\n- {provider: a, model: m, input_usd_per_mtok: 0.0000025}",
            "m.yaml:2: `models[0].input_usd_per_mtok`: looks like a price per token; per million tokens it is 2.5",
        ),
        (
            "models:\n- {provider: a, model: m, input_usd_per_mtok: -1}",
            "m.yaml:2: `models[0].input_usd_per_mtok`: wants US dollars per million tokens, 0..=10000, got -1",
        ),
        (
            "models:\n- {provider: a, model: m, context_window: 128k}",
            "m.yaml:2: `models[0].context_window`: wants whole tokens, 1..=1000000000, as a plain number; for `128k` write 128000",
        ),
        (
            "models:\n- {provider: a, model: 4.1}",
            "m.yaml:2: `models[0].model`: wants text, got the number 4.1; put it in quotes: `\"4.1\"`",
        ),
        (
            "models:\n- {provider: a, model: m}\n- {provider: a, model: m}",
            "m.yaml:3: `models[1]`: repeats `a/m`, which has a price on line 2; keep one",
        ),
    ] {
        assert_eq!(problems(text), message, "{text}");
    }
}
