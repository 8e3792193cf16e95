//! How well the statistics do on public data, how often they cry wolf on made-up data without change, and how fast they are.
//!
//! ```text
//! make scoreboard
//! cargo bench --bench scoreboard -- nab tcpd           # only these parts
//! cargo bench --bench scoreboard -- --json calibration # one line of JSON a result; the full table takes minutes
//! ```
//! Without names all parts run, calibration with few trials. `cargo test` runs a little of it, to keep it alive.

mod bandits;
mod calibration;
mod change_points;
mod day;
mod evidence;
mod forecasts;
mod gate;
mod levels;
mod nab;
mod parameters;
mod predictor;
mod public;
mod replayed;
mod routing;
mod series;
mod speed;
mod table;
mod tcpd;
mod windows;

use calibration::Effort;

const PARTS: [&str; 13] = [
    "nab",
    "tcpd",
    "calibration",
    "forecast",
    "speed",
    "decide",
    "routing",
    "bandits",
    "parameters",
    "predictor",
    "evidence",
    "tick",
    "gate",
];

fn main() {
    speed::serve_if_asked();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut taken = |flag: &str| {
        let before = arguments.len();
        arguments.retain(|argument| argument != flag);
        arguments.len() < before
    };
    // `cargo bench` says so; without it this is a test run.
    let (measuring, json, quick) = (taken("--bench"), taken("--json"), taken("quick"));
    if let Some(unknown) = arguments.iter().find(|name| !PARTS.contains(&name.as_str())) {
        panic!("no part is called {unknown}; there are {}", PARTS.join(", "));
    }
    if !measuring && arguments.is_empty() {
        change_points::print(json);
        evidence::alive();
        gate::alive();
        speed::of_analysis(&speed::Fleet { services: 4, slots: 4 * 96 }, 1, json);
        speed::of_decisions(&[speed::Choices { services: 4, models: 3 }], 1, json);
        speed::of_pushes(4, 2, json);
        speed::of_ticks(&speed::Remembered { in_flight: 2, services: 3, weeks: &[("1 week", 1)] }, json);
        return;
    }
    let named = |part: &str| arguments.iter().any(|name| name == part);
    let wanted = |part: &str| arguments.is_empty() || named(part);
    if wanted("nab") {
        windows::print(json);
    }
    if wanted("tcpd") {
        change_points::print(json);
    }
    if wanted("calibration") {
        levels::print(if named("calibration") { Effort::Full } else { Effort::Quick }, json);
    }
    if wanted("forecast") {
        forecasts::print(json);
    }
    if wanted("routing") {
        routing::print(20, &[2_000, 10_000, 50_000, 250_000, 1_000_000], json);
    }
    if wanted("predictor") {
        predictor::print(json);
    }
    if wanted("evidence") {
        // All of it takes twenty minutes.
        evidence::print(if named("evidence") && !quick { 5_000 } else { 300 });
    }
    if wanted("gate") {
        // All of it takes the better part of half an hour.
        gate::print(if named("gate") && !quick { gate::Effort::Full } else { gate::Effort::Quick }, json);
    }
    if wanted("bandits") {
        bandits::of_regret(100, json);
    }
    if wanted("parameters") {
        parameters::print(50, json);
    }
    if wanted("decide") {
        let sizes = [(250, 20), (500, 20), (1_000, 20), (2_000, 20), (1_000, 5)];
        speed::of_decisions(&sizes.map(|(services, models)| speed::Choices { services, models }), 5, json);
    }
    if wanted("tick") {
        speed::of_pushes(1_000, 20, json);
        let weeks = [("1 week", 1), ("1 month", 4), ("1 year", 52)];
        speed::of_ticks(&speed::Remembered { in_flight: 200, services: 1_000, weeks: &weeks }, json);
    }
    if wanted("speed") {
        speed::of_analysis(&speed::Fleet { services: 1_000, slots: 672 }, 5, json);
        speed::of_replay(&speed::Month { services: 6, days: 30, requests_a_slot: 4.0 }, json);
    }
}
