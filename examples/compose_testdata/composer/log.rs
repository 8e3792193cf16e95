//! One service's day: thin the trace to its traffic, then give each request an arm, a latency and perhaps a score.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Timestamp;
use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::plan::{Arm, FailureLog, Price, Service, Stretch, Wart};
use super::sources::{Arrival, Sources};

/// 2023-11-16T18:00:00Z: the hour in which the traces were recorded.
const START_MS: i64 = 1_700_157_600_000;
const START_HOUR: usize = 18;
const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

/// Of the order measured at perplexity (2 of 150 refused for their rate), and even in time.
const FAILED_SHARE: f64 = 0.007;

/// A line of the log. Text, because the warts have to hold what no number can.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Row {
    ts: String,
    request_id: String,
    service: &'static str,
    endpoint: &'static str,
    provider: &'static str,
    model: &'static str,
    config_version: &'static str,
    variant: &'static str,
    latency_ms: String,
    ttft_ms: String,
    input_tokens: String,
    output_tokens: String,
    cost_usd: String,
    quality: &'static str,
    outcome: &'static str,
    status_code: &'static str,
    error_type: &'static str,
    retry_count: &'static str,
    complexity: &'static str,
}

pub(crate) fn compose(service: &Service, sources: &Sources, chance: &mut ChaCha8Rng) -> anyhow::Result<Vec<Row>> {
    let mut decks = BTreeMap::new();
    let mut rows = Vec::new();
    for (at_ms, arrival) in requests(service, sources, chance) {
        let segment = &service.segments[pick(&service.segments, |segment| segment.share, chance)];
        let arm_index = pick(&service.arms, |arm| arm.share, chance);
        let arm = &service.arms[arm_index];
        let (stretch_index, stretch) = stretch_at(arm, at_ms);

        let mut row = Row {
            ts: format!("{:.3}", Timestamp::from_millisecond(START_MS + at_ms)?),
            request_id: format!("{}-{:05}", service.id_prefix, rows.len() + 1),
            service: service.name,
            endpoint: service.endpoint,
            provider: arm.provider,
            model: arm.model,
            config_version: stretch.config_version,
            variant: arm.variant,
            complexity: segment.complexity,
            ..Row::default()
        };
        if chance.random_bool(FAILED_SHARE) {
            fail(&mut row, service.failures, arm.price);
        } else {
            let paces = sources.paces(stretch.speed)?;
            let pace = paces[chance.random_range(0..paces.len())];
            row.latency_ms = format!("{:.1}", pace.latency_ms(arrival.output_tokens));
            row.ttft_ms = format!("{:.1}", pace.ttft_ms);
            row.input_tokens = arrival.input_tokens.to_string();
            row.output_tokens = arrival.output_tokens.to_string();
            row.cost_usd = arm.price.map(|price| cost_usd(price, arrival)).unwrap_or_default();
            row.outcome = "success";
            row.status_code = "200";
            row.retry_count = "0";
            if chance.random_bool(service.scored_share) {
                // A deck for each kind of answer, so that each one's mean stays close to the measured one.
                let deck = decks.entry((segment.complexity, arm_index, stretch_index)).or_insert_with(|| {
                    let pool =
                        sources.prompts.iter().filter(|prompt| segment.subjects.contains(&prompt.domain.as_str()));
                    Deck::new(pool.map(|prompt| prompt.correct(stretch.judged)).collect())
                });
                row.quality = if deck.draw(chance).context("a segment has no prompts")? { "1" } else { "0" };
            }
        }
        rows.push(row);
    }
    spoil(&mut rows, service.wart)?;
    Ok(rows)
}

/// The trace laid over each hour of the day and thinned at random to the service's traffic, in order of time.
fn requests(service: &Service, sources: &Sources, chance: &mut ChaCha8Rng) -> Vec<(i64, Arrival)> {
    let own = |arrival: &&Arrival| {
        arrival.input_tokens >= service.min_input_tokens && arrival.output_tokens <= service.max_output_tokens
    };
    let arrivals: Vec<Arrival> = sources.trace(service.trace).iter().filter(own).copied().collect();
    let whole_day: f64 = service.curve.iter().sum();
    let mut requests = Vec::new();
    for (hour, start_ms) in (0..24).zip((0..).step_by(HOUR_MS as usize)) {
        let expected = service.requests * service.curve[(START_HOUR + hour) % 24] / whole_day;
        for arrival in &arrivals {
            if chance.random_bool(expected / arrivals.len() as f64) {
                requests.push((start_ms + arrival.offset_ms, *arrival));
            }
        }
    }
    requests
}

fn pick<T>(options: &[T], share: impl Fn(&T) -> f64, chance: &mut ChaCha8Rng) -> usize {
    let mut left: f64 = chance.random();
    for (index, option) in options.iter().enumerate() {
        left -= share(option);
        if left < 0.0 {
            return index;
        }
    }
    options.len() - 1 // the shares add up to one, up to rounding
}

fn stretch_at(arm: &Arm, at_ms: i64) -> (usize, &Stretch) {
    let begun = arm.stretches.iter().enumerate().rfind(|(_, stretch)| stretch.from_minute * MINUTE_MS <= at_ms);
    begun.expect("the first stretch starts at minute 0")
}

fn fail(row: &mut Row, log: FailureLog, price: Option<Price>) {
    if log == FailureLog::Zeros {
        row.latency_ms = "0".into();
        row.input_tokens = "0".into();
        row.output_tokens = "0".into();
    }
    if price.is_some() {
        row.cost_usd = "0.000000000".into(); // a refused request is not billed
    }
    row.outcome = "error";
    row.status_code = "429";
    row.error_type = "rate_limit";
    row.retry_count = "2";
}

fn cost_usd(price: Price, arrival: Arrival) -> String {
    let nano_dollars = price.input * arrival.input_tokens + price.output * arrival.output_tokens;
    format!("{}.{:09}", nano_dollars / 1_000_000_000, nano_dollars % 1_000_000_000)
}

/// A pool's answers, dealt in random order; shuffled again once every one was dealt.
///
/// Independent draws would be simpler, but their mean strays by chance, and a story could be the seed's doing.
#[derive(Debug)]
struct Deck {
    answers: Vec<bool>,
    dealt: usize,
}

impl Deck {
    fn new(answers: Vec<bool>) -> Self {
        let dealt = answers.len(); // shuffles before the first draw
        Self { answers, dealt }
    }

    fn draw(&mut self, chance: &mut ChaCha8Rng) -> Option<bool> {
        if self.dealt == self.answers.len() {
            self.answers.shuffle(chance);
            self.dealt = 0;
        }
        let answer = self.answers.get(self.dealt).copied();
        self.dealt += 1;
        answer
    }
}

fn spoil(rows: &mut Vec<Row>, wart: Wart) -> anyhow::Result<()> {
    match wart {
        Wart::None => {}
        Wart::Duplicates => {
            for quarter in [3, 2, 1] {
                let index = rows.len() * quarter / 4;
                rows.insert(index, rows[index].clone());
            }
        }
        Wart::Broken => {
            let damages: [fn(&mut Row); 4] = [
                |row| row.latency_ms = "-250.0".into(),
                |row| row.cost_usd = "NaN".into(),
                |row| row.ttft_ms = "60000.0".into(),
                |row| row.ts = "17/11/2023 14h".into(),
            ];
            let step = rows.len() / (damages.len() + 1);
            for (damage, place) in damages.into_iter().zip(1..) {
                let sound = rows.iter_mut().skip(place * step).find(|row| row.outcome == "success");
                damage(sound.context("no successful request to damage")?);
            }
        }
    }
    Ok(())
}

pub(crate) fn to_csv(rows: &[Row]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer.into_inner()?)
}
