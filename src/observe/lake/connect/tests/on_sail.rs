//! The client and a real engine.

use super::{super::super::call::Call, sail::Sail, *};

const LONG: &str = "SELECT sum(cast(a.id * b.id AS DOUBLE)) FROM range(200000) a CROSS JOIN range(200000) b";

fn on(sail: &Sail, patience: Duration) -> Connect {
    open(sail.port, None, patience).unwrap()
}

#[test]
fn a_real_engine_answers_in_whole_and_in_utc() {
    let sail = Sail::start();
    let mut session = on(&sail, SOON);
    assert_eq!(session.version().unwrap(), "Sail 0.7.2");
    let (seen, outcome) = numbers(&mut session, "SELECT id FROM range(100000) ORDER BY id");
    assert_eq!((seen, outcome), ((0..100_000).collect(), Ok(())));
    let sql = "SELECT unix_micros(CAST('2026-01-01 00:00:00' AS TIMESTAMP))";
    assert_eq!(numbers(&mut session, sql).0, [1_767_225_600_000_000]);
    // Nothing found has columns all the same.
    let mut shapes = Vec::new();
    let mut take = |batch: RecordBatch| {
        shapes.push((batch.num_rows(), batch.schema().field(0).name().clone()));
        Ok(())
    };
    session.query("SELECT id AS kept FROM range(3) WHERE id > 5", &mut take).unwrap();
    assert_eq!(shapes, [(0, "kept".to_owned())]);
}

#[test]
fn what_it_refuses_it_says() {
    let sail = Sail::start();
    let mut session = on(&sail, SOON);
    let refused = numbers(&mut session, "SELEC 1").1;
    assert!(matches!(&refused, Err(LakeTrouble::Refused(text)) if text.contains("SELEC")), "{refused:?}");
    let missing = numbers(&mut session, "SELECT nothing FROM range(3)").1;
    assert!(matches!(&missing, Err(LakeTrouble::Refused(text)) if text.contains("nothing")), "{missing:?}");
    // The session is as good as before.
    assert_eq!(numbers(&mut session, "SELECT id FROM range(2)"), (vec![0, 1], Ok(())));
}

#[test]
fn it_may_end_before_during_and_after() {
    let mut sail = Sail::start();
    let mut session = on(&sail, SOON);
    sail.kill();
    let before = numbers(&mut session, "SELECT id FROM range(2)").1;
    assert!(before.as_ref().is_err_and(LakeTrouble::passes), "{before:?}");
    drop(session);

    let mut sail = Sail::start();
    let mut session = on(&sail, SOON);
    let killed = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        sail.kill();
    });
    let during = numbers(&mut session, LONG).1;
    assert!(during.as_ref().is_err_and(LakeTrouble::passes), "{during:?}");
    killed.join().unwrap();
    let begun = Clock::now();
    drop(session);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());

    let mut sail = Sail::start();
    let mut session = on(&sail, SOON);
    assert_eq!(numbers(&mut session, "SELECT id FROM range(2)"), (vec![0, 1], Ok(())));
    sail.terminate();
    let begun = Clock::now();
    drop(session);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn a_query_that_never_ends_is_left_in_time() {
    // Sail itself is stuck from then on, so nobody shares it.
    let sail = Sail::start();
    let patience = Duration::from_secs(3);
    let mut session = on(&sail, patience);
    let begun = Clock::now();
    assert_eq!(numbers(&mut session, LONG).1, Err(LakeTrouble::Overdue(patience)));
    drop(session);
    let took = begun.elapsed().as_secs_f64();
    assert!((3.0..11.0).contains(&took), "3 s, and at most 2 s for each farewell: {took}");
}

#[test]
fn it_is_asked_again_when_it_comes_back() {
    let mut sail = Sail::start();
    let port = sail.port;
    let mut call = Call::new("sc://here".into(), 3, || Ok(open(port, None, SOON)?));
    assert_eq!(call.version().unwrap(), "Sail 0.7.2");
    sail.kill();
    let back = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        Sail::start_at(port)
    });
    let mut rows = 0;
    let mut take = |batch: RecordBatch| {
        rows += batch.num_rows();
        Ok(())
    };
    call.query("SELECT id FROM range(1000)", &mut take).unwrap();
    let effort = call.effort();
    assert_eq!((rows, effort.rows, effort.statements), (1000, 1000, 1));
    assert!((2..=4).contains(&effort.attempts), "{effort:?}");
    drop(back.join().unwrap());
}

#[test]
fn encryption_it_does_not_know_is_told() {
    let sail = Sail::start();
    let address = format!("sc://localhost:{}/;use_ssl=true", sail.port).parse().unwrap();
    let found = Connect::open(&address, None, &[], SOON).err().unwrap().trouble;
    assert!(matches!(found, LakeTrouble::Tls(_)), "{found:?}");
}

#[test]
fn a_session_does_not_outlive_its_server_unseen() {
    let mut sail = Sail::start();
    let mut session = on(&sail, SOON);
    sail.kill();
    let _again = Sail::start_at(sail.port);
    // It would make a session of that name without a word, and in its own time zone.
    let sql = "SELECT id FROM range(2)";
    assert!(numbers(&mut session, sql).1.is_err());
    assert_eq!(numbers(&mut session, sql).1, Err(LakeTrouble::Forgotten));
}

#[test]
fn what_it_writes_is_whole_or_refused() {
    let sail = Sail::start();
    let mut session = on(&sail, SOON);
    let place = tempfile::tempdir().unwrap();
    let folder = format!("{}/out", place.path().display());
    session.write("SELECT id FROM range(1000)", &folder).unwrap();
    let read = format!("SELECT count(*), sum(id) FROM parquet.`{folder}`");
    let (rows, outcome) = numbers(&mut session, &read);
    assert_eq!((rows, outcome), (vec![1000], Ok(())));
    let Err(ObserveError::Lake(refused)) = session.write("SELECT 1 AS id", &folder) else { panic!("it exists") };
    assert!(matches!(&refused.trouble, LakeTrouble::Refused(text) if text.contains("already exists")), "{refused:?}");
    assert_eq!(numbers(&mut session, &read).0, [1000], "it is as it was");
}
