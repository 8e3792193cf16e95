//! What former ticks left behind for this one to decide by. A tick takes it, and hands on the next.

use std::{cmp::Ordering, collections::BTreeMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arm, Segment, plan::Measure};

/// Days for which changes are kept, what trials earned, and the last time each rule acted.
pub const KEPT_DAYS: i64 = 90;

/// Everything remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// By service, then by id of the rule.
    pub rules: BTreeMap<String, BTreeMap<String, RuleMemory>>,
    /// Oldest first.
    pub changes: Vec<PastChange>,
    /// What arms of experiments earned, by service, oldest first.
    #[serde(default)]
    pub rewards: BTreeMap<String, Vec<PastReward>>,
}

/// What an arm of an experiment earned over some time: its weighted improvement on the present configuration of then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastReward {
    pub segment: Segment,
    pub arm: Arm,
    /// One window. Those of an arm do not overlap.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Effective.
    pub requests: f64,
    pub mean: f64,
    /// Of single requests.
    pub variance: f64,
}

/// What is remembered of one rule in one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleMemory {
    /// Since when its condition has held at every tick.
    pub true_since: Option<Timestamp>,
    /// When it was last looked at.
    pub looked_at: Option<Timestamp>,
    /// When it acted, oldest first.
    pub fired: Vec<Timestamp>,
}

/// A change that was made, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastChange {
    pub at: Timestamp,
    pub service: String,
    pub segment: Segment,
    pub from: Arm,
    pub to: Arm,
    /// Share of the segment it was given, in percent.
    pub share_percent: f64,
    pub outcome: Outcome,
}

/// How a change turned out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Outcome {
    /// Too early to say.
    Open,
    /// It serves all of its segment. The effects are relative: `after / before − 1`.
    Kept {
        effects: BTreeMap<Measure, f64>,
    },
    RolledBack {
        because: String,
    },
}

impl Memory {
    /// Without what is older than [`KEPT_DAYS`].
    #[must_use]
    pub fn fresh(mut self, now: Timestamp) -> Self {
        let limit = now.saturating_sub(jiff::SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(Timestamp::MIN);
        let lately = now.saturating_sub(jiff::SignedDuration::from_hours(48)).unwrap_or(Timestamp::MIN);
        self.changes.retain(|change| change.at >= limit);
        for rules in self.rules.values_mut() {
            for rule in rules.values_mut() {
                // A day's limit needs the day, and a rest the last time; a rule that acts at every tick would fill the store.
                let last = rule.fired.iter().max().copied();
                rule.fired.retain(|at| *at >= lately || Some(*at) == last && *at >= limit);
            }
            rules.retain(|_, rule| rule.true_since.is_some() || !rule.fired.is_empty());
        }
        self.rules.retain(|_, rules| !rules.is_empty());
        for rewards in self.rewards.values_mut() {
            rewards.retain(|reward| reward.to >= limit);
        }
        self.rewards.retain(|_, rewards| !rewards.is_empty());
        self
    }
}

/// What is kept between ticks: what is remembered now, and of each service what was before the newest window, so that planning the same
/// window again comes to the same and counts nothing twice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    pub now: Memory,
    /// By service.
    #[serde(default)]
    pub windows: BTreeMap<String, NewestWindow>,
}

/// The newest window that a service was decided by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewestWindow {
    pub end: Timestamp,
    /// What was remembered of the rules before it.
    pub before: BTreeMap<String, RuleMemory>,
}

impl Remembered {
    /// What a plan over a window that ends then may know: nothing of windows that are as late or later.
    #[must_use]
    pub fn before(&self, end: Timestamp) -> Memory {
        let known = |(service, rules): (&String, &BTreeMap<String, RuleMemory>)| {
            let newest = self.windows.get(service);
            let rules = match newest.map(|newest| newest.end.cmp(&end)) {
                Some(Ordering::Equal) => newest.map(|newest| newest.before.clone()).unwrap_or_default(),
                Some(Ordering::Greater) => {
                    let rules = rules.iter().map(|(id, rule)| (id.clone(), rule.as_of(end)));
                    rules.filter(|(_, rule)| *rule != RuleMemory::default()).collect()
                }
                Some(Ordering::Less) | None => rules.clone(),
            };
            (!rules.is_empty()).then(|| (service.clone(), rules))
        };
        // A service whose last rule has been forgotten since was there before.
        let gone = self.windows.iter().filter(|(service, newest)| {
            newest.end == end && !newest.before.is_empty() && !self.now.rules.contains_key(*service)
        });
        let mut rules: BTreeMap<_, _> = self.now.rules.iter().filter_map(known).collect();
        rules.extend(gone.map(|(service, newest)| (service.clone(), newest.before.clone())));
        let changes = self.now.changes.iter().filter(|change| change.at <= end).cloned().collect();
        let earned = |(service, rewards): (&String, &Vec<PastReward>)| {
            let before: Vec<PastReward> = rewards.iter().filter(|reward| reward.to < end).cloned().collect();
            (!before.is_empty()).then(|| (service.clone(), before))
        };
        let rewards = self.now.rewards.iter().filter_map(earned).collect();
        Memory { rules, changes, rewards }
    }

    /// With what a plan over these services left behind. Of a service that was decided by a later window already, nothing is taken over.
    #[must_use]
    pub fn after<'a>(mut self, end: Timestamp, services: impl Iterator<Item = &'a str>, next: &Memory) -> Self {
        for service in services {
            let known = self.now.rules.get(service).cloned().unwrap_or_default();
            let before = match self.windows.get(service).map(|newest| (newest.end.cmp(&end), &newest.before)) {
                Some((Ordering::Greater, _)) => continue,
                Some((Ordering::Equal, before)) => before.clone(),
                Some((Ordering::Less, _)) | None => known,
            };
            match next.rules.get(service) {
                Some(rules) => drop(self.now.rules.insert(service.to_owned(), rules.clone())),
                None => drop(self.now.rules.remove(service)),
            }
            if let Some(rewards) = next.rewards.get(service) {
                self.now.rewards.insert(service.to_owned(), rewards.clone());
            }
            self.windows.insert(service.to_owned(), NewestWindow { end, before });
        }
        self
    }
}

impl RuleMemory {
    /// Without what came at `end` or later.
    fn as_of(&self, end: Timestamp) -> Self {
        Self {
            true_since: self.true_since.filter(|since| *since < end),
            looked_at: self.looked_at.filter(|at| *at < end),
            fired: self.fired.iter().copied().filter(|at| *at < end).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + 3600 * hour).unwrap()
    }

    fn fired(service: &str, hours: &[i64]) -> Memory {
        let rule = RuleMemory { fired: hours.iter().map(|hour| at(*hour)).collect(), ..RuleMemory::default() };
        let rules = BTreeMap::from([("r".to_owned(), rule)]);
        Memory { rules: BTreeMap::from([(service.to_owned(), rules)]), ..Memory::default() }
    }

    #[test]
    fn a_window_is_remembered_once() {
        let first = Remembered::default();
        assert_eq!(first.before(at(1)), Memory::default());
        let once = first.after(at(1), ["a"].into_iter(), &fired("a", &[1]));
        assert_eq!(once.before(at(1)), Memory::default(), "the same window again knows nothing of itself");
        assert_eq!(once.before(at(2)), fired("a", &[1]));
        let again = once.clone().after(at(1), ["a"].into_iter(), &fired("a", &[1]));
        assert_eq!(again, once);
        let twice = again.after(at(2), ["a"].into_iter(), &fired("a", &[1, 2]));
        assert_eq!(twice.before(at(2)), fired("a", &[1]));
        assert_eq!(twice.before(at(3)), fired("a", &[1, 2]));
    }

    #[test]
    fn looking_back_knows_nothing_of_later_and_leaves_nothing() {
        let late = Remembered::default().after(at(5), ["a"].into_iter(), &fired("a", &[2, 5]));
        assert_eq!(late.before(at(3)), fired("a", &[2]));
        assert_eq!(late.clone().after(at(3), ["a"].into_iter(), &fired("a", &[2, 3])), late);
    }

    #[test]
    fn services_that_are_planned_apart_do_not_forget_each_other() {
        let both = Remembered::default().after(at(1), ["a"].into_iter(), &fired("a", &[1])).after(
            at(1),
            ["b"].into_iter(),
            &fired("b", &[1]),
        );
        assert_eq!(both.now.rules.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(both.before(at(1)), Memory::default());
        // A rule that has rested long enough is forgotten, and was known all the same.
        let gone = both.after(at(2), ["a"].into_iter(), &Memory::default());
        assert_eq!(gone.before(at(2)).rules.len(), 2);
    }
}
