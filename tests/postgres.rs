//! Tables in a real PostgreSQL server: the same answer as from files, and every way in which a server can let one down.

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::messy::messy_rows;
use support::{expect, good_rows, optimizer, plan_json, postgres::Server, refused, rejected, root, run, write_csv};
use tempfile::tempdir;

/// The canonical table, with the types a careful owner would choose.
const CANONICAL: &str = "CREATE TABLE requests (ts timestamptz NOT NULL, request_id text, service text, model text, provider text, \
    latency_ms double precision, input_tokens integer, output_tokens bigint, cost_usd numeric(14, 9), quality real, outcome text, complexity text)";

const LITELLM: &str = r#"CREATE TABLE "LiteLLM_SpendLogs" (request_id text PRIMARY KEY, call_type text, api_key text, spend double precision,
    total_tokens integer, prompt_tokens integer, completion_tokens integer, "startTime" timestamp(3), "endTime" timestamp(3),
    request_duration_ms integer, "completionStartTime" timestamp(3), model text, model_id text, model_group text,
    custom_llm_provider text, metadata jsonb, cache_hit text, request_tags jsonb, status text)"#;

const OBSERVATORY: &str = "CREATE TABLE llm_traces (ts timestamptz NOT NULL, trace_id text NOT NULL, span_id text NOT NULL, parent_span_id text,
    span_name text, span_kind text, provider text, model text, input_type text, finish_reason text, prompt_tokens integer,
    completion_tokens integer, total_tokens integer, prompt_cost_usd numeric(12, 8), completion_cost_usd numeric(12, 8),
    total_cost_usd numeric(12, 8), duration_ms integer, ttft_ms integer, status_code text, error_message text, environment text,
    tags text[], attributes jsonb, sampled boolean, sample_rate real, resource_attributes jsonb, events jsonb)";

const TENSORZERO: &str = "CREATE SCHEMA tensorzero;
    CREATE TABLE tensorzero.chat_inferences (id uuid PRIMARY KEY, function_name text, variant_name text, episode_id uuid,
        processing_time_ms integer, ttft_ms integer, snapshot_hash bytea, created_at timestamptz);
    CREATE TABLE tensorzero.json_inferences (LIKE tensorzero.chat_inferences);
    CREATE TABLE tensorzero.model_inferences (id uuid PRIMARY KEY, inference_id uuid, input_tokens integer, output_tokens integer,
        model_name text, model_provider_name text, cached boolean, cost numeric, created_at timestamptz);
    CREATE TABLE tensorzero.float_metric_feedback (id uuid, target_id uuid, metric_name text, value double precision, created_at timestamptz);
    CREATE TABLE tensorzero.boolean_metric_feedback (id uuid, target_id uuid, metric_name text, value boolean, created_at timestamptz)";

const UNTIL: [&str; 2] = ["--until", "2026-03-01T13:00:00Z"];

/// What of a plan must not depend on where its rows lay.
fn essence(mut plan: Value) -> Value {
    let source = plan["source"].as_object_mut().unwrap();
    for place in ["files", "ignored_columns"] {
        source.remove(place);
    }
    plan.as_object_mut().unwrap().remove("id");
    plan
}

fn plan(folder: &tempfile::TempDir, from: &[&str]) -> Value {
    let mut arguments: Vec<&str> = from.iter().flat_map(|from| ["--from", from]).collect();
    arguments.extend(UNTIL);
    arguments.extend(["--default-service", "fallback"]);
    essence(plan_json(folder.path(), &arguments))
}

fn fixture(path: &str) -> std::path::PathBuf {
    root().join("testdata/sources").join(path)
}

#[test]
fn a_table_gives_the_plan_of_the_same_rows_in_a_file() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("same");
    server.run("same", CANONICAL);
    let file = write_csv(folder.path(), "rows.csv", &good_rows(2_000));
    server.load("same", "requests", file.as_ref());
    let until = ["--until", "2026-01-01T12:00:01Z"];
    let of = |from: &str| essence(plan_json(folder.path(), &["--from", from, until[0], until[1]]));
    assert_eq!(of(&server.url("same")), of(&file));
    // A window is half open and asked for by time: what lies outside is not even read.
    let half = plan_json(
        folder.path(),
        &["--from", &server.url("same"), "--until", "2026-01-01T11:45:00Z", "--window", "5m", "--lookback", "10m"],
    );
    assert_eq!((half["source"]["rows_read"].as_u64(), half["source"]["rows_used"].as_u64()), (Some(600), Some(600)));
}

#[test]
fn gateways_tables_are_recognised_and_read_as_their_exports() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("gateways");
    server.run("gateways", LITELLM);
    server.load("gateways", "\"LiteLLM_SpendLogs\"", &fixture("litellm/rows.csv"));
    let export = fixture("litellm/rows.csv").to_string_lossy().into_owned();
    assert_eq!(plan(&folder, &[&server.url("gateways")]), plan(&folder, &[&export]));

    server.database("observatory");
    server.run("observatory", OBSERVATORY);
    let export = fixture("observatory/rows.ndjson").to_string_lossy().into_owned();
    server.load_json("observatory", "llm_traces", &fs::read_to_string(&export).unwrap());
    assert_eq!(plan(&folder, &[&server.url("observatory")]), plan(&folder, &[&export]));
    // Both in one plan, and a file beside them.
    let sentinel = fixture("sentinel/rows.ndjson").to_string_lossy().into_owned();
    let all = plan(&folder, &[&server.url("observatory"), &sentinel, &server.url("gateways")]);
    assert_eq!(all["source"]["layouts"], json!(["litellm", "observatory", "sentinel"]));
}

#[test]
fn tensorzero_is_joined_from_its_tables_with_its_feedback() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("tensorzero");
    server.run("tensorzero", TENSORZERO);
    let id = |number: u32| format!("0195516b-0000-7000-8000-{number:012}");
    for (number, table, episode) in [(1, "chat_inferences", 9), (2, "json_inferences", 9), (3, "chat_inferences", 8)] {
        server.run(
            "tensorzero",
            &format!(
                "INSERT INTO tensorzero.{table} VALUES ('{}', 'helpdesk', 'v{number}', '{}', {number}000, NULL, '\\x0a', '2026-03-01 12:0{number}:00Z')",
                id(number), id(episode)
            ),
        );
    }
    // The first took two calls, one of a cost unknown; the others took one.
    let calls = [(11, 1, "0.01"), (12, 1, "NULL"), (13, 2, "0.25"), (14, 3, "0.5")];
    for (call, inference, cost) in calls {
        server.run(
            "tensorzero",
            &format!(
                "INSERT INTO tensorzero.model_inferences VALUES ('{}', '{}', 100, 10, 'gpt-4o', 'openai', false, {cost}, '2026-03-01 12:0{inference}:0{}Z')",
                id(call), id(inference), call - 10
            ),
        );
    }
    server.run(
        "tensorzero",
        &format!(
            "INSERT INTO tensorzero.float_metric_feedback VALUES ('{}', '{}', 'stars', 4, '2026-03-01 12:30:00Z');
             INSERT INTO tensorzero.boolean_metric_feedback VALUES ('{}', '{}', 'stars', true, '2026-03-01 12:31:00Z')",
            id(21),
            id(1),
            id(22),
            id(8)
        ),
    );
    fs::write(folder.path().join("policy.yaml"), "extends: balanced\nscores: {stars: {worst: 0, best: 5}}\n").unwrap();
    let mut arguments = vec!["--policy", "policy.yaml", "--from"];
    let url = server.url("tensorzero");
    arguments.push(&url);
    arguments.extend(UNTIL);
    let found = plan_json(folder.path(), &arguments);
    assert_eq!(found["source"]["layouts"], json!(["tensorzero", "tensorzero_feedback"]));
    assert_eq!(found["source"]["rows_used"], 3);
    let service = &found["services"][0];
    // An inference rated 4 of 5, and one of an episode that was rated 1 of 5.
    assert!((service["quality"].as_f64().unwrap() - 0.5).abs() < 1e-6, "{service}");
    assert_eq!(service["error_rate"], Value::Null, "TensorZero stores no failures");
}

#[test]
fn scores_and_metrics_come_from_tables_too() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("scores");
    server.run("scores", CANONICAL);
    server.run(
        "scores",
        "CREATE TABLE quality_events (ts timestamptz, request_id text, name text, raw_value double precision);
         CREATE TABLE metrics (\"time\" timestamptz, metric_name text, value double precision, service text, endpoint text, model text,
             provider text, region text, tags jsonb);
         INSERT INTO requests VALUES ('2026-03-01 12:10Z', 'a', 'chat', 'm', 'p', 10, 1, 1, 0.1, NULL, 'success', NULL);
         INSERT INTO quality_events VALUES ('2026-03-02 12:00Z', 'a', 'stars', 4);
         INSERT INTO metrics VALUES ('2026-03-01 12:10Z', 'latency_ms', 9000, 'other')",
    );
    fs::write(folder.path().join("policy.yaml"), "extends: balanced\nscores: {stars: {worst: 0, best: 5}}\n").unwrap();
    let (requests, scores) = (server.url("scores"), format!("{}?table=quality_events", server.url("scores")));
    // Scores that lie beside the requests are found with them, but those given after the window only when they are asked for.
    let found = plan_json(
        folder.path(),
        &[
            "--policy",
            "policy.yaml",
            "--from",
            &format!("{requests}?table=requests"),
            "--scores",
            &scores,
            UNTIL[0],
            UNTIL[1],
        ],
    );
    assert_eq!(found["services"][0]["quality"], 0.8);
    let found = plan_json(folder.path(), &["--from", &requests, UNTIL[0], UNTIL[1]]);
    assert_eq!(found["findings"][0]["observed"], 9000.0);
    assert_eq!(found["findings"][0]["service"], "other");
}

#[test]
fn without_until_the_window_of_a_database_ends_by_the_clock() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("live");
    server.run("live", CANONICAL);
    server.run(
        "live",
        "INSERT INTO requests SELECT now() - i * interval '1 second', i::text, 'chat', 'm', 'p', 10, 1, 1, 0.1, NULL, 'success', NULL
         FROM generate_series(0, 599) AS i",
    );
    let plan = plan_json(folder.path(), &["--from", &server.url("live"), "--window", "5m", "--lookback", "15m"]);
    assert_eq!(plan["windows"]["until"], "clock");
    // The last two minutes are not settled yet.
    let used = plan["source"]["rows_used"].as_u64().unwrap();
    assert!((470..=481).contains(&used), "{used}");
    // Silence is no good news: rows that stop an hour ago are no window.
    server.run("live", "UPDATE requests SET ts = ts - interval '1 hour'");
    refused(
        folder.path(),
        &["--from", &server.url("live"), "--window", "5m", "--lookback", "15m"],
        3,
        &["no row of public.requests", "the newest is of"],
    );
}

#[test]
fn nothing_is_ever_written() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("trap");
    server.run(
        "trap",
        "CREATE TABLE touched (at timestamptz);
         CREATE FUNCTION touch() RETURNS text LANGUAGE sql VOLATILE AS 'INSERT INTO touched VALUES (now()) RETURNING at::text';
         CREATE VIEW requests AS SELECT '2026-03-01 12:10Z'::timestamptz AS ts, touch() AS request_id, 'a' AS service, 'm' AS model,
             1.0 AS latency_ms, 'success' AS outcome",
    );
    refused(
        folder.path(),
        &["--from", &server.url("trap"), UNTIL[0], UNTIL[1]],
        3,
        &["read-only transaction", "postgres://127.0.0.1/trap"],
    );
}

#[test]
fn tables_that_cannot_be_used_are_named() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("odd");
    let url = server.url("odd");
    refused(folder.path(), &["--from", &url], 3, &["no table in a known layout", "it shows none at all"]);
    server.run("odd", "CREATE TABLE users (id integer, name text)");
    refused(folder.path(), &["--from", &url], 3, &["no table in a known layout", "public.users"]);
    refused(folder.path(), &["--from", &format!("{url}?table=nowhere")], 3, &["no table `nowhere`"]);
    server.run("odd", "CREATE TABLE half (ts timestamptz, latency_ms real, model text)");
    refused(
        folder.path(),
        &["--from", &url],
        3,
        &["public.half", "lacks the required columns `request_id`, `service`, `outcome`"],
    );
    server.run("odd", CANONICAL);
    refused(
        folder.path(),
        &["--from", &url],
        3,
        &["several tables of requests: public.half (canonical), public.requests (canonical)", "?table="],
    );
    server.run(
        "odd",
        "CREATE TABLE texts AS SELECT ts::text AS ts, request_id, service, model, latency_ms, outcome FROM requests",
    );
    refused(folder.path(), &["--from", &format!("{url}?table=texts")], 3, &["`ts` is of the type text"]);
    server.run("odd", "CREATE ROLE reader LOGIN");
    let reader = format!("{}?table=requests", url.replace("postgres@", "reader@"));
    refused(
        folder.path(),
        &["--from", &reader, UNTIL[0], UNTIL[1]],
        3,
        &["permission denied", "grant the role SELECT"],
    );
    server.run("odd", "GRANT SELECT ON requests TO reader");
    refused(folder.path(), &["--from", &reader, UNTIL[0], UNTIL[1]], 3, &["no row of public.requests"]);
}

#[test]
fn one_broken_row_is_one_reject() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("broken");
    server.run("broken", CANONICAL.replace("numeric(14, 9)", "numeric").as_str());
    let file = write_csv(folder.path(), "rows.csv", &good_rows(100));
    server.load("broken", "requests", file.as_ref());
    let broken = [
        ("cost_usd", "'NaN'", "cost_usd: not a finite number"),
        ("cost_usd", "1e400", "cost_usd: not a finite number"),
        ("latency_ms", "'-Infinity'", "latency_ms: negative"),
        ("latency_ms", "NULL", "latency_ms: empty on a success"),
        ("quality", "7", "quality: outside 0 to 1"),
        ("service", "''", "service: empty"),
        ("outcome", "'fine'", "outcome: not success, error, timeout or cancelled"),
    ];
    for (number, (column, value, _)) in broken.iter().enumerate() {
        server.run("broken", &format!("UPDATE requests SET {column} = {value} WHERE request_id = 'r{number}'"));
    }
    let plan = plan_json(
        folder.path(),
        &["--from", &server.url("broken"), "--until", "2026-01-01T12:00:01Z", "--rejects", "bad.csv"],
    );
    assert_eq!(rejected(&plan).iter().map(|(_, count)| count).sum::<u64>(), 7);
    for (_, _, reason) in broken {
        assert!(rejected(&plan).iter().any(|(found, _)| found == reason), "{reason}");
    }
    let rows = fs::read_to_string(folder.path().join("bad.csv")).unwrap();
    assert!(rows.contains("public.requests of postgres://127.0.0.1/broken"), "{rows}");
}

#[test]
fn servers_that_refuse() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.run("postgres", "SET password_encryption = 'scram-sha-256'; CREATE ROLE locked LOGIN PASSWORD 'right'");
    let url = server.url("postgres").replace("postgres@", "locked@");
    let with = |password: Option<&str>| {
        let mut command = optimizer(folder.path());
        command.args(["plan", "--dry-run", "--from", &url]);
        if let Some(password) = password {
            command.env("PGPASSWORD", password);
        }
        support::Run::from(command.output().unwrap())
    };
    expect(&with(Some("wrong")), 3, &["password authentication failed", "PGPASSWORD"]);
    expect(&with(Some("right")), 3, &["no table in a known layout"]);
    // A password file, as containers mount them.
    let pass = folder.path().join("pass");
    fs::write(&pass, format!("127.0.0.1:{}:*:locked:right\n", server.port)).unwrap();
    fs::set_permissions(&pass, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut command = optimizer(folder.path());
    command.args(["plan", "--dry-run", "--from", &url]).env("PGPASSFILE", &pass);
    expect(&command.output().unwrap().into(), 3, &["no table in a known layout"]);
    refused(folder.path(), &["--from", "postgres://me:secret@127.0.0.1/x"], 2, &["holds a password", "PGPASSFILE"]);
    let output = run(folder.path(), &["plan", "--dry-run", "--from", "postgres://me:secret@127.0.0.1/x"]);
    assert!(!output.stderr.contains("secret"));
    let missing = server.url("missing");
    refused(folder.path(), &["--from", &missing], 3, &["\"missing\" does not exist", "name of the database"]);
    // Nobody there.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    refused(
        folder.path(),
        &["--from", &format!("postgres://me@127.0.0.1:{free}/x")],
        3,
        &["while connecting", "check host and port"],
    );
    // Encryption that was asked for is not silently left out.
    refused(
        folder.path(),
        &["--from", &format!("{}?sslmode=require", server.url("postgres"))],
        3,
        &["while connecting"],
    );
}

/// Forwards to the server until `limit` bytes have come back; then it falls silent or hangs up.
fn proxy(server: &Server, limit: usize, hang_up: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, target) = (listener.local_addr().unwrap().port(), server.port);
    std::thread::spawn(move || {
        let Ok((client, _)) = listener.accept() else { return };
        let upstream = TcpStream::connect(("127.0.0.1", target)).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let (mut from_server, mut to_client) = (upstream, client);
        let (mut passed, mut chunk) = (0, [0; 4096]);
        while passed < limit {
            let Ok(read @ 1..) = from_server.read(&mut chunk) else { return };
            passed += read;
            if to_client.write_all(&chunk[..read]).is_err() {
                return;
            }
        }
        if hang_up {
            let _ = to_client.shutdown(Shutdown::Both);
        } else {
            std::thread::sleep(Duration::from_mins(1));
        }
    });
    port
}

#[test]
fn connections_that_break_or_stall_in_the_middle() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("wire");
    server.run("wire", CANONICAL);
    server.run(
        "wire",
        "INSERT INTO requests SELECT '2026-03-01 12:00Z'::timestamptz + i * interval '10 ms', i::text, 'chat', 'm', 'p', 10, 1, 1, 0.1,
             NULL, 'success', NULL FROM generate_series(1, 50000) AS i",
    );
    let through = |port: u16| format!("postgres://postgres@127.0.0.1:{port}/wire?statement_timeout=1");
    // Enough for the greeting and the catalog, and then somewhere in the rows.
    for limit in [0, 100, 200_000, 2_000_000] {
        let from = through(proxy(&server, limit, true));
        refused(folder.path(), &["--from", &from, UNTIL[0], UNTIL[1]], 3, &["postgres://127.0.0.1/wire failed"]);
    }
    let begun = Instant::now();
    let from = through(proxy(&server, 1_000_000, false));
    refused(folder.path(), &["--from", &from, UNTIL[0], UNTIL[1]], 3, &["while reading rows", "does not answer"]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    // A server that works for too long is told to stop.
    server.run("wire", "CREATE VIEW slow AS SELECT *, pg_sleep(0.001)::text AS slept, 'x' AS endpoint FROM requests WHERE pg_sleep(0.001)::text = ''");
    let slow = format!("{}?table=slow&statement_timeout=1", server.url("wire"));
    refused(folder.path(), &["--from", &slow, UNTIL[0], UNTIL[1]], 3, &["statement timeout", "`statement_timeout=`"]);
}

#[test]
fn a_table_reduced_where_it_is_gives_the_same_plan() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    let both = |name: &str, more: &[&str]| {
        let url = server.url(name);
        let plan = |place: &str| {
            let mut arguments = vec!["--from", &url, "--pushdown", place, "--default-service", "fallback"];
            arguments.extend(UNTIL);
            arguments.extend(more);
            plan_json(folder.path(), &arguments)
        };
        // Not a word on standard error, however long the statements are.
        let quiet = run(
            folder.path(),
            &[
                "plan",
                "--dry-run",
                "--from",
                &url,
                "--pushdown",
                "always",
                "--default-service",
                "f",
                UNTIL[0],
                UNTIL[1],
            ],
        );
        assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
        let (there, here) = (plan("always"), plan("never"));
        assert!(there["source"]["rows_used"].as_u64().unwrap() > 0);
        for part in ["windows", "source", "totals", "services", "findings", "decisions", "id"] {
            assert_eq!(there[part], here[part], "{part} of {name}");
        }
    };
    server.database("reduced");
    server.run("reduced", CANONICAL.replace(", complexity text)", ", complexity text, weight numeric, cache_hit boolean, status_code smallint, config_version varchar(20))").as_str());
    server.run("reduced", &messy_rows(3_000));
    both("reduced", &["--window", "1h", "--lookback", "6h"]);
    both("reduced", &["--window", "15m", "--lookback", "90m"]);
    // Reduced already: the two databases of the other tests, whose layouts calculate.
    for (name, table, file) in
        [("litellm", LITELLM, "litellm/rows.csv"), ("observed", OBSERVATORY, "observatory/rows.ndjson")]
    {
        server.database(name);
        server.run(name, table);
        if file.ends_with("csv") {
            server.load(name, "\"LiteLLM_SpendLogs\"", &fixture(file));
        } else {
            server.load_json(name, "llm_traces", &fs::read_to_string(fixture(file)).unwrap());
        }
        both(name, &[]);
    }
}

#[test]
fn what_cannot_be_reduced_in_place_is_copied_or_refused() {
    let (server, folder) = (Server::shared(), tempdir().unwrap());
    server.database("unreducible");
    server.run("unreducible", "CREATE TABLE requests (ts timestamptz, request_id text, service text, model text, latency_ms real, outcome json)");
    server.run("unreducible", "INSERT INTO requests VALUES ('2026-03-01 12:10Z', 'a', 'chat', 'm', 10, '\"success\"')");
    let url = server.url("unreducible");
    refused(
        folder.path(),
        &["--from", &url, UNTIL[0], UNTIL[1], "--pushdown", "always"],
        3,
        &["cannot be reduced where it is", "docs/pushdown.md"],
    );
    refused(
        folder.path(),
        &["--from", &url, UNTIL[0], UNTIL[1], "--pushdown", "always", "--rejects", "r.csv"],
        2,
        &["`--rejects` needs the rows"],
    );
}
