//! What is to be seen, and what was: one canary promoted step by step, one taken back, and an operator who was heard.

use std::time::Duration;

use optimizer::domain::run::{Did, RunReport};

use super::program::Word;

/// Runs for which the pause holds.
const PAUSED: usize = 3;

#[derive(Debug)]
pub struct Story {
    good: &'static str,
    bad: &'static str,
    /// Shares that the good one came to.
    shares: Vec<u8>,
    promoted: bool,
    rolled_back: Option<String>,
    /// Runs since the pause was said.
    since_pause: Option<usize>,
    held: usize,
}

impl Story {
    pub fn new(good: &'static str, bad: &'static str) -> Self {
        Self { good, bad, shares: Vec::new(), promoted: false, rolled_back: None, since_pause: None, held: 0 }
    }

    /// What an operator says before the next run: a pause once a quarter of the traffic is on the new model, and its end.
    pub fn operator(&mut self) -> Option<Word> {
        let service = self.good;
        let (pause, resume) = ("change freeze while the on-call changes shift", "the new shift is in place");
        match &mut self.since_pause {
            None if self.shares.last() == Some(&25) => {
                self.since_pause = Some(0);
                Some(Word { verb: "pause", service, reason: pause })
            }
            None => None,
            Some(runs) => {
                *runs += 1;
                (*runs == PAUSED).then_some(Word { verb: "resume", service, reason: resume })
            }
        }
    }

    pub fn heard(&mut self, report: &RunReport) {
        for step in &report.steps {
            if step.service == self.good {
                match step.did {
                    Did::Began | Did::Advanced => self.shares.push(step.share_after),
                    Did::Completed => self.promoted = self.shares == [5, 25, 50, 100],
                    Did::Held => self.held += usize::from(step.why.contains("change freeze")),
                    _ => {}
                }
            }
            if step.service == self.bad && step.did == Did::RolledBack {
                self.rolled_back = Some(step.why.clone());
            }
        }
    }

    pub fn is_over(&self) -> bool {
        self.promoted && self.rolled_back.is_some() && self.held > 0
    }

    /// What was seen, in a few sentences.
    pub fn ending(&self, runs: usize, quarter: i64, requests: u64, took: Duration) -> String {
        let Self { good, bad, shares, .. } = self;
        let hours = (runs as f64) * (quarter as f64) / 60.0;
        let took = took.as_secs_f64();
        let shares: Vec<String> = shares.iter().map(u8::to_string).collect();
        let mut text = format!(
            "What you saw: {runs} runs over {hours:.1} simulated hours and {requests} requests, in {took:.0} s.\n\
             {good}: {} (shares: {} %).\n",
            if self.promoted { "its new model was promoted" } else { "its new model was NOT promoted" },
            shares.join(" → "),
        );
        text += &match &self.rolled_back {
            Some(why) => format!("{bad}: its new model, whose slowness is simulated, was taken back: {why}.\n"),
            None => format!("{bad}: its new model, whose slowness is simulated, was NOT taken back.\n"),
        };
        text + &match self.held {
            0 => "The operator's pause was NOT heard.\n".to_owned(),
            held => {
                format!("The operator's pause was heard by {held} runs, and nothing went forward there meanwhile.\n")
            }
        }
    }
}
