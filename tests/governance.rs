//! A governance service is asked about every change, over real connections: what it approves goes ahead, what it denies does not, and no
//! answer is no approval.

#[path = "support/store.rs"]
#[allow(dead_code, reason = "the S3 server is for other tests")]
mod store;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use optimizer::{
    decide::{self, Inputs, Planned, policy},
    domain::{
        Memory, ModelTable, Plan,
        approval::{Asked as Answers, Question, Verdict},
        memory::RuleMemory,
        plan::{Action, RuleOutcome, RuleState, StepOutcome},
    },
    governance::{Address, Form, Limits, Service},
    http::{HttpError, Patience, Peer, Token},
    stats::Observation,
};
use serde_json::{Value, json};
use store::{Answer, Asked, Scripted};
use support::{Run, optimizer, plan_json, root, write_lines};
use tempfile::tempdir;

const YES: &str = r#"{"approved": true, "violations": [], "decision_rationale": "fine"}"#;
const NO: &str = r#"{"approved": false, "violations": [{"policy_id": "p1", "policy_name": "spend cap", "severity": "high", "description": "too\u001b[31m dear"}], "decision_rationale": "no"}"#;

fn plan(url: &str, more: &[&str]) -> Run {
    let mut command = optimizer(&root());
    command.args(["plan", "--dry-run", "--governance", url]).args(more);
    command.env("OPTIMIZER_GOVERNANCE_TOKEN", "s3cret-token");
    command.output().expect("the binary starts").into()
}

#[track_caller]
fn planned(url: &str, more: &[&str]) -> Value {
    let run = plan(url, &[&["--format", "json"], more].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(!run.stdout.contains("s3cret"), "{}", run.stdout);
    serde_json::from_str(&run.stdout).unwrap()
}

fn actions(plan: &Value) -> Vec<(String, String)> {
    let decisions = plan["decisions"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    decisions.iter().map(|decision| (text(&decision["service"]), text(&decision["action"]))).collect()
}

fn moving(plan: &Value) -> usize {
    actions(plan).iter().filter(|(_, action)| ["change", "revert", "experiment"].contains(&action.as_str())).count()
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).expect("a question is JSON")
}

#[test]
fn what_is_approved_goes_ahead() {
    let server = Scripted::start(|_, _| Answer::new(200, YES));
    let alone = plan_json(&root(), &[]);
    let plan = planned(&server.url, &[]);
    assert_eq!(actions(&plan), actions(&alone));
    assert_eq!(plan["totals"], alone["totals"]);
    let asked = server.asked();
    assert_eq!(asked.len(), moving(&alone));
    assert_eq!(plan["inputs"]["governance"]["approved"], asked.len());
    assert_ne!(plan["id"], alone["id"]);
    assert_eq!(planned(&server.url, &[]), plan, "the same answers give the same plan");
    for question in &asked {
        assert_eq!((question.method.as_str(), question.target.as_str()), ("POST", "/api/v1/policies/evaluate"));
        assert_eq!(question.headers["authorization"], "Bearer s3cret-token");
        let body = body(question);
        let service = body["service_id"].as_str().unwrap();
        let decisions = alone["decisions"].as_array().unwrap();
        let decision = decisions.iter().find(|one| one["service"] == service && !one["proposed"].is_null()).unwrap();
        assert_eq!(body["proposed_configuration"]["model"], decision["proposed"]["model"]);
        assert!(body["proposed_configuration"].as_object().unwrap().values().all(Value::is_string));
        assert_eq!(body["optimization_rationale"], decision["reason"]);
    }
}

#[test]
fn what_is_denied_is_refused_and_says_why() {
    let server = Scripted::start(|_, _| Answer::new(200, NO));
    let alone = plan_json(&root(), &[]);
    let plan = planned(&server.url, &[]);
    assert_eq!(moving(&plan), 0, "a denial stops going back too");
    assert_eq!(plan["totals"]["planned_spend_usd_per_day"], plan["totals"]["spend_usd_per_day"]);
    assert_eq!(plan["totals"]["planned_quality"], plan["totals"]["quality"]);
    let refused: Vec<&Value> = plan["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|decision| decision["reason"].as_str().unwrap().contains("governance service denies it"))
        .collect();
    assert_eq!(refused.len(), moving(&alone));
    for decision in refused {
        assert_eq!((&decision["action"], &decision["proposed"]), (&json!("refused"), &Value::Null));
        let reason = decision["reason"].as_str().unwrap();
        assert!(reason.contains("spend cap (high): too") && !reason.contains('\u{1b}'), "{reason:?}");
        let step = decision["ladder"].as_array().unwrap().last().unwrap();
        assert_eq!((&step["by"], &step["outcome"]), (&json!("governance service"), &json!("decided")));
    }
    let table = self::plan(&server.url, &[]);
    assert!(table.stdout.contains("about 3 changes, 3 denied"), "{}", table.stdout);
}

/// Changes are refused, going back is not, and `--governance-fail-open` lets everything through and says so.
#[track_caller]
fn unanswered(url: &str, why: &str) {
    let alone = plan_json(&root(), &[]);
    let plan = planned(url, &[]);
    for ((service, before), (_, after)) in actions(&alone).iter().zip(actions(&plan)) {
        let expected = if before == "change" { "refused" } else { before };
        assert_eq!(after, expected, "{service}");
    }
    assert!(
        actions(&alone).iter().any(|(_, action)| action == "revert"),
        "the test data has something to go back from"
    );
    let text = plan.to_string();
    assert!(text.contains(why), "{why}: {}", plan["decisions"][0]["reason"]);
    assert!(text.contains("going back is not stopped by that"));
    assert_eq!(plan["inputs"]["governance"]["unanswered"], moving(&alone));
    let open = planned(url, &["--governance-fail-open"]);
    assert_eq!(actions(&open), actions(&alone));
    assert_eq!(open["inputs"]["governance"]["fail_open"], true);
    assert!(open.to_string().contains("let through all the same, by `--governance-fail-open`"));
    assert_ne!(open["id"], plan["id"]);
}

#[test]
fn garbage_is_no_approval() {
    for (garbage, why) in [
        ("yes", "its answer is no JSON"),
        ("", "its answer is no JSON"),
        (r#"{"approved": "true"}"#, "its answer lacks what a verdict needs"),
        (r#"{"approved": false, "approved": true}"#, "its answer lacks what a verdict needs"),
        (r#"[{"approved": true}]"#, "its answer"),
    ] {
        let server = Scripted::start(move |_, _| Answer::new(200, garbage));
        unanswered(&server.url, why);
    }
}

#[test]
fn a_service_that_is_not_there_is_no_approval() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let begun = Instant::now();
    unanswered(&url, "it cannot be reached");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn redirects_are_not_followed_and_huge_answers_not_read() {
    let elsewhere = Scripted::start(|_, _| Answer::new(200, YES));
    let to = elsewhere.url.clone();
    for status in [301, 302, 303, 307, 308] {
        let to = to.clone();
        let server = Scripted::start(move |_, _| Answer::new(status, "").with("Location", &to));
        let verdicts = ask(&server.url, &[question("a")], Form::Plain);
        assert!(why(&verdicts["a"]).contains("leads elsewhere"), "{verdicts:?}");
    }
    assert_eq!(elsewhere.asked().len(), 0);
    let padded = format!("{}{YES}", " ".repeat(2 << 20));
    let told = padded.clone();
    let server = Scripted::start(move |_, _| Answer::new(200, told.clone()));
    assert!(why(&ask(&server.url, &[question("a")], Form::Plain)["a"]).contains("larger than 1 MiB"));
    // The same without a length that would betray it.
    let chunk = format!("{:x}\r\n{padded}\r\n0\r\n\r\n", padded.len());
    let server = Scripted::start(move |_, _| Answer::new(200, chunk.clone()).with("Transfer-Encoding", "chunked"));
    assert!(why(&ask(&server.url, &[question("a")], Form::Plain)["a"]).contains("larger than 1 MiB"));
}

fn question(id: &str) -> Question {
    Question {
        id: id.to_owned(),
        service: "chat".to_owned(),
        segment: "all",
        configuration: BTreeMap::from([("model".to_owned(), "m".to_owned())]),
        rationale: "cheaper".to_owned(),
    }
}

fn impatient() -> Limits {
    Limits {
        patience: Patience {
            attempt: Duration::from_millis(200),
            pause: Duration::from_millis(10),
            longest_wait: Duration::from_secs(1),
            ..Patience::default()
        },
        question: Duration::from_millis(900),
        ..Limits::default()
    }
}

fn ask(url: &str, questions: &[Question], form: Form) -> BTreeMap<String, Verdict> {
    let address = Address::new(url, "/x").unwrap();
    Service::new(address, form, None, impatient()).unwrap().ask(questions)
}

#[track_caller]
fn why(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Unanswered { why } => why,
        other => panic!("{other:?} is an answer"),
    }
}

#[test]
fn what_may_pass_is_tried_three_times_and_what_will_not_once() {
    for (status, attempts) in [(500, 3), (503, 3), (429, 3), (408, 3), (400, 1), (404, 1), (422, 1), (401, 1), (403, 1)]
    {
        let server = Scripted::start(move |_, _| Answer::new(status, r#"{"code":"x","message":"not now"}"#));
        let verdicts = ask(&server.url, &[question("a")], Form::Plain);
        assert_eq!(server.asked().len(), attempts, "{status}");
        let why = why(&verdicts["a"]);
        assert!(why.contains(&status.to_string()) && why.contains("not now"), "{why}");
    }
    let server = Scripted::start(|before, _| if before == 0 { Answer::new(503, "") } else { Answer::new(200, YES) });
    assert!(matches!(ask(&server.url, &[question("a")], Form::Plain)["a"], Verdict::Approved { .. }));
    // A connection that ends too early.
    let server =
        Scripted::start(|before, _| if before == 0 { Answer::new(200, YES).cut() } else { Answer::new(200, YES) });
    assert!(matches!(ask(&server.url, &[question("a")], Form::Plain)["a"], Verdict::Approved { .. }));
}

#[test]
fn a_service_that_asks_for_time_gets_some_but_not_all() {
    let busy = |seconds: &'static str| {
        Scripted::start(move |before, _| match before {
            0 => Answer::new(429, "").with("Retry-After", seconds),
            _ => Answer::new(200, YES),
        })
    };
    let server = busy("3600");
    let begun = Instant::now();
    assert!(why(&ask(&server.url, &[question("a")], Form::Plain)["a"]).contains("429"));
    assert_eq!((server.asked().len(), begun.elapsed() < Duration::from_secs(1)), (1, true));
    let server = busy("1");
    let address = Address::new(&server.url, "/x").unwrap();
    let limits = Limits { question: Duration::from_secs(5), ..impatient() };
    let begun = Instant::now();
    let verdicts = Service::new(address, Form::Plain, None, limits).unwrap().ask(&[question("a")]);
    assert!(matches!(verdicts["a"], Verdict::Approved { .. }), "{verdicts:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[test]
fn silence_ends_and_so_does_asking() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let server = Scripted::start(move |_, _| {
        *count.lock().unwrap() += 1;
        std::thread::sleep(Duration::from_secs(3));
        Answer::new(200, YES)
    });
    let questions: Vec<Question> = (0..50).map(|number| question(&format!("q{number}"))).collect();
    let begun = Instant::now();
    let verdicts = ask(&server.url, &questions, Form::Plain);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(verdicts.len(), 50);
    assert!(verdicts.values().all(|verdict| !why(verdict).is_empty()));
    assert!(why(&verdicts["q0"]).contains("does not answer in time"));
    assert!(why(&verdicts["q49"]).contains("not asked"), "{}", why(&verdicts["q49"]));
    assert!(*asked.lock().unwrap() <= 8 * 3);
    // A byte now and then is silence too.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let _ = socket.read(&mut [0; 4096]);
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
                while socket.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    let verdicts = ask(&url, &[question("a")], Form::Plain);
    assert!(why(&verdicts["a"]).contains("does not answer in time"), "{verdicts:?}");
}

#[test]
fn who_is_not_let_in_asks_no_more() {
    let server = Scripted::start(|_, _| Answer::new(401, "who are you?"));
    let questions: Vec<Question> = (0..50).map(|number| question(&format!("q{number}"))).collect();
    let verdicts = ask(&server.url, &questions, Form::Plain);
    assert!(server.asked().len() <= 8, "{}", server.asked().len());
    assert!(why(&verdicts["q0"]).contains("is the token right?"));
}

#[test]
fn each_question_has_its_own_answer() {
    let server = Scripted::start(|_, asked| {
        let question = body(asked);
        assert!(question["resourceId"] == "chat" && question["action"] == "configuration:update");
        let id = question["requestId"].as_str().unwrap();
        let number: u32 = id[1..].parse().unwrap();
        let even = number.is_multiple_of(2);
        Answer::new(200, json!({
            "requestId": id, "allowed": even, "auditId": format!("audit-{number}"),
            "policyResults": {"allowed": even, "policies": ["spend"], "reasons": if even { vec![] } else { vec![format!("odd {number}")] }},
            "costImpact": {"currentCost": 1.0, "forecast": 2.0, "budgetStatus": "within"},
        }).to_string())
    });
    let questions: Vec<Question> = (0..40).map(|number| question(&format!("q{number}"))).collect();
    let verdicts = ask(&server.url, &questions, Form::GovernanceCore);
    for number in 0..40 {
        match &verdicts[&format!("q{number}")] {
            Verdict::Approved { note } => {
                assert_eq!((number % 2, note.as_deref()), (0, Some(format!("audit audit-{number}").as_str())));
            }
            Verdict::Denied { violations, .. } => {
                assert_eq!((number % 2, violations), (1, &vec![format!("odd {number}")]));
            }
            Verdict::Unanswered { why } => panic!("{why}"),
        }
    }
    let told = |answer: &'static str| {
        let server = Scripted::start(move |_, _| Answer::new(200, answer));
        ask(&server.url, &[question("a")], Form::GovernanceCore).remove("a").unwrap()
    };
    assert!(why(&told(r#"{"requestId": "b", "allowed": true}"#)).contains("another question"));
    assert!(why(&told(YES)).contains("lacks what a verdict needs"));
    assert!(matches!(told(r#"{"allowed": true, "policyResults": {"allowed": false}}"#), Verdict::Denied { .. }));
    assert_eq!(told(r#"{"allowed": true}"#), Verdict::Approved { note: None });
    let over = told(r#"{"allowed": true, "costImpact": {"budgetStatus": "warning"}}"#);
    assert_eq!(over, Verdict::Approved { note: Some("budget warning".into()) });
}

#[test]
fn addresses_and_tokens_are_checked_before_anything_is_read() {
    let folder = tempdir().unwrap();
    for (arguments, says) in [
        (&["--governance", "http://gov.example"][..], "not asked over an encrypted connection"),
        (&["--governance", "https://me:hunter2@gov.example"], "holds a password"),
        (&["--governance", "gov.example"], "is no address"),
        (&["--governance", "https://g.example", "--governance-path", "x"], "is no path"),
        (&["--governance", "https://g.example", "--governance-token-file", "none"], "cannot read the token"),
        (&["--governance-fail-open"], "--governance <URL>"),
    ] {
        let run = support::run(folder.path(), &[&["plan", "--dry-run", "--from", "none.csv"], arguments].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(run.stderr.contains(says) && !run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    let server = Scripted::start(|_, _| Answer::new(200, YES));
    let file = write_lines(folder.path(), "token", &["from-file".to_owned()]);
    planned(&server.url, &["--governance-token-file", &file, "--governance-path", "/ask"]);
    let asked = server.asked();
    assert!(asked.iter().all(|asked| asked.target == "/ask" && asked.headers["authorization"] == "Bearer from-file"));
    fs::write(folder.path().join("two"), "two words").unwrap();
    let two = Token::read(Peer::Governance, &folder.path().join("two"));
    assert!(matches!(two, Err(HttpError::Token { .. })));
    assert_eq!(format!("{:?}", Token::new(Peer::Governance, "quiet").unwrap()), "Token(…)");
}

#[test]
fn nobody_is_asked_about_a_comparison_or_where_nothing_changes() {
    let server = Scripted::start(|_, _| Answer::new(200, NO));
    let run = plan(&server.url, &["--compare", "policies/aggressive.yaml"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let folder = tempdir().unwrap();
    let watched = folder.path().join("watch.yaml");
    fs::write(&watched, "extends: balanced\nmode: observe\n").unwrap();
    let quiet = planned(&server.url, &["--policy", &watched.display().to_string()]);
    assert_eq!(quiet["inputs"].get("governance"), None);
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_rule_whose_change_is_denied_has_not_acted() {
    let json = plan_json(&root(), &[]);
    let mut plan: Plan = serde_json::from_value(json).unwrap();
    let now = plan.windows.window.end();
    let text = "extends: balanced\nrules:\n  - {id: cheaper, when: requests.count > 0, then: {switch_model: openai/x}}\n  - {id: tell, when: requests.count > 0, then: {warn: look}}\n";
    let policy = policy::parse(policy::Source { name: "p", text }, &|_: &str| Err(String::new())).unwrap();
    let at = plan.decisions.iter().position(|decision| decision.action == Action::Change).unwrap();
    let service = plan.decisions[at].service.clone();
    let mut memory = Memory::default();
    for id in ["cheaper", "tell"] {
        plan.decisions[at].rules.push(RuleOutcome {
            id: id.into(),
            priority: 0,
            condition: "requests.count > 0".into(),
            state: RuleState::Fired,
            values: BTreeMap::new(),
            detail: String::new(),
        });
        let rule = RuleMemory { fired: vec![now], ..RuleMemory::default() };
        memory.rules.entry(service.clone()).or_default().insert(id.into(), rule);
    }
    let observation = Observation {
        windows: plan.windows.clone(),
        source: plan.source.clone(),
        services: BTreeMap::new(),
        figures: BTreeMap::new(),
    };
    let inputs = Inputs {
        observation: &observation,
        findings: &[],
        policy: &policy,
        models: &ModelTable::default(),
        configurations: &BTreeMap::new(),
        memory: &Memory::default(),
        followed: false,
    };
    let id = plan.decisions[at].id.clone();
    let verdicts = |verdict: Verdict| Answers {
        service: "https://g.example/x".into(),
        fail_open: false,
        verdicts: BTreeMap::from([(id.clone(), verdict)]),
    };
    let planned = Planned { plan, memory };
    let no = verdicts(Verdict::Denied { violations: vec![], rationale: None });
    let denied = decide::approve(planned.clone(), &inputs, &no);
    assert_eq!(denied.memory.rules[&service]["cheaper"].fired, []);
    assert_eq!(denied.memory.rules[&service]["tell"].fired, [now], "what was told was told");
    let states: Vec<RuleState> = denied.plan.decisions[at].rules.iter().map(|rule| rule.state).collect();
    assert_eq!(states[states.len() - 2..], [RuleState::Refused, RuleState::Fired]);
    let yes = decide::approve(planned.clone(), &inputs, &verdicts(Verdict::Approved { note: None }));
    assert_eq!(yes.memory, planned.memory);
    // Of the others nobody has said anything.
    let reference = yes.plan.inputs.governance.as_ref().unwrap();
    assert_eq!((reference.approved, reference.denied, reference.asked), (1, 0, reference.unanswered + 1));
    let left = |plan: &Plan| plan.decisions.iter().filter(|decision| decision.action == Action::Change).count();
    assert_eq!(left(&yes.plan), 1);
    let failed = yes.plan.decisions.iter().flat_map(|decision| &decision.ladder);
    assert!(failed.clone().any(|step| step.outcome == StepOutcome::Failed && step.why.contains("it was not asked")));
}
