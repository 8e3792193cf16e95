//! What is read again and again, ready for use beside the sketches: figures of hours, spend of days.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use serde::{Deserialize, Serialize, de::Error as _};

use super::{Cells, pack};
use crate::{
    domain::{Arm, Window},
    observe::{
        record::{figures, reference},
        totals::Totals,
    },
    stats::{
        Reference,
        history::{Slot, Values},
    },
};

/// One service in one hour.
#[derive(Serialize, Deserialize)]
struct Line {
    service: String,
    values: Letters,
    arms: Vec<(Option<String>, String, Option<String>, Letters)>,
    spend_usd: Option<f64>,
}

/// Figures to the last bit, in letters: there are hundreds of thousands of them, and reading decimals takes most of the time.
#[derive(Serialize, Deserialize)]
struct Letters(String);

impl From<&Values> for Letters {
    fn from(values: &Values) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.unwrap_or(f64::NAN).to_le_bytes()).collect();
        Self(STANDARD_NO_PAD.encode(bytes))
    }
}

impl Letters {
    fn values(&self) -> Result<Values, serde_json::Error> {
        let bytes = STANDARD_NO_PAD.decode(&self.0).map_err(serde_json::Error::custom)?;
        let (numbers, []) = bytes.as_chunks::<8>() else {
            return Err(serde_json::Error::custom("a figure is damaged"));
        };
        let mut values = Values::default();
        // Figures that came later than this was written are not known of it.
        for (value, number) in values.iter_mut().zip(numbers) {
            *value = Some(f64::from_le_bytes(*number)).filter(|number| !number.is_nan());
        }
        Ok(values)
    }
}

/// US dollars that a service spent in a day; none where a cost is unknown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaySpend {
    pub service: String,
    pub usd: Option<f64>,
}

/// Totals of each service, and of its arms.
fn by_service(cells: &Cells) -> BTreeMap<String, (Totals, BTreeMap<Arm, Totals>)> {
    let mut services: BTreeMap<String, (Totals, BTreeMap<Arm, Totals>)> = BTreeMap::new();
    for (key, totals) in cells {
        let (service, _, arm) = key.shown();
        let (all, arms) = services.entry(service).or_default();
        all.absorb(&totals.counts, &totals.histograms);
        arms.entry(arm).or_default().absorb(&totals.counts, &totals.histograms);
    }
    services
}

/// The figures of an hour. Where not all of it is known (`whole`), there are no rates.
pub(super) fn of_hour(start: i64, whole: bool, cells: &Cells) -> String {
    pack::packed(by_service(cells).into_iter().map(|(service, (all, arms))| {
        let slot = figures(start, whole.then_some(60.0), &all, arms.iter().map(|(arm, totals)| (arm, totals.clone())));
        let arms = slot.arms.into_iter();
        Line {
            service,
            values: (&slot.service).into(),
            arms: arms.map(|(arm, values)| (arm.provider, arm.model, arm.config_version, (&values).into())).collect(),
            spend_usd: slot.spend_usd,
        }
    }))
}

pub(super) fn of_day(start: i64, cells: &Cells) -> String {
    let spend = |all: &Totals| figures(start, None, all, []).spend_usd;
    pack::packed(by_service(cells).into_iter().map(|(service, (all, _))| DaySpend { service, usd: spend(&all) }))
}

/// What each service did in the hour that starts at this minute, from its figures.
pub fn slots(start: i64, figures: &str) -> Result<Vec<(String, Slot)>, serde_json::Error> {
    let slot = |line: Line| {
        let arms = line.arms.iter().map(|(provider, model, config_version, values)| {
            let arm = Arm { provider: provider.clone(), model: model.clone(), config_version: config_version.clone() };
            Ok((arm, values.values()?))
        });
        let arms = arms.collect::<Result<_, serde_json::Error>>()?;
        Ok((line.service, Slot { at: start * 60, service: line.values.values()?, arms, spend_usd: line.spend_usd }))
    };
    pack::unpacked(figures)?.into_iter().map(slot).collect()
}

/// What each service spent in a day, from its figures.
pub fn day_spend(figures: &str) -> Result<Vec<DaySpend>, serde_json::Error> {
    pack::unpacked(figures)
}

/// What services did at the hours of the window on days before, latest first: `days` holds the texts of the hours of each. A
/// service counts from the first minute that is told of it by `since`.
pub fn references(
    days: Vec<(i64, Vec<String>)>,
    window: &Window,
    since: &BTreeMap<String, i64>,
) -> Result<BTreeMap<String, Reference>, serde_json::Error> {
    let read = |(start, texts): (i64, Vec<String>)| {
        let mut services: BTreeMap<String, Totals> = BTreeMap::new();
        let hours = texts.len();
        for text in texts {
            for (key, totals) in pack::to_cells(&text)? {
                services.entry(key.shown().0).or_default().absorb(&totals.counts, &totals.histograms);
            }
        }
        Ok((start, hours, services))
    };
    let days: Vec<(i64, usize, BTreeMap<String, Totals>)> =
        days.into_par_iter().map(read).collect::<Result<_, serde_json::Error>>()?;
    let minutes = days.first().map_or(0, |(_, hours, _)| hours * 60);
    let known = |(service, first): (&String, &i64)| {
        let own = days.iter().filter(|(start, ..)| start >= first).filter_map(|(.., all)| all.get(service));
        let found = reference(own, minutes as f64, Some(window.seconds() / 60.0))?;
        Some((service.clone(), found))
    };
    Ok(since.iter().filter_map(known).collect())
}
