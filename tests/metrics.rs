//! What a run exports is read by the programs that it is for.

#[path = "support/exported.rs"]
mod exported;

#[path = "support/prometheus.rs"]
mod servers;

#[path = "support/scripted.rs"]
#[allow(dead_code, reason = "no answer is cut off here")]
mod scripted;

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use exported::text;
use optimizer::{
    http::{Peer, Token},
    tell::{Group, Target},
};
use scripted::{Answer, Scripted};
use serde_json::json;
use servers::{Server, promtool};

fn group(instance: &str) -> Group {
    Group { job: "optimizer".to_owned(), instance: instance.to_owned() }
}

fn pushed(url: &str, instance: &str, text: &str, token: Option<&Token>) -> Result<(), String> {
    Target::Pushgateway(url.to_owned()).write(text, &group(instance), token)
}

fn names(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[test]
fn promtool_has_nothing_to_say_against_it() {
    for runs in [0, 1, 3] {
        let text = text(runs);
        let said = promtool(&text);
        let words = [said.stdout, said.stderr].concat();
        assert!(said.status.success() && words.is_empty(), "{}\n{text}", String::from_utf8_lossy(&words));
    }
    // It would have said something.
    assert!(!promtool("# HELP x What.\n# TYPE x counter\nx 1\n").status.success(), "a counter that does not say so");
    assert!(!promtool("x_total{a=\"b\nc\"} 1\n").status.success(), "a line break in a label");
}

#[test]
fn a_file_is_there_whole_for_the_node_exporter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimizer.prom");
    let target: Target = format!("textfile:{}", path.display()).parse().unwrap();
    target.write(&text(1), &group("eu"), None).unwrap();
    let first = fs::read_to_string(&path).unwrap();
    assert!(promtool(&first).status.success());
    target.write(&text(2), &group("eu"), None).unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("optimizer_rollbacks_total 2\n"));
}

#[test]
fn prometheus_finds_in_the_pushgateway_what_was_pushed() {
    let gateway = Server::pushgateway();
    let prometheus = Server::prometheus(&gateway);
    let text = text(3);
    pushed(&gateway.url(), "eu/1", &text, None).unwrap();
    let rollbacks = prometheus.awaited("optimizer_rollbacks_total");
    assert_eq!(rollbacks.len(), 1, "{rollbacks:?}");
    let (labels, value) = &rollbacks[0];
    assert_eq!((&labels["job"], &labels["instance"], *value), (&json!("optimizer"), &json!("eu/1"), 3.0));
    // Every series, with its value.
    let exported = text.lines().filter(|line| !line.starts_with('#')).count();
    let found = prometheus.query("{job=\"optimizer\",__name__=~\"optimizer_.*\"}").len();
    assert_eq!(found, exported);
    let of = |name: &str| prometheus.query(&format!("{name}{{service=\"chat \\\"eu\\\"\\\\\\n\"}}"))[0].1;
    assert_eq!((of("optimizer_latency_reduction"), of("optimizer_deployment_share_ratio")), (0.2, 0.25));
    let p50 = prometheus.query("histogram_quantile(0.5, optimizer_duration_seconds_bucket)")[0].1;
    assert!((0.5..=1.0).contains(&p50), "{p50}");
    let age = prometheus.query("time() - optimizer_last_run_timestamp_seconds > 1800");
    assert_eq!(age.len(), 1, "the alert that nothing has run");
    let type_of = prometheus.get("/api/v1/metadata?metric=optimizer_rollbacks_total").unwrap();
    assert!(type_of.contains("\"counter\""), "{type_of}");
}

#[test]
fn what_a_run_does_not_know_is_not_left_over_from_the_last_one() {
    let gateway = Server::pushgateway();
    pushed(&gateway.url(), "eu", &text(2), None).unwrap();
    pushed(&gateway.url(), "us", &text(1), None).unwrap();
    let held = || gateway.get("/metrics").unwrap();
    assert!(held().contains("optimizer_cost_saved_total{currency=\"usd\",instance=\"eu\",job=\"optimizer\"} 2.5"));
    let less: Vec<String> = text(3).lines().filter(|line| !line.contains("cost_saved")).map(str::to_owned).collect();
    pushed(&gateway.url(), "eu", &(less.join("\n") + "\n"), None).unwrap();
    let held = held();
    assert!(!held.contains("cost_saved_total{currency=\"usd\",instance=\"eu\""), "{held}");
    assert!(held.contains("cost_saved_total{currency=\"usd\",instance=\"us\""), "another instance keeps its own");
    assert!(held.contains("optimizer_rollbacks_total{instance=\"eu\",job=\"optimizer\"} 3"));
    for wrong in ["no metrics\n".to_owned(), text(1) + "optimizer_rollbacks_total 2\n"] {
        let refused = pushed(&gateway.url(), "eu", &wrong, None).unwrap_err();
        assert!(refused.contains("it answered 400"), "{refused}");
    }
}

#[test]
fn a_gateway_that_is_away_costs_two_seconds_at_most_and_says_why() {
    let stalling = Scripted::start(|_, _| {
        thread::sleep(Duration::from_secs(20));
        Answer::new(200, "")
    });
    let failing = Scripted::start(|before, _| Answer::new(if before < 2 { 503 } else { 202 }, ""));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let busy = Scripted::start(|_, _| Answer::new(429, "later").with("Retry-After", "60"));
    for (url, expected) in [
        (stalling.url.clone(), Some("does not answer in time")),
        (format!("http://{nobody}"), Some("cannot be reached")),
        (failing.url.clone(), None),
        (busy.url.clone(), Some("it answered 429: later")),
        ("http://me:s3cret@127.0.0.1:1".to_owned(), Some("holds a password")),
    ] {
        let begun = Instant::now();
        let pushed = pushed(&url, "eu", &text(1), None);
        assert!(begun.elapsed() < Duration::from_millis(2_500), "{url}: {:?}", begun.elapsed());
        match expected {
            None => assert_eq!(pushed, Ok(())),
            Some(words) => {
                let why = pushed.unwrap_err();
                assert!(why.contains(words) && !why.contains('\n') && !why.contains("s3cret"), "{why}");
            }
        }
    }
    assert_eq!(failing.asked().len(), 3);
    assert_eq!(busy.asked().len(), 1);
}

#[test]
fn a_token_is_shown_to_the_gateway_and_to_nobody_else() {
    let server = Scripted::start(|_, asked| Answer::new(403, format!("no {}", asked.headers["authorization"])));
    let token = Token::new(Peer::Pushgateway, "s3cret-token").unwrap();
    let why = pushed(&server.url, "eu", &text(1), Some(&token)).unwrap_err();
    let asked = server.asked();
    assert_eq!(asked[0].headers["authorization"], "Bearer s3cret-token");
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("PUT", "/metrics/job/optimizer/instance/eu"));
    assert!(why.contains("403") && !why.contains("s3cret"), "{why}");
}

/// Names in the first column of a table: `name` or `name{label}`.
#[test]
fn the_documentation_lists_every_name_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/metrics.md")).unwrap();
    let page = page.split("## Names that were planned").next().unwrap();
    let listed: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `optimizer_"))
        .map(|rest| rest.split(['`', '{']).next().unwrap())
        .collect();
    let text = text(1);
    let exported: BTreeSet<&str> = names(&text).into_iter().map(|name| name.trim_start_matches("optimizer_")).collect();
    assert_eq!(listed, exported);
}

#[test]
fn alerts_are_over_what_is_exported() {
    let rules = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/alerts.yaml")).unwrap();
    let text = text(1);
    let exported = names(&text);
    let words = rules.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("optimizer_")).collect();
    assert!(named.len() > 4 && named.is_subset(&exported), "{named:?}");
}
