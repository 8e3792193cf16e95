//! The price table: the one that ships, and mistakes in one's own.

use std::collections::BTreeSet;

use crate::decide::policy::{MODELS, parse_models};
use crate::domain::policy::{Model, Tier};

fn problems(text: &str) -> String {
    parse_models("m.yaml", text).map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[test]
fn the_table_that_ships_is_sound() {
    let table = parse_models("policies/models.yaml", MODELS).unwrap_or_else(|problems| panic!("{problems}"));
    let names: BTreeSet<_> = table.models().iter().map(|model| (&model.provider, &model.model)).collect();
    assert_eq!(names.len(), table.models().len());
    assert!((200..=300).contains(&names.len()), "{} models", names.len());
    for model in table.models() {
        let (input, output) = (model.input_usd_per_token, model.output_usd_per_token);
        assert!(input.is_some_and(|price| price > 0.0) && output.is_some_and(|price| price > 0.0), "{model:?}");
        assert!(
            model.cached_input_usd_per_token <= input && model.cached_input_usd_per_token != Some(0.0),
            "{model:?}"
        );
        assert!(model.tier.is_some(), "{model:?}");
    }
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
