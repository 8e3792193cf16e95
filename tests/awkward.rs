//! Whatever the values, a statistic is a finite number or says why there is none; nothing panics.

use optimizer::stats::{
    Sketch,
    descriptive::{self, LogNormal, Quartiles},
    hypothesis::{
        Alternative, Binned, Difference, Undefined, effect_size, ks,
        mann_whitney::{self, Continuity, MannWhitney},
        welch::{self, Summary},
    },
    limits::{Boundaries, Limits, LowerTail},
    mann_kendall::{self, Autocorrelation},
    psi::{self, EmptyBins},
    theil_sen,
};

const SIDES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

fn awkward() -> Vec<Vec<f64>> {
    let many = |f: fn(f64) -> f64| (0..60).map(|i| f(f64::from(i))).collect::<Vec<f64>>();
    vec![
        vec![],
        vec![0.0],
        vec![-0.0, 0.0],
        vec![1.0, 2.0],
        vec![5.0; 2],
        vec![5.0; 60],
        vec![f64::NAN, 1.0, 2.0],
        vec![f64::INFINITY, 1.0, 2.0],
        vec![f64::NEG_INFINITY; 4],
        vec![f64::MAX, f64::MIN, 1.0],
        vec![f64::MAX; 12],
        vec![f64::MIN_POSITIVE, 5e-324, 0.0],
        vec![1e-200, 2e-200, 3e-200],
        many(|i| 1e9 + i % 3.0),
        many(|i| 1e15 + i),
        many(|i| i),
        many(|i| -i),
        many(|i| (i * 0.37).exp()),
        many(|i| f64::from(u8::from(i > 57.0))),
        many(|i| 1e308 * (i * 7.0 % 5.0 - 2.0) / 2.0),
        many(|i| if i < 1.0 { 1e300 } else { 1e-300 }),
    ]
}

fn probability(name: &str, p: f64) {
    assert!((0.0..=1.0).contains(&p), "{name}: {p}");
}

fn finite(name: &str, value: f64) {
    assert!(value.is_finite(), "{name}: {value}");
}

fn difference(name: &str, found: Result<Difference, Undefined>) {
    let Ok(found) = found else { return };
    finite(name, found.statistic(0.0));
    for side in SIDES {
        probability(name, found.p_value(side, 0.0));
        assert!(found.ln_p_value(side, 0.0) <= 0.0, "{name}: {found:?}");
        let bounds = found.interval(0.95, side).expect("an interval");
        for end in [bounds.low, bounds.high].into_iter().flatten() {
            assert!(!end.is_nan(), "{name}: {found:?}");
        }
    }
}

#[test]
fn two_samples() {
    for x in awkward() {
        for y in awkward() {
            let bad = x.iter().chain(&y).any(|value| !value.is_finite());
            for side in SIDES {
                for found in
                    [ks::test(&x, &y, side).map(|t| t.p_value), mann_whitney::test(&x, &y, side).map(|t| t.p_value)]
                {
                    assert_eq!(found.is_err(), bad || x.is_empty() || y.is_empty(), "{x:?} {y:?}");
                    let _ = found.map(|p| probability("rank test", p));
                }
                for continuity in [Continuity::Corrected, Continuity::Uncorrected] {
                    let found = MannWhitney::of_values(&x, &y).and_then(|u| u.p_asymptotic(side, continuity));
                    let _ = found.map(|p| probability("U", p));
                }
            }
            difference("Welch", welch::welch_of_values(&x, &y));
            let _ = effect_size::hodges_lehmann(&x, &y).map(|shift| finite("shift", shift));
            if let (Ok(a), Ok(b)) = (Summary::of_values(&x), Summary::of_values(&y)) {
                let _ = effect_size::hedges_g(&a, &b, 0.95).map(|g| finite("g", g.value));
            }
            if let Ok(sides) = Binned::of_values(&x, &y) {
                check_binned(&sides);
            }
            let sketches = [Sketch::from_values(x.iter().copied()), Sketch::from_values(y.iter().copied())];
            let rows = [0, 1].map(|i| sketches[i].rows() as f64);
            if let Ok(sides) = Binned::of_sketches(&sketches[0], &sketches[1], rows) {
                check_binned(&sides);
            }
            let summary = |i: usize| Summary::of_sketch(&sketches[i], rows[i]);
            difference("Welch, sketch", summary(0).and_then(|x| welch::welch(&x, &summary(1)?)));
        }
    }
}

fn check_binned(sides: &Binned) {
    for side in SIDES {
        let (ks, mw) = (sides.ks(side), sides.mann_whitney(side));
        probability("distance", ks.distance);
        probability("distance at most", ks.distance_at_most);
        assert!(ks.distance <= ks.distance_at_most, "{ks:?}");
        for p in [ks.p_value, mw.p_value, mw.superiority, mw.resolution] {
            probability("binned", p);
        }
    }
    for empty in [EmptyBins::Refuse, EmptyBins::Floor(1e-4), EmptyBins::Add(0.5)] {
        for bins in [0, 1, 2, 10, 1000] {
            if let Some(found) = psi::between(sides, bins, empty) {
                probability("PSI", found.p_value);
                assert!(found.index.is_finite() && found.index >= 0.0, "{found:?}");
            }
        }
    }
    if let Ok(delta) = effect_size::cliffs_delta(sides, 0.95) {
        let (low, high) = (delta.bounds.low.expect("low"), delta.bounds.high.expect("high"));
        assert!(-1.0 <= low && low <= delta.value + 1e-9 && delta.value <= high + 1e-9 && high <= 1.0, "{delta:?}");
    }
}

#[test]
fn one_sample() {
    let both = Boundaries { lower: Some(0.95), upper: Some(0.95) };
    let sound = |limits: Limits| {
        for limit in [limits.baseline, limits.lower, limits.upper].into_iter().flatten() {
            finite("limit", limit);
        }
    };
    for x in awkward() {
        if let Ok(line) = theil_sen::fit(&x) {
            finite("slope", line.slope);
            finite("intercept", line.intercept);
        }
        let methods =
            [Autocorrelation::FirstOrder, Autocorrelation::HamedRao { level: 0.05 }, Autocorrelation::YueWang];
        for found in methods
            .map(|method| mann_kendall::corrected(&x, method))
            .into_iter()
            .chain([mann_kendall::test(&x)])
            .flatten()
        {
            finite("z", found.z());
            finite("tau", found.tau_a() + found.tau_b().unwrap_or(0.0));
            for side in SIDES {
                probability("trend", found.p_value(side));
            }
        }
        for value in [descriptive::mean(&x), descriptive::variance(&x, 0.0), descriptive::quantile(&x, 0.5)]
            .into_iter()
            .flatten()
        {
            finite("moment", value);
        }
        if let Some(fit) = LogNormal::fit(&x) {
            sound(Limits::log_normal(fit, both, LowerTail::Mirrored));
            sound(Limits::log_normal(fit, both, LowerTail::Quantile));
        }
        if let Some((mean, spread)) =
            descriptive::mean(&x).and_then(|m| Some((m, descriptive::standard_deviation(&x, m)?)))
        {
            sound(Limits::z(mean, spread, both));
            sound(Limits::t_prediction(mean, spread, x.len() as f64, both));
        }
        if let Some(quartiles) = Quartiles::of(&x) {
            sound(Limits::iqr(quartiles, both));
            if let Some(changes) = Quartiles::of_relative_changes(&x) {
                sound(Limits::delta_iqr(quartiles, changes, both));
            }
        }
    }
}
