//! Whatever comes back, it is understood or refused: never a panic, never garbage for a success.

mod orchestrated;

use optimizer::{
    act::sink::{Sink as _, State, carry_out, parse_state},
    http::said,
};
use orchestrated::{
    peer::{Fault, Match, Rule},
    *,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn good() -> Value {
    json!({
        "service_id": "chat", "version": "v7", "previous_version": "v6",
        "configuration": { "model": "a", "temperature": "0.7" }, "baseline_configuration": { "model": "b" },
        "deployment": { "strategy": "canary", "initial_percentage": 5, "percentage": 25, "state": "in-progress" },
        "metadata": { "decision_id": "d-1", "config_version": "hash" },
        "updated_by": "optimizer", "updated_at": "2025-06-01T12:00:00Z",
    })
}

fn parsed(value: &Value) -> Result<optimizer::act::sink::Deployed, String> {
    parse_state(value.to_string().as_bytes(), Some("\"v7\""), &id("chat"))
}

/// The valid answer with one place changed; nothing removes it.
fn with(path: &str, value: Option<Value>) -> Value {
    let mut changed = good();
    let (parent, key) = path.rsplit_once('/').unwrap();
    let object = changed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => object.insert(key.to_owned(), value),
        None => object.remove(key),
    };
    changed
}

#[test]
fn what_is_understood() {
    let found = parsed(&good()).unwrap();
    assert_eq!((found.version.as_str(), found.percentage, found.state), ("v7", 25, State::InProgress));
    assert_eq!(found.baseline.unwrap().get("model"), Some("b"));
    // Numbers for text, other writings of a state, and what may be missing.
    let model = |value| parsed(&with("/configuration/model", Some(value))).unwrap().configuration.0["model"].clone();
    assert_eq!([json!(0.70), json!(1024), json!(-3)].map(model), ["0.7", "1024", "-3"]);
    for word in ["in_progress", "IN-PROGRESS"] {
        assert_eq!(parsed(&with("/deployment/state", Some(json!(word)))).unwrap().state, State::InProgress);
    }
    assert_eq!(parsed(&with("/deployment/percentage", Some(json!(25.0)))).unwrap().percentage, 25);
    assert_eq!(parsed(&with("/version", Some(json!(7)))).unwrap().version, "7");
    assert_eq!(parsed(&with("/version", None)).unwrap().version, "v7", "the tag's");
    assert_eq!(parsed(&with("/updated_at", Some(json!("yesterday")))).unwrap().updated_at, None);
    for optional in ["/previous_version", "/baseline_configuration", "/metadata", "/updated_by", "/deployment/strategy"]
    {
        assert!(parsed(&with(optional, None)).is_ok(), "{optional}");
    }
    let mut completed = with("/deployment/percentage", None);
    completed["deployment"]["state"] = json!("completed");
    assert_eq!(parsed(&completed).unwrap().percentage, 100);
}

#[test]
fn what_is_refused() {
    let needed = ["/service_id", "/configuration", "/deployment", "/deployment/state", "/deployment/percentage"];
    for path in needed {
        assert!(parsed(&with(path, None)).is_err(), "{path}");
        for odd in [Value::Null, json!([]), json!(true), json!("odd"), json!({ "a": [] }), json!(-1)] {
            assert!(parsed(&with(path, Some(odd.clone()))).is_err(), "{path} {odd}");
        }
    }
    for (path, odd) in [
        ("/service_id", json!("Chat")),
        ("/configuration/model", Value::Null),
        ("/configuration/model", json!(["a"])),
        ("/configuration/model", json!(true)),
        ("/baseline_configuration", json!("b")),
        ("/deployment/percentage", json!(101)),
        ("/deployment/percentage", json!(4.5)),
        ("/deployment/percentage", json!("25")),
        ("/deployment/percentage", json!(1e300)),
        ("/version", json!("a\nb")),
        ("/version", json!("a\"b")),
        ("/version", json!("v".repeat(300))),
    ] {
        assert!(parsed(&with(path, Some(odd.clone()))).is_err(), "{path} {odd}");
    }
    for tag in [None, Some("W/\"v7\""), Some("v7"), Some("\"\""), Some("\""), Some("")] {
        assert!(parse_state(with("/version", None).to_string().as_bytes(), tag, &id("chat")).is_err(), "{tag:?}");
    }
    for corpus in [
        "",
        "null",
        "[]",
        "7",
        "\"chat\"",
        "<html>",
        "{",
        "\u{feff}{}",
        "{\"service_id\":1e999}",
        "[[[[",
        "{}{}",
        "\\u0000",
    ] {
        assert!(parse_state(corpus.as_bytes(), Some("\"v7\""), &id("chat")).is_err(), "{corpus}");
    }
    let deep = "[".repeat(200_000);
    assert!(parse_state(deep.as_bytes(), None, &id("chat")).is_err());
    assert!(parse_state(&[0xff, 0xfe, 0x00], None, &id("chat")).is_err());
}

#[test]
fn errors_in_every_form() {
    let cases = [
        (r#"{"code":"conflict","message":"exists","details":{},"request_id":"r"}"#, Some("exists")),
        (r#"{"error":"Conflict","message":"exists"}"#, Some("exists")),
        (r#"{"status":409,"error":"exists","code":"C","timestamp":"t"}"#, Some("exists")),
        (r#"{"code":"conflict"}"#, Some("conflict")),
        ("  exists\n already ", Some("exists already")),
        ("", None),
        ("{}", None),
        ("{\"message\":7}", None),
        ("[]", None),
        ("<html>no</html>", None),
    ];
    for (body, expected) in cases {
        assert_eq!(said(body.as_bytes(), &[]).as_deref(), expected, "{body}");
    }
    let steering = said("red \u{1b}[31m\u{202e}alert\u{7}".as_bytes(), &[]).unwrap();
    assert!(!steering.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{steering}");
    assert!(said("x".repeat(100_000).as_bytes(), &[]).unwrap().chars().count() <= 200);
}

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof!["chat", "v7", "completed", "failed", "100"].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

const PLACES: [&str; 12] = [
    "/service_id",
    "/version",
    "/previous_version",
    "/configuration",
    "/configuration/model",
    "/baseline_configuration",
    "/deployment",
    "/deployment/percentage",
    "/deployment/state",
    "/deployment/strategy",
    "/metadata",
    "/updated_at",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_never_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), tag in ".{0,20}") {
        prop_assert!(parse_state(&bytes, Some(&tag), &id("chat")).is_err());
        let _ = said(&bytes, &[]);
    }

    #[test]
    fn json_never_harms(value in any_json()) {
        let _ = said(value.to_string().as_bytes(), &[]);
        prop_assert!(parse_state(value.to_string().as_bytes(), None, &id("chat")).is_err());
    }

    /// A cut or a changed byte: refused, or what is understood is what is written there.
    #[test]
    fn a_damaged_answer(at in 0_usize..500, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = good().to_string().into_bytes();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(found) = parse_state(&bytes, None, &id("chat")) {
            prop_assert!(!cut);
            let json: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(&json["service_id"], "chat");
            prop_assert_eq!(json["deployment"]["percentage"].as_f64(), Some(f64::from(found.percentage)));
            prop_assert_eq!(json["configuration"].as_object().unwrap().len(), found.configuration.0.len());
        }
    }

    #[test]
    fn anything_in_any_place(place in 0..PLACES.len(), value in any_json()) {
        let changed = with(PLACES[place], Some(value));
        if let Ok(found) = parsed(&changed) {
            let json: Value = serde_json::from_str(&changed.to_string()).unwrap();
            prop_assert_eq!(&json["service_id"], "chat");
            prop_assert!(found.percentage <= 100);
            prop_assert!(json["configuration"].is_object());
            for (key, value) in &found.configuration.0 {
                let text = json["configuration"][key].as_str().map_or_else(|| json["configuration"][key].to_string(), str::to_owned);
                prop_assert_eq!(value, &text);
            }
            let stage = json["deployment"]["state"].as_str().unwrap().to_ascii_lowercase().replace('_', "-");
            prop_assert_eq!(serde_json::to_value(found.state).unwrap(), stage);
        }
    }
}

/// The whole client, with a server that says 200 and nonsense to everything, does nothing that it calls done.
#[tokio::test]
async fn nonsense_is_never_a_success() {
    let running = started(settings()).await;
    let sink = sink(&running);
    let mut bodies: Vec<String> = PLACES.iter().map(|place| with(place, Some(json!([null, 7]))).to_string()).collect();
    bodies.extend(["", "null", "{}", "[]", "OK", "{\"status\":\"ok\"}", "<html>"].map(str::to_owned));
    bodies.push(with("/service_id", Some(json!("chut"))).to_string());
    for body in bodies {
        let nonsense = Fault::Status { code: 200, retry_after: None, reset_in: None, body: Some(body.clone()) };
        running.peer.misbehave(vec![Rule::new(Match::default(), nonsense)]);
        for job in [
            job("chat", "z", 100, None),
            job("chat", "z", 5, Some("v7")),
            back("chat", "z", "v7", optimizer::act::sink::Scope::All),
        ] {
            let report = carry_out(&sink, &job).await;
            assert!(!report.outcome.is_done(), "{body}: {report}");
        }
        let _ = sink.read(&id("chat")).await;
    }
}
