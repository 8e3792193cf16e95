#![expect(clippy::float_cmp, reason = "what is exact is compared exactly")]

use super::*;

mod promises;
mod properties;
mod references;

const B: [f64; 6] = [1.2, 2.5, 3.1, 4.8, 2.2, 3.9];
const C: [f64; 5] = [2.0, 3.5, 4.4, 6.6, 5.1];

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{got} for {want}");
}

fn mean_of(baseline: Sample, candidate: Sample) -> Evidence {
    Comparison::new(baseline, candidate, Mix::Baseline).unwrap().mean(false).unwrap()
}
