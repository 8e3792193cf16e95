//! The flags that say who hears of a run, and telling them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{ROLLOUTS, Went};
use crate::{
    act,
    cli::{Failure, halt, holder::tick_id, sink, state::StateArgs},
    domain::{fault::Exit, format::visible, news::News, phase, told::Told},
    http::{Peer, Token},
    report::{Figures, prometheus},
    state::{Open, StateError, Store},
    tell::{self, Channel, Group, Limits, Receiver, Target, TellError, Template},
};

#[derive(Debug, Args)]
pub(super) struct TellArgs {
    /// Show the figures of this run to Prometheus: `textfile:PATH.prom` or `pushgateway:URL`
    #[arg(long, help_heading = "Telling", value_name = "TARGET", env = "OPTIMIZER_METRICS")]
    metrics: Option<String>,
    /// What the Pushgateway keeps them under: `instance`; jobs of their own need names of their own
    #[arg(
        long,
        help_heading = "Telling",
        value_name = "NAME",
        env = "OPTIMIZER_METRICS_INSTANCE",
        default_value = "optimizer"
    )]
    metrics_instance: String,
    /// File with the token of the Pushgateway [default: the environment variable `OPTIMIZER_PUSHGATEWAY_TOKEN`, else none]
    #[arg(long, help_heading = "Telling", value_name = "FILE", env = "OPTIMIZER_PUSHGATEWAY_TOKEN_FILE")]
    pushgateway_token_file: Option<PathBuf>,
    /// Tell these people what happened; their addresses and keys are secrets, from the environment or from files
    #[arg(
        long,
        help_heading = "Telling",
        value_name = "RECEIVER",
        value_enum,
        value_delimiter = ',',
        env = "OPTIMIZER_NOTIFY"
    )]
    notify: Vec<ReceiverArg>,
    /// How this installation calls itself in messages
    #[arg(
        long,
        help_heading = "Telling",
        value_name = "NAME",
        env = "OPTIMIZER_NOTIFY_AS",
        default_value = "optimizer"
    )]
    notify_as: String,
    /// The words of messages, with places such as `{service}` and `{summary}`
    #[arg(long, help_heading = "Telling", value_name = "TEXT", env = "OPTIMIZER_NOTIFY_TEMPLATE")]
    notify_template: Option<String>,
    /// Send one message to every receiver, say what came of it, and stop: nothing else is done
    #[arg(long, help_heading = "Telling", requires = "notify")]
    notify_test: bool,
    /// File with the address of the Slack webhook [default: the environment variable `OPTIMIZER_SLACK_URL`]
    #[arg(long, help_heading = "Telling", value_name = "FILE", env = "OPTIMIZER_SLACK_URL_FILE")]
    slack_url_file: Option<PathBuf>,
    /// File with the routing key of `PagerDuty` [default: the environment variable `OPTIMIZER_PAGERDUTY_KEY`]
    #[arg(long, help_heading = "Telling", value_name = "FILE", env = "OPTIMIZER_PAGERDUTY_KEY_FILE")]
    pagerduty_key_file: Option<PathBuf>,
    /// File with the address of the webhook [default: the environment variable `OPTIMIZER_WEBHOOK_URL`]
    #[arg(long, help_heading = "Telling", value_name = "FILE", env = "OPTIMIZER_WEBHOOK_URL_FILE")]
    webhook_url_file: Option<PathBuf>,
    /// File with what messages to the webhook are signed with [default: the environment variable `OPTIMIZER_WEBHOOK_SECRET`]
    #[arg(long, help_heading = "Telling", value_name = "FILE", env = "OPTIMIZER_WEBHOOK_SECRET_FILE")]
    webhook_secret_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReceiverArg {
    /// An incoming webhook of Slack, or of what understands its form
    Slack,
    /// Events API v2 of `PagerDuty`
    Pagerduty,
    /// One of your own; messages are signed
    Webhook,
}

impl TellArgs {
    /// Who is to be told, looked at before anything is done.
    pub(super) fn voice(&self) -> Result<Voice, Failure> {
        let metrics = match &self.metrics {
            None => None,
            Some(text) => {
                let target: Target = text.parse().map_err(TellError::Target)?;
                let token = Token::given(Peer::Pushgateway, self.pushgateway_token_file.as_deref())?;
                target.check(token.as_ref())?;
                Some((target, token))
            }
        };
        let group = Group { job: "optimizer".to_owned(), instance: self.metrics_instance.clone() };
        let template = self.notify_template.as_deref().map(str::parse::<Template>).transpose();
        let template = template.map_err(TellError::Template)?.unwrap_or_default();
        let mut receivers = self.notify.clone();
        receivers.sort_by_key(|receiver| *receiver as u8);
        receivers.dedup();
        let channels = receivers.into_iter().map(|receiver| {
            let (receiver, secret, signed_with) = match receiver {
                ReceiverArg::Slack => (Receiver::Slack, &self.slack_url_file, None),
                ReceiverArg::Pagerduty => (Receiver::PagerDuty, &self.pagerduty_key_file, None),
                ReceiverArg::Webhook => {
                    (Receiver::Webhook, &self.webhook_url_file, self.webhook_secret_file.as_deref())
                }
            };
            let channel = Channel::given(receiver, secret.as_deref(), signed_with, &self.notify_as, false)?;
            Ok(channel.with_template(template.clone()))
        });
        let channels = channels.collect::<Result<Vec<_>, TellError>>()?;
        Ok(Voice { metrics, group, channels, test: self.notify_test })
    }
}

/// Who is told, and how.
#[derive(Debug)]
pub(super) struct Voice {
    metrics: Option<(Target, Option<Token>)>,
    group: Group,
    channels: Vec<Channel>,
    pub test: bool,
}

impl Voice {
    /// Sends one message to everybody, and says what came of it.
    pub(super) fn try_out(&self) -> Result<(), Failure> {
        let now = Timestamp::now();
        let came = tell::try_out(&self.channels, &tick_id(now), now, &Limits::default());
        let lines = came.iter().map(|(who, trouble)| match trouble {
            None => format!("{who}: told\n"),
            Some(why) => format!("{who}: not told: {why}\n"),
        });
        sink::print(&visible(&lines.collect::<String>()))?;
        let missed = came.iter().filter(|(_, trouble)| trouble.is_some()).count();
        if missed == 0 {
            return Ok(());
        }
        Err(Failure::acted(
            Exit::Sink,
            format!("{missed} of {} receivers were not told", came.len()),
            "look at the addresses and secrets of those above",
        ))
    }

    /// Tells everybody of a run that is over. Whatever goes wrong is said, and changes nothing.
    pub(super) fn tell(&self, state: &StateArgs, went: &Went) {
        if went.dry_run || went.ending().is_none() || self.metrics.is_none() && self.channels.is_empty() {
            return;
        }
        match state.open(Open::AsItIs) {
            Ok(mut store) => {
                self.show(&mut store, went);
                self.say(Some(&mut store), went);
            }
            Err(_) => self.say(None, went),
        }
    }

    fn show(&self, store: &mut Store, went: &Went) {
        let Some((target, token)) = &self.metrics else { return };
        let shown = figures(store, went).map_err(|error| error.to_string()).and_then(|text| match text {
            Some(text) => target.write(&text, &self.group, token.as_ref()),
            // The figures of a run that never came to anything stay away, and their age tells.
            None => Ok(()),
        });
        if let Err(why) = shown {
            tracing::warn!("the figures of this run were not shown: {why}");
        }
    }

    fn say(&self, mut store: Option<&mut Store>, went: &Went) {
        let Some(ending) = went.ending().filter(|_| !self.channels.is_empty()) else { return };
        let before = match store.as_deref_mut().map(act::told) {
            Some(Ok(told)) => told,
            Some(Err(error)) => {
                tracing::warn!("what was told before is not known, so it may be told again: {error}");
                store = None;
                Told::default()
            }
            None => Told::default(),
        };
        let mut news = News::of(&went.id, Timestamp::now()).with_killed(&went.killed);
        if let Some(report) = &went.report {
            news = news.with_run(report);
        }
        // What an earlier run could not tell comes now.
        let known = self.channels.iter().all(|channel| before.knows(channel.receiver().name()));
        if let Some(store) = store.as_deref_mut().filter(|_| known)
            && let Ok(runs) = act::runs(store, EARLIER)
        {
            news = runs.iter().filter(|run| run.id != went.id).fold(news, News::with_run);
        }
        if let (Some(store), Some(policy)) = (store.as_deref_mut(), &went.policy)
            && let Ok(status) = act::status(store, None, policy, went.now)
        {
            news = news.with_status(&status);
        }
        if let Some(findings) = &went.findings {
            news = news.with_budgets(findings);
        }
        let why = went.failure.as_ref().map(Failure::message).unwrap_or_default();
        let news = news.with_end(went.scope, ending, why);
        let all = Limits::default().all;
        let limits = Limits { all: halt::left().map_or(all, |left| left.min(all)), ..Limits::default() };
        let heard = tell::tell(&self.channels, &news, before.clone(), &limits);
        for trouble in &heard.trouble {
            tracing::warn!("{trouble}");
        }
        if let Some(store) = store
            && heard.told != before
            && let Err(error) = act::keep_told(store, &before, &heard.told, went.now)
        {
            tracing::warn!("what was told is not written down, so it may be told again: {error}");
        }
    }
}

/// Earlier runs whose steps are told where a receiver missed them: five hours of them, as usually scheduled.
const EARLIER: i64 = 20;

/// The text for Prometheus, where the run came to its end.
fn figures(store: &mut Store, went: &Went) -> Result<Option<String>, StateError> {
    let (Some(report), Some(tally), Some(policy), Some(ending)) =
        (&went.report, &went.tally, &went.policy, went.ending())
    else {
        return Ok(None);
    };
    let status = act::status(store, None, policy, went.now)?;
    let rollouts = act::rollouts(store, policy, ROLLOUTS)?;
    Ok(Some(prometheus(&Figures {
        version: env!("CARGO_PKG_VERSION"),
        run: report,
        ending,
        ended_at: went.ended_at,
        phases: &phase::durations(&went.times),
        status: &status,
        rollouts: &rollouts,
        source: went.source.as_ref(),
        tally,
    })))
}
