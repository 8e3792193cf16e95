//! The price table.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::policy::{Model, ModelProfile, ModelTable, Tier};
use crate::domain::price::{DailyHours, LongInput, Rates};

use super::document::{Document, whole_file};
use super::forms::Forms;
use super::moments;
use super::old_names;
use super::problems::{Problem, Problems, entry, field, shown};
use super::schema::models_schema;
use super::shape_models::{DailyHoursYaml, LongInputYaml, ModelProfileYaml, ModelTableYaml, ModelYaml};
use super::sieve::sieve;
use super::units::short;

/// Dearer than this per million tokens, or free. What is written below it is taken for a price per token, the unit of
/// other tables; the cheapest real price in sight, for cached input, is five times as much.
const LEAST_USD_PER_MTOK: f64 = 0.0005;
const TOKENS_PER_MTOK: f64 = 1e6;
/// The prices of an entry and of each of its steps, in the order in which they are handed on.
const PRICES: [&str; 4] =
    ["input_usd_per_mtok", "output_usd_per_mtok", "cached_input_usd_per_mtok", "cache_write_usd_per_mtok"];

/// Reads a price table; the file states US dollars per million tokens, the table holds US dollars per token.
pub fn parse_models(name: &str, text: &str) -> Result<ModelTable, Problems> {
    let mut found = Vec::new();
    let table = read(name, text, &mut found);
    // By line, since the checks go over the file more than once; a problem without a line is about the whole file.
    found.sort_by_key(|problem| problem.line);
    match (Problems::of(found), table) {
        (Some(problems), _) => Err(problems),
        (None, Some(table)) => Ok(table),
        (None, None) => unreachable!("no table without a problem that says why"),
    }
}

fn read(name: &str, text: &str, found: &mut Vec<Problem>) -> Option<ModelTable> {
    let mut document = Document::read(name, text, found)?;
    let mut value = std::mem::take(&mut document.value);
    old_names::refuse_models(&mut value, &mut Forms { document: &mut document, found });
    document.value = value;
    sieve(&mut document, &models_schema(), "models:", found);
    if document.value.is_null() {
        return None;
    }
    let value = document.value.clone();
    let ModelTableYaml { models } = serde_yaml::from_value(value)
        .map_err(|error| found.push(whole_file(name, format!("cannot be read: {}", shown(&error.to_string())))))
        .ok()?;
    let sound = found.is_empty();
    let mut reader = Reader { document: &document, found };
    let models = models.unwrap_or_default().into_iter().enumerate();
    let models: Vec<Model> = models.map(|(index, model)| reader.model(model, &entry("models", index))).collect();
    if sound {
        // With an entry refused, the places of the others in the list would no longer be those in the file.
        reader.disputed(&models);
    }
    Some(ModelTable::new(models))
}

/// Turns what is written into what is meant, and collects what cannot be.
struct Reader<'a> {
    document: &'a Document,
    found: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, path: &str, message: String) {
        self.found.push(self.document.problem(path, message));
    }

    /// The line of an entry, in words.
    fn place(&self, path: &str) -> String {
        self.document.line(path).map_or_else(|| format!("in `{path}`"), |line| format!("on line {line}"))
    }

    fn model(&mut self, yaml: ModelYaml, path: &str) -> Model {
        let ModelYaml {
            provider,
            model,
            tier,
            input_usd_per_mtok,
            output_usd_per_mtok,
            cached_input_usd_per_mtok,
            cache_write_usd_per_mtok,
            long_input,
            valid_from,
            daily_utc,
            context_window,
            region,
            profile,
        } = yaml;
        let rates = [input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok];
        let rates = self.rates(rates, path);
        Model {
            // Both are required, so the sieve has reported the entry that lacks one.
            provider: provider.unwrap_or_default(),
            model: model.unwrap_or_default(),
            tier: tier.map(Tier::from),
            input_usd_per_token: rates.input,
            output_usd_per_token: rates.output,
            cached_input_usd_per_token: rates.cached_input,
            cache_write_usd_per_token: rates.cache_write,
            long_input: self.long_input(long_input.unwrap_or_default(), &rates, &field(path, "long_input")),
            valid_from: valid_from.as_deref().and_then(moments::day),
            daily_utc: daily_utc.and_then(|hours| self.hours(&hours, &field(path, "daily_utc"))),
            context_window,
            region,
            profile: profile.map(|ModelProfileYaml { quality, latency_p95_ms, output_tokens_ratio }| ModelProfile {
                quality,
                latency_p95_ms,
                output_tokens_ratio,
            }),
        }
    }

    /// The four prices of [`PRICES`], per million tokens in, per token out.
    fn rates(&mut self, written: [Option<f64>; 4], path: &str) -> Rates {
        for (name, price) in PRICES.iter().zip(written) {
            let Some(price) = price.filter(|price| *price > 0.0 && *price < LEAST_USD_PER_MTOK) else { continue };
            let meant = short(price * TOKENS_PER_MTOK);
            self.problem(&field(path, name), format!("looks like a price per token; per million tokens it is {meant}"));
        }
        let [input, output, cached_input, cache_write] = written.map(|price| price.map(|usd| usd / TOKENS_PER_MTOK));
        Rates { input, output, cached_input, cache_write }
    }

    fn long_input(&mut self, yaml: Vec<LongInputYaml>, base: &Rates, path: &str) -> Vec<LongInput> {
        let mut steps: Vec<LongInput> = Vec::new();
        for (index, step) in yaml.into_iter().enumerate() {
            let path = entry(path, index);
            let LongInputYaml {
                above_tokens,
                input_usd_per_mtok,
                output_usd_per_mtok,
                cached_input_usd_per_mtok,
                cache_write_usd_per_mtok,
            } = step;
            let rates = [input_usd_per_mtok, output_usd_per_mtok, cached_input_usd_per_mtok, cache_write_usd_per_mtok];
            let rates = self.rates(rates, &path);
            self.same_kinds(&rates, base, &path);
            let above_tokens = above_tokens.unwrap_or_default();
            if steps.iter().any(|earlier| earlier.above_tokens == above_tokens) {
                self.problem(&path, format!("repeats the step above {above_tokens} tokens; keep one"));
            }
            steps.push(LongInput { above_tokens, rates });
        }
        steps
    }

    /// A step takes the place of the entry's prices. One that it leaves out would fall back to its dear price of plain
    /// input, or to unknown; so both state the same kinds.
    fn same_kinds(&mut self, step: &Rates, base: &Rates, path: &str) {
        let kinds = |rates: &Rates| [rates.input, rates.output, rates.cached_input, rates.cache_write];
        for ((name, step), base) in PRICES.iter().zip(kinds(step)).zip(kinds(base)) {
            match (step, base) {
                (None, Some(_)) => {
                    self.problem(path, format!("lacks `{name}`, which the entry has; state what it is for long input"));
                }
                (Some(_), None) => self.problem(
                    &field(path, name),
                    "has no counterpart in the entry; state there what it is for short input".into(),
                ),
                _ => {}
            }
        }
    }

    fn hours(&mut self, yaml: &DailyHoursYaml, path: &str) -> Option<DailyHours> {
        let DailyHoursYaml { from, to } = yaml;
        let minute = |text: &Option<String>| text.as_deref().and_then(moments::minute_of_day);
        let (from, to) = (minute(from)?, minute(to)?);
        let hours = DailyHours::new(from, to);
        if hours.is_none() {
            self.problem(path, "begins and ends at the same time; for the whole day delete it".into());
        }
        hours
    }

    /// Reports entries of one model that claim the same time, and those that disagree about what has one answer.
    fn disputed(&mut self, models: &[Model]) {
        let mut known: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (index, model) in models.iter().enumerate() {
            let earlier = known.entry((&model.provider, &model.model)).or_default();
            // One dispute an entry is enough: who solves it looks at the others too.
            let dispute = earlier.iter().find_map(|&first| Some((first, dispute(&models[first], model)?)));
            if let Some((first, (what, advice))) = dispute {
                let name = shown(&format!("{}/{}", model.provider, model.model));
                let place = self.place(&entry("models", first));
                self.problem(&entry("models", index), format!("{what} `{name}`, which has a price {place}; {advice}"));
            }
            earlier.push(index);
        }
    }
}

/// What two entries of one model cannot both say, and what to do about it.
fn dispute(first: &Model, second: &Model) -> Option<(&'static str, &'static str)> {
    let differ = |one: Option<u64>, other: Option<u64>| one.is_some() && other.is_some() && one != other;
    let day = |day: Option<Date>| day.unwrap_or(Date::MIN);
    if day(first.valid_from) == day(second.valid_from) {
        match (first.daily_utc, second.daily_utc) {
            (None, None) if first.valid_from.is_none() => return Some(("repeats", "keep one")),
            (None, None) => return Some(("repeats", "keep one, or give them different `valid_from`")),
            (Some(one), Some(other)) if one.overlaps(other) => {
                return Some(("shares hours of `daily_utc` with", "let no hour belong to both"));
            }
            _ => {}
        }
    }
    if first.tier.is_some() && second.tier.is_some() && first.tier != second.tier {
        return Some(("states another `tier` than", "a model has one"));
    }
    differ(first.context_window, second.context_window)
        .then_some(("states another `context_window` than", "a model has one"))
}
