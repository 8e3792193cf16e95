//! Of a thousand services some differ by chance. Tests of one kind are therefore corrected together, over all services of a tick:
//! Benjamini and Hochberg, "Controlling the false discovery rate", J. R. Stat. Soc. B 57(1), 1995,
//! doi:10.1111/j.2517-6161.1995.tb02031.x.

use std::collections::BTreeMap;

use crate::{
    domain::{Finding, FindingKind},
    stats::multiplicity::{Correction, adjust},
};

/// Share of false ones that may be expected among the findings of a kind. Where nothing has changed anywhere, it is also how often a
/// tick shows one at all, and there are a hundred ticks a day. Requests are many, so where they are the sample one in a thousand is
/// no hard demand; where days are, and there are seven of them, it is one in a hundred.
fn false_discovery_rate(kind: FindingKind) -> f64 {
    match kind {
        FindingKind::WorseThanUsual | FindingKind::WorseThanBaseline => 0.01,
        _ => 0.001,
    }
}

/// The p-values of all tests that were done, by what they were looking for.
#[derive(Debug, Default)]
pub struct TestsDone(BTreeMap<FindingKind, Vec<f64>>);

impl TestsDone {
    /// One test was done. What is no probability was no test.
    pub(super) fn add(&mut self, kind: FindingKind, p_value: f64) {
        if (0.0..=1.0).contains(&p_value) {
            self.0.entry(kind).or_default().push(p_value);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        for (kind, p_values) in other.0 {
            self.0.entry(kind).or_default().extend(p_values);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|p_values| p_values.len() as u64).sum()
    }

    /// Drops findings of the kinds that were tested, unless one of their own tests stands the correction.
    pub(super) fn keep_significant(self, findings: &mut Vec<Finding>) {
        let limits: BTreeMap<FindingKind, f64> =
            self.0.into_iter().map(|(kind, p_values)| (kind, limit(&p_values, false_discovery_rate(kind)))).collect();
        findings.retain(|finding| {
            limits.get(&finding.kind).is_none_or(|limit| {
                // The first is the one that counts; others stand beside it for the reader.
                finding.evidence.tests.first().and_then(|test| test.p_value).is_some_and(|p_value| p_value <= *limit)
            })
        });
    }
}

/// The largest p-value that is significant at the rate; below zero when none is.
fn limit(p_values: &[f64], rate: f64) -> f64 {
    let adjusted = adjust(p_values, Correction::BenjaminiHochberg).unwrap_or_default();
    let significant = p_values.iter().zip(adjusted).filter(|(_, adjusted)| *adjusted <= rate);
    significant.fold(-1.0, |largest, (p_value, _)| p_value.max(largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_the_paper() {
        // The fifteen p-values of section 3.2; the first four are significant.
        let p_values = [
            0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
            0.7590, 1.0,
        ];
        assert!((limit(&p_values, 0.05) - 0.0095).abs() < 1e-12);
        assert!(limit(&[0.06, 0.9], 0.05) < 0.0);
        assert!(limit(&[], 0.05) < 0.0);
        assert!((limit(&[0.05], 0.05) - 0.05).abs() < 1e-12);
    }
}
