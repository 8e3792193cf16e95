//! The store of what is under way: one suite, run against a SQLite file and against PostgreSQL.

mod support;

use std::time::Duration;

use optimizer::state::{Address, Broken, Commit, Deed, Document, Open, StateError, Store, Table, Wanted};
use sqlx::{
    AnyConnection, Connection as _,
    any::install_default_drivers,
    migrate::{Migration, MigrationType, Migrator},
};
use support::postgres::Server;
use tempfile::tempdir;

const LEASE: Duration = Duration::from_mins(1);

struct Place(String);

impl Place {
    fn open(&self) -> Store {
        Store::open(&self.0.parse::<Address>().unwrap(), Open::Create).unwrap()
    }

    /// What somebody does who goes round the program.
    fn tamper(&self, sql: &'static str) {
        install_default_drivers();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = AnyConnection::connect(&self.0).await.unwrap();
            sqlx::query(sql).execute(&mut connection).await.unwrap();
        });
    }
}

#[test]
fn in_a_file() {
    let folder = tempdir().unwrap();
    let place = Place(format!("sqlite:{}", folder.path().join("s.db").display()));
    suite(&place);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("s.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "prompts and reasons are nobody else's business");
    }
}

#[test]
fn in_postgres() {
    let server = Server::shared();
    server.database("state_suite");
    suite(&Place(server.url("state_suite")));
}

fn suite(place: &Place) {
    documents(place);
    all_or_nothing(place);
    leases(place);
    audit(place);
}

fn document(id: &str, service: &str, state: &str, generation: i64, body: &str) -> Document {
    Document {
        id: id.to_owned(),
        service: service.to_owned(),
        state: state.to_owned(),
        generation,
        changed_at: format!("2026-03-01T00:00:0{}.000000Z", body.len() % 10),
        body: body.to_owned(),
    }
}

fn put(documents: Vec<(Table, Document)>) -> Commit {
    Commit { documents, ..Commit::default() }
}

fn documents(place: &Place) {
    let mut store = place.open();
    for table in Table::ALL {
        assert_eq!(store.documents(table, Wanted::default()).unwrap(), []);
        store.commit(None, &put(vec![(table, document("a", "chat", "open", 0, "1"))])).unwrap();
        let read = store.document(table, "a").unwrap().unwrap();
        assert_eq!((read.generation, read.body.as_str()), (1, "1"));
        // Whoever saw an older one changes nothing; nor does who thought there was none.
        for generation in [0, 2] {
            let late = store.commit(None, &put(vec![(table, document("a", "chat", "open", generation, "22"))]));
            assert!(matches!(late, Err(StateError::Overtaken { .. })), "{table:?} {late:?}");
        }
        store.commit(None, &put(vec![(table, document("a", "chat", "closed", 1, "333"))])).unwrap();
        store.commit(None, &put(vec![(table, document("b", "mail", "open", 0, "4444"))])).unwrap();
        let ids = |store: &mut Store, wanted| -> Vec<String> {
            store.documents(table, wanted).unwrap().into_iter().map(|row| row.id).collect()
        };
        assert_eq!(ids(&mut store, Wanted::default()), ["b", "a"], "the newest first");
        assert_eq!(ids(&mut store, Wanted { state: Some("open"), ..Wanted::default() }), ["b"]);
        assert_eq!(ids(&mut store, Wanted { service: Some("chat"), ..Wanted::default() }), ["a"]);
        assert_eq!(ids(&mut store, Wanted { since: Some("2026-03-01T00:00:04"), ..Wanted::default() }), ["b"]);
        assert_eq!(ids(&mut store, Wanted { limit: Some(1), ..Wanted::default() }), ["b"]);
        assert_eq!(ids(&mut store, Wanted { service: Some("x' OR '1'='1"), ..Wanted::default() }), [""; 0]);
    }
    // One rollout of a service is open at a time.
    let second = store.commit(None, &put(vec![(Table::Rollouts, document("c", "mail", "open", 0, "5"))]));
    assert!(matches!(second, Err(StateError::Overtaken { .. })), "{second:?}");
    store.commit(None, &put(vec![(Table::Rollouts, document("c", "mail", "closed", 0, "5"))])).unwrap();
}

fn all_or_nothing(place: &Place) {
    let mut store = place.open();
    let before = store.document(Table::Intents, "a").unwrap();
    let late = document("b", "mail", "open", 7, "late");
    let fine = document("a", "chat", "settled", before.as_ref().unwrap().generation, "fine");
    let deed = deed("never");
    let commit = Commit {
        documents: vec![(Table::Intents, fine), (Table::Intents, late)],
        deeds: vec![deed],
        ..Commit::default()
    };
    assert!(matches!(store.commit(None, &commit), Err(StateError::Overtaken { .. })));
    assert_eq!(store.document(Table::Intents, "a").unwrap(), before);
    assert_eq!(store.deeds(None, None, 10).unwrap(), []);
}

fn leases(place: &Place) {
    let (mut one, mut two) = (place.open(), place.open());
    let lease = one.acquire("one", LEASE).unwrap();
    match two.acquire("two", LEASE) {
        Err(StateError::Held { holder, .. }) => assert_eq!(holder, "one"),
        other => panic!("{other:?}"),
    }
    one.commit(Some(&lease), &Commit::default()).unwrap();
    let first = lease.token;
    one.release(lease).unwrap();
    assert!(two.holder().unwrap().is_none());
    // One that dies holds it until its time is up, where nobody can know that it died.
    let dead = two.acquire("dead", Duration::from_millis(300)).unwrap();
    assert!(dead.token > first);
    let token = dead.token;
    std::mem::drop(dead);
    std::thread::sleep(Duration::from_millis(350));
    let next = one.acquire("next", LEASE).unwrap();
    assert!(next.token > token);
    // Whoever wakes up after that changes nothing, and gives nothing back that is not theirs.
    one.release(next).unwrap();
    let slow = one.acquire("slow", Duration::from_millis(1)).unwrap();
    place.tamper("UPDATE optimizer_lease SET token = token + 1, holder = 'thief'");
    let change = put(vec![(Table::Breakers, document("z", "", "known", 0, "late"))]);
    assert!(matches!(one.commit(Some(&slow), &change), Err(StateError::Fenced { .. })));
    assert_eq!(one.document(Table::Breakers, "z").unwrap(), None);
    one.release(slow).unwrap();
    assert_eq!(one.holder().unwrap().unwrap().0, "thief");
    place.tamper("UPDATE optimizer_lease SET holder = '', expires_at = 0");
}

fn deed(action: &str) -> Deed {
    Deed {
        at: "2026-03-01T00:00:00.000000Z".to_owned(),
        actor: "ada".to_owned(),
        action: action.to_owned(),
        service: "chat".to_owned(),
        body: "{}".to_owned(),
    }
}

fn audit(place: &Place) {
    let mut store = place.open();
    assert_eq!(store.verify().unwrap(), Ok(0));
    for batch in [1, 2, 1_500] {
        let deeds = (0..batch).map(|number| deed(&format!("{batch}-{number}"))).collect();
        store.commit(None, &Commit { deeds, ..Commit::default() }).unwrap();
    }
    assert_eq!(store.verify().unwrap(), Ok(1_503));
    let newest = store.deeds(Some("chat"), None, 2).unwrap();
    assert_eq!(newest.iter().map(|row| row.seq).collect::<Vec<_>>(), [1_503, 1_502]);
    assert_eq!(store.deeds(Some("chat"), Some(3), 9).unwrap().len(), 2);
    assert_eq!(store.deeds(Some("mail"), None, 9).unwrap(), []);
    for (does, undoes, seen) in [
        (
            "UPDATE optimizer_audit SET actor = 'bob' WHERE seq = 700",
            "UPDATE optimizer_audit SET actor = 'ada' WHERE seq = 700",
            Broken::Content { seq: 700 },
        ),
        (
            "UPDATE optimizer_audit SET previous = 'x' WHERE seq = 2",
            "UPDATE optimizer_audit SET previous = (SELECT hash FROM optimizer_audit WHERE seq = 1) WHERE seq = 2",
            Broken::Link { seq: 2 },
        ),
        (
            "UPDATE optimizer_audit SET seq = 5000 WHERE seq = 1503",
            "UPDATE optimizer_audit SET seq = 1503 WHERE seq = 5000",
            Broken::Gap { expected: 1_503, found: 5_000 },
        ),
        (
            "UPDATE optimizer_audit_head SET seq = 1504",
            "UPDATE optimizer_audit_head SET seq = 1503",
            Broken::CutOff { expected: 1_504, found: 1_503 },
        ),
    ] {
        place.tamper(does);
        assert_eq!(store.verify().unwrap(), Err(seen));
        place.tamper(undoes);
        assert_eq!(store.verify().unwrap(), Ok(1_503));
    }
    place.tamper("DELETE FROM optimizer_audit WHERE seq > 1500");
    assert_eq!(store.verify().unwrap(), Err(Broken::CutOff { expected: 1_503, found: 1_500 }));
}

const STEPS: [(i64, &str, &str); 8] = [
    (1, "baselines", include_str!("../migrations/0001_baselines.sql")),
    (2, "plans", include_str!("../migrations/0002_plans.sql")),
    (3, "rollouts", include_str!("../migrations/0003_rollouts.sql")),
    (4, "rollouts_by_time", include_str!("../migrations/0004_rollouts_by_time.sql")),
    (5, "deeds_by_action", include_str!("../migrations/0005_deeds_by_action.sql")),
    (6, "history", include_str!("../migrations/0006_history.sql")),
    (7, "notes", include_str!("../migrations/0007_notes.sql")),
    (8, "roles", include_str!("../migrations/0008_roles.sql")),
];

/// Makes the tables of an earlier version, with a row in each as it wrote them.
fn as_of(place: &Place, version: usize) {
    let migrations = STEPS[..version].iter().map(|(number, name, sql)| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(*number, (*name).into(), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name("optimizer_migrations");
    install_default_drivers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(&place.0).await.unwrap();
        migrator.run(&mut connection).await.unwrap();
    });
    if version >= 1 {
        place.tamper("INSERT INTO optimizer_baselines VALUES ('march', 'golden', '2026-03-01T00:00:00Z', '{}')");
    }
    if version >= 2 {
        place.tamper("INSERT INTO optimizer_plans VALUES ('abcd', '2026-03-01T00:00:00Z', '{}')");
        place.tamper("INSERT INTO optimizer_decisions VALUES ('abcd', 'd00d', 'chat', 'all', 'keep')");
        place.tamper("INSERT INTO optimizer_memory VALUES ('plans', 7, '{\"now\":{}}')");
    }
    if version >= 6 {
        place.tamper("INSERT INTO optimizer_history VALUES ('1h', 29543040, 60, 7, '{}', 'gz1:')");
    }
    if version >= 7 {
        place.tamper("INSERT INTO optimizer_notes VALUES ('old', '', 'known', 3, '2025-03-01T00:00:00.000000Z', '1')");
    }
    if version >= 8 {
        place.tamper("INSERT INTO optimizer_roles VALUES ('env:ada', 'admin', 'ada', '2026-03-01T00:00:00Z', 'first')");
    }
    if version >= 3 {
        for sql in [
            "INSERT INTO optimizer_rollouts VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "INSERT INTO optimizer_evidence VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "INSERT INTO optimizer_intents VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "INSERT INTO optimizer_configurations VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "INSERT INTO optimizer_services VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "INSERT INTO optimizer_breakers VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "INSERT INTO optimizer_ticks VALUES ('old', 'old', 'open', 3, '2025-03-01T00:00:00.000000Z', '1')",
            "UPDATE optimizer_lease SET token = 41",
            "INSERT INTO optimizer_audit VALUES (1, '2026-03-01T00:00:00.000000Z', 'ada', 'old', 'chat', '{}', '', \
             'f8a53e4b61cbec4fd83a710b5dbee2ae06525a1b5e5483afac1c69b973c452e1')",
            "UPDATE optimizer_audit_head SET seq = 1, hash = (SELECT hash FROM optimizer_audit)",
        ] {
            place.tamper(sql);
        }
    }
}

/// Stores as earlier versions left them, with something in every table, are brought up to date and keep it.
#[test]
fn stores_of_every_earlier_version_go_on() {
    let folder = tempdir().unwrap();
    let server = Server::shared();
    for version in 0..=STEPS.len() {
        let name = format!("version_{version}");
        server.database(&name);
        let file = folder.path().join(&name);
        std::fs::write(&file, "").unwrap();
        for place in [Place(format!("sqlite:{}", file.display())), Place(server.url(&name))] {
            as_of(&place, version);
            let documents = u8::from(version >= 3);
            // Read as it is, before anything is changed: what is missing is nothing.
            let mut store = Store::open(&place.0.parse::<Address>().unwrap(), Open::AsItIs).unwrap();
            assert_eq!(store.documents(Table::Rollouts, Wanted::default()).unwrap().len(), usize::from(documents));
            assert!(store.holder().unwrap().is_none());
            drop(store);
            let mut store = place.open();
            assert_eq!(store.baseline("march").is_ok(), version >= 1);
            assert_eq!(store.plan("abcd").unwrap().map(|plan| plan.body), (version >= 2).then(|| "{}".to_owned()));
            assert_eq!(store.decisions_like("d00d", 9).unwrap().len(), usize::from(version >= 2));
            assert_eq!(store.memory().unwrap().generation, if version >= 2 { 7 } else { 0 });
            for table in Table::ALL {
                let old = store.document(table, "old").unwrap();
                let held = version >= if table == Table::Notes { 7 } else { 3 };
                assert_eq!(old.map(|old| (old.generation, old.body)), held.then(|| (3, "1".to_owned())), "{table:?}");
            }
            let lease = store.acquire("one", LEASE).unwrap();
            assert_eq!(lease.token, if version >= 3 { 42 } else { 1 });
            let change = put(vec![(Table::Rollouts, document("a", "chat", "open", 0, "1"))]);
            store.commit(Some(&lease), &Commit { deeds: vec![deed("x")], ..change }).unwrap();
            store.release(lease).unwrap();
            assert_eq!(store.verify().unwrap(), Ok(1 + i64::from(documents)));
        }
    }
}

#[test]
fn many_at_once_take_turns_and_lose_no_deed() {
    let folder = tempdir().unwrap();
    let server = Server::shared();
    server.database("state_crowd");
    let file = format!("sqlite:{}", folder.path().join("s.db").display());
    let places = [Place(file), Place(server.url("state_crowd"))];
    for place in places {
        drop(place.open());
        std::thread::scope(|scope| {
            for name in 0..4 {
                let place = &place;
                scope.spawn(move || {
                    let mut store = place.open();
                    for number in 0..25 {
                        let deeds = vec![deed(&format!("{name}-{number}"))];
                        store.commit(None, &Commit { deeds, ..Commit::default() }).unwrap();
                    }
                });
            }
        });
        assert_eq!(place.open().verify().unwrap(), Ok(100));
    }
}

#[test]
fn whoever_writes_waits_until_a_long_reading_is_over() {
    let folder = tempdir().unwrap();
    let place = Place(format!("sqlite:{}", folder.path().join("s.db").display()));
    let (mut reader, mut writer) = (place.open(), place.open());
    let (told, heard) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let read = reader.snapshot(|store| {
                let before = store.verify()?;
                told.send(()).unwrap();
                std::thread::sleep(Duration::from_secs(6));
                Ok::<_, StateError>((before, store.verify()?))
            });
            assert_eq!(read.unwrap(), (Ok(0), Ok(0)), "of one moment");
        });
        heard.recv().unwrap();
        writer.commit(None, &Commit { deeds: vec![deed("stop")], ..Commit::default() }).unwrap();
    });
    assert_eq!(place.open().verify().unwrap(), Ok(1));
}
