//! Lines as nobody writes them: the readers of NDJSON and of OpenTelemetry's JSON, and every layout, take whatever comes.
//!
//! A fixed number of inputs from a fixed seed, so that every run is the same run; `OPTIMIZER_FUZZ_INPUTS` raises the number.
//! Whatever is read: the program says which rows are bad or why it cannot use the source, never panics, loses no line, and says the
//! same again the second time.

#![expect(clippy::result_large_err, reason = "errors are the point here, and few")]

mod support;

#[path = "support/mutate.rs"]
mod mutate;

use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use mutate::Mutator;
use optimizer::{
    decide::{self, policy::Source},
    domain::{ModelTable, Policy},
    observe::{self, Downloads, Engine, LayoutChoice, LoadRequest, ObserveError, Request},
};
use support::{good_rows, root, write_csv};
use tempfile::tempdir;

/// Lines that are read together: opening an engine costs as much as reading a few hundred of them.
const BATCH: usize = 500;

/// Mutated lines of one target.
fn inputs(usual: usize) -> usize {
    std::env::var("OPTIMIZER_FUZZ_INPUTS").map_or(usual, |number| number.parse().expect("a number of inputs"))
}

/// The balanced profile with a scale for every score of the fixtures.
fn policy() -> Policy {
    let names = ["helpfulness", "resolved", "overall", "dimension.accuracy", "faithful", "toxicity", "value", "rating"];
    let scales: Vec<String> = names.iter().map(|name| format!("  {name}: {{worst: 0, best: 100}}\n")).collect();
    let text = format!("extends: balanced\nscores:\n{}", scales.concat());
    decide::policy::parse(Source { name: "fuzz.yaml", text: &text }, &|_| Err("no files".into())).unwrap()
}

/// Lines of every file of a corpus, without those that are blank.
fn corpus(folder: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let lines = files.iter().flat_map(|file| lines(&fs::read(file).unwrap()).map(<[u8]>::to_vec).collect::<Vec<_>>());
    lines.collect()
}

/// Lines with something on them, as the reader counts them.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !matches!(line, [] | [b'\r']))
}

/// How a file is read.
struct Target<'a> {
    name: &'a str,
    /// By name, where the file does not tell.
    layout: Option<&'a str>,
    /// Beside requests that are good.
    scores: bool,
    /// A line is a row, so that every line must show up among the rows.
    one_row_a_line: bool,
}

impl Target<'_> {
    /// What comes of the file: all that was found, or what is wrong with it.
    fn read(&self, folder: &Path, file: &Path, all_the_way: bool) -> Result<(u64, String), ObserveError> {
        let from = file.to_string_lossy().into_owned();
        let (from, scores) = if self.scores {
            (vec![folder.join("good.csv").to_string_lossy().into_owned()], vec![from])
        } else {
            (vec![from], vec![])
        };
        let downloads = Downloads::default();
        let named: Vec<String> = self.layout.iter().map(|name| (*name).to_owned()).collect();
        let (groups, scores) = (observe::resolve(&from, &downloads)?, observe::resolve(&scores, &downloads)?);
        let (layouts, policy) = (LayoutChoice::new(&named, 1, None)?, policy());
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let load = || LoadRequest {
            groups: &groups,
            layouts: &layouts,
            scores: &scores,
            policy: &policy,
            default_service: Some("fallback"),
            pushdown: None,
            kept: None,
            now,
        };
        let day = SignedDuration::from_hours(24);
        let found = observe::inspect(&Engine::open(None)?, &load(), day, None, None)?;
        let kinds = [Some(&found.requests), found.scores.as_ref(), found.metrics.as_ref()];
        let rows = kinds.into_iter().flatten().map(|rows| rows.read + rows.passed_over.values().sum::<u64>()).sum();
        if !all_the_way {
            return Ok((rows, format!("{found:?}")));
        }
        let request = Request {
            load: load(),
            window: SignedDuration::from_hours(1),
            lookback: day,
            until: None,
            prices: &ModelTable::new(Vec::new()),
            rejects: None,
        };
        let observed = match observe::observe(&Engine::open(None)?, &request, &|_| ()) {
            Ok(observation) => format!("{observation:?}"),
            Err(error) => unusable(error)?,
        };
        Ok((rows, format!("{found:?}\n{observed}")))
    }

    /// Reads the lines twice.
    #[track_caller]
    fn check(&self, folder: &Path, batch: usize, text: &[u8]) {
        let file = folder.join(format!("{}-{batch}.ndjson", self.name));
        fs::write(&file, text).unwrap();
        let kept = || {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file.file_name().unwrap());
            fs::copy(&file, &kept).unwrap();
            kept.display().to_string()
        };
        let once = || match self.read(folder, &file, batch % 2 == 1) {
            Ok((rows, said)) => (Some(rows), said),
            Err(error) => {
                let said = unusable(error).unwrap_or_else(|error| panic!("{error:?} in {}", kept()));
                (None, said)
            }
        };
        let (rows, said) = once();
        let lines = lines(text).count() as u64;
        if let (Some(rows), true) = (rows, self.one_row_a_line) {
            assert!(rows >= lines, "{} of {lines} lines are lost in {}", lines - rows, kept());
        }
        let again = once();
        assert!((rows, &said) == (again.0, &again.1), "{}\nis read in two ways:\n{said}\n{}", kept(), again.1);
    }

    /// So many mutated lines, in batches that each begin with one that is whole.
    fn run(&self, good: &[Vec<u8>], odd: &[Vec<u8>], usual: usize) {
        let folder = tempdir().unwrap();
        write_csv(folder.path(), "good.csv", &good_rows(20));
        let mut mutator = Mutator::new(self.name);
        let seeds = [good, odd].concat();
        let (mut left, mut batch) = (inputs(usual), 0_usize);
        while left > 0 {
            // Where few lines are bad, a plan is made of the others: every second batch goes all the way.
            let whole = batch % 2 * 10;
            let size = left.min(BATCH.min(usual * 5 / 6) / if whole > 0 { 5 } else { 1 });
            let mut text = good[0].clone();
            for line in 0..size {
                text.push(b'\n');
                text.extend(mutator.mutated(&seeds));
                for whole in 0..whole {
                    text.push(b'\n');
                    text.extend(&good[(line + whole) % good.len()]);
                }
            }
            self.check(folder.path(), batch, &text);
            (left, batch) = (left - size, batch + 1);
        }
    }
}

/// What a source may be refused for: something in it, and nothing in the program.
fn unusable(error: ObserveError) -> Result<String, ObserveError> {
    use ObserveError as Error;
    match error {
        Error::NotItsFormat { .. }
        | Error::SeveralLines { .. }
        | Error::ColumnsMissing { .. }
        | Error::OnlyScores { .. }
        | Error::NoScores { .. }
        | Error::ScoresUseless { .. }
        | Error::IdsCollide { .. }
        | Error::AllRejected { .. }
        | Error::TooManyRejected { .. }
        | Error::NoRows { .. }
        | Error::NoMeasure
        | Error::NothingInWindow { .. } => Ok(error.to_string()),
        error => Err(error),
    }
}

#[test]
fn ndjson_of_any_kind() {
    let names: Vec<&str> = support::HEADER.split(',').collect();
    let good = good_rows(50).into_iter().map(|row| {
        let fields = names.iter().zip(row.split(',')).map(|(name, value)| ((*name).to_owned(), value.into()));
        serde_json::Value::Object(fields.collect()).to_string().into_bytes()
    });
    let good: Vec<Vec<u8>> = good.collect();
    let odd = corpus(&root().join("testdata/fuzz/ndjson"));
    Target { name: "ndjson", layout: None, scores: false, one_row_a_line: true }.run(&good, &odd, 3_000);
}

#[test]
fn otlp_of_any_kind() {
    let mut good = Vec::new();
    for name in ["otlp_spans", "otlp_metrics", "otlp_evaluations"] {
        let text = fs::read(root().join(format!("testdata/sources/{name}/rows.ndjson"))).unwrap();
        good.extend(lines(&text).map(<[u8]>::to_vec));
    }
    let odd = corpus(&root().join("testdata/fuzz/otlp"));
    // A line holds any number of records, none included, so lines and rows do not compare.
    Target { name: "otlp", layout: None, scores: false, one_row_a_line: false }.run(&good, &odd, 3_000);
}

#[test]
fn every_layout_with_its_values_mangled() {
    let folder = root().join("testdata/sources");
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut read = 0;
    for name in &names {
        let file = root().join(format!("testdata/sources/{name}/rows.ndjson"));
        if !file.exists() || name.starts_with("otlp") {
            continue;
        }
        let good: Vec<Vec<u8>> = lines(&fs::read(file).unwrap()).map(<[u8]>::to_vec).collect();
        let scores = ["quality_", "langfuse_scores", "helicone_scores", "tensorzero_feedback", "feedback"];
        let scores = scores.iter().any(|beginning| name.starts_with(beginning));
        let layout = (!scores).then_some(name.as_str());
        // An event of feedback, or an evaluation with its dimensions, holds several scores or none.
        let one_row_a_line = !["feedback", "quality_evaluations", "helicone_scores"].contains(&name.as_str());
        Target { name, layout, scores, one_row_a_line }.run(&good, &[], 300);
        read += 1;
    }
    assert!(read >= 15, "{names:?}");
}
