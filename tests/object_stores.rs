//! Logs in object stores: fetched whole or not at all, checked like files, called by their addresses, and gone afterwards.
//! Against servers on this machine; no cloud is asked.

mod support;

#[path = "support/store.rs"]
mod store;

use std::{path::Path, process::Command};

use store::{ACCESS_KEY, Answer, Asked, SECRET_KEY, Scripted, listing};
use support::{Run, expect, good_rows, optimizer, plan_json, write_csv};
use tempfile::{TempDir, tempdir};

const WHEN: &str = "Thu, 01 Jan 2026 12:00:00 GMT";

/// A folder to work in, with a temporary folder of its own that must be empty in the end.
struct Place {
    folder: TempDir,
    temporary: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempdir().unwrap(), temporary: tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The binary with credentials for a server that speaks S3.
    fn s3(&self, endpoint: &str) -> Command {
        let mut command = self.bare();
        command
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
        command
    }

    fn bare(&self) -> Command {
        let mut command = optimizer(self.path());
        command.env("TMPDIR", self.temporary.path());
        command
    }

    /// Runs a plan; whatever comes of it, nothing stays behind.
    #[track_caller]
    fn plan(&self, mut command: Command, arguments: &[&str]) -> Run {
        let run: Run = command.args(["plan", "--dry-run"]).args(arguments).output().unwrap().into();
        let left: Vec<_> = std::fs::read_dir(self.temporary.path()).unwrap().flatten().collect();
        assert!(left.is_empty(), "left behind: {left:?}\n{}", run.stderr);
        assert!(!run.stderr.contains("optimizer-download"), "a temporary name shows:\n{}", run.stderr);
        for secret in [SECRET_KEY, ACCESS_KEY, "Signature=", "sesame"] {
            assert!(!run.stderr.contains(secret) && !run.stdout.contains(secret), "a secret shows:\n{}", run.stderr);
        }
        run
    }

    #[track_caller]
    fn fails(&self, command: Command, from: &str, code: i32, words: &[&str]) {
        expect(&self.plan(command, &["--from", from]), code, words);
    }
}

/// A CSV of good rows as bytes.
fn day() -> Vec<u8> {
    let folder = tempdir().unwrap();
    std::fs::read(write_csv(folder.path(), "day.csv", &good_rows(500))).unwrap()
}

fn object(body: Vec<u8>, tag: &str) -> Answer {
    Answer::new(200, body).with("ETag", &format!("\"{tag}\"")).with("Last-Modified", WHEN)
}

/// A bucket on disk: the test data, packed in several ways and at several depths.
fn bucket(root: &Path) {
    let logs = root.join("bucket/logs");
    std::fs::create_dir_all(logs.join("2026/01")).unwrap();
    let whole = write_csv(&logs, "rest.csv", &good_rows(900));
    let rows: Vec<String> = good_rows(900).iter().map(|row| row.replace(",r", ",p")).collect();
    let other = write_csv(root, "other.csv", &rows);
    let sql = format!(
        "COPY (SELECT * REPLACE (ts::TIMESTAMPTZ AS ts) FROM read_csv('{other}', all_varchar = true)) TO '{}' (FORMAT parquet); \
         COPY (SELECT * REPLACE ('n' || request_id AS request_id) FROM read_csv('{whole}', all_varchar = true)) TO '{}' \
         (FORMAT json, COMPRESSION gzip)",
        logs.join("2026/01/a.parquet").display(),
        logs.join("2026/b.ndjson.gz").display(),
    );
    duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
    std::fs::write(logs.join("README.txt"), "not a log").unwrap();
}

#[test]
fn a_plan_over_objects_is_the_plan_over_the_same_files() {
    let place = Place::new();
    bucket(place.path());
    let endpoint = store::s3(place.path());
    for (objects, files) in [
        ("s3://bucket/logs/**/*.[pnc]*", "bucket/logs/**/*.[pnc]*"),
        ("s3://bucket/logs/2026/**/*.parquet", "bucket/logs/2026/01/a.parquet"),
        ("s3://bucket/logs/2026/01/a.parquet", "bucket/logs/2026/01/a.parquet"),
        ("s3://bucket/logs/2026/*.gz", "bucket/logs/2026/b.ndjson.gz"),
        // A folder: its data files, not what lies beside or below them.
        ("s3://bucket/logs/", "bucket/logs"),
    ] {
        let run = place.plan(place.s3(&endpoint), &["--from", objects, "--format", "json"]);
        assert_eq!(run.code, Some(0), "{objects}: {}", run.stderr);
        let local = place.plan(place.bare(), &["--from", files, "--format", "json"]);
        assert_eq!(run.stdout, local.stdout, "{objects}");
    }
    let both = place.plan(
        place.s3(&endpoint),
        &["--from", "s3://bucket/logs/rest.csv", "--from", "bucket/logs/2026/b.ndjson.gz", "--format", "json"],
    );
    let plan: serde_json::Value = serde_json::from_str(&both.stdout).unwrap();
    assert_eq!((plan["source"]["files"].as_u64(), plan["source"]["rows_used"].as_u64()), (Some(2), Some(1800)));
}

#[test]
fn what_is_wrong_with_an_object_is_said_of_its_address() {
    let place = Place::new();
    bucket(place.path());
    let logs = place.path().join("bucket/logs");
    let endpoint = store::s3(place.path());
    let whole = std::fs::read(logs.join("2026/b.ndjson.gz")).unwrap();
    std::fs::write(logs.join("cut.ndjson.gz"), &whole[..whole.len() / 2]).unwrap();
    let parquet = std::fs::read(logs.join("2026/01/a.parquet")).unwrap();
    std::fs::write(logs.join("cut.parquet"), &parquet[..parquet.len() / 2]).unwrap();
    std::fs::write(logs.join("empty.csv"), "").unwrap();
    std::fs::write(logs.join("half.csv"), "ts,model,latency_ms\n2026-01-01T00:00:00Z,m,1\n").unwrap();
    for (name, words) in [
        ("cut.ndjson.gz", &["`s3://bucket/logs/cut.ndjson.gz` is cut short or damaged"][..]),
        // What the engine says names the file too.
        ("cut.parquet", &["`s3://bucket/logs/cut.parquet` cannot be read as Parquet", "because:"]),
        ("empty.csv", &["`s3://bucket/logs/empty.csv` is empty"]),
        ("half.csv", &["`s3://bucket/logs/half.csv` lacks the required columns"]),
        ("README.txt", &["cannot tell the format of `s3://bucket/logs/README.txt`"]),
        ("none.csv", &["there is no object `s3://bucket/logs/none.csv`"]),
        ("none/", &["no data file in directory `s3://bucket/logs/none/`"]),
        ("none-*.csv", &["nothing matches `s3://bucket/logs/none-*.csv`"]),
    ] {
        place.fails(place.s3(&endpoint), &format!("s3://bucket/logs/{name}"), 3, words);
    }
    place.fails(
        place.s3(&endpoint),
        "s3://nobody/a.csv",
        3,
        &["cannot list `s3://nobody/a.csv`", "404 (NoSuchBucket)"],
    );
    let twice =
        place.plan(place.s3(&endpoint), &["--from", "s3://bucket/logs/rest.csv", "--from", "s3://bucket/logs/*.csv"]);
    // The pattern finds an empty file and one without columns as well, and none of them comes before what is named twice.
    assert_eq!(twice.code, Some(3), "{}", twice.stderr);
    std::fs::remove_file(logs.join("empty.csv")).unwrap();
    std::fs::remove_file(logs.join("half.csv")).unwrap();
    let twice =
        place.plan(place.s3(&endpoint), &["--from", "s3://bucket/logs/rest.csv", "--from", "s3://bucket/logs/*.csv"]);
    expect(&twice, 2, &["`s3://bucket/logs/rest.csv` is named twice"]);
}

#[test]
fn rejected_rows_name_the_object_they_came_from() {
    let place = Place::new();
    let logs = place.path().join("bucket");
    std::fs::create_dir(&logs).unwrap();
    let mut rows = good_rows(100);
    rows[7] = rows[7].replace(",success,", ",maybe,");
    rows[9] = "too,few".to_owned();
    write_csv(&logs, "day.csv", &rows);
    let rejects = place.path().join("bad.csv");
    let run = place.plan(
        place.s3(&store::s3(place.path())),
        &["--from", "s3://bucket/day.csv", "--rejects", &rejects.to_string_lossy()],
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let text = std::fs::read_to_string(&rejects).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let origins: Vec<String> = reader.records().map(|row| row.unwrap()[1].to_owned()).collect();
    assert_eq!(origins, ["s3://bucket/day.csv"; 2]);
    assert!(!text.contains("optimizer-download") && !text.contains("__optimizer_file"), "{text}");
}

#[test]
fn an_inspection_calls_objects_by_their_addresses() {
    let place = Place::new();
    bucket(place.path());
    let endpoint = store::s3(place.path());
    let inspect = |mut command: Command, from: &str| -> Run {
        command.args(["inspect", "--format", "json", "--from", from]).output().unwrap().into()
    };
    let remote = inspect(place.s3(&endpoint), "s3://bucket/logs/**/*.parquet");
    let local = inspect(place.bare(), "bucket/logs/2026/01/a.parquet");
    assert_eq!((remote.code, local.code), (Some(0), Some(0)), "{}{}", remote.stderr, local.stderr);
    assert!(remote.stdout.contains("\"s3://bucket/logs/2026/01/a.parquet\""), "{}", remote.stdout);
    assert_eq!(remote.stdout.replace("s3://bucket/", "bucket/"), local.stdout);
    let text: Run = place.s3(&endpoint).args(["inspect", "--from", "s3://bucket/logs/2026/*"]).output().unwrap().into();
    assert!(text.stdout.contains("s3://bucket/logs/2026/b.ndjson.gz"), "{}{}", text.stdout, text.stderr);
    assert_eq!(std::fs::read_dir(place.temporary.path()).unwrap().count(), 0);
}

#[test]
fn scores_come_from_stores_too() {
    let place = Place::new();
    let folder = place.path().join("bucket");
    std::fs::create_dir(&folder).unwrap();
    let rows: Vec<String> = good_rows(50).iter().map(|row| row.replace(",1,success", ",,success")).collect();
    write_csv(&folder, "day.csv", &rows);
    let scores: Vec<String> = (0..50)
        .map(|index| {
            format!("{{\"ts\":\"2026-01-01T12:00:00Z\",\"request_id\":\"r{index}\",\"name\":\"quality\",\"raw_value\":0.5,\"source\":\"judge\"}}")
        })
        .collect();
    support::write_lines(&folder, "scores.ndjson", &scores);
    let endpoint = store::s3(place.path());
    let remote = place.plan(
        place.s3(&endpoint),
        &["--from", "s3://bucket/day.csv", "--scores", "s3://bucket/scores.ndjson", "--format", "json"],
    );
    let local =
        place.plan(place.bare(), &["--from", "bucket/day.csv", "--scores", "bucket/scores.ndjson", "--format", "json"]);
    assert_eq!(remote.stdout, local.stdout, "{}{}", remote.stderr, local.stderr);
    assert_eq!(remote.code, local.code);
}

#[test]
fn wrong_and_missing_credentials() {
    let place = Place::new();
    bucket(place.path());
    let endpoint = store::s3(place.path());
    let mut wrong = place.s3(&endpoint);
    wrong.env("AWS_SECRET_ACCESS_KEY", "open sesame");
    let words = ["cannot list `s3://bucket/logs/*.csv`", "403 (SignatureDoesNotMatch)", "AWS_ACCESS_KEY_ID"];
    place.fails(wrong, "s3://bucket/logs/*.csv", 3, &words);
    // Nothing in the environment, and nobody on this machine who gives any.
    let nobody = Scripted::start(|_, _| Answer::new(404, ""));
    let mut none = place.bare();
    none.env("AWS_ENDPOINT_URL", &endpoint).env("AWS_ALLOW_HTTP", "true").env("AWS_METADATA_ENDPOINT", &nobody.url);
    place.fails(
        none,
        "s3://bucket/logs/*.csv",
        3,
        &["no credentials were found", "AWS_ACCESS_KEY_ID", "AWS_SKIP_SIGNATURE"],
    );
    let mut half = place.bare();
    half.env("AWS_ACCESS_KEY_ID", ACCESS_KEY);
    place.fails(half, "s3://bucket/a.csv", 3, &["cannot open `s3://bucket/a.csv`", "SecretAccessKey"]);
    let mut plain = place.s3(&endpoint);
    plain.env_remove("AWS_ALLOW_HTTP");
    place.fails(plain, "s3://bucket/a.csv", 3, &["the endpoint is not encrypted", "AWS_ALLOW_HTTP=true"]);
}

#[test]
fn google_and_azure_are_asked_in_their_own_words() {
    let place = Place::new();
    let answer = |_: usize, asked: &Asked| {
        if asked.target.contains("comp=list") {
            let body = day();
            return Answer::new(
                200,
                format!(
                    "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Blobs><Blob><Name>logs/day.csv</Name><Properties>\
                     <Last-Modified>{WHEN}</Last-Modified><Etag>0x1</Etag><Content-Length>{}</Content-Length>\
                     <Content-Type>text/csv</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob></Blobs><NextMarker /></EnumerationResults>",
                    body.len()
                ),
            );
        }
        if asked.target.contains("list-type=2") {
            return listing(&[("logs/day.csv", day().len(), "1")]);
        }
        object(day(), "1")
    };
    let server = Scripted::start(answer);
    let local = place.path().join("day.csv");
    std::fs::write(&local, day()).unwrap();
    let local = place.plan(place.bare(), &["--from", "day.csv", "--format", "json"]);
    let mut google = place.bare();
    google.env("GOOGLE_BASE_URL", &server.url).env("GOOGLE_BEARER_TOKEN", "open sesame");
    google.env("GOOGLE_ALLOW_HTTP", "true").env("GOOGLE_SKIP_SIGNATURE", "true");
    let run = place.plan(google, &["--from", "gs://bucket/logs/*.csv", "--format", "json"]);
    assert_eq!(run.stdout, local.stdout, "{}", run.stderr);
    let mut azure = place.bare();
    azure
        .env("AZURE_STORAGE_ACCOUNT_NAME", "account")
        .env("AZURE_STORAGE_ACCOUNT_KEY", "b3BlbiBzZXNhbWU=")
        .env("AZURE_STORAGE_ENDPOINT", &server.url)
        .env("AZURE_ALLOW_HTTP", "true");
    let run = place.plan(azure, &["--from", "az://container/logs/*.csv", "--format", "json"]);
    assert_eq!(run.stdout, local.stdout, "{}", run.stderr);
    let asked = server.asked();
    assert!(asked.iter().any(|asked| asked.target.starts_with("/bucket") && asked.target.contains("list-type=2")));
    let signed =
        |asked: &&Asked| asked.headers.get("authorization").is_some_and(|value| value.starts_with("SharedKey "));
    assert_eq!(asked.iter().filter(signed).count(), 2, "{asked:#?}");
}

#[test]
fn a_name_without_an_object_may_be_a_folder() {
    let place = Place::new();
    let server = Scripted::start(|_, asked| match asked.method.as_str() {
        "HEAD" => Answer::new(404, ""),
        _ if asked.target.contains("prefix=logs%2F") => {
            listing(&[("logs/day.csv", day().len(), "1"), ("logs/x.txt", 9, "2")])
        }
        _ if asked.target.contains("list-type=2") => listing(&[]),
        _ => object(day(), "1"),
    });
    let run = place.plan(place.s3(&server.url), &["--from", "s3://bucket/logs"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place.fails(place.s3(&server.url), "s3://bucket/log", 3, &["there is no object `s3://bucket/log`"]);
    assert!(server.asked().iter().all(|asked| !asked.target.contains("x.txt")), "what is no log is not fetched");
}

#[test]
fn an_object_replaced_while_it_is_read() {
    let place = Place::new();
    // The tag that was listed is asked for again; a store that has another object by then must refuse.
    let server = Scripted::start(|_, asked| match asked.headers.get("if-match") {
        _ if asked.target.contains("list-type=2") => listing(&[("day.csv", day().len(), "old")]),
        Some(tag) if tag == "\"new\"" => object(day(), "new"),
        Some(_) => Answer::new(412, "<Error><Code>PreconditionFailed</Code></Error>"),
        None => object(day(), "new"),
    });
    let words = ["cannot fetch `s3://logs/day.csv`", "it was replaced while it was read", "run again"];
    place.fails(place.s3(&server.url), "s3://logs/*.csv", 3, &words);
    // A store without tags is found out by the length.
    let server = Scripted::start(|_, asked| match () {
        () if asked.target.contains("list-type=2") => listing(&[("day.csv", day().len() - 1, "same")]),
        () => object(day(), "same"),
    });
    place.fails(place.s3(&server.url), "s3://logs/*.csv", 3, &words);
}

#[test]
fn a_body_that_ends_early_is_fetched_on_or_refused() {
    let place = Place::new();
    std::fs::write(place.path().join("day.csv"), day()).unwrap();
    let local = place.plan(place.bare(), &["--from", "day.csv", "--format", "json"]);
    // The first answer breaks off in the middle; the rest is asked for by its range.
    let server = Scripted::start(|_, asked| {
        let body = day();
        let Some(range) = asked.headers.get("range") else { return object(body, "1").cut() };
        let from: usize = range.trim_start_matches("bytes=").split('-').next().unwrap().parse().unwrap();
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        let mut rest = object(body[from..].to_vec(), "1").with("Content-Range", &range);
        rest.status = 206;
        rest
    });
    let run = place.plan(place.bare(), &["--from", &format!("{}/day.csv", server.url), "--format", "json"]);
    assert_eq!(run.stdout, local.stdout, "{}", run.stderr);
    assert_eq!(server.asked().len(), 2);
    // Without a tag nobody knows whether the rest would be of the same object.
    let server = Scripted::start(|_, _| Answer::new(200, day()).cut());
    let words = ["cannot fetch `http://127.0.0.1", "/day.csv`", "the connection ended before the object did"];
    place.fails(place.bare(), &format!("{}/day.csv", server.url), 3, &words);
}

#[test]
fn a_store_that_is_busy_is_asked_again_and_not_for_ever() {
    let place = Place::new();
    let server = Scripted::start(|before, _| match before {
        0 => Answer::new(500, "<Error><Code>InternalError</Code></Error>"),
        _ => object(day(), "1"),
    });
    let run = place.plan(place.bare(), &["--from", &format!("{}/day.csv", server.url)]);
    assert_eq!((run.code, server.asked().len()), (Some(0), 2), "{}", run.stderr);
    let server = Scripted::start(|_, _| Answer::new(503, "<Error><Code>SlowDown</Code></Error>"));
    let words = ["cannot list `s3://logs/*.csv`", "503 (SlowDown)", "asked four times"];
    place.fails(place.s3(&server.url), "s3://logs/*.csv", 3, &words);
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn refusals_say_what_to_do() {
    let place = Place::new();
    let refusing = |status: u16, code: &'static str| {
        Scripted::start(move |_, _| Answer::new(status, format!("<Error><Code>{code}</Code></Error>")))
    };
    for (status, code, words) in [
        (403, "AccessDenied", ["403 (AccessDenied)", "listing the bucket"]),
        (400, "AuthorizationHeaderMalformed", ["400 (AuthorizationHeaderMalformed)", "AWS_REGION"]),
        (400, "ExpiredToken", ["400 (ExpiredToken)", "have expired"]),
        (301, "PermanentRedirect", ["another region", "AWS_REGION"]),
        (404, "NoSuchBucket", ["404 (NoSuchBucket)", "check bucket and name"]),
    ] {
        let server = refusing(status, code);
        place.fails(place.s3(&server.url), "s3://logs/*.csv", 3, &words);
    }
    let server = refusing(403, "AccessDenied");
    place.fails(place.bare(), &format!("{}/day.csv?X-Amz-Signature=sesame", server.url), 3, &["403", "signed query"]);
    assert!(server.asked()[0].target.ends_with("?X-Amz-Signature=sesame"), "the query is sent all the same");
    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    place.fails(place.bare(), &format!("http://{port}/day.csv"), 3, &["cannot be reached", "check the name"]);
    place.fails(place.bare(), "https://no-such-host.invalid/day.csv", 3, &["the name of the server is not known"]);
}

#[test]
fn web_servers_are_not_trusted_to_lead_elsewhere() {
    let place = Place::new();
    let elsewhere = Scripted::start(|_, _| object(day(), "1"));
    let target = format!("{}/day.csv", elsewhere.url);
    let leading = Scripted::start(move |_, _| Answer::new(302, "").with("Location", &target));
    let words = ["the server leads elsewhere", "if you trust it"];
    place.fails(place.bare(), &format!("{}/day.csv", leading.url), 3, &words);
    assert!(elsewhere.asked().is_empty());
    // On the same server it may lead as it likes, and not for ever.
    let around = Scripted::start(|_, asked| match asked.target.as_str() {
        "/day.csv" => Answer::new(302, "").with("Location", "/moved.csv"),
        "/moved.csv" => object(day(), "1"),
        _ => Answer::new(302, "").with("Location", "/circle.csv"),
    });
    let run = place.plan(place.bare(), &["--from", &format!("{}/day.csv", around.url)]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    place.fails(place.bare(), &format!("{}/circle.csv", around.url), 3, &words[..1]);
    let endless = Scripted::start(|_, _| Answer::new(200, "0\r\n\r\n").with("Transfer-Encoding", "chunked"));
    place.fails(place.bare(), &format!("{}/day.csv", endless.url), 3, &["does not say how long it is"]);
}

#[test]
fn addresses_that_cannot_be_used() {
    let place = Place::new();
    for (from, words) in [
        ("ftp://host/day.csv", &["addresses that begin with `ftp://`", "s3, gs, az"][..]),
        ("http://example.org/day.csv", &["without encryption", "use https"]),
        ("s3:///day.csv", &["names no bucket"]),
        ("s3://*/day.csv", &["a pattern cannot stand for buckets"]),
        ("s3://bucket/logs//day.csv", &["cannot be read as an address"]),
        ("s3://bucket/[.csv", &["not a valid pattern"]),
        ("https://host/*.csv", &["patterns need s3://"]),
        ("https://user:sesame@host/day.csv", &["`host/day.csv` holds credentials", "command line"]),
        ("s3://key:sesame@bucket/day.csv", &["`s3://bucket/day.csv` holds credentials"]),
    ] {
        place.fails(place.bare(), from, 2, words);
    }
}

#[test]
fn logs_of_the_program_hold_no_secrets() {
    let place = Place::new();
    let server = Scripted::start(|_, _| object(day(), "1"));
    for level in ["trace", "debug,hyper=trace,object_store::client=trace,hyper_util::client=trace"] {
        let mut command = place.bare();
        command.env("OPTIMIZER_LOG", level);
        let run = place.plan(command, &["--from", &format!("{}/day.csv?X-Amz-Signature=sesame", server.url)]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        assert!(run.stderr.contains("fetched"), "the program itself says what it does:\n{}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_plan() {
    let place = Place::new();
    std::fs::write(place.path().join("day.csv"), day()).unwrap();
    assert!(plan_json(place.path(), &["--from", "day.csv"])["source"]["rows_used"].as_u64() == Some(500));
    let server = Scripted::start(|_, _| object(day(), "1"));
    // No file may grow past a few blocks, which the process is told as an error, as of a disk without room.
    let optimizer = place.bare();
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_optimizer")])
        .current_dir(place.path())
        .env_clear()
        .envs(optimizer.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let words = ["objects cannot be kept in", "because:", "TMPDIR"];
    let run: Run =
        command.args(["plan", "--dry-run", "--from", &format!("{}/day.csv", server.url)]).output().unwrap().into();
    expect(&run, 3, &words);
    assert_eq!(std::fs::read_dir(place.temporary.path()).unwrap().count(), 0);
    let mut nowhere = place.bare();
    nowhere.env("TMPDIR", place.path().join("nowhere"));
    nowhere.args(["plan", "--dry-run", "--from", &format!("{}/day.csv", server.url)]);
    expect(&nowhere.output().unwrap().into(), 3, &["objects cannot be kept in", "nowhere", "TMPDIR"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_fetching_leaves_nothing_behind() {
    let place = Place::new();
    // Half of the object comes, and then nothing for as long as anybody waits.
    let (told, reached) = std::sync::mpsc::channel();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/day.csv", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        assert!(std::io::Read::read(&mut socket, &mut [0; 4096]).unwrap() > 0);
        std::io::Write::write_all(&mut socket, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nts,request_id\n")
            .unwrap();
        told.send(()).unwrap();
        std::thread::sleep(std::time::Duration::from_mins(1));
    });
    let mut command = place.bare();
    command.args(["plan", "--dry-run", "--from", &url]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    reached.recv().unwrap();
    let kept = || std::fs::read_dir(place.temporary.path()).unwrap().flatten().next();
    let folder = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        kept()
    });
    let folder = folder.expect("a folder while it is fetched");
    assert!(folder.file_name().to_string_lossy().starts_with("optimizer-download-"));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let run: Run = child.wait_with_output().unwrap().into();
    expect(&run, 130, &["stopped by Ctrl-C"]);
    assert!(kept().is_none(), "the folder is gone");
}
