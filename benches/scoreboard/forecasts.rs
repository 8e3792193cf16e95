//! The part `forecast`: how often 90 % intervals hold the truth, from one moment of a public series after another.

use std::collections::{BTreeMap, HashMap};

use optimizer::stats::time_series::forecast::{Support, forecast};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::json;

use super::{
    series::{self, Series},
    table::{Table, rounded},
};

/// Forecasts of a series are made at about so many moments.
const ORIGINS: usize = 600;

/// Forecasts of one series at one horizon against what came.
#[derive(Debug, Clone, Copy, Default)]
struct Record {
    count: f64,
    below: f64,
    above: f64,
    /// Sum of absolute errors: of the forecast, and of "it stays as it is".
    error: f64,
    naive: f64,
    width: f64,
}

impl Record {
    fn cover(&self) -> f64 {
        1.0 - (self.below + self.above) / self.count
    }

    /// Infinite where staying as it is was always right and the forecast was not.
    fn naive_ratio(&self) -> f64 {
        self.error / self.naive.max(f64::MIN_POSITIVE)
    }
}

fn try_out(series: &Series) -> [Record; 3] {
    let count = series.points.len();
    let truths: HashMap<i64, f64> = series.points.iter().map(|point| (point.at, point.value)).collect();
    // Prime, so that no cycle is met always in the same phase.
    let wanted = (count.saturating_sub(series.known) / ORIGINS).max(1);
    let stride = [1, 3, 7, 11, 17, 23, 29].into_iter().find(|stride| *stride >= wanted).unwrap_or(31);
    let mut records = [Record::default(); 3];
    for origin in (series.known..count).step_by(stride) {
        let history = &series.points[origin - series.known..origin];
        let newest = history[series.known - 1].value;
        let found = forecast(history, series.slot, &series.horizons, Support::NOT_NEGATIVE);
        for (record, found) in records.iter_mut().zip(found) {
            let Ok(found) = found else { continue };
            let Some(&truth) = truths.get(&found.at) else { continue };
            record.count += 1.0;
            record.below += f64::from(u8::from(truth < found.low));
            record.above += f64::from(u8::from(truth > found.high));
            record.error += (truth - found.value).abs();
            record.naive += (truth - newest).abs();
            record.width += found.high - found.low;
        }
    }
    records
}

pub fn print(as_json: bool) {
    let all = series::all();
    let found: Vec<[Record; 3]> = all.par_iter().map(try_out).collect();
    let columns = ["series", "slot_s", "ahead_s", "n", "cover", "below", "above", "mae_to_naive", "width_to_mae"];
    let mut table = Table::new("forecast", &columns);
    let mut groups: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for (series, records) in all.iter().zip(&found) {
        let kind = if series.llm { "traces of requests" } else { "nab" };
        for (horizon, record) in series.horizons.iter().zip(records).filter(|(_, record)| record.count > 0.0) {
            for group in [format!("{kind}, {horizon:>5} s ahead"), kind.to_owned(), "overall".to_owned()] {
                groups.entry(group).or_default().push(*record);
            }
            table.push(vec![
                json!(series.name),
                json!(series.slot),
                json!(horizon),
                json!(record.count as u64),
                rounded(record.cover(), 3),
                rounded(record.below / record.count, 3),
                rounded(record.above / record.count, 3),
                rounded(record.naive_ratio(), 3),
                rounded(record.width / record.error.max(f64::MIN_POSITIVE), 1),
            ]);
        }
    }
    table.print(as_json);
    let columns =
        ["series", "n", "cover", "rows", "mean_cover", "rows_covered_85_to_95", "mae_to_naive_geometric_mean"];
    let mut summary = Table::new("forecast summary", &columns);
    for (group, records) in groups {
        let count = records.len() as f64;
        let ratio = records.iter().map(|record| record.naive_ratio().max(1e-9).ln()).sum::<f64>() / count;
        let forecasts: f64 = records.iter().map(|record| record.count).sum();
        let outside: f64 = records.iter().map(|record| record.below + record.above).sum();
        summary.push(vec![
            json!(group),
            json!(forecasts as u64),
            rounded(1.0 - outside / forecasts, 3),
            json!(records.len()),
            rounded(records.iter().map(Record::cover).sum::<f64>() / count, 3),
            json!(records.iter().filter(|record| (0.85..=0.95).contains(&record.cover())).count()),
            rounded(ratio.exp(), 3),
        ]);
    }
    summary.print(as_json);
}
