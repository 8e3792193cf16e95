//! How often each test cries wolf, with few trials: a test whose rate is wrong by a factor of two shows. `make scoreboard` has the
//! whole table.

#[path = "../benches/scoreboard/calibration/mod.rs"]
#[allow(dead_code, reason = "the scoreboard uses the rest")]
mod calibration;

use calibration::{Cell, Distribution, Effort, LEVELS, false_alarms, no_change, subject, table, tally};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Cells that are known to be wrong, which is why nothing in the product rests on them there.
fn known_liberal(cell: &Cell) -> bool {
    match cell.test {
        // Expected counts below 5, or few values that the statistic can take.
        "PSI above 0.25" | "sample ratio" => cell.n <= 200,
        "unpooled z" | "Mann-Kendall, first order" => cell.n == 20,
        "Welch" | "Welch, sketch" => cell.data.ends_with("1:10") && !cell.data.starts_with("normal"),
        "Mann-Kendall" => cell.data.starts_with("AR"),
        "Mann-Kendall, Hamed-Rao" | "Mann-Kendall, Yue-Wang" => true,
        _ => false,
    }
}

#[test]
fn no_test_cries_wolf_and_the_table_sees_those_that_do() {
    let cells = table(Effort::Quick, 20_231_116);
    for cell in cells.iter().filter(|cell| cell.trials >= 100) {
        let distance = (cell.rate - cell.alpha) / cell.standard_error;
        assert!(distance < 4.5 || known_liberal(cell), "{cell:?}");
    }
    let rate = |test: &str, data: &str, n: usize| {
        let found =
            cells.iter().find(|cell| cell.test == test && cell.data == data && cell.n == n && cell.alpha > 0.04);
        found.expect("a cell").rate
    };
    for test in ["Mann-Whitney", "Mann-Whitney, sketch", "Welch", "Welch, sketch", "Mann-Kendall"] {
        assert!((rate(test, "normal", 20) - 0.05).abs() < 0.031, "{test}: {}", rate(test, "normal", 20));
    }
    assert!(rate("PSI above 0.25", "log-normal", 20) > 0.8, "the usual band is no test");
    assert!(rate("Mann-Kendall", "AR(1), 0.5", 200) > 0.15 && rate("Mann-Kendall, Yue-Wang", "AR(1), 0.5", 200) > 0.3);
    assert!(rate("Welch", "log-normal, 1:10", 20) > 0.07, "a small canary of a skewed quantity: loud");
    assert!(rate("Welch", "90 % zeros", 20) < 0.03, "few values of a skewed quantity: quiet");
}

#[test]
fn the_same_seed_gives_the_same_table() {
    let cells = |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        tally("normal", 20, 30, &LEVELS, || subject::two_samples(Distribution::Normal, [20; 2], &mut random))
    };
    assert_eq!(cells(1), cells(1));
    assert_ne!(cells(1), cells(2));
}

#[test]
fn the_detector_seldom_calls_what_is_usual_an_anomaly() {
    let found = false_alarms::all(3);
    for alarms in &found {
        assert!(alarms.over_all() <= 1.0, "{alarms:?}");
    }
    let mean = found.iter().map(false_alarms::FalseAlarms::over_all).sum::<f64>() / found.len() as f64;
    assert!(mean < 0.25, "{mean} a week and series");
}

#[test]
fn change_points_are_seldom_found_where_nothing_changes() {
    let cells = no_change::all(false);
    for found in cells.iter().filter(|found| found.n == 200) {
        // Tails that heavy are for logarithms.
        let most = if found.law == "log-normal, sigma 1" { 0.1 } else { 0.02 };
        assert!(found.share <= most, "{found:?}");
    }
    let short = |law: &str| cells.iter().find(|found| found.law == law && found.n == 20).expect("a cell").share;
    assert!(short("normal") < 0.01 && short("AR(1), 0.8") > 0.05, "few values that follow each other look like a step");
}
