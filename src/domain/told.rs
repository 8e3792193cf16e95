//! What each receiver already knows, so that no run tells it twice, and what is left to tell.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Severity,
    format::counted,
    news::News,
    notice::{Event, Notice, State},
};

/// Days after which what happened once is forgotten. It would be told again only by a run that took up one killed before that.
const REMEMBERED_DAYS: i64 = 30;

/// Lines of a summary; more are counted.
const MOST_LINES: usize = 20;

/// By receiver and key. One small document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    receivers: BTreeMap<String, BTreeMap<String, Entry>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    at: Timestamp,
    /// What stands since then; none for what happened once.
    stands: Option<Standing>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    event: Event,
    service: Option<String>,
    summary: String,
}

/// What a receiver wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub events: BTreeSet<Event>,
    /// Messages of one run, at least 1.
    pub most: usize,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub notice: Notice,
    /// What the receiver knows once it has it: the notice itself, or those that it sums up.
    pub covers: Vec<Notice>,
}

impl Told {
    /// Whether this receiver was to be told of an earlier run: if not, what happened before is none of its business.
    #[must_use]
    pub fn knows(&self, receiver: &str) -> bool {
        self.receivers.contains_key(receiver)
    }

    /// What is left to tell this receiver, the worst first. What is too much for one run is summed up in its last message; what is over is
    /// never summed up, and waits for the next run where there is no room for it.
    #[must_use]
    pub fn left(&self, receiver: &str, news: &News, wanted: &Wanted) -> Vec<Message> {
        let known = self.receivers.get(receiver);
        let is_told = |key: &str| known.is_some_and(|known| known.contains_key(key));
        let mut keys = BTreeSet::new();
        let mut fresh: Vec<&Notice> = news
            .notices()
            .iter()
            .filter(|notice| wanted.events.contains(&notice.event) && !is_told(&notice.key) && keys.insert(&notice.key))
            .collect();
        fresh.sort_by(|a, b| (b.severity, &a.key).cmp(&(a.severity, &b.key)));
        let most = wanted.most.max(1);
        let alone = if fresh.len() > most { most - 1 } else { fresh.len() };
        let (alone, together) = fresh.split_at(alone);
        let mut messages: Vec<Message> = alone.iter().map(|notice| single((*notice).clone())).collect();
        messages.extend(summed_up(together, news));
        let room = most - messages.len();
        messages.extend(self.over(receiver, news).into_iter().take(room).map(single));
        messages
    }

    /// What this receiver takes to stand, and this run would have found if it did.
    fn over(&self, receiver: &str, news: &News) -> Vec<Notice> {
        let stands: BTreeSet<&str> = news.notices().iter().map(|notice| notice.key.as_str()).collect();
        let known = self.receivers.get(receiver).into_iter().flatten();
        known
            .filter(|(key, _)| !stands.contains(key.as_str()) && news.looked_at(key))
            .filter_map(|(key, entry)| {
                let Standing { event, service, summary } = entry.stands.clone()?;
                Some(Notice {
                    event,
                    state: State::Over,
                    key: key.clone(),
                    service,
                    severity: Severity::Low,
                    summary: format!("no longer: {summary}"),
                    detail: String::new(),
                    at: news.at(),
                    run: news.run().to_owned(),
                })
            })
            .collect()
    }

    /// What it knows once it has got these.
    #[must_use]
    pub fn after<'a>(mut self, receiver: &str, arrived: impl IntoIterator<Item = &'a Message>, now: Timestamp) -> Self {
        let known = self.receivers.entry(receiver.to_owned()).or_default();
        for notice in arrived.into_iter().flat_map(|message| &message.covers) {
            let Notice { event, service, summary, .. } = notice.clone();
            let stands = match notice.state {
                State::Over => {
                    known.remove(&notice.key);
                    continue;
                }
                State::Once => None,
                State::Stands => Some(Standing { event, service, summary }),
            };
            known.insert(notice.key.clone(), Entry { at: now, stands });
        }
        let oldest = now.saturating_sub(SignedDuration::from_hours(24 * REMEMBERED_DAYS)).unwrap_or(Timestamp::MIN);
        known.retain(|_, entry| entry.stands.is_some() || entry.at >= oldest);
        self
    }
}

fn single(notice: Notice) -> Message {
    Message { covers: vec![notice.clone()], notice }
}

/// Worst first, as they come.
fn summed_up(notices: &[&Notice], news: &News) -> Option<Message> {
    let worst = notices.first()?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for notice in notices {
        *counts.entry(notice.event.name()).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.into_iter().map(|(event, count)| format!("{count} {}", event.replace('_', " "))).collect();
    let mut lines: Vec<String> = notices.iter().take(MOST_LINES).map(|notice| notice.summary.clone()).collect();
    if notices.len() > MOST_LINES {
        lines.push(format!("and {} more", notices.len() - MOST_LINES));
    }
    let notice = Notice {
        event: worst.event,
        state: State::Once,
        key: format!("sum/{}", news.run()),
        service: None,
        severity: worst.severity,
        summary: format!("{}: {}", counted(notices.len() as u64, "more event"), counts.join(", ")),
        detail: lines.join("\n"),
        at: news.at(),
        run: news.run().to_owned(),
    };
    Some(Message { notice, covers: notices.iter().map(|notice| (*notice).clone()).collect() })
}

#[cfg(test)]
mod tests;
