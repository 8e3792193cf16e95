//! The dashboard asks for what there is: every query of it has an answer from a real Prometheus over what runs export.

mod support;

#[path = "support/exported.rs"]
mod exported;

#[path = "support/prometheus.rs"]
#[allow(dead_code, reason = "promtool is for the metrics")]
mod servers;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use exported::text;
use optimizer::{
    domain::phase::Phase,
    tell::{Group, Target},
};
use serde_json::Value;
use servers::Server;
use support::canary::{BROKEN, GOOD, World};

/// Metrics that no panel shows, each with why.
const NOT_SHOWN: [&str; 0] = [];

/// Queries that have no answer here, each with why.
const EMPTY: [&str; 0] = [];

/// Places whose queries have no answer from the runs below, each with why.
const EMPTY_IN_REAL_RUNS: [&str; 0] = [];

fn dashboard() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/grafana/optimizer.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

fn list<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    of[name].as_array().unwrap_or_else(|| panic!("{name} is a list in {of}"))
}

fn said<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_else(|| panic!("{name} is a text in {of}"))
}

/// Panels that show something: all but the headings.
fn panels(dashboard: &Value) -> Vec<&Value> {
    list(dashboard, "panels").iter().filter(|panel| panel["type"] != "row").collect()
}

/// Every query with where it stands.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let of_panels = panels(dashboard).into_iter().flat_map(|panel| {
        let targets = list(panel, "targets").iter();
        targets.map(|target| (format!("panel `{}`", said(panel, "title")), said(target, "expr").to_owned()))
    });
    let of_annotations = list(&dashboard["annotations"], "list").iter();
    let of_annotations =
        of_annotations.map(|one| (format!("annotation `{}`", said(one, "name")), said(one, "expr").to_owned()));
    let of_variables = list(&dashboard["templating"], "list").iter().filter(|one| one["type"] == "query").map(|one| {
        let query = said(&one["query"], "query");
        assert_eq!(query, said(one, "definition"));
        let inside =
            query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')')).expect("values of a label");
        let (series, label) = inside.rsplit_once(", ").expect("series and a label");
        (format!("variable `{}`", said(one, "name")), format!("group by ({label}) ({series})"))
    });
    of_panels.chain(of_annotations).chain(of_variables).collect()
}

/// With the variables as Grafana fills them in where nothing was chosen.
fn filled(dashboard: &Value, query: &str) -> String {
    let variables = list(&dashboard["templating"], "list").iter().filter(|one| one["type"] == "query");
    let mut filled = query.replace("$__range", "1h");
    for variable in variables {
        assert_eq!(variable["current"]["value"], "$__all");
        filled = filled.replace(&format!("${}", said(variable, "name")), said(variable, "allValue"));
    }
    assert!(!filled.contains('$'), "an unknown variable in {query}");
    filled
}

#[test]
fn every_query_has_an_answer() {
    let gateway = Server::pushgateway();
    let prometheus = Server::prometheus(&gateway);
    let push = |runs| {
        let group = Group { job: "optimizer".to_owned(), instance: "eu".to_owned() };
        Target::Pushgateway(gateway.url()).write(&text(runs), &group, None).unwrap();
        prometheus.awaited(&format!("optimizer_rollbacks_total == {runs}"));
    };
    // Counters have to grow to be told from gauges.
    push(1);
    push(3);
    let dashboard = dashboard();
    let mut silent = Vec::new();
    let all = queries(&dashboard);
    assert!(all.len() > 30, "{}", all.len());
    for (place, query) in &all {
        let found = prometheus.query(&filled(&dashboard, query));
        // An answer that is no number shows as one that is not there.
        if found.is_empty() || found.iter().any(|(_, value)| value.is_nan()) {
            silent.push(format!("{place}: {query}"));
        }
    }
    assert_eq!(silent, EMPTY, "queries without an answer");
    for target in panels(&dashboard).into_iter().flat_map(|panel| list(panel, "targets")) {
        for name in said(target, "legendFormat").split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
            let found = prometheus.query(&filled(&dashboard, said(target, "expr")));
            assert!(found.iter().all(|(labels, _)| labels[name].is_string()), "no {name} in {target}");
        }
    }
    let number = |query: &str| prometheus.query(query)[0].1;
    let share = all
        .iter()
        .find(|(_, query)| query.contains("phase=\"observe\""))
        .map(|(_, query)| filled(&dashboard, query))
        .unwrap();
    assert!((number(&share) - 0.02 / 30.0).abs() < 1e-9, "a share of the budget");
    assert!(
        prometheus.query(&filled(&dashboard, "optimizer_rollbacks_total{instance=~\"$instance\"} > 3")).is_empty(),
        "it can be silent"
    );
}

/// Three installations: one whose change is completed, measured and then paused, one whose change was taken back, one in the middle.
#[test]
fn every_query_has_an_answer_from_real_runs() {
    let gateway = Server::pushgateway();
    let prometheus = Server::prometheus(&gateway);
    let target = format!("pushgateway:{}", gateway.url());
    let tick = |world: &World, instance: &str, more: &[&str]| -> String {
        let telling = ["--metrics", &target, "--metrics-instance", instance];
        let report = world.tick(&[&telling[..], more].concat());
        report.pointer("/steps/0/did").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let middle = World::new(GOOD);
    // A row that nobody can use.
    let log = middle.folder.path().join("log.csv");
    let rows = fs::read_to_string(&log).unwrap();
    let broken = rows.lines().last().unwrap().replace(",openai,", ",openai,,").replace(",dear,", ",,");
    fs::write(&log, format!("{rows}{broken}\n")).unwrap();
    assert_eq!(tick(&middle, "ap", &[]), "began");
    let (mut good, mut bad) = (World::new(GOOD), World::new(BROKEN));
    for (world, instance) in [(&good, "eu"), (&bad, "us")] {
        assert_eq!(tick(world, instance, &[]), "began");
    }
    prometheus.awaited("optimizer_deployments_started_total{instance=\"us\"} == 1");
    let until = |world: &mut World, instance: &str, wanted: &str| {
        for _ in 0..40 {
            world.goes_by(15);
            if tick(world, instance, &[]) == wanted {
                return;
            }
        }
        panic!("never {wanted}");
    };
    until(&mut bad, "us", "rolled_back");
    until(&mut good, "eu", "completed");
    good.rate = 60;
    good.goes_by(150);
    assert_eq!(good.command(&["pause", "--reason", "a test", "--yes"]).code, Some(0));
    tick(&good, "eu", &["--scope", "deep"]);
    prometheus.awaited("optimizer_rollbacks_total{instance=\"us\"} == 1");
    // A rate takes two looks.
    prometheus.awaited("increase(optimizer_cost_saved_total{instance=\"eu\"}[1h])");
    prometheus.awaited("optimizer_frozen{instance=\"eu\"}");
    let dashboard = dashboard();
    let mut silent = Vec::new();
    for (place, query) in queries(&dashboard) {
        let found = prometheus.query(&filled(&dashboard, &query));
        if found.is_empty() || found.iter().all(|(_, value)| value.is_nan()) {
            silent.push(format!("{place}: {query}"));
        }
    }
    assert_eq!(silent, EMPTY_IN_REAL_RUNS, "queries without an answer");
}

#[test]
fn nothing_that_is_exported_goes_unseen() {
    let text = text(1);
    let exported: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let all = queries(&dashboard()).into_iter().map(|(_, query)| query).collect::<Vec<_>>().join("\n");
    let words = all.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    let shown: BTreeSet<&str> = words
        .filter(|word| word.starts_with("optimizer_") && *word != "optimizer_")
        .map(|word| ["_bucket", "_sum", "_count"].iter().find_map(|part| word.strip_suffix(part)).unwrap_or(word))
        .collect();
    let unseen: Vec<&&str> = exported.difference(&shown).collect();
    assert_eq!(unseen, NOT_SHOWN.iter().collect::<Vec<_>>());
    assert!(shown.is_subset(&exported), "{:?}", shown.difference(&exported));
}

#[test]
fn budgets_are_those_of_the_phases() {
    let all = queries(&dashboard());
    for phase in Phase::ALL {
        let budget = format!("phase=\"{}\"}}) / {}", phase.name(), phase.budget().as_secs());
        assert_eq!(all.iter().filter(|(_, query)| query.ends_with(&budget)).count(), 1, "{budget}");
    }
}

#[test]
fn every_panel_says_what_it_shows_and_what_to_do() {
    /// Kinds that Grafana has without plugins.
    const KINDS: [&str; 4] = ["stat", "timeseries", "table", "bargauge"];
    let dashboard = dashboard();
    let source = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
    for panel in panels(&dashboard) {
        let title = said(panel, "title");
        assert!(KINDS.contains(&said(panel, "type")), "{title}");
        assert!(said(panel, "description").len() > 60, "{title}");
        assert!(!said(&panel["fieldConfig"]["defaults"], "unit").is_empty(), "{title}");
        assert_eq!(panel["datasource"], source, "{title}");
        let mut names = BTreeSet::new();
        for target in list(panel, "targets") {
            assert_eq!(target["datasource"], source, "{title}");
            assert!(names.insert(said(target, "refId")), "{title}: a query name twice");
            assert!(said(target, "expr").contains("instance=~\"$instance\""), "{title} shows all installations alike");
        }
    }
    let variables: Vec<&str> = list(&dashboard["templating"], "list").iter().map(|one| said(one, "name")).collect();
    assert_eq!(variables, ["datasource", "instance", "service"]);
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
}

#[test]
fn panels_lie_beside_each_other() {
    let dashboard = dashboard();
    let mut taken: BTreeMap<(u64, u64), &str> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut last = 0;
    for panel in list(&dashboard, "panels") {
        let title = said(panel, "title");
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: an id twice");
        let [x, y, wide, high] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(wide > 0 && high > 0 && x + wide <= 24, "{title}");
        assert!(y >= last || panel["type"] != "row", "{title}: headings come in order");
        last = y;
        for cell in (x..x + wide).flat_map(|x| (y..y + high).map(move |y| (x, y))) {
            assert_eq!(taken.insert(cell, title), None, "{title} lies upon another at {cell:?}");
        }
    }
}
