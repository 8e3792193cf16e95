//! Rollups of tumbling windows. Rows are counted once, by the minute; every longer window is a sum of minutes.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Engine, ObserveError, Request,
    fold::{CellKey, Slots},
    reduce::{self, Reduced},
    totals::{StoredTotals, Totals},
};
use crate::{
    domain::{
        Arm, Grain, Window,
        format::visible,
        plan::Windows,
        rollup::{By, WindowLine},
    },
    stats::compare::UNPRICED_TOLERANCE,
};

/// Version of the form that is kept.
const SCHEMA_VERSION: &str = "rollup/v1";

/// Rollups by window and cell.
#[derive(Debug)]
pub struct Series {
    grain: Grain,
    /// What the source was asked for.
    asked: Window,
    /// By first minute of the window (since 1970) and key.
    cells: BTreeMap<(i64, CellKey), Totals>,
}

/// One window of one cell as it is written down: one line of NDJSON. Sums are whole numbers, so that what was stored can be
/// added up to longer windows without a difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredRollup {
    schema_version: String,
    start: Timestamp,
    /// Length of the window.
    minutes: i64,
    service: String,
    complexity: Option<String>,
    provider: Option<String>,
    model: String,
    config_version: Option<String>,
    variant: Option<String>,
    #[serde(flatten)]
    totals: StoredTotals,
}

impl StoredRollup {
    fn key(&self) -> CellKey {
        CellKey {
            service: self.service.clone(),
            complexity: self.complexity.clone(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            config_version: self.config_version.clone(),
            variant: self.variant.clone(),
            span: 0,
        }
    }
}

/// Counts the rows of the lookback by the minute and adds them up to windows.
pub fn rollups(engine: &Engine, request: &Request<'_>, grain: Grain) -> Result<Series, ObserveError> {
    let first = |windows: &Windows| windows.lookback.start().as_microsecond().div_euclid(60_000_000);
    let slots = |windows: &Windows| Slots::Every { minutes: 1, first: first(windows) };
    let (mut census, windows) = reduce::loaded(engine, request, &slots)?;
    let (asked, first, plain) = (windows.lookback, first(&windows), census.plain.take());
    let reduced = reduce::reduced(engine, request, &census, plain, slots(&windows), &|_| (), |cells| {
        let mut by_minute: BTreeMap<(i64, CellKey), Totals> = BTreeMap::new();
        for cell in cells {
            let key = (first + i64::from(cell.key.span), CellKey { span: 0, ..cell.key.clone() });
            by_minute.entry(key).or_default().absorb(&cell.counts, &cell.histograms);
        }
        Ok(by_minute)
    })?;
    let Reduced { made, .. } = reduced;
    Ok(Series { grain: Grain::Minute, asked, cells: made }.coarser(grain))
}

impl Series {
    /// Reads what [`Self::stored`] gave, for windows of at least its own length. A window and cell may be there once: told twice,
    /// its requests would count twice.
    pub fn read(files: &[PathBuf], grain: Grain) -> Result<Self, ObserveError> {
        let mut cells: BTreeMap<(i64, CellKey), Totals> = BTreeMap::new();
        let mut finest = grain;
        for path in files {
            let wrong = |line: usize, what: String| ObserveError::Rollups { path: path.clone(), line: line + 1, what };
            let file = File::open(path).map_err(|cause| ObserveError::Unreadable { path: path.clone(), cause })?;
            for (number, line) in BufReader::new(file).lines().enumerate() {
                let line = line.map_err(|cause| wrong(number, cause.to_string()))?;
                let stored: StoredRollup =
                    serde_json::from_str(&line).map_err(|cause| wrong(number, cause.to_string()))?;
                if stored.schema_version != SCHEMA_VERSION {
                    return Err(wrong(number, format!("`{}` is not {SCHEMA_VERSION}", stored.schema_version)));
                }
                let own = Grain::ALL.into_iter().find(|own| own.minutes() == stored.minutes);
                let own = own.ok_or_else(|| wrong(number, format!("no window is {} minutes long", stored.minutes)))?;
                if own > grain {
                    return Err(wrong(
                        number,
                        format!("a window of {} cannot be cut into {}", own.name(), grain.name()),
                    ));
                }
                finest = finest.min(own);
                let totals = stored.totals.restored().ok_or_else(|| wrong(number, "a sum is no number".to_owned()))?;
                let key = (stored.start.as_second().div_euclid(60), stored.key());
                if cells.insert(key, totals).is_some() {
                    return Err(wrong(number, "this window and cell were told before".to_owned()));
                }
            }
        }
        let ends = cells.keys().map(|(start, _)| *start);
        let (Some(first), Some(last)) = (ends.clone().min(), ends.max()) else {
            return Err(ObserveError::NoRows {
                origin: files.first().map_or_else(String::new, |path| path.display().to_string()),
            });
        };
        let end = minute(finest.start(last) + finest.minutes());
        let asked = Window::ending_at(end, end.duration_since(minute(first)))
            .ok_or_else(|| ObserveError::Window { what: "the rollups reach past recorded time".into() })?;
        Ok(Self { grain: finest, asked, cells }.coarser(grain))
    }

    /// The same requests in longer windows.
    #[must_use]
    pub fn coarser(self, grain: Grain) -> Self {
        assert!(grain >= self.grain, "windows cannot be cut up");
        let mut cells: BTreeMap<(i64, CellKey), Totals> = BTreeMap::new();
        for ((start, key), totals) in self.cells {
            cells.entry((grain.start(start), key)).or_default().absorb(&totals.counts, &totals.histograms);
        }
        Self { grain, cells, ..self }
    }

    /// One line a window and cell, in the order of time and key.
    pub fn stored(&self) -> impl Iterator<Item = StoredRollup> {
        self.cells.iter().map(|((start, key), totals)| StoredRollup {
            schema_version: SCHEMA_VERSION.to_owned(),
            start: minute(*start),
            minutes: self.grain.minutes(),
            service: key.service.clone(),
            complexity: key.complexity.clone(),
            provider: key.provider.clone(),
            model: key.model.clone(),
            config_version: key.config_version.clone(),
            variant: key.variant.clone(),
            totals: totals.stored(),
        })
    }

    /// For people: one line a window and service, or a window, service and model.
    #[must_use]
    pub fn lines(&self, by: By) -> Vec<WindowLine> {
        let mut merged: BTreeMap<(i64, String, Option<String>), Totals> = BTreeMap::new();
        for ((start, key), totals) in &self.cells {
            let arm = Arm { provider: key.provider.clone(), model: key.model.clone(), config_version: None };
            let model = (by == By::Model).then(|| visible(&arm.model_id()));
            let line = merged.entry((*start, visible(&key.service), model)).or_default();
            line.absorb(&totals.counts, &totals.histograms);
        }
        merged.into_iter().map(|((start, service, model), totals)| self.line(start, service, model, &totals)).collect()
    }

    fn line(&self, start: i64, service: String, model: Option<String>, totals: &Totals) -> WindowLine {
        let rollup = totals.rollup();
        let priced = rollup.requests.unpriced <= UNPRICED_TOLERANCE * rollup.requests.succeeded;
        let end = minute(start + self.grain.minutes());
        WindowLine {
            start: minute(start),
            whole: minute(start) >= self.asked.start() && end <= self.asked.end(),
            service,
            model,
            requests: rollup.requests.weight,
            error_rate: rollup.error_rate(),
            latency_p50_ms: rollup.latency.quantile(0.50),
            latency_p95_ms: rollup.latency.quantile(0.95),
            spend_usd: priced.then(|| rollup.cost.sum()),
            quality: rollup.quality.mean(),
        }
    }
}

fn minute(since_1970: i64) -> Timestamp {
    Timestamp::from_second(since_1970 * 60).expect("times of events lie within ours")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::observe::{fold::Counts, histogram::Histogram};

    fn series(rows: &[(i64, i64, usize)]) -> Series {
        let mut cells: BTreeMap<(i64, CellKey), Totals> = BTreeMap::new();
        for (minute, value, service) in rows {
            let key = CellKey {
                service: format!("s{service}"),
                complexity: None,
                provider: None,
                model: "m".to_owned(),
                config_version: None,
                variant: None,
                span: 0,
            };
            let mut histograms: [Histogram; 6] = Default::default();
            histograms[0].add(crate::stats::sketch::bin_of(*value as f64 / 1e3), *value, 1_000);
            let counts = Counts { rows: 1, weight: 1_000, served: 1_000, succeeded: 1_000, ..Counts::default() };
            cells.entry((*minute, key)).or_default().absorb(&counts, &histograms);
        }
        let noon: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        let asked = Window::ending_at(noon, jiff::SignedDuration::from_hours(24)).unwrap();
        Series { grain: Grain::Minute, asked, cells }
    }

    fn stored(series: &Series) -> Vec<StoredRollup> {
        series.stored().collect()
    }

    proptest! {
        #[test]
        fn windows_made_of_windows_are_windows_made_of_minutes(
            rows in prop::collection::vec((29_500_000..29_520_000_i64, 0..5_000_000_i64, 0..3_usize), 0..120),
        ) {
            for grain in Grain::ALL {
                let direct = stored(&series(&rows).coarser(grain));
                let mut stepwise = series(&rows);
                for step in Grain::ALL.into_iter().filter(|step| *step <= grain) {
                    stepwise = stepwise.coarser(step);
                }
                prop_assert_eq!(&stored(&stepwise), &direct);
                let requests: f64 = stepwise.lines(By::Service).iter().map(|line| line.requests).sum();
                prop_assert!((requests - rows.len() as f64).abs() < 1e-6);
                // And the order of the rows does not matter.
                let backwards: Vec<_> = rows.iter().rev().copied().collect();
                prop_assert_eq!(&stored(&series(&backwards).coarser(grain)), &direct);
            }
        }
    }

    #[test]
    fn a_window_at_the_edge_is_told() {
        let lines =
            series(&[(29_543_039, 1_000, 0), (29_543_760, 1_000, 0), (29_544_400, 1_000, 0)]).coarser(Grain::Day);
        let whole: Vec<bool> = lines.lines(By::Service).iter().map(|line| line.whole).collect();
        assert_eq!(whole, [false, false]);
        let lines = series(&[(29_543_000, 1_000, 0)]).coarser(Grain::Hour);
        assert!(lines.lines(By::Service)[0].whole);
    }
}
