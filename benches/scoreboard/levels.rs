//! The part `calibration`: how often each test, the anomaly detector and the search for change points say something of data in
//! which nothing changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    calibration::{self, Effort, Verdict, false_alarms, no_change},
    table::{Table, rounded},
};

const SEED: u64 = 20_231_116;

pub fn print(effort: Effort, as_json: bool) {
    tests(effort, as_json);
    detector(effort, as_json);
    change_points(effort, as_json);
}

fn tests(effort: Effort, as_json: bool) {
    let columns = ["test", "data", "n", "alpha", "trials", "rate", "standard_error", "verdict"];
    let mut table = Table::new("calibration", &columns);
    let mut verdicts: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for cell in calibration::table(effort, SEED) {
        let verdict = match cell.verdict {
            Verdict::Level => "level",
            Verdict::Conservative => "conservative",
            Verdict::Liberal => "liberal",
        };
        *verdicts.entry((cell.test, verdict)).or_default() += 1;
        table.push(vec![
            json!(cell.test),
            json!(cell.data),
            json!(cell.n),
            json!(cell.alpha),
            json!(cell.trials),
            rounded(cell.rate, 4),
            rounded(cell.standard_error, 4),
            json!(verdict),
        ]);
    }
    table.print(as_json);
    let mut summary = Table::new("calibration cells", &["test", "level", "conservative", "liberal"]);
    let mut tests: Vec<&str> = verdicts.keys().map(|(test, _)| *test).collect();
    tests.dedup();
    for test in tests {
        let of = |verdict: &str| json!(verdicts.get(&(test, verdict)).copied().unwrap_or_default());
        summary.push(vec![json!(test), of("level"), of("conservative"), of("liberal")]);
    }
    summary.print(as_json);
}

fn detector(effort: Effort, as_json: bool) {
    let columns = ["series", "runs", "first_week", "second_week", "later_weeks", "a_week", "most_in_one_series"];
    let mut table = Table::new("false anomalies a week", &columns);
    let runs = if effort == Effort::Full { 200 } else { 10 };
    for found in false_alarms::all(runs) {
        let [first, second, later] = found.a_week.map(|rate| rounded(rate, 3));
        let all = rounded(found.over_all(), 3);
        table.push(vec![json!(found.law), json!(runs), first, second, later, all, json!(found.most)]);
    }
    table.print(as_json);
}

fn change_points(effort: Effort, as_json: bool) {
    let mut table = Table::new("any false change point", &["values", "n", "runs", "share"]);
    let cells = no_change::all(effort == Effort::Full).into_iter();
    for row in cells.map(|found| -> Vec<Value> {
        vec![json!(found.law), json!(found.n), json!(found.runs), rounded(found.share, 4)]
    }) {
        table.push(row);
    }
    table.print(as_json);
}
