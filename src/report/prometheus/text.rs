//! The text format of Prometheus, version 0.0.4: families of samples, each with its help and type.

use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
    Histogram,
}

/// Labels and their values, in the order in which they are shown.
type Labels<'a> = Vec<(&'static str, &'a str)>;

/// One name, and what is measured under it. A family without samples is not written: nothing is known, and that is not zero.
#[derive(Debug)]
pub(super) struct Family<'a> {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    /// In the order of writing: buckets have to stand in theirs.
    samples: Vec<(&'static str, Labels<'a>, f64)>,
    /// The first of two with the same labels stays: a series that is there twice would void the whole text.
    seen: BTreeSet<(&'static str, Labels<'a>)>,
}

impl<'a> Family<'a> {
    pub fn new(kind: Kind, name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind, samples: Vec::new(), seen: BTreeSet::new() }
    }

    pub fn one(self, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.with(Vec::new(), value),
            None => self,
        }
    }

    pub fn with(mut self, labels: Labels<'a>, value: f64) -> Self {
        self.add("", labels, value);
        self
    }

    pub fn all(mut self, samples: impl IntoIterator<Item = (Labels<'a>, f64)>) -> Self {
        for (labels, value) in samples {
            self.add("", labels, value);
        }
        self
    }

    /// One part of a histogram: `_bucket`, `_sum` or `_count`.
    pub fn part(mut self, suffix: &'static str, labels: Labels<'a>, value: f64) -> Self {
        self.add(suffix, labels, value);
        self
    }

    fn add(&mut self, suffix: &'static str, labels: Labels<'a>, value: f64) {
        // Not a number is what nobody measured.
        if value.is_finite() && self.seen.insert((suffix, labels.clone())) {
            self.samples.push((suffix, labels, value));
        }
    }

    pub fn write(&self, text: &mut String) {
        if self.samples.is_empty() {
            return;
        }
        let kind = match self.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        };
        let help = self.help.replace('\\', "\\\\").replace('\n', "\\n");
        *text += &format!("# HELP {0} {help}\n# TYPE {0} {kind}\n", self.name);
        for (suffix, labels, value) in &self.samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            *text += &format!("{}{suffix}{labels} {value}\n", self.name);
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(family: &Family<'_>) -> String {
        let mut text = String::new();
        family.write(&mut text);
        text
    }

    #[test]
    fn labels_and_help_are_escaped() {
        let family = Family::new(Kind::Gauge, "x", "one\\two\nthree").with(vec![("a", "q\"b\\c\nd"), ("b", "é")], 1.5);
        assert_eq!(
            text(&family),
            "# HELP x one\\\\two\\nthree\n# TYPE x gauge\nx{a=\"q\\\"b\\\\c\\nd\",b=\"é\"} 1.5\n"
        );
    }

    #[test]
    fn what_nobody_measured_is_not_there() {
        assert_eq!(text(&Family::new(Kind::Counter, "x", "h").one(None).with(vec![], f64::NAN)), "");
        assert!(text(&Family::new(Kind::Counter, "x", "h").one(Some(0.0))).ends_with("\nx 0\n"));
    }

    #[test]
    fn no_series_is_there_twice() {
        let family = Family::new(Kind::Gauge, "x", "h").with(vec![("a", "1")], 1.0).with(vec![("a", "1")], 2.0);
        assert_eq!(text(&family).lines().skip(2).collect::<Vec<_>>(), ["x{a=\"1\"} 1"]);
    }

    #[test]
    fn large_and_small_numbers_are_digits() {
        let shown = |value| text(&Family::new(Kind::Gauge, "x", "h").one(Some(value)));
        assert!(shown(1_767_268_800.25).ends_with("x 1767268800.25\n"));
        assert!(shown(0.000_000_1).ends_with("x 0.0000001\n"));
    }
}
