//! The scoring of the Numenta Anomaly Benchmark.

use crate::nab::{Outcome, PROFILES, Tally, normalised};

fn outcome(detections: &[usize]) -> Outcome {
    Outcome { rows: 1000, windows: vec![(200, 299), (600, 699)], detections: detections.to_vec() }
}

fn standard(detections: &[usize]) -> f64 {
    normalised(&outcome(detections).score(&PROFILES[0]), &PROFILES[0]).unwrap()
}

#[test]
fn silence_is_zero_and_left_edges_are_a_hundred() {
    assert!(standard(&[]).abs() < 1e-12);
    assert!((standard(&[200, 600]) - 100.0).abs() < 1e-12);
    assert!((standard(&[200, 250, 600, 640]) - 100.0).abs() < 1e-12, "later detections in a window are free");
}

#[test]
fn the_middle_of_a_window_is_worth_what_the_sigmoid_says() {
    // Row 250 of 200..=299 lies at y = -0.5: sigma = 0.84828, over 0.98661.
    let raw = outcome(&[250]).score(&PROFILES[0]).raw;
    assert!((raw - (0.848_283_6 / 0.986_614_3 - 1.0)).abs() < 1e-6, "{raw}");
}

#[test]
fn false_alarms_cost_more_the_further_behind_a_window() {
    let cost = |row| outcome(&[row]).score(&PROFILES[0]).raw + 2.0;
    assert!((cost(150) + 0.11).abs() < 1e-12, "before the first window: all of it");
    assert!(cost(150) < cost(310) && cost(310) < 0.0);
    assert!((cost(599) + 0.11).abs() < 1e-3 && (cost(999) + 0.11).abs() < 1e-12);
    assert!((standard(&[149]) - 0.0).abs() < 1e-12, "probation rows are not scored");
}

#[test]
fn profiles_weigh_misses_and_false_alarms() {
    let by = |k: usize| normalised(&outcome(&[150, 200]).score(&PROFILES[k]), &PROFILES[k]).unwrap();
    for (k, expected) in [189.0 / 4.0, 178.0 / 4.0, 289.0 / 6.0].into_iter().enumerate() {
        assert!((by(k) - expected).abs() < 1e-9, "{k}: {}", by(k));
    }
    assert_eq!(normalised(&Tally::default(), &PROFILES[0]), None);
}

#[test]
fn a_window_inside_the_probation_rows_is_left_out() {
    let file = Outcome { rows: 1000, windows: vec![(10, 20)], detections: vec![15, 21] };
    assert_eq!(file.score(&PROFILES[0]), Tally::default());
}
