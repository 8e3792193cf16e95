//! Who may do what: roles in the store, proofs of identity, grants of PostgreSQL, and how much one may do in a minute.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use optimizer::state::{Open, Store};
use serde_json::json;
use support::{Run, expect, good_rows, optimizer, postgres::Server, write_csv};
use tempfile::{TempDir, tempdir};

/// A store, and a log for those who run.
struct Place {
    folder: TempDir,
    state: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        write_csv(folder.path(), "log.csv", &good_rows(50));
        fs::create_dir(folder.path().join("configurations")).unwrap();
        let state = format!("sqlite:{}", folder.path().join("s.db").display());
        Self { folder, state }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, actor: &str, line: &str) -> Command {
        let mut command = optimizer(self.path());
        command.env("OPTIMIZER_ACTOR", actor).env("OPTIMIZER_STATE", &self.state).args(line.split(' '));
        let words: Vec<&str> = line.split(' ').collect();
        if ["pause", "resume", "stop", "rollback", "apply", "rights grant", "rights revoke", "state gc"]
            .iter()
            .any(|changes| line.starts_with(changes))
        {
            command.args(["--yes", "--reason", "why-not"]);
        }
        if words[0] == "run" || words[0] == "plan" {
            command.args(["--from", "log.csv"]);
        }
        command
    }

    fn says(&self, actor: &str, line: &str) -> Run {
        self.command(actor, line).output().expect("the binary starts").into()
    }

    #[track_caller]
    fn may(&self, actor: &str, line: &str) -> String {
        let run = self.says(actor, line);
        assert_eq!(run.code, Some(0), "{actor}: {line}: {}", run.stderr);
        run.stdout
    }

    /// Refused, with who they are, what they have, what they need, and who can give it.
    #[track_caller]
    fn may_not(&self, actor: &str, line: &str, has: &str, needs: &str) {
        let words = [&*format!("`env:{actor}` is {has}"), &format!("needs {needs}"), "env:ada can", "rights grant"];
        expect(&self.says(actor, line), 2, &words);
    }

    /// Ada is admin, Carl operator; Bob is nobody.
    fn with_roles() -> Self {
        let place = Self::new();
        place.may("ada", "rights grant env:ada admin");
        place.may("ada", "rights grant env:carl operator");
        place
    }
}

#[test]
fn while_nobody_has_a_role_everybody_may_and_the_first_is_an_admin() {
    let place = Place::new();
    place.may("bob", "pause chat");
    let shown = place.may("bob", "rights show");
    assert!(shown.contains("  env:bob (asserted)\n") && shown.contains("may do everything"), "{shown}");
    expect(&place.says("bob", "rights grant env:bob operator"), 2, &["nobody would be admin", "nothing was changed"]);
    place.may("bob", "pause chat");
    place.may("bob", "rights grant env:ada admin");
    place.may_not("bob", "pause chat", "viewer", "operator");
    let odd = place.says("ada", "rights grant ada admin");
    assert!(odd.code == Some(2) && odd.stderr.contains("env:NAME"), "{}", odd.stderr);
}

#[test]
fn roles_hold_for_every_command_that_changes_something() {
    let place = Place::with_roles();
    for line in [
        "run",
        "plan",
        "pause chat",
        "stop",
        "resume",
        "rollback chat",
        "baseline set b --from log.csv",
        "baseline delete b",
    ] {
        place.may_not("bob", line, "viewer", "operator");
    }
    for line in ["state gc --archive a --older-than 30d", "rights grant env:bob viewer", "rights revoke env:carl"] {
        place.may_not("bob", line, "viewer", "admin");
        place.may_not("carl", line, "operator", "admin");
    }
    for line in ["status", "history", "run --dry-run", "plan --dry-run", "rights show", "state verify"] {
        place.may("bob", line);
    }
    for line in ["run", "plan", "pause chat", "resume chat", "stop", "resume"] {
        place.may("carl", line);
    }
    place.may("ada", "state gc --archive a --older-than 30d");
    // It names the run and who ran it, and who said what and how they proved it.
    let history = place.may("bob", "history");
    assert!(history.contains("env:carl (asserted)"), "{history}");
    place.may("bob", "history --verify");
}

#[test]
fn what_somebody_stopped_others_do_not_resume() {
    let place = Place::with_roles();
    place.may("ada", "rights grant env:dora operator");
    place.may("carl", "stop");
    place.may_not("dora", "resume", "operator", "admin");
    place.may("carl", "resume");
    place.may("carl", "stop");
    place.may("ada", "resume");
    // A pause is nobody's emergency.
    place.may("carl", "pause");
    place.may("dora", "resume");
}

#[test]
fn there_is_always_an_admin() {
    let place = Place::with_roles();
    for line in ["rights revoke env:ada", "rights grant env:ada operator"] {
        expect(&place.says("ada", line), 2, &["nobody would be admin"]);
    }
    place.may("ada", "rights grant env:carl admin");
    place.may("carl", "rights revoke env:ada");
    expect(&place.says("carl", "rights revoke env:ada"), 2, &["`env:ada` has no role"]);
    let refused = place.says("ada", "pause");
    expect(&refused, 2, &["`env:ada` is viewer", "env:carl can"]);
    let shown = place.may("carl", "rights show");
    assert!(shown.contains("admin    env:carl, by env:ada (asserted) at 2") && shown.contains("why-not"), "{shown}");
}

#[test]
fn ten_changes_a_minute_are_enough_for_one() {
    let place = Place::with_roles();
    for _ in 0..10 {
        place.may("carl", "pause chat");
    }
    let refused = place.says("carl", "pause chat");
    expect(&refused, 2, &["too many changes in a minute", "possible again in", "seconds"]);
    place.may("carl", "stop");
    place.may("ada", "pause chat");
    place.may("ada", "resume chat");
}

#[test]
fn roles_move_with_the_store() {
    let place = Place::with_roles();
    place.may("bob", "state export backup.gz");
    let copy = Place { state: format!("sqlite:{}", place.path().join("copy.db").display()), ..place };
    copy.may("bob", "state import backup.gz");
    copy.may_not("bob", "pause", "viewer", "operator");
    copy.may("carl", "pause");
    copy.may("bob", "state verify");
    copy.may_not("bob", "state import backup.gz", "viewer", "admin");
}

/// A key, and tokens signed with it by another program.
struct Cluster(PathBuf);

impl Cluster {
    fn new(folder: &Path, name: &str) -> Self {
        let key = folder.join(name);
        let made = Command::new("openssl").args(["genrsa", "-out"]).arg(&key).arg("2048").output().unwrap();
        assert!(made.status.success(), "{made:?}");
        Self(key)
    }

    fn keys(&self) -> String {
        let modulus = Command::new("openssl").args(["rsa", "-noout", "-modulus", "-in"]).arg(&self.0).output().unwrap();
        let text = String::from_utf8(modulus.stdout).unwrap();
        let digits = text.trim().strip_prefix("Modulus=").unwrap();
        let bytes: Vec<u8> =
            (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
        json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": URL_SAFE_NO_PAD.encode(bytes), "e": "AQAB"}]})
            .to_string()
    }

    fn token(&self, algorithm: &str, subject: &str, lasts: i64) -> String {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"sub": subject, "exp": Timestamp::now().as_second() + lasts, "iss": "https://kubernetes.default.svc"});
        let signed = format!("{}.{}", part(json!({"alg": algorithm, "kid": "k1"})), part(claims));
        let file = self.0.with_extension("signed");
        fs::write(&file, &signed).unwrap();
        let signature =
            Command::new("openssl").args(["dgst", "-sha256", "-sign"]).arg(&self.0).arg(&file).output().unwrap();
        assert!(signature.status.success(), "{signature:?}");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.stdout))
    }
}

#[test]
fn a_service_account_is_who_its_token_says_when_the_signature_holds() {
    const RUNNER: &str = "system:serviceaccount:llm:optimizer";
    let place = Place::with_roles();
    place.may("ada", &format!("rights grant kubernetes:{RUNNER} operator"));
    let (cluster, other) = (Cluster::new(place.path(), "cluster"), Cluster::new(place.path(), "other"));
    let token = place.path().join("token");
    let keys = place.path().join("keys.json");
    fs::write(&keys, cluster.keys()).unwrap();
    let pause = |text: &str, keys: Option<&Path>| -> Run {
        fs::write(&token, text).unwrap();
        let mut command = place.command("bob", "pause chat");
        command.env("OPTIMIZER_IDENTITY_TOKEN_FILE", &token);
        if let Some(keys) = keys {
            command.env("OPTIMIZER_IDENTITY_KEYS", keys);
        }
        command.output().unwrap().into()
    };
    let good = cluster.token("RS256", RUNNER, 600);
    let done = pause(&good, Some(&keys));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let history = place.may("bob", "history --format json");
    assert!(history.contains("kubernetes:system:serviceaccount:llm:optimizer (by a signed token)"), "{history}");

    let (head, tail) = good.rsplit_once('.').unwrap();
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), head.split_once('.').unwrap().1);
    // Another end, and the signature of the first.
    let changed = cluster.token("RS256", RUNNER, 9_999);
    let changed = format!("{}.{tail}", changed.rsplit_once('.').unwrap().0);
    for (text, why) in [
        (other.token("RS256", RUNNER, 600), "signature holds against none"),
        (cluster.token("RS256", RUNNER, -3_600), "expired"),
        (cluster.token("RS256", "system:node:n1", 600), "not of a ServiceAccount"),
        (cluster.token("HS256", RUNNER, 600), "not signed by RS256"),
        (unsigned, "not signed by RS256"),
        (changed, "signature holds against none"),
        ("nonsense".to_owned(), "no signed token"),
        (String::new(), "no signed token"),
    ] {
        let refused = pause(&text, Some(&keys));
        expect(&refused, 2, &["`env:bob` is viewer", "a token does not count", why]);
        assert!(text.is_empty() || !refused.stderr.contains(&text), "{}", refused.stderr);
    }
    expect(&pause(&good, None), 2, &["OPTIMIZER_IDENTITY_KEYS", "/openid/v1/jwks"]);
    fs::write(&keys, "{}").unwrap();
    expect(&pause(&good, Some(&keys)), 2, &["no JSON Web Key Set"]);
}

#[test]
fn postgresql_holds_the_same_by_itself() {
    let server = Server::shared();
    server.database("rights");
    let url = server.url("rights");
    let place = Place { state: url.clone(), ..Place::new() };
    place.may("ada", "rights grant database:postgres admin");
    let script = include_str!("../ci/postgres/rights.sql");
    server.run("rights", script);
    server.run("rights", script);
    for (login, group) in [("vera", "viewer"), ("rob", "runner"), ("olga", "operator"), ("adam", "admin")] {
        server.run("rights", &format!("CREATE ROLE {login} LOGIN IN ROLE optimizer_{group}"));
        let role = if group == "runner" { "operator" } else { group };
        place.may("ada", &format!("rights grant database:{login} {role}"));
    }
    let refused = |login: &str, sql: &str| {
        server.run(
            "rights",
            &format!("SET ROLE {login}; DO $$ BEGIN {sql}; RAISE 'let through'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$"),
        );
    };
    let grant = "INSERT INTO optimizer_roles VALUES ('env:eve', 'admin', 'eve', '', '')";
    for (login, sql) in [
        ("vera", "UPDATE optimizer_services SET state = 'x'"),
        ("vera", "UPDATE optimizer_lease SET holder = 'vera'"),
        ("vera", "INSERT INTO optimizer_audit VALUES (99, '', '', '', '', '', '', '')"),
        ("vera", grant),
        ("rob", grant),
        ("olga", grant),
        ("olga", "DELETE FROM optimizer_plans"),
        ("rob", "CREATE TABLE mine (x int)"),
        ("adam", "UPDATE optimizer_audit SET actor = 'nobody'"),
        ("adam", "DELETE FROM optimizer_audit"),
        ("postgres", "UPDATE optimizer_audit SET actor = 'nobody'"),
        ("postgres", "TRUNCATE optimizer_audit"),
    ] {
        refused(login, sql);
    }
    let of = |login: &str| Place { state: url.replace("postgres@", &format!("{login}@")), ..Place::new() };
    let (vera, rob, olga, adam) = (of("vera"), of("rob"), of("olga"), of("adam"));
    // Whatever they call themselves, the database knows better.
    expect(&vera.says("postgres", "pause chat"), 2, &["`database:vera` is viewer", "needs operator", "database:adam"]);
    for line in ["status", "history", "rights show", "run --dry-run"] {
        vera.may("vera", line);
    }
    rob.may("rob", "run");
    rob.may("rob", "run --scope deep");
    olga.may("olga", "pause chat");
    olga.may("olga", "baseline set b --from log.csv");
    olga.may("olga", "baseline delete b");
    olga.may("olga", "stop");
    expect(&olga.says("olga", "rights grant database:olga admin"), 2, &["`database:olga` is operator", "needs admin"]);
    adam.may("adam", "resume");
    adam.may("adam", "rights revoke database:vera");
    adam.may("adam", "state gc --archive a --older-than 30d");
    // A role that nobody knows allows nothing, and is found.
    server.run("rights", "UPDATE optimizer_roles SET role = 'king' WHERE identity = 'database:olga'");
    expect(&olga.says("olga", "pause chat"), 2, &["`database:olga` is viewer"]);
    let found = place.says("ada", "state verify");
    assert!(found.code == Some(1) && found.stdout.contains("king"), "{} {}", found.stdout, found.stderr);
    server.run("rights", "UPDATE optimizer_roles SET role = 'operator' WHERE identity = 'database:olga'");
    let address = url.parse().unwrap();
    let actors: Vec<String> = Store::open(&address, Open::AsItIs)
        .unwrap()
        .deeds(None, None, 100)
        .unwrap()
        .into_iter()
        .map(|row| row.deed.actor)
        .collect();
    assert!(actors.contains(&"database:olga (proven by the database)".to_owned()), "{actors:?}");
    assert!(Store::open(&address, Open::AsItIs).unwrap().verify().unwrap().is_ok());
}
