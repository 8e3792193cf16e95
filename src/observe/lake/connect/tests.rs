//! The client before servers that fail in every way: those that act, and a real one.

#[path = "../../../../tests/support/engine.rs"]
mod engine;
mod on_sail;
#[path = "../../../../tests/support/sail.rs"]
mod sail;

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    time::Instant as Clock,
};

use duckdb::arrow::{array::Int64Array, record_batch::RecordBatch};
use engine::{Act, Engine, SESSION, arrow_of, batch, complete, config, version};

use super::{
    super::{Remote as _, Writes as _},
    *,
};
use crate::observe::ObserveError;

const SOON: Duration = Duration::from_secs(20);

/// Opens a session at this port with this token.
fn open(port: u16, token: Option<&str>, patience: Duration) -> Result<Connect, LakeError> {
    let address = format!("sc://127.0.0.1:{port}").parse().unwrap();
    let token = token.map(|token| token.parse().unwrap());
    Connect::open(&address, token.as_ref(), &[], patience)
}

fn trouble(result: Result<Connect, LakeError>) -> LakeTrouble {
    result.err().expect("it does not open").trouble
}

/// The numbers of the one column of all batches that came, and how it ended.
fn numbers(session: &mut Connect, sql: &str) -> (Vec<i64>, Result<(), LakeTrouble>) {
    let mut seen = Vec::new();
    let outcome = session.query(sql, &mut |batch| {
        seen.extend(batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().iter().flatten());
        Ok(())
    });
    let outcome = outcome.map_err(|error| match error {
        ObserveError::Lake(error) => error.trouble,
        other => panic!("{other}"),
    });
    (seen, outcome)
}

fn cut(what: &str) -> Result<(), LakeTrouble> {
    Err(LakeTrouble::CutShort(what.into()))
}

/// Two numbers as a message that begins at row `start`.
fn two(id: &str, start: u64, numbers: [i64; 2]) -> Vec<u8> {
    batch(SESSION, id, start, 2, &arrow_of(Int64Array::from(numbers.to_vec())))
}

#[test]
fn an_answer_is_whole_when_the_server_says_so() {
    let engine = Engine::spark(|_, _| Act::Ends(vec![two("a", 0, [1, 2]), two("b", 2, [3, 4]), complete()]));
    let mut session = open(engine.port, None, SOON).unwrap();
    assert_eq!(session.version().unwrap(), "Spark 4.2.1");
    assert_eq!(numbers(&mut session, "SELECT x"), (vec![1, 2, 3, 4], Ok(())));
    drop(session);
    assert_eq!(engine.count("ReleaseSession"), 1);
}

#[test]
fn a_stream_that_the_server_ends_for_its_age_is_taken_up_again() {
    let engine = Engine::spark(|before, asked| match (asked.call.as_str(), before) {
        ("ReattachExecute", 0) => {
            assert!(asked.says("row-two"), "it goes on after what it has");
            Act::Ends(vec![two("row-four", 2, [3, 4])])
        }
        ("ReattachExecute", _) => Act::Ends(vec![complete()]),
        _ => Act::Ends(vec![two("row-two", 0, [1, 2])]),
    });
    let mut session = open(engine.port, None, SOON).unwrap();
    assert_eq!(numbers(&mut session, "SELECT x"), (vec![1, 2, 3, 4], Ok(())));
}

#[test]
fn an_answer_without_its_last_message_is_none() {
    let engine = Engine::spark(|_, asked| match asked.call.as_str() {
        "ReattachExecute" => Act::Ends(vec![]),
        _ => Act::Ends(vec![two("a", 0, [1, 2])]),
    });
    let mut session = open(engine.port, None, SOON).unwrap();
    assert_eq!(numbers(&mut session, "SELECT x").1, cut("it ended before the message that ends it"));
    assert_eq!(engine.count("ReattachExecute"), 1);
}

#[test]
fn batches_hold_what_they_say() {
    let arrow = || arrow_of(Int64Array::from(vec![1, 2]));
    for (message, says) in [
        (batch(SESSION, "a", 0, 3, &arrow()), "a batch holds 2 rows instead of 3"),
        (batch(SESSION, "a", 5, 2, &arrow()), "after row 0 came row 5"),
        (batch(SESSION, "a", 0, 2, b"no arrow"), "a batch cannot be read"),
        (batch(SESSION, "a", 0, 2, &arrow()[..200]), "a batch cannot be read"),
    ] {
        let engine = Engine::spark(move |_, _| Act::Ends(vec![message.clone(), complete()]));
        let mut session = open(engine.port, None, SOON).unwrap();
        match numbers(&mut session, "SELECT x").1 {
            Err(LakeTrouble::CutShort(what)) => assert!(what.starts_with(says), "{what}"),
            other => panic!("{says}: {other:?}"),
        }
    }
}

#[test]
fn a_token_is_sent_and_never_shown() {
    let engine = Engine::start(|_, asked| {
        let text = format!("who is {}", asked.authorization.clone().unwrap_or_default());
        Act::Fails(vec![], 16, text)
    });
    let failed = open(engine.port, Some("s3cret"), SOON).err().unwrap();
    assert_eq!(failed.trouble, LakeTrouble::TokenRefused("who is Bearer …".into()));
    assert_eq!(engine.asked()[0].authorization.as_deref(), Some("Bearer s3cret"));
    assert_eq!(failed.to_string(), format!("`sc://127.0.0.1:{}` failed while its session was set up", engine.port));
    assert_eq!(engine.count("Config"), 1);
}

#[test]
fn a_token_does_not_leave_this_machine_in_clear() {
    let address = "sc://192.0.2.1:15002".parse().unwrap();
    let failed = Connect::open(&address, Some(&"s3cret".parse().unwrap()), &[], SOON).err().unwrap();
    assert_eq!(failed.trouble, LakeTrouble::TokenInClear);
}

#[test]
fn a_server_that_never_answers_is_left() {
    let engine = Engine::start(|_, _| Act::Stalls(vec![]));
    let (begun, patience) = (Clock::now(), Duration::from_millis(400));
    assert_eq!(trouble(open(engine.port, None, patience)), LakeTrouble::Overdue(patience));
    // No session was opened, so none is bidden farewell.
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!((engine.count("Interrupt"), engine.count("ReleaseSession")), (0, 0));
}

#[test]
fn a_statement_that_never_ends_is_interrupted() {
    let engine = Engine::spark(|_, asked| match asked.call.as_str() {
        "ExecutePlan" => Act::Stalls(vec![two("a", 0, [1, 2])]),
        _ => Act::Ends(vec![vec![]]),
    });
    let patience = Duration::from_secs(1);
    let mut session = open(engine.port, None, patience).unwrap();
    assert_eq!(numbers(&mut session, "SELECT x").1, Err(LakeTrouble::Overdue(patience)));
    drop(session);
    assert_eq!((engine.count("Interrupt"), engine.count("ReleaseSession")), (1, 1));
}

#[test]
fn farewells_are_not_waited_for() {
    let engine = Engine::spark(|_, _| Act::Stalls(vec![]));
    let patience = Duration::from_secs(1);
    let mut session = open(engine.port, None, patience).unwrap();
    let begun = Clock::now();
    assert_eq!(numbers(&mut session, "SELECT x").1, Err(LakeTrouble::Overdue(patience)));
    drop(session);
    let took = begun.elapsed().as_secs_f64();
    assert!((5.0..9.0).contains(&took), "1 s and twice 2 s: {took}");
}

#[test]
fn a_connection_that_ends_is_no_answer() {
    let engine = Engine::spark(|_, _| Act::Dies(vec![two("a", 0, [1, 2])]));
    let mut session = open(engine.port, None, SOON).unwrap();
    let (seen, outcome) = numbers(&mut session, "SELECT x");
    assert_eq!(seen, [1, 2], "nobody may use them: see call.rs");
    assert!(matches!(outcome, Err(LakeTrouble::Lost(_))), "{outcome:?}");
}

#[test]
fn another_session_of_the_same_name_is_not_ours() {
    // As after a restart: without our settings, so in another time zone.
    let arrow = arrow_of(Int64Array::from(vec![1, 2]));
    let engine = Engine::spark(move |_, _| Act::Ends(vec![batch("two", "a", 0, 2, &arrow), complete()]));
    let mut session = open(engine.port, None, SOON).unwrap();
    assert_eq!(numbers(&mut session, "SELECT x"), (vec![], Err(LakeTrouble::Forgotten)));
}

#[test]
fn a_session_that_lost_its_settings_is_not_ours() {
    let engine = Engine::start(|before, asked| match asked.call.as_str() {
        "Config" => Act::Ends(vec![config(if before < 2 { "UTC" } else { "Etc/UTC" })]),
        "ExecutePlan" if asked.says("SELECT version()") => version("0.7.2"),
        _ => Act::Ends(vec![two("a", 0, [1, 2]), complete()]),
    });
    let mut session = open(engine.port, None, SOON).unwrap();
    assert_eq!(numbers(&mut session, "SELECT x").1, Err(LakeTrouble::Forgotten));
}

#[test]
fn other_versions_are_named_and_refused() {
    for (said, is) in
        [("3.5.1 fd86f85", "Spark 3.5.1"), ("5.0.0 1", "Spark 5.0.0"), ("0.8.0", "Sail 0.8.0"), ("", "Sail ")]
    {
        let engine = Engine::start(move |_, asked| match asked.call.as_str() {
            "Config" => Act::Ends(vec![config("UTC")]),
            _ => version(said),
        });
        assert_eq!(trouble(open(engine.port, None, SOON)), LakeTrouble::OtherVersion(is.into()));
    }
    assert_eq!(known("4.0.2 rev"), Ok("Spark 4.0.2".into()));
    assert_eq!(known("0.7.2"), Ok("Sail 0.7.2".into()));
}

#[test]
fn another_time_zone_is_no_session() {
    let engine = Engine::start(|_, _| Act::Ends(vec![config("America/New_York")]));
    assert_eq!(trouble(open(engine.port, None, SOON)), LakeTrouble::TimeZone("America/New_York".into()));
}

#[test]
fn what_the_server_says_is_cut() {
    let long = "word ".repeat(100);
    let engine = Engine::spark(move |_, _| Act::Fails(vec![], 3, long.clone()));
    let mut session = open(engine.port, None, SOON).unwrap();
    let Err(LakeTrouble::Refused(said)) = numbers(&mut session, "SELECT x").1 else { panic!("it refused") };
    assert_eq!((said.chars().count(), said.ends_with("word …")), (301, true), "{said}");
}

#[test]
fn whoever_speaks_something_else_is_told_from_nobody() {
    // A web server.
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = web.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut socket, _) = web.accept().unwrap();
        let _ = socket.read(&mut [0; 64]);
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        // Whoever leaves something unread takes back what it sent.
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let found = trouble(open(port, None, SOON));
    assert!(matches!(found, LakeTrouble::OtherProtocol(_)), "{found:?}");
    // Another service of gRPC.
    let other = Engine::start(|_, _| Act::Fails(vec![], 12, "unknown service".into()));
    assert_eq!(trouble(open(other.port, None, SOON)), LakeTrouble::OtherProtocol("unknown service".into()));
    // Nobody.
    let found = trouble(open(sail::free_port(), None, SOON));
    assert!(matches!(found, LakeTrouble::NobodyListens(_)), "{found:?}");
}

#[test]
fn encryption_that_only_one_side_knows_is_told() {
    let engine = Engine::spark(|_, _| Act::Ends(vec![]));
    let address = format!("sc://localhost:{}/;use_ssl=true", engine.port).parse().unwrap();
    let found = Connect::open(&address, None, &[], SOON).err().unwrap().trouble;
    assert!(matches!(found, LakeTrouble::Tls(_)), "{found:?}");
}

#[test]
fn text_columns_of_versions_come_in_any_form() {
    let engine = Engine::start(|_, asked| {
        if asked.call == "Config" {
            return Act::Ends(vec![config("UTC")]);
        }
        let column = duckdb::arrow::array::StringViewArray::from(vec!["4.2.1 rev"]);
        Act::Ends(vec![batch(SESSION, "a", 0, 1, &arrow_of(column)), complete()])
    });
    assert_eq!(open(engine.port, None, SOON).unwrap().version().unwrap(), "Spark 4.2.1");
}
