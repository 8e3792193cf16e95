//! What holds for any data.

use proptest::prelude::*;

use super::*;
use crate::domain::metric::Harm;

type Columns = (Vec<f64>, Vec<u32>, Vec<u32>, Vec<f64>);

fn sample(columns: &Columns, mask: u32) -> Sample<'_> {
    let mut sample = Sample::of(&columns.0);
    if mask & 1 > 0 {
        sample = sample.units(&columns.1);
    }
    if mask & 2 > 0 {
        sample = sample.strata(&columns.2);
    }
    if mask & 4 > 0 {
        sample = sample.weights(&columns.3);
    }
    sample
}

proptest! {
    /// Whatever comes in, numbers come out that make sense, and the interval at every level agrees with the p-value.
    #[test]
    fn total_and_consistent(
        rows in prop::collection::vec((-5.0..5.0f64, 0u32..6, 0u32..3, 0.0..2.0f64, any::<bool>()), 1..60),
        split in 0usize..60, kind in 0u32..3, tail in 0.0001..0.4f64,
    ) {
        let split = split.min(rows.len());
        let value = |v: f64| match kind { 0 => v, 1 => f64::from(u8::from(v > 0.0)), _ => v.round() };
        let columns = |rows: &[(f64, u32, u32, f64, bool)]| {
            let values: Vec<f64> = rows.iter().map(|row| value(row.0)).collect();
            let units: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let strata: Vec<u32> = rows.iter().map(|row| row.2).collect();
            let weights: Vec<f64> = rows.iter().map(|row| if row.4 { row.3 } else { 1.0 }).collect();
            (values, units, strata, weights)
        };
        let (b, c) = (columns(&rows[..split]), columns(&rows[split..]));
        for mask in 0..8 {
            let (baseline, candidate) = (sample(&b, mask), sample(&c, mask));
            let _ = mix_change(&baseline, &candidate);
            let Ok(comparison) = Comparison::new(baseline, candidate, Mix::Pooled) else { continue };
            let found = comparison.quantiles(&[0.5, 0.95]).into_iter().chain([comparison.mean(false), comparison.mean(true)]);
            for evidence in found.flatten() {
                prop_assert!(evidence.p_values.iter().all(|p| (0.0..=1.0).contains(p)), "{evidence:?}");
                let interval = evidence.interval(tail).difference;
                prop_assert_eq!(interval[0].is_some_and(|low| low > 0.0) && evidence.p_values[0] > tail, false);
                prop_assert!(interval[0].is_none_or(|low| !low.is_nan()) && interval[1].is_none_or(|high| !high.is_nan()));
                let items = [Harm::Up, Harm::Down, Harm::Neither].map(|harm| Item { evidence: Ok(&evidence), harm, margin: Margin { absolute: Some(0.1), relative: Some(0.1) }, role: Role::Guardrail, scope: Scope::Slice });
                for judged in judge(&items, &Promises::default()) {
                    prop_assert!(judged.detectable.is_none_or(|harm| harm >= 0.0), "{:?}", judged);
                }
            }
        }
    }

    /// Swapping the sides swaps the p-values.
    #[test]
    fn symmetric(x in prop::collection::vec(0.0..9.0f64, 3..40), y in prop::collection::vec(0.0..9.0f64, 3..40)) {
        let forth = mean_of(Sample::of(&x), Sample::of(&y)).p_values;
        let back = mean_of(Sample::of(&y), Sample::of(&x)).p_values;
        prop_assert!((forth[0] - back[1]).abs() < 1e-9 && (forth[1] - back[0]).abs() < 1e-9);
    }
}
