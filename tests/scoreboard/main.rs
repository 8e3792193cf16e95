//! The rules by which the scoreboard scores, held to worked examples, and a few of its results.

#[path = "../../benches/scoreboard/change_points.rs"]
#[allow(dead_code, reason = "the scoreboard uses the rest")]
mod change_points;
#[path = "../../benches/scoreboard/nab.rs"]
#[allow(dead_code, reason = "the scoreboard uses the rest")]
mod nab;
mod nab_rules;
#[path = "../../benches/scoreboard/public.rs"]
#[allow(dead_code, reason = "the scoreboard uses the rest")]
mod public;
#[path = "../../benches/scoreboard/replayed.rs"]
#[allow(dead_code, reason = "the scoreboard uses the rest")]
mod replayed;
#[path = "../../benches/scoreboard/table.rs"]
#[allow(dead_code, reason = "the scoreboard uses the rest")]
mod table;
#[path = "../../benches/scoreboard/tcpd.rs"]
mod tcpd;
mod tcpd_rules;

#[test]
fn series_in_which_nothing_happens_make_no_alarm() {
    for stem in ["art_flatline", "art_daily_small_noise", "ec2_cpu_utilization_c6585a"] {
        let found = replayed::replay(stem);
        let outcome = found.outcome(None);
        assert!(outcome.windows.is_empty() && outcome.rows == 4_032, "{stem}");
        assert!(outcome.detections.is_empty(), "{stem}: {:?}", found.anomalies);
    }
}

#[test]
fn a_day_that_jumps_up_is_found_while_it_does() {
    let found = replayed::replay("art_daily_jumpsup");
    let tally = found.outcome(None).score(&nab::PROFILES[0]);
    assert_eq!((tally.windows, tally.hits, tally.false_alarms), (1, 1, 0), "{:?}", found.anomalies);
    assert!(found.anomalies.iter().all(|(metric, _)| metric == "latency"));
}

#[test]
fn change_points_agree_with_annotators_better_than_silence() {
    let all = change_points::Annotated::all();
    let mean = |score: &dyn Fn(&change_points::Annotated) -> f64| all.iter().map(score).sum::<f64>() / all.len() as f64;
    assert_eq!(all.len(), 10);
    let f1 = mean(&|series| series.score(&series.found())[0]);
    let cover = mean(&|series| series.score(&series.found())[1]);
    assert!(f1 > 0.83 && cover > 0.77, "F1 {f1}, cover {cover}");
    assert!(f1 > mean(&|series| series.score(&[])[0]) + 0.1);
}
