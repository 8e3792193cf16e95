//! Public series with a clock, in slots: what forecasts are tried on.

use std::collections::BTreeMap;

use optimizer::stats::Point;

use super::public::{self, Row};

/// A figure through time.
#[derive(Debug)]
pub struct Series {
    pub name: String,
    /// Whether these are requests of language models.
    pub llm: bool,
    /// Length of a slot, seconds.
    pub slot: i64,
    pub points: Vec<Point>,
    /// Slots that a forecast is made from.
    pub known: usize,
    /// How far ahead, seconds.
    pub horizons: [i64; 3],
}

/// The series of the Numenta Anomaly Benchmark that were measured, and every trace of requests with a clock that is long enough.
#[must_use]
pub fn all() -> Vec<Series> {
    [measured(), azure(), mooncake(), latencylab()].into_iter().flatten().collect()
}

fn measured() -> Vec<Series> {
    // The shortest slot that has a row in most slots.
    let files = [
        ("ec2_cpu_utilization_c6585a", 300),
        ("ec2_disk_write_bytes_1ef3de", 300),
        ("elb_request_count_8c0756", 300),
        ("rds_cpu_utilization_cc0c53", 300),
        ("exchange-3_cpm_results", 3_600),
        ("cpu_utilization_asg_misconfiguration", 300),
        ("ec2_request_latency_system_failure", 300),
        ("TravelTime_451", 900),
        ("Twitter_volume_KO", 300),
    ];
    let mut series = Vec::new();
    for (stem, shortest) in files {
        let rows = public::nab(stem);
        for slot in [300, 900, 3_600].into_iter().filter(|slot| *slot >= shortest) {
            let points = means(&rows, slot);
            // A week of 5 or 15 minutes, three weeks of hours, or half of what there is.
            let known = if slot == 3_600 { 504 } else { 7 * 86_400 / slot as usize };
            let known = if points.len() < known + 100 { points.len() / 2 } else { known };
            series.push(Series {
                name: stem.to_owned(),
                llm: false,
                slot,
                points,
                known,
                horizons: [900, 3_600, 86_400],
            });
        }
    }
    series
}

/// Figures of a trace: requests and tokens in a slot.
fn traced(name: &str, rows: &[(i64, [f64; 3])], slots: &[(i64, usize)]) -> Vec<Series> {
    let mut series = Vec::new();
    for (place, figure) in ["requests", "input tokens", "output tokens"].into_iter().enumerate() {
        let rows: Vec<Row> = rows.iter().map(|(at, figures)| (*at, figures[place])).collect();
        for &(slot, known) in slots {
            let name = format!("{name} {figure}");
            series.push(Series { name, llm: true, slot, points: sums(&rows, slot), known, horizons: [60, 300, 900] });
        }
    }
    series
}

fn azure() -> Vec<Series> {
    let of = |kind: &str| {
        let records = public::records(&format!("azure-llm-2023-{kind}.csv.gz"));
        let rows = records.iter().map(|row| {
            let tokens = ["ContextTokens", "GeneratedTokens"].map(|name| number(&row[name]));
            (public::seconds(&row["TIMESTAMP"]), [1.0, tokens[0], tokens[1]])
        });
        traced(&format!("azure {kind}"), &rows.collect::<Vec<_>>(), &[(60, 40), (10, 180)])
    };
    [of("code"), of("conv")].into_iter().flatten().collect()
}

fn mooncake() -> Vec<Series> {
    let records = public::records("mooncake-conversation.csv.gz");
    let rows = records.iter().map(|row| {
        let tokens = ["input_tokens", "output_tokens"].map(|name| number(&row[name]));
        (number(&row["timestamp_ms"]) as i64 / 1_000, [1.0, tokens[0], tokens[1]])
    });
    traced("mooncake", &rows.collect::<Vec<_>>(), &[(15, 80)])
}

fn latencylab() -> Vec<Series> {
    let records = public::records("latencylab-gpt35-openai-vs-azure.csv");
    let of = |model: &str| {
        let own = records.iter().filter(|row| row["model"] == model);
        let rows: Vec<Row> =
            own.map(|row| (public::seconds(&row["row_timestamp"]), number(&row["e2e_latency_s"]))).collect();
        let name = format!("latencylab {model} latency");
        Series { name, llm: true, slot: 60, points: means(&rows, 60), known: 40, horizons: [60, 300, 900] }
    };
    ["gpt-3.5-turbo-0613", "gpt-3.5-turbo-0125"].map(of).into()
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

/// Means of the slots that have a row.
fn means(rows: &[Row], slot: i64) -> Vec<Point> {
    let mut cells: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    for (at, value) in rows {
        let cell = cells.entry(at.div_euclid(slot)).or_default();
        *cell = (cell.0 + value, cell.1 + 1.0);
    }
    cells.into_iter().map(|(number, (sum, count))| Point { at: number * slot, value: sum / count }).collect()
}

/// Sums of all slots but the first and the last, which are not whole; nothing is zero.
fn sums(rows: &[Row], slot: i64) -> Vec<Point> {
    let mut cells: BTreeMap<i64, f64> = BTreeMap::new();
    for (at, value) in rows {
        *cells.entry(at.div_euclid(slot)).or_default() += value;
    }
    let (Some((&first, _)), Some((&last, _))) = (cells.first_key_value(), cells.last_key_value()) else {
        return Vec::new();
    };
    let value = |number: i64| cells.get(&number).copied().unwrap_or_default();
    (first + 1..last).map(|number| Point { at: number * slot, value: value(number) }).collect()
}
