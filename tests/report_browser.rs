//! The page of `optimizer report` in a real browser: it fits a phone and a desk, can be read in light and dark, and fetches nothing.

mod support;

#[path = "support/browser/mod.rs"]
mod browser;

use browser::{Light, look};
use serde_json::Value;
use support::{
    canary::{SLOW, World},
    plan_json, root, run,
};
use tempfile::tempdir;

#[track_caller]
fn sound(html: &str, width: u32, light: Light) {
    let seen = look(html, width, light);
    assert_eq!(seen.measured["width"], width);
    assert_eq!(seen.measured["dark"], light == Light::Dark, "the browser shows what was asked for");
    assert!(
        seen.measured["texts"].as_u64().unwrap() > 50 && seen.measured["plots"].as_u64().unwrap() > 3,
        "{:?}",
        seen.measured
    );
    assert_eq!(seen.problems(), Vec::<String>::new(), "at {width} px, {light:?}");
}

#[test]
fn the_example_page_fits_and_can_be_read_anywhere() {
    let html = run(&root(), &["report"]).stdout;
    sound(&html, 360, Light::Bright);
    sound(&html, 360, Light::Dark);
    sound(&html, 1400, Light::Bright);
    sound(&html, 1400, Light::Dark);
}

#[test]
fn rollouts_fit_too() {
    let mut world = World::new(SLOW);
    world.tick(&[]);
    for _ in 0..3 {
        world.goes_by(15);
        world.tick(&[]);
    }
    let html = run(world.folder.path(), &["report", "--state", &world.state, "--from", "log.csv"]).stdout;
    sound(&html, 360, Light::Bright);
    sound(&html, 1400, Light::Dark);
}

#[test]
fn no_name_breaks_the_page() {
    let folder = tempdir().unwrap();
    let mut plan = plan_json(&root(), &[]);
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "x\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
        &"long".repeat(75),
        "🙂 a|b\n</style>",
    ];
    let old: Vec<String> =
        plan["services"].as_array().unwrap().iter().map(|one| one["service"].as_str().unwrap().to_owned()).collect();
    for list in ["services", "findings", "decisions"] {
        for entry in plan[list].as_array_mut().unwrap() {
            if let Some(place) = old.iter().position(|name| entry["service"] == **name) {
                entry["service"] = Value::from(names[place]);
                if let Some(reason) = entry.get_mut("reason") {
                    *reason = Value::from(names[place]);
                }
                if let Some(candidates) = entry["candidates"].as_array_mut() {
                    for candidate in candidates {
                        candidate["arm"]["model"] = names[place].into();
                    }
                }
            }
        }
    }
    std::fs::write(folder.path().join("plan.json"), plan.to_string()).unwrap();
    let html = run(folder.path(), &["report", "plan.json"]).stdout;
    sound(&html, 360, Light::Bright);
    sound(&html, 1400, Light::Bright);
}

#[test]
fn whatever_is_wrong_would_be_seen() {
    let page =
        |inside: &str| format!("<!DOCTYPE html><html><body style='margin:0;background:#fff'>{inside}</body></html>");
    let svg = |inside: &str| page(&format!("<svg viewBox='0 0 400 100' width='100%'>{inside}</svg>"));
    let broken = [
        (page("<p style='width:900px'>wide</p>"), "wide"),
        (page("<p style='color:#aaa'>faint</p>"), "faint"),
        (svg("<text x='10' y='50' font-size='8'>small</text>"), "small"),
        (svg("<text x='380' y='50' font-size='20'>beyond the edge</text>"), "clipped"),
        (
            svg("<text x='10' y='50' font-size='20'>one</text><text x='15' y='52' font-size='20'>two</text>"),
            "overlapping",
        ),
        (page("<img src='http://pictures.example/one.png' alt=''>"), "fetched"),
        (page("<script>console.error('a mistake')</script>"), "CONSOLE"),
    ];
    for (html, word) in broken {
        let problems = look(&html, 360, Light::Bright).problems();
        assert!(problems.iter().any(|problem| problem.contains(word)), "{word}: {problems:?}");
    }
    assert_eq!(look(&page("<p>fine</p>"), 360, Light::Bright).problems(), Vec::<String>::new());
}
