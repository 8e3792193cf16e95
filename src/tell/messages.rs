//! Telling people: everybody at the same time, each one message after the other, all within seconds.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{
    Channel,
    channel::patience,
    post::{Post, Trouble},
};
use crate::{
    domain::{
        format::counted,
        news::News,
        notice::{self, Notice, State},
        told::{Message, Told},
    },
    http::Patience,
};

/// How long people are tried.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub patience: Patience,
    /// All messages to all receivers, with all attempts.
    pub all: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { patience: patience(), all: Duration::from_secs(10) }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// What everybody knows now; to be stored.
    pub told: Told,
    pub sent: u64,
    /// One sentence for each receiver that was not told of everything.
    pub trouble: Vec<String>,
}

/// Tells every receiver what it does not know yet. No run fails for it: what did not arrive is left for the next one.
#[must_use]
pub fn tell(channels: &[Channel], news: &News, told: Told, limits: &Limits) -> Heard {
    let left = |channel: &Channel| told.left(channel.receiver().name(), news, &channel.wanted);
    let messages: Vec<Vec<Message>> = channels.iter().map(left).collect();
    if messages.iter().all(Vec::is_empty) {
        return Heard { told, sent: 0, trouble: Vec::new() };
    }
    let notices = messages.iter().map(|messages| messages.iter().map(|message| message.notice.clone()).collect());
    let came = each(channels, &notices.collect::<Vec<_>>(), limits);
    let mut heard = Heard { told, sent: 0, trouble: Vec::new() };
    for ((channel, messages), answers) in channels.iter().zip(&messages).zip(came) {
        let arrived = messages.iter().zip(&answers).filter(|(_, answer)| answer.is_none()).map(|(message, _)| message);
        let number = answers.iter().filter(|answer| answer.is_none()).count();
        heard.sent += number as u64;
        heard.told = heard.told.after(channel.receiver().name(), arrived, news.at());
        if let Some(why) = answers.iter().flatten().next() {
            let missed = counted((messages.len() - number) as u64, "message");
            heard.trouble.push(format!("{missed} did not reach {}: {why}; the next run tries again", channel.shown()));
        }
    }
    heard
}

/// Sends one message to every receiver, whatever it knows: how it is called, and why it did not arrive where it did not. Where a message makes
/// an incident, its end is told too.
#[must_use]
pub fn try_out(channels: &[Channel], run: &str, now: Timestamp, limits: &Limits) -> Vec<(String, Option<String>)> {
    let begins = notice::test(run, now);
    let ends = Notice { state: State::Over, ..begins.clone() };
    let notices: Vec<Vec<Notice>> = channels
        .iter()
        .map(|channel| match channel.receiver() {
            super::Receiver::PagerDuty => vec![begins.clone(), ends.clone()],
            super::Receiver::Slack | super::Receiver::Webhook => vec![begins.clone()],
        })
        .collect();
    let came = each(channels, &notices, limits).into_iter().map(|answers| answers.into_iter().flatten().next());
    channels.iter().map(Channel::shown).zip(came).collect()
}

/// Why each message did not arrive; none where it did.
fn each(channels: &[Channel], notices: &[Vec<Notice>], limits: &Limits) -> Vec<Vec<Option<String>>> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let why = format!("telling cannot start: {error}");
            return notices.iter().map(|notices| vec![Some(why.clone()); notices.len()]).collect();
        }
    };
    let end = Instant::now() + limits.all;
    let all = channels.iter().zip(notices).map(|(channel, notices)| one(channel, notices, limits, end));
    let came = runtime.block_on(join_all(all));
    // A name that is still being looked up must not keep the run from ending.
    runtime.shutdown_background();
    came
}

async fn one(channel: &Channel, notices: &[Notice], limits: &Limits, end: Instant) -> Vec<Option<String>> {
    let hide = channel.secrets();
    let post = Post { patience: &limits.patience, hide: &hide };
    let (mut answers, mut closed) = (Vec::with_capacity(notices.len()), None);
    for notice in notices {
        if let Some(why) = &closed {
            answers.push(Some(String::clone(why)));
            continue;
        }
        let answer =
            post.send(|| channel.request(notice), end).await.err().map(|Trouble { why, closed: ends, .. }| {
                if ends {
                    closed = Some(why.clone());
                }
                why
            });
        answers.push(answer);
    }
    answers
}
