//! What a collector of traces gets of a run, and what comes of collectors that are away, slow or wrong. The settings are the variables of
//! OpenTelemetry, so each case runs in a process of its own: this program again.

#[path = "support/scripted.rs"]
mod scripted;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use optimizer::{
    domain::{
        fault::Exit,
        phase::{Phase, Timed},
        plan::SourceSummary,
        run::RunReport,
        span::{Ran, tick},
    },
    tell::Traces,
};
use scripted::{Answer, Asked, Scripted};
use serde_json::{Value, json};

const RUN: &str = "20260101T000000Z-abcd";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// Set in the processes that send.
const SENDS: &str = "TRACES_TEST_SENDS";

/// Not a test of its own: what the others start.
#[test]
fn sender() {
    if env::var_os(SENDS).is_none() {
        return;
    }
    let begun = Instant::now();
    let said = match Traces::from_environment() {
        Ok(None) => "off".to_owned(),
        Ok(Some(traces)) => match send(&traces) {
            Ok(()) => format!("sent {}", traces.id(RUN)),
            Err(why) => format!("failed: {why}"),
        },
        Err(why) => format!("unusable: {why}"),
    };
    println!("\nSAID {} {said}", begun.elapsed().as_millis());
}

fn send(traces: &Traces) -> Result<(), String> {
    let run: RunReport = serde_json::from_value(json!({
        "schema_version": "run/v1", "id": RUN, "scope": "standard", "dry_run": false, "started_at": "2026-01-01T00:00:00Z",
        "sink": "https://o.example", "plan": {"id": "p", "decisions": 4, "moving": 1}, "data_until": "2025-12-31T23:59:00Z",
        "steps": [{"service": "chat", "rollout": "r", "purpose": "change", "from": "1", "to": "2", "share_before": 5,
            "share_after": 25, "did": "rolled_back", "why": "", "judgement": null}],
        "not_begun": [], "alerts": [{"kind": "rolled_back", "service": "chat", "message": "it did harm"}]
    }))
    .unwrap();
    let begun: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let at = |ms| begun.checked_add(Duration::from_millis(ms)).unwrap();
    let part_of = |phase, part, from, ms| Timed { phase, part, started_at: at(from), took: Duration::from_millis(ms) };
    let times = [
        part_of(Phase::Observe, None, 100, 31_000),
        part_of(Phase::Orient, None, 31_100, 20),
        part_of(Phase::Decide, None, 31_120, 20),
        part_of(Phase::Act, Some("push"), 31_200, 300),
        part_of(Phase::Act, None, 31_140, 400),
    ];
    let source = SourceSummary { rows_read: 10, rejected: [("cost".into(), 2)].into(), ..SourceSummary::default() };
    let ended_at = at(31_600);
    let root = tick(&Ran {
        id: RUN,
        scope: run.scope,
        dry_run: run.dry_run,
        report: Some(&run),
        started_at: begun,
        ended_at,
        times: &times,
        source: Some(&source),
        exit: Exit::Sink,
        trouble: Some("the sink refused"),
    });
    traces.send(RUN, &root)
}

/// What a process with these variables says, and in what time.
#[track_caller]
fn sent(variables: &[(&str, &str)]) -> (String, Duration) {
    let mut command = Command::new(env::current_exe().unwrap());
    for (name, _) in env::vars().filter(|(name, _)| name.starts_with("OTEL_") || name == "TRACEPARENT") {
        command.env_remove(name);
    }
    command.args(["sender", "--exact", "--nocapture", "--test-threads=1"]).env(SENDS, "1");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("SAID ")).unwrap_or_else(|| panic!("{text}"));
    let (milliseconds, said) = line.split_once(' ').unwrap();
    (said.to_owned(), Duration::from_millis(milliseconds.parse().unwrap()))
}

fn collector(status: u16, body: &'static str) -> Scripted {
    Scripted::start(move |_, _| Answer::new(status, body))
}

/// The spans of a request by name, once its form is that of OTLP.
fn spans(asked: &Asked) -> BTreeMap<String, Value> {
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(keys(&body), "resourceSpans");
    let resource = &body["resourceSpans"][0];
    assert_eq!(keys(resource), "resource scopeSpans");
    assert_eq!(resource["scopeSpans"][0]["scope"]["name"], "llm-auto-optimizer");
    let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for span in spans {
        let digits = |name: &str, length: usize| {
            let id = span[name].as_str().unwrap();
            assert!(id.len() == length && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name} {id}");
            id.to_owned()
        };
        digits("traceId", 32);
        assert!(ids.insert(digits("spanId", 16)), "an id twice");
        let time = |name: &str| span[name].as_str().unwrap().parse::<u64>().expect("nanoseconds, as a text");
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
        assert_eq!(span["kind"], 1);
    }
    spans.iter().map(|span| (span["name"].as_str().unwrap().to_owned(), span.clone())).collect()
}

fn attribute<'a>(of: &'a Value, name: &str) -> &'a Value {
    let all = of["attributes"].as_array().unwrap();
    &all.iter().find(|one| one["key"] == name).unwrap_or_else(|| panic!("{name} in {of}"))["value"]
}

#[test]
fn a_collector_gets_the_tree_with_its_budgets() {
    let collector = collector(200, "{}");
    let (said, _) = sent(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=eu%20west"),
        ("OTEL_SERVICE_NAME", "nightly"),
    ]);
    let asked = collector.asked();
    assert_eq!(asked.len(), 1);
    let asked = &asked[0];
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/v1/traces"));
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["authorization"], "Bearer s3cret");
    let body: Value = serde_json::from_slice(&asked.body).unwrap();
    let resource = &body["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name")["stringValue"], "nightly");
    assert_eq!(attribute(resource, "deployment.environment.name")["stringValue"], "eu west");
    let spans = spans(asked);
    assert_eq!(
        spans.keys().map(String::as_str).collect::<Vec<_>>(),
        ["act", "decide", "observe", "orient", "push", "tick"]
    );
    let tick = &spans["tick"];
    assert_eq!(said, format!("sent {}", tick["traceId"].as_str().unwrap()));
    assert!(tick.get("parentSpanId").is_none(), "it is the root");
    for (name, parent) in
        [("observe", "tick"), ("orient", "tick"), ("decide", "tick"), ("act", "tick"), ("push", "act")]
    {
        assert_eq!(spans[name]["parentSpanId"], spans[parent]["spanId"], "{name}");
        assert_eq!(spans[name]["traceId"], tick["traceId"], "{name}");
    }
    for (name, budget, over) in
        [("observe", "30000", true), ("orient", "60000", false), ("decide", "45000", false), ("act", "120000", false)]
    {
        assert_eq!(attribute(&spans[name], "optimizer.phase.budget_ms")["intValue"], budget, "{name}");
        assert_eq!(attribute(&spans[name], "optimizer.phase.over_budget")["boolValue"], over, "{name}");
    }
    assert_eq!(attribute(tick, "optimizer.run.id")["stringValue"], RUN);
    assert_eq!(attribute(tick, "optimizer.run.scope")["stringValue"], "standard");
    assert_eq!(attribute(tick, "process.exit.code")["intValue"], "5");
    assert_eq!(tick["status"], json!({"code": 2, "message": "the sink refused"}));
    assert_eq!(attribute(&spans["observe"], "optimizer.source.rows_rejected")["intValue"], "2");
    let step = &spans["act"]["events"][0];
    assert_eq!(
        (&step["name"], attribute(step, "optimizer.did")),
        (&json!("rollout.step"), &json!({"stringValue": "rolled back"}))
    );
    assert_eq!(attribute(&tick["events"][0], "optimizer.alert.kind")["stringValue"], "rolled_back");
    assert_eq!(tick["startTimeUnixNano"], "1767225600000000000");
}

#[test]
fn the_same_run_has_the_same_trace_unless_somebody_began_one() {
    let collector = collector(200, "");
    let endpoint = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/own/path", collector.url));
    let endpoint = (endpoint.0, endpoint.1.as_str());
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let alone = sent(&[endpoint]).0;
    assert_eq!(sent(&[endpoint]).0, alone);
    assert_eq!(sent(&[endpoint, ("TRACEPARENT", &parent)]).0, format!("sent {TRACE}"));
    assert_eq!(sent(&[endpoint, ("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")]).0, alone);
    assert_eq!(sent(&[endpoint, ("TRACEPARENT", &parent.replace("-01", "-00"))]).0, "off", "nobody keeps that trace");
    let asked = collector.asked();
    assert_eq!(asked.iter().map(|asked| asked.target.as_str()).collect::<Vec<_>>(), ["/own/path"; 4]);
    let tick = &spans(&asked[2])["tick"];
    assert_eq!((&tick["traceId"], &tick["parentSpanId"]), (&json!(TRACE), &json!(SPAN)));
}

#[test]
fn nobody_is_asked_unless_a_collector_is_named() {
    assert_eq!(sent(&[]).0, "off");
    let collector = collector(200, "{}");
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url.as_str());
    assert_eq!(sent(&[endpoint, ("OTEL_SDK_DISABLED", "true")]).0, "off");
    let grpc = sent(&[endpoint, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).0;
    assert!(grpc.starts_with("unusable: no trace is sent: `OTEL_EXPORTER_OTLP_PROTOCOL` asks for `grpc`"), "{grpc}");
    assert!(collector.asked().is_empty());
}

#[test]
fn a_collector_that_is_away_slow_or_wrong_costs_two_seconds_at_most() {
    let stalling = Scripted::start(|_, _| {
        thread::sleep(Duration::from_secs(20));
        Answer::new(200, "")
    });
    // It takes connections and says nothing, not even when the request is there.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let nobody = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let failing = Scripted::start(|before, _| Answer::new(if before < 2 { 503 } else { 200 }, ""));
    let down = collector(503, "no\nroom for s3cret");
    let busy = Scripted::start(|_, _| Answer::new(429, "later").with("Retry-After", "60"));
    let refusing = collector(400, r#"{"code": 3, "message": "bad s3cret"}"#);
    let partial = collector(200, r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"quota of s3cret"}}"#);
    let garbage = collector(200, "<html>\u{0}");
    let half = Scripted::start(|_, _| Answer::new(200, "{\"partialSuccess\":{}}".repeat(9)).cut());
    let elsewhere = Scripted::start(|_, _| Answer::new(307, "").with("Location", "http://127.0.0.1:1/"));
    for (url, expected) in [
        (&stalling.url, Some("does not answer in time")),
        (&silent_url, Some("does not answer in time")),
        (&nobody, Some("cannot be reached")),
        (&failing.url, None),
        (&down.url, Some("it answered 503")),
        (&busy.url, Some("it answered 429: later")),
        (&refusing.url, Some("it answered 400: bad …")),
        (&partial.url, Some("it refused 2 spans of it: quota of …")),
        (&garbage.url, None),
        (&half.url, None),
        (&elsewhere.url, Some("leads elsewhere")),
    ] {
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret");
        let (said, took) = sent(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url), headers]);
        assert!(took < Duration::from_secs(2), "{url} {said}: {took:?}");
        match expected {
            None => assert!(said.starts_with("sent "), "{url} {said}"),
            Some(words) => {
                assert!(
                    said.starts_with("failed: the trace of this run did not reach the trace collector at"),
                    "{said}"
                );
                assert!(said.contains(words) && !said.contains("s3cret"), "{said}");
            }
        }
    }
    assert_eq!((failing.asked().len(), busy.asked().len(), refusing.asked().len()), (3, 1, 1));
    let (_, took) = sent(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &stalling.url), ("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
    assert!(took < Duration::from_millis(900), "{took:?}");
}

#[test]
fn the_documentation_names_every_variable_and_no_other() {
    let read = |file: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let named = |text: &str| -> BTreeSet<String> {
        let words = text.split(|character: char| !character.is_ascii_uppercase() && character != '_');
        words.filter(|word| word.starts_with("OTEL_") || *word == "TRACEPARENT").map(str::to_owned).collect()
    };
    let read_by_us = named(&read("src/tell/traces/settings.rs"));
    // Each of those for everything has one for traces alone.
    let of_traces =
        read_by_us.iter().filter(|name| name.contains("OTLP_")).map(|name| name.replace("OTLP_", "OTLP_TRACES_"));
    let all: BTreeSet<String> =
        read_by_us.iter().cloned().chain(of_traces).filter(|name| !name.ends_with('_')).collect();
    let page: BTreeSet<String> = named(&read("docs/traces.md"));
    assert_eq!(page, all);
    assert!(all.len() > 12, "{all:?}");
}
