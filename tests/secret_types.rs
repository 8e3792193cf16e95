//! Secrets hide themselves: whatever holds one shows `…` in its place, so that no log and no error can repeat it by mistake.

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use optimizer::{
    act::sink::{Base, Credential, Options, Orchestrator},
    governance,
    http::{Endpoint, Peer, Token},
    tell::{Address, Channel, Receiver},
};
use support::root;

const SECRET: &str = "5ecre7-c0ffee";

#[test]
fn nothing_that_holds_a_secret_shows_it() {
    let token = |peer| Token::new(peer, SECRET).unwrap();
    let address = |peer| Address::new(peer, &format!("https://h.example/{SECRET}?k={SECRET}#{SECRET}"), false).unwrap();
    let channel = |receiver, peer| Channel::new(receiver, address(peer), Some(token(peer)), "eu").unwrap();
    let base = Base::new("https://o.example", false).unwrap();
    let credential = Credential::ApiKey(token(Peer::Orchestrator));
    let service = governance::Service::new(
        governance::Address::new("https://g.example", "/ask").unwrap(),
        governance::Form::Plain,
        Some(token(Peer::Governance)),
        governance::Limits::default(),
    );
    let orchestrator = Orchestrator::new(base, Some(credential.clone()), Options::default()).unwrap();
    for (name, shown) in [
        ("token", format!("{:?}", token(Peer::Orchestrator))),
        ("header", format!("{:?}", token(Peer::Orchestrator).header())),
        ("bare token", format!("{:?}", token(Peer::Orchestrator).bare())),
        ("credential", format!("{credential:?} {:?}", Credential::Bearer(token(Peer::Orchestrator)))),
        ("address", format!("{:?} {}", address(Peer::Slack), address(Peer::Slack).shown())),
        ("Slack", format!("{:#?}", channel(Receiver::Slack, Peer::Slack))),
        ("PagerDuty", format!("{:#?}", channel(Receiver::PagerDuty, Peer::PagerDuty))),
        ("webhook", format!("{:#?}", channel(Receiver::Webhook, Peer::WebhookSecret))),
        ("governance", format!("{:#?}", service.unwrap())),
        ("Orchestrator", format!("{orchestrator:#?}")),
    ] {
        assert!(!shown.contains(SECRET), "{name}: {shown}");
        assert!(!shown.is_empty());
    }
    // What refuses one does not repeat it either.
    for text in [format!("https://me:{SECRET}@h.example"), format!("https://h.example?token={SECRET}")] {
        let refused = Endpoint::new(Peer::Governance, &text, false).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains(SECRET), "{refused:?}");
    }
    let refused = Token::new(Peer::Webhook, &format!("{SECRET} {SECRET}")).unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains(SECRET), "{refused:?}");
}

/// Types of others that show what they hold.
const TALKATIVE: [&str; 5] = ["HeaderValue", "HeaderMap", "Url", "RequestBuilder", "hmac::Key"];

/// Those of ours that hold one of them, show it, and may: each with why it holds no secret.
const ALLOWED: &[(&str, &str)] = &[
    ("act/sink/orchestrator/client.rs Change", "an address made of the sink's and of a service"),
    ("governance/address.rs Address", "an address made of an endpoint and a path without a query"),
    (
        "http/endpoint.rs Endpoint",
        "refuses passwords and queries; of an address that is a secret it has the host alone",
    ),
];

/// Files of Rust with their names, tests left out.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(root().join("src")).unwrap().display().to_string();
            into.push((name, text.split("#[cfg(test)]").next().unwrap().to_owned()));
        }
    }
}

/// Types with fields of a talkative type that derive `Debug`.
fn showing(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut derives = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        if let Some(derived) = code.strip_prefix("#[derive(") {
            derives = derived.contains("Debug");
            continue;
        }
        let words: Vec<&str> = code.split([' ', '(', '<', '{', ';']).collect();
        let Some(kind) = words.iter().position(|word| matches!(*word, "struct" | "enum")) else {
            derives &= code.starts_with("#[") || code.starts_with("//");
            continue;
        };
        let name = words[kind + 1];
        let mut body = code.to_owned();
        let is_open = |text: &str| text.matches(['{', '(']).count() > text.matches(['}', ')']).count();
        while is_open(&body) {
            let Some(next) = lines.next() else { break };
            body += next.split("//").next().unwrap_or_default();
            body.push('\n');
        }
        let fields = &body[body.find(['{', '(']).unwrap_or(body.len())..];
        if derives && TALKATIVE.iter().any(|talkative| is_held(fields, talkative)) {
            found.insert(name.to_owned());
        }
        derives = false;
    }
    found
}

/// Whether it is the type of a field. Names of variants stand behind a brace or a comma, types behind a colon or a bracket.
fn is_held(fields: &str, talkative: &str) -> bool {
    fields.match_indices(talkative).any(|(start, _)| {
        let before = fields[..start].trim_end().chars().next_back();
        let after = fields[start + talkative.len()..].chars().next();
        before.is_some_and(|before| matches!(before, ':' | '(' | '<' | '&'))
            && after.is_none_or(|after| !after.is_alphanumeric() && after != '_')
    })
}

#[test]
fn who_holds_what_shows_itself_says_by_hand_what_it_shows() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    assert!(files.len() > 100);
    let found: BTreeSet<String> = files
        .iter()
        .flat_map(|(file, text)| showing(text).into_iter().map(move |name| format!("{file} {name}")))
        .collect();
    let allowed: BTreeSet<String> = ALLOWED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, allowed);
}

#[test]
fn a_type_that_shows_a_header_is_found() {
    let found = |text: &str| showing(text).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(found("#[derive(Clone, Debug)]\npub struct A(HeaderValue);\n"), "A");
    assert_eq!(
        found("#[derive(Debug)]\nstruct B {\n    /// One.\n    all: Option<reqwest::header::HeaderMap>,\n}"),
        "B"
    );
    assert_eq!(found("#[derive(Debug)]\nenum C {\n    Web { url: Url },\n}"), "C");
    assert_eq!(found("#[derive(Clone)]\nstruct D(HeaderValue);\n#[derive(Debug)]\nstruct E(u8);"), "");
    assert_eq!(found("#[derive(Debug)]\nenum F {\n    Url { identity: String },\n    Url,\n}"), "");
}
