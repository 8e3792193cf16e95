//! What conditions mean, what they refuse, and that no text hurts.

use std::time::Instant;

use proptest::prelude::*;

use super::{Compiled, Facts, FindingFact, NAMES, Truth, compile};

fn compiled(text: &str) -> Compiled {
    compile(text).unwrap_or_else(|why| panic!("{text}: {why}"))
}

fn facts() -> Facts {
    let mut facts = Facts::default();
    facts.number("errors.rate", Some(0.07));
    facts.number("requests.count", Some(1200.0));
    facts.number("daily_cost", Some(1200.0));
    facts.number("cost.per_request", Some(0.0));
    facts.number("quality.overall", None);
    facts.text("model.id", Some("gpt-4o"));
    facts.text("user.region", Some("EU"));
    facts.flag("anomaly.latency", Some(true));
    facts.now("2026-03-08T23:30:00Z".parse().unwrap());
    let finding = |kind: &str, severity: &str, observed| FindingFact {
        kind: kind.into(),
        severity: severity.into(),
        metric: "latency".into(),
        observed,
        limit: 5.0,
    };
    facts.findings(vec![finding("drift", "low", 2.0), finding("latency_high", "high", 9.0)]);
    facts
}

fn missing(names: &[&str]) -> Truth {
    Truth::Missing(names.iter().map(|&name| name.to_owned()).collect())
}

#[test]
fn conditions_mean_what_cel_means() {
    for (text, wanted) in [
        ("errors.rate > 0.05", Truth::True),
        ("errors.rate > 0.05 && requests.count >= 2000", Truth::False),
        ("daily_cost > 1000", Truth::True),
        ("cost.today > 1000.5 || errors.rate == 0.5", Truth::True),
        ("!(errors.rate > 0.05)", Truth::False),
        ("model.id in ['gpt-4o', 'o3'] && !(user.region != 'EU')", Truth::True),
        ("model.id.startsWith('gpt') && model.id.contains('4') && !model.id.endsWith('mini')", Truth::True),
        ("size(model.id) == 6", Truth::True),
        ("anomaly.latency", Truth::True),
        ("now.weekday == 7 && now.hour == 23", Truth::True),
        ("errors.rate * requests.count > 83.9 && requests.count / 500 > 2.3", Truth::True),
        ("requests.count > 1000 ? errors.rate > 0.05 : errors.rate > 0.5", Truth::True),
        ("findings.exists(f, f.kind == 'drift')", Truth::True),
        ("findings.exists(f, f.kind == 'drift' && f.severity == 'high')", Truth::False),
        ("findings.all(f, f.metric == 'latency')", Truth::True),
        ("findings.exists_one(f, f.observed > f.limit)", Truth::True),
        ("size(findings) == 2 && findings.filter(f, f.observed > 1).size() == 2", Truth::True),
        ("findings.exists(f, f.severity in ['high', 'critical'] && f.observed / f.limit > 1.5)", Truth::True),
        ("quality.overall < 0.8", missing(&["quality.overall"])),
        ("quality.overall < 0.8 || errors.rate > 0.05", Truth::True),
        ("errors.rate > 0.05 || quality.overall < 0.8", Truth::True),
        ("quality.overall < 0.8 && errors.rate > 0.5", Truth::False),
        ("!(quality.overall < 0.8)", missing(&["quality.overall"])),
        ("quality.overall < latency.p95 && errors.rate > 0.01", missing(&["latency.p95_ms", "quality.overall"])),
        ("has(quality.overall) && quality.overall < 0.8", Truth::False),
        ("has(errors.rate) && errors.rate > 0.05", Truth::True),
        ("errors.rate / cost.per_request > 3", Truth::Failed("it divides by zero".into())),
        ("errors.rate / cost.per_request > 3 || errors.rate > 0.05", Truth::True),
        ("cost.per_request > 0 && errors.rate / cost.per_request > 3", Truth::False),
    ] {
        assert_eq!(compiled(text).evaluate(&facts()), wanted, "{text}");
    }
    // What was never looked at is missing, not empty.
    assert_eq!(compiled("findings.exists(f, f.kind == 'drift')").evaluate(&Facts::default()), missing(&["findings"]));
}

#[test]
fn names_come_in_the_spellings_people_know() {
    for (one, other) in [
        ("cost.perRequest > 0.05", "cost_per_request > 0.05"),
        ("latency.p95 > 2000", "latency_p95_ms > 2000.0"),
        ("error_rate > 0.01", "errors.rate > 0.01"),
        ("monthly_cost > 5", "cost.month > 5"),
        ("quality_score < 0.7", "quality.overall < 0.7"),
        ("predicted.costPerRequest > 1", "predicted.cost_per_request > 1"),
        ("anomaly.errorRate", "anomaly.error_rate"),
    ] {
        assert_eq!(compiled(one), compiled(other), "{one}");
    }
    for name in &NAMES {
        let [least, most] = name.range;
        assert!(least < most, "{}", name.name);
        assert_eq!(super::canonical(name.name), Some(name.name), "two names of one spelling");
    }
    assert_eq!(
        compiled("daily_cost > 1 && daily_cost < 9").names().iter().copied().collect::<Vec<_>>(),
        ["cost.today"]
    );
    assert_eq!(compiled("daily_cost > 1").values(&facts()), "cost.today = 1200");
}

#[test]
fn mistakes_are_told_with_what_to_write() {
    for (text, wanted) in [
        ("erors.rate > 0.05", "knows no `erors.rate`; did you mean `errors.rate`?"),
        ("errors > 0.05", "knows no `errors`; there is `errors.rate`"),
        (
            "model.colour == 'red'",
            "knows no `model.colour`; there is `model.id`, `model.provider`, `model.region` or `model.tier`",
        ),
        ("weather == 'fine'", "knows no `weather`; docs/conditions.md lists the names"),
        ("errors.rate > '0.05'", "compares `errors.rate`, a number, with `'0.05'`, text; write 0.05 without quotes"),
        (
            "1 < errors.rate < 3",
            "compares `1 < errors.rate`, true or false, with `3`, a number; write `a < b && b < c`",
        ),
        ("errors.rate", "is a number, not a condition"),
        ("errors.rate && true", "`&&` wants true or false, got `errors.rate`, a number"),
        ("errors.rate = 0.05", "is not valid CEL at column 13: mismatched input '=' expecting the end; write `==`"),
        ("errors.rate => 0.05", "; write `>=`"),
        ("errors.rate > 0.05 and true", "; write `&&`"),
        ("errors.rate > 5%", "a percentage is written as a share"),
        ("errors.rate >", "is not valid CEL at column 14: mismatched input 'the end' expecting expression"),
        ("quality.overall >= 85", "holds `quality.overall` against 85; quality runs from 0 to 1; write 0.85"),
        ("5 < error_rate", "holds `errors.rate` against 5; errors.rate runs from 0 to 1; write 0.05"),
        (
            "error_rate >= 0",
            "is true whatever the values, so it always fires; `errors.rate` runs from 0 to 1, look at `errors.rate >= 0`",
        ),
        ("true", "is true whatever the values, so it always fires"),
        ("1 + 1 == 2", "is true whatever the values"),
        ("'a' == 'b'", "can never be true"),
        ("false && errors.rate > 0.1", "can never be true"),
        ("errors.rate > 0.1 || true", "is true whatever the values"),
        ("latency.p95 < -1", "can never be true; `latency.p95_ms` is at least 0"),
        ("now.hour == 24", "can never be true; `now.hour` runs from 0 to 23"),
        ("errors.rate > 0.5 && errors.rate < 0.2", "can never be true"),
        ("errors.rate == errors.rate", "is true whatever the values"),
        ("model.tier == 'fst'", "looks for 'fst', which is never there; did you mean 'fast'?"),
        ("findings.exists(f, f.kind == 'drfit')", "did you mean 'drift'?"),
        ("findings.exists(f, f.severity >= 'high')", "asks for an order of words"),
        ("findings.exists(f, f.colour == 'x')", "asks for `colour` of a finding, which has `kind`"),
        ("findings.exists(f, findings.exists(g, g.limit > 1))", "loops inside a loop"),
        ("[1, 2, 3].exists(x, errors.rate > 0.1)", "loops over something else than `findings`"),
        ("findings.filter(f, f.limit > 1)", "makes a list of findings"),
        ("findings.map(f, f.limit) == 3", "knows no function `map`"),
        ("findings == 3", "uses `findings` as a value"),
        ("model.id in []", "looks for a value in an empty list"),
        ("model.id.matches('a+')", "knows no function `matches`; there are"),
        ("model.region == null", "compares with `null`; ask `has(model.region)`"),
        ("errors.rate > 1e999", "is not valid CEL at column 15: invalid double literal"),
        ("anomaly.latency > true", "asks which of"),
    ] {
        let why = compile(text).expect_err(text);
        assert!(why.contains(wanted), "{text}\n   is: {why}\nwants: {wanted}");
    }
}

#[test]
fn no_text_is_too_much_work() {
    let deep = [
        "(".repeat(2000) + "1" + &")".repeat(2000),
        "(".repeat(4000),
        "!".repeat(4000) + "anomaly.latency",
        "1+".repeat(2000) + "1 > 0",
        "errors.rate>0.1&&".repeat(240) + "true",
        "a?b:".repeat(1000),
        "a".to_owned() + &".b".repeat(2000),
        "[".repeat(4000),
        "a".to_owned() + &"[0]".repeat(1000),
        "f(".repeat(2000),
        "findings.exists(f, ".repeat(200),
        "x".repeat(5000),
    ];
    for text in deep {
        let begun = Instant::now();
        let _ = compile(&text);
        assert!(begun.elapsed().as_millis() < 500, "{} {:?}", &text[..20], begun.elapsed());
    }
}

#[test]
fn ten_thousand_conditions_are_compiled_and_evaluated_quickly() {
    let text = |index| {
        format!("errors.rate > 0.05 && (quality.overall < 0.85 || requests.count > {index}) && !(model.id == 'x')")
    };
    let begun = Instant::now();
    let all: Vec<Compiled> = (0..10_000).map(|index| compiled(&text(index))).collect();
    let ready = begun.elapsed();
    let facts = facts();
    let fired = all.iter().filter(|one| one.evaluate(&facts) == Truth::True).count();
    let done = begun.elapsed();
    println!("compiled in {ready:?}, evaluated in {:?}", done.checked_sub(ready).unwrap());
    assert_eq!(fired, 1200);
    assert!(done.as_secs() < 5, "{done:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_text_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = compile(&text);
    }

    #[test]
    fn arbitrary_pieces_are_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "errors.rate", "model.id", "findings", ".exists(", "f", ",", "f.kind", ")", "(", "&&", "||", "!", "<", ">=", "==", "1",
            "0.5", "'a'", "in", "[", "]", "?", ":", "+", "/", "%", "-", "has(", "size(", "true", "null", "anomaly.latency", " ",
        ]), 0..24),
    ) {
        if let Ok(compiled) = compile(&pieces.join(" ")) {
            let _ = compiled.evaluate(&facts());
            let _ = compiled.evaluate(&Facts::default());
        }
    }
}

#[test]
fn the_names_are_documented() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conditions.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let row = |name: &super::Name| {
        let also: Vec<String> = name.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let kind = match name.kind {
            super::Kind::Number if name.range[1].is_finite() => format!("{} to {}", name.range[0], name.range[1]),
            super::Kind::Number => "number".to_owned(),
            super::Kind::Text if name.words.is_empty() => "text".to_owned(),
            super::Kind::Text => name.words.join(", "),
            super::Kind::Flag => "true or false".to_owned(),
        };
        format!("| `{}` | {} | {kind} | {} |\n", name.name, also.join(", "), name.about)
    };
    let table: String = NAMES.iter().map(row).collect();
    let head = "|---|---|---|---|\n";
    let start = text.find(head).unwrap() + head.len();
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, format!("{}{table}", &text[..start])).unwrap();
    } else {
        assert_eq!(&text[start..], table, "run with UPDATE_SCHEMAS=1 to write it anew");
    }
}
