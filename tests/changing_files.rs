//! Files that change between the first look and the last: half a log, or half of one and half of another, is no log.
//! The library is driven directly, so that the change falls between two steps and not somewhere by chance.

#![expect(clippy::result_large_err, reason = "errors are the point here, and few")]

mod support;

use std::{fs, io::Write, path::Path};

use jiff::{SignedDuration, Timestamp};
use optimizer::{
    decide::{self, policy::Source},
    domain::{
        ModelTable,
        fault::{Exit, Fixable},
    },
    observe::{self, Downloads, Engine, LayoutChoice, LoadRequest, ObserveError, Request, Stage},
    stats::Observation,
};
use support::{good_rows, write_csv};
use tempfile::tempdir;

/// Looks at the file, lets `between` do its worst at the stage, and observes.
fn observed(file: &Path, when: Option<Stage>, between: &dyn Fn()) -> Result<Observation, ObserveError> {
    let groups = observe::resolve(&[file.to_string_lossy().into_owned()], &Downloads::default())?;
    if when.is_none() {
        between();
    }
    let policy = decide::policy::parse(Source::profile("balanced").unwrap(), &|_| unreachable!()).unwrap();
    let request = Request {
        load: LoadRequest {
            groups: &groups,
            layouts: &LayoutChoice::default(),
            scores: &[],
            policy: &policy,
            default_service: None,
            pushdown: None,
            kept: None,
            now: Timestamp::now(),
        },
        window: SignedDuration::from_hours(1),
        lookback: SignedDuration::from_hours(24),
        until: None,
        prices: &ModelTable::new(Vec::new()),
        rejects: None,
    };
    observe::observe(&Engine::open(None)?, &request, &|stage| {
        if when == Some(stage) {
            between();
        }
    })
}

#[track_caller]
fn refused(result: Result<Observation, ObserveError>, words: &str) {
    let error = result.map(|found| found.source).expect_err("a file that changed is no source");
    assert!(error.to_string().contains(words), "`{words}` is missing in {error}");
    assert_eq!(error.exit(), Exit::Source);
    assert!(error.hint().unwrap().contains("run again once the export has finished"));
}

fn append(file: &Path, text: &str) {
    fs::OpenOptions::new().append(true).open(file).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn text_that_changes_before_it_is_read_is_no_source() {
    let folder = tempdir().unwrap();
    let rows = good_rows(500);
    let (file, other) = (folder.path().join("log.csv"), folder.path().join("other.csv"));
    let fresh = |count: usize| write_csv(folder.path(), "log.csv", &rows[..count]);
    for when in [None, Some(Stage::Reading)] {
        fresh(500);
        refused(observed(&file, when, &|| fs::remove_file(&file).unwrap()), "is gone");
        fresh(500);
        let cut = || fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(9_000).unwrap();
        refused(observed(&file, when, &cut), "has become shorter");
        fresh(500);
        // Another log of the same length under the name: a rotation.
        let replace = || {
            fs::copy(&file, &other).unwrap();
            fs::rename(&other, &file).unwrap();
        };
        refused(observed(&file, when, &replace), "was replaced by another");
        fresh(300);
        // Emptied and written anew in place, longer than before.
        let rewrite = || {
            write_csv(folder.path(), "log.csv", &rows[100..]);
        };
        refused(observed(&file, when, &rewrite), "was written anew");
    }
}

#[test]
fn a_log_that_is_still_written_may_grow() {
    let folder = tempdir().unwrap();
    let rows = good_rows(500);
    let file = folder.path().join("log.csv");
    write_csv(folder.path(), "log.csv", &rows[..400]);
    let grow = || append(&file, &(rows[400..].join("\n") + "\n"));
    let found = observed(&file, None, &grow).unwrap();
    assert_eq!(found.source.rows_used, 500);
    // Half a last line is one reject.
    write_csv(folder.path(), "log.csv", &rows[..400]);
    let found = observed(&file, None, &|| append(&file, &rows[400][..30])).unwrap();
    assert_eq!((found.source.rows_used, found.source.rejected.values().sum::<u64>()), (400, 1));
}

#[test]
fn parquet_may_not_change_to_the_end_of_the_observation() {
    let folder = tempdir().unwrap();
    let rows = good_rows(500);
    let file = folder.path().join("log.parquet");
    let write = |name: &str, count: usize| {
        let csv = write_csv(folder.path(), "rows.csv", &rows[..count]);
        let target = folder.path().join(name);
        let sql =
            format!("COPY (FROM read_csv('{csv}', all_varchar = true)) TO '{}' (FORMAT parquet)", target.display());
        duckdb::Connection::open_in_memory().unwrap().execute_batch(&sql).unwrap();
        target
    };
    write("log.parquet", 500);
    assert_eq!(observed(&file, None, &|| ()).unwrap().source.rows_used, 500);
    for when in [None, Some(Stage::Reading), Some(Stage::Reducing), Some(Stage::Merging)] {
        write("log.parquet", 500);
        // The same rows in another file: nothing of the result would look odd.
        let replace = || {
            fs::rename(write("other.parquet", 500), &file).unwrap();
        };
        refused(observed(&file, when, &replace), "was replaced by another");
        write("log.parquet", 500);
        refused(observed(&file, when, &|| fs::remove_file(&file).unwrap()), "is gone");
        write("log.parquet", 500);
        refused(observed(&file, when, &|| append(&file, "more")), "has grown");
        write("log.parquet", 500);
        let cut = || fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(2_000).unwrap();
        refused(observed(&file, when, &cut), "has become shorter");
    }
}
