//! Where figures are going: forecasts of every series a quarter of an hour, an hour and a day ahead.

use jiff::Timestamp;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::{
    domain::{
        Metric,
        analysis::{Ahead, Outlook},
    },
    stats::{
        History,
        time_series::{
            Unanswered,
            forecast::{Seasonality, Support, forecast},
        },
    },
};

const HORIZONS: [i64; 3] = [900, 3_600, 86_400];

/// By service and metric; series that are too short for any horizon, or whose newest slot is missing, are left out.
#[must_use]
pub fn outlooks(history: &History, now: i64) -> Vec<Outlook> {
    let services: Vec<_> = history.services.iter().collect();
    let of_service = |(service, known): &(&String, &crate::stats::history::ServiceHistory)| -> Vec<Outlook> {
        let of_metric = |metric: Metric| {
            let series = known.service.of(metric);
            // A forecast counts from the newest point: where that is old, its future is over.
            let newest = series.last().filter(|point| point.at + history.slot_seconds >= now)?;
            let support = match metric {
                Metric::ErrorRate | Metric::Quality => Support::SHARE,
                _ => Support::NOT_NEGATIVE,
            };
            let found = forecast(series, history.slot_seconds, &HORIZONS, support);
            let ahead = HORIZONS.iter().zip(found).filter_map(|(horizon, found)| ahead(*horizon, found));
            let ahead: Vec<Ahead> = ahead.collect();
            (!ahead.is_empty()).then(|| Outlook {
                service: (*service).clone(),
                metric,
                unit: metric.unit().into(),
                now: newest.value,
                ahead,
            })
        };
        Metric::ALL.into_iter().filter_map(of_metric).collect()
    };
    services.par_iter().flat_map_iter(of_service).collect()
}

fn ahead(horizon: i64, found: Result<crate::stats::time_series::forecast::Forecast, Unanswered>) -> Option<Ahead> {
    let found = found.ok()?;
    Some(Ahead {
        minutes: horizon / 60,
        at: Timestamp::from_second(found.at).ok()?,
        value: found.value,
        interval: [found.low, found.high],
        pattern: match found.seasonality {
            Seasonality::None => "none",
            Seasonality::Daily => "daily",
            Seasonality::Weekly => "weekly",
        }
        .into(),
    })
}
