//! Reads the vectors, compares within each case's own tolerance, and makes sure that nothing expected goes unread.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

/// |got − want| ≤ abs + rel·|want|.
#[derive(Debug, Clone, Copy)]
pub struct Tolerance {
    rel: f64,
    abs: f64,
}

impl Tolerance {
    /// From the spelling of the files: an object, a number (absolute), "exact", or a text that names its "rel …".
    pub fn of(value: &Value) -> Self {
        let part = |key: &str| value.get(key).and_then(Value::as_f64).unwrap_or(0.0);
        match value {
            Value::String(text) => {
                let rel =
                    text.split("rel ").nth(1).map_or(0.0, |rest| rest.trim().parse().expect("a relative tolerance"));
                Self { rel, abs: 0.0 }
            }
            Value::Number(abs) => Self { rel: 0.0, abs: abs.as_f64().expect("a number") },
            _ => Self { rel: part("rel"), abs: part("abs") },
        }
    }
}

/// One case, what of it was compared, and what failed.
pub struct Case<'a> {
    pub id: &'a str,
    pub function: &'a str,
    pub input: &'a Value,
    pub expected: &'a Value,
    pub tolerance: &'a Value,
    seen: BTreeSet<String>,
    failures: Vec<String>,
}

/// A number, also when spelled "inf", "-inf" or "NaN"; `None` for null.
pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => None,
        Value::Number(number) => number.as_f64(),
        Value::String(text) => Some(text.parse().expect("a number in words")),
        other => panic!("{other} is not a number"),
    }
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|entry| number(entry).expect("a number")).collect()
}

impl<'a> Case<'a> {
    fn new(value: &'a Value) -> Self {
        let text = |key: &str| value[key].as_str().expect("a text");
        Self {
            id: text("id"),
            function: text("function"),
            input: &value["input"],
            expected: &value["expected"],
            tolerance: &value["tolerance"],
            seen: BTreeSet::new(),
            failures: Vec::new(),
        }
    }

    pub fn number(&self, key: &str) -> f64 {
        self.maybe(key).unwrap_or_else(|| panic!("{}: input {key}", self.id))
    }

    pub fn maybe(&self, key: &str) -> Option<f64> {
        self.input.get(key).and_then(number)
    }

    pub fn numbers(&self, key: &str) -> Vec<f64> {
        numbers(&self.input[key])
    }

    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.input.get(key).and_then(Value::as_str)
    }

    pub fn expects(&self, field: &str) -> bool {
        self.expected.get(field).is_some()
    }

    /// The tolerance of a field: its own, or that of the case.
    fn tolerance_of(&self, key: &str) -> Tolerance {
        Tolerance::of(self.tolerance.get(key).unwrap_or(self.tolerance))
    }

    /// Compares a field, if the case has it. `None` is "no value", which must be null in the file.
    pub fn check(&mut self, field: &str, got: impl Into<Option<f64>>) {
        self.check_as(field, field, got);
    }

    /// As `check`, with the tolerance filed under another name.
    pub fn check_as(&mut self, field: &str, tolerance: &str, got: impl Into<Option<f64>>) {
        if let Some(want) = self.expected.get(field) {
            let tolerance = self.tolerance_of(tolerance);
            self.seen.insert(field.to_owned());
            self.compare(field, want, got.into(), tolerance);
        }
    }

    /// Compares a field that is a list.
    pub fn check_list(&mut self, field: &str, tolerance: &str, got: &[Option<f64>]) {
        let Some(want) = self.expected.get(field) else { return };
        let tolerance = self.tolerance_of(tolerance);
        self.seen.insert(field.to_owned());
        let want = want.as_array().expect("a list");
        if want.len() != got.len() {
            self.failures.push(format!("{field}: {} entries, wanted {}", got.len(), want.len()));
        }
        for (i, (want, got)) in want.iter().zip(got).enumerate() {
            self.compare(&format!("{field}[{i}]"), want, *got, tolerance);
        }
    }

    pub fn compare(&mut self, field: &str, want: &Value, got: Option<f64>, tolerance: Tolerance) {
        let good = match (number(want), got) {
            (None, None) => true,
            (Some(want), Some(got)) if want.is_finite() => {
                (got - want).abs() <= tolerance.abs + tolerance.rel * want.abs()
            }
            (Some(want), Some(got)) => want.total_cmp(&got).is_eq(),
            _ => false,
        };
        if !good {
            let shown = got.map_or("nothing".to_owned(), |got| format!("{got:?}"));
            self.failures.push(format!(
                "{field}: got {shown}, wanted {want} within rel {} abs {}",
                tolerance.rel, tolerance.abs
            ));
        }
    }

    /// Compares a field with a value that is equal or not, if the case has it.
    pub fn check_equal(&mut self, field: &str, got: impl Into<Value>) {
        if let Some(want) = self.expected.get(field) {
            self.seen.insert(field.to_owned());
            let got = got.into();
            if *want != got {
                self.failures.push(format!("{field}: got {got}, wanted {want}"));
            }
        }
    }

    /// A relation that the file states in words.
    pub fn holds(&mut self, field: &str, holds: bool, what: &str) {
        self.seen.insert(field.to_owned());
        if !holds {
            self.failures.push(format!("{field}: does not hold: {what}"));
        }
    }

    /// Fields that explain or repeat others and cannot be computed.
    pub fn prose(&mut self, fields: &[&str]) {
        self.seen.extend(fields.iter().map(|field| (*field).to_owned()));
    }

    fn finish(mut self) -> Vec<String> {
        let expected = self.expected.as_object().expect("expected is an object");
        for field in expected.keys().filter(|field| !self.seen.contains(*field)) {
            self.failures.push(format!("{field}: nothing compared it"));
        }
        self.failures.iter().map(|failure| format!("{}: {failure}", self.id)).collect()
    }
}

/// Runs a file: how many cases, how many of them passed, and all failures.
pub fn run(suite: &str, check: impl Fn(&mut Case)) -> (usize, usize, Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/conformance").join(format!("{suite}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(Some(cases.len() as u64), file["n_cases"].as_u64(), "{suite} holds what it says");
    let (mut passed, mut failures) = (0, Vec::new());
    for value in cases {
        let mut case = Case::new(value);
        check(&mut case);
        let failed = case.finish();
        passed += usize::from(failed.is_empty());
        failures.extend(failed.into_iter().map(|failure| format!("{suite}/{failure}")));
    }
    (cases.len(), passed, failures)
}
