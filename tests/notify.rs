//! People are told over real connections: once, signed, without a secret in any message of ours, and never for longer than a few seconds.

#[path = "support/scripted.rs"]
#[allow(dead_code, reason = "no answer is cut off here")]
mod scripted;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use optimizer::{
    domain::{news::News, run::Scope, tally::Ending, told::Told},
    http::{Patience, Peer, Token},
    tell::{Address, Channel, Heard, Limits, Receiver, Template, message_schema, tell, try_out},
};
use scripted::{Answer, Asked, Scripted};
use serde_json::Value;

fn channel(receiver: Receiver, url: &str) -> Channel {
    let (peer, secret) = match receiver {
        Receiver::Slack => (Peer::Slack, None),
        Receiver::PagerDuty => (Peer::PagerDuty, Some(Token::new(Peer::PagerDuty, "r0uting-s3cret").unwrap())),
        Receiver::Webhook => (Peer::Webhook, Some(Token::new(Peer::WebhookSecret, "hmac-s3cret").unwrap())),
    };
    let address = Address::new(peer, &format!("{url}/services/s3cret-path"), false).unwrap();
    Channel::new(receiver, address, secret, "eu").unwrap()
}

/// As by default, with shorter pauses.
fn limits(all: Duration) -> Limits {
    let patience = Patience { pause: Duration::from_millis(20), attempt: all, ..Limits::default().patience };
    Limits { patience, all }
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn failed() -> News {
    News::of("t1", now()).with_end(Scope::Standard, Ending::Source, "the log is <gone>")
}

fn recovered() -> News {
    News::of("t2", now()).with_end(Scope::Standard, Ending::Fine, "")
}

fn told(channels: &[Channel], news: &News, before: Told) -> Heard {
    tell(channels, news, before, &limits(Duration::from_secs(5)))
}

fn json(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).expect("a message is JSON")
}

#[track_caller]
fn no_secret(text: &str) {
    assert!(!text.contains("s3cret"), "{text}");
}

#[test]
fn everybody_is_told_once_and_told_when_it_is_over() {
    let server = Scripted::start(|_, _| Answer::new(202, "ok"));
    let channels = [Receiver::Slack, Receiver::PagerDuty, Receiver::Webhook].map(|each| channel(each, &server.url));
    no_secret(&format!("{channels:?}"));
    let first = told(&channels, &failed(), Told::default());
    assert_eq!((first.sent, first.trouble.len()), (3, 0), "{:?}", first.trouble);
    let again = told(&channels, &failed(), first.told.clone());
    assert_eq!((again.sent, &again.told), (0, &first.told));
    let over = told(&channels, &recovered(), first.told);
    assert_eq!(over.sent, 3);
    assert_eq!(told(&channels, &recovered(), over.told).sent, 0);
    let asked = server.asked();
    assert_eq!(asked.len(), 6);
    let slack = asked.iter().map(json).find(|body| body.get("payload").is_none() && body.get("key").is_none()).unwrap();
    assert_eq!(slack["text"], "🔴 eu: a run (standard) failed: source\nthe log is &lt;gone&gt;");
    let incidents: Vec<Value> = asked.iter().map(json).filter(|body| body.get("event_action").is_some()).collect();
    let actions: Vec<&Value> = incidents.iter().map(|body| &body["event_action"]).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!(incidents[0]["dedup_key"], incidents[1]["dedup_key"]);
    let own = asked.iter().map(json).filter(|body| body["schema_version"] == "notice/v1");
    let states: Vec<(Value, Value)> = own.map(|body| (body["event"].clone(), body["state"].clone())).collect();
    assert_eq!(states, [("run_failed".into(), "stands".into()), ("run_failed".into(), "over".into())]);
}

/// The check that `docs/notifications.md` gives to receivers, by another program.
fn openssl(secret: &str, signed: &str) -> String {
    let mut child = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl starts");
    child.stdin.take().unwrap().write_all(signed.as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    output.trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn each_attempt_at_a_webhook_is_signed_with_its_own_time() {
    let server = Scripted::start(|before, _| {
        // So that the next attempt falls into another second.
        thread::sleep(Duration::from_millis(if before == 0 { 1_100 } else { 0 }));
        Answer::new(if before == 0 { 500 } else { 200 }, "")
    });
    assert_eq!(told(&[channel(Receiver::Webhook, &server.url)], &failed(), Told::default()).sent, 1);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert_ne!(asked[0].headers["x-optimizer-timestamp"], asked[1].headers["x-optimizer-timestamp"]);
    for each in asked {
        let (time, body) = (&each.headers["x-optimizer-timestamp"], String::from_utf8(each.body).unwrap());
        assert!((time.parse::<i64>().unwrap() - Timestamp::now().as_second()).abs() < 60);
        let expected = format!("sha256={}", openssl("hmac-s3cret", &format!("{time}.{body}")));
        assert_eq!(each.headers["x-optimizer-signature"], expected);
        no_secret(&body);
    }
}

#[test]
fn what_may_pass_is_tried_three_times_and_what_may_not_once() {
    for (status, attempts) in [(500, 3), (503, 3), (429, 3), (408, 3), (400, 1), (403, 1), (404, 1), (410, 1), (302, 1)]
    {
        let server = Scripted::start(move |_, asked| {
            // Servers repeat what they were asked, secrets included.
            Answer::new(status, format!("no {}", asked.target)).with("Location", "http://127.0.0.1:1/")
        });
        let heard = told(&[channel(Receiver::Slack, &server.url)], &failed(), Told::default());
        assert_eq!((server.asked().len(), heard.sent), (attempts, 0), "{status}");
        assert_eq!(heard.trouble.len(), 1);
        assert!(
            heard.trouble[0].contains(&status.to_string()) && heard.trouble[0].starts_with("1 message did not reach")
        );
        no_secret(&heard.trouble[0]);
        // The next run finds it untold.
        let well = Scripted::start(|_, _| Answer::new(200, ""));
        assert_eq!(told(&[channel(Receiver::Slack, &well.url)], &failed(), heard.told).sent, 1, "{status}");
    }
}

#[test]
fn servers_may_ask_for_some_patience_and_not_for_much() {
    for (seconds, sent, attempts) in [("1", 1, 2), ("11", 0, 1), ("86400", 0, 1)] {
        let server = Scripted::start(move |before, _| {
            Answer::new(if before == 0 { 429 } else { 200 }, "").with("Retry-After", seconds)
        });
        let begun = Instant::now();
        let patient = limits(Duration::from_secs(30));
        let heard = tell(&[channel(Receiver::PagerDuty, &server.url)], &failed(), Told::default(), &patient);
        assert_eq!((heard.sent, server.asked().len()), (sent, attempts), "{seconds}");
        assert_eq!(begun.elapsed() >= Duration::from_secs(1), sent == 1);
        assert!(begun.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn nobody_holds_a_run_up() {
    let stalling = Scripted::start(|_, _| {
        thread::sleep(Duration::from_secs(20));
        Answer::new(200, "")
    });
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let well = Scripted::start(|_, _| Answer::new(200, ""));
    let begun = Instant::now();
    let channels = [
        channel(Receiver::Slack, &stalling.url),
        channel(Receiver::PagerDuty, &format!("http://{nobody}")),
        channel(Receiver::Webhook, &well.url),
    ];
    let heard = tell(&channels, &failed(), Told::default(), &limits(Duration::from_secs(1)));
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(heard.sent, 1, "the others are told all the same");
    assert!(heard.trouble[0].contains("does not answer in time"), "{:?}", heard.trouble);
    assert!(heard.trouble[1].contains("cannot be reached"), "{:?}", heard.trouble);
    no_secret(&heard.trouble.concat());
}

#[test]
fn garbage_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(b"\x00\xffnot http\r\n\r\n");
        }
    });
    let heard = told(&[channel(Receiver::Slack, &url)], &failed(), Told::default());
    assert_eq!(heard.sent, 0);
    no_secret(&heard.trouble.concat());
    assert!(heard.trouble[0].contains("the connection failed"), "{:?}", heard.trouble);
}

#[test]
fn one_that_refuses_us_is_not_asked_again_in_the_same_run_and_one_refused_message_stops_no_other() {
    let two = failed().with_end(Scope::Deep, Ending::State, "full");
    let closed = Scripted::start(|_, _| Answer::new(403, ""));
    assert_eq!(told(&[channel(Receiver::Slack, &closed.url)], &two, Told::default()).sent, 0);
    assert_eq!(closed.asked().len(), 1);
    let picky = Scripted::start(|before, _| Answer::new(if before == 0 { 400 } else { 200 }, ""));
    let heard = told(&[channel(Receiver::Slack, &picky.url)], &two, Told::default());
    assert_eq!((heard.sent, heard.trouble.len()), (1, 1));
}

#[test]
fn a_test_message_goes_to_everybody_and_leaves_no_incident() {
    let server = Scripted::start(|_, asked| {
        Answer::new(if asked.headers.contains_key("x-optimizer-signature") { 401 } else { 200 }, "")
    });
    let channels = [Receiver::Slack, Receiver::PagerDuty, Receiver::Webhook].map(|each| channel(each, &server.url));
    let came = try_out(&channels, "t1", now(), &limits(Duration::from_secs(5)));
    let arrived: Vec<bool> = came.iter().map(|(_, why)| why.is_none()).collect();
    assert_eq!(arrived, [true, true, false]);
    assert_eq!(came[2].1.as_deref(), Some("it answered 401"));
    no_secret(&format!("{came:?}"));
    let actions: Vec<Value> =
        server.asked().iter().map(json).filter_map(|body| body.get("event_action").cloned()).collect();
    assert_eq!(actions, ["trigger", "resolve"]);
}

#[test]
fn words_are_the_readers_own() {
    let server = Scripted::start(|_, _| Answer::new(200, ""));
    let template: Template = "*{severity}* {{{service}}} {detail}".parse().unwrap();
    let channels = [channel(Receiver::Slack, &server.url).with_template(template)];
    assert_eq!(told(&channels, &failed(), Told::default()).sent, 1);
    assert_eq!(json(&server.asked()[0])["text"], "🔴 *high* {all services} the log is &lt;gone&gt;");
}

#[test]
fn the_published_schema_is_current_and_messages_keep_to_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/notice.v1.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, message_schema()).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap();
    assert_eq!(published, message_schema(), "run with UPDATE_SCHEMAS=1 to write it anew");
    let validator = jsonschema::validator_for(&serde_json::from_str(&published).unwrap()).expect("a schema");
    let server = Scripted::start(|_, _| Answer::new(200, ""));
    let channels = [channel(Receiver::Webhook, &server.url)];
    let first = told(&channels, &failed(), Told::default());
    assert_eq!(first.sent + told(&channels, &recovered(), first.told).sent, 2);
    for asked in server.asked() {
        let body = json(&asked);
        let errors: Vec<String> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{body}");
        let mut without = body;
        without.as_object_mut().unwrap().remove("key");
        assert!(!validator.is_valid(&without), "a message without its key");
    }
}
