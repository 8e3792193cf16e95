//! A run in a few lines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use optimizer::{
    domain::{
        format,
        policy::Mode,
        run::{Did, RunReport, StepLine},
        verdict::{Judgement, Reading, Verdict},
    },
    report,
};

use super::pool::{CHEAP, DEAR, Pool};

/// Characters of a bar.
const BAR: usize = 8;

/// Characters of a line.
const WIDTH: usize = 110;

pub fn opening(url: &str, pool: &Pool, rate: u32) -> String {
    format!(
        "An Orchestrator serves at {url}, on this machine only. Two services answer everything with\n\
         {DEAR}; {CHEAP} costs 98 % less.\n\
         Each gets {rate} requests a minute, drawn from {} real ones of testdata/helpdesk.csv.gz: latency, tokens\n\
         and quality as measured. One thing is simulated: in returns-desk the new model takes twice as long.\n\
         `optimizer run` acts every 15 minutes of simulated time. Bars show the share of traffic on the new model.\n",
        pool.day().len()
    )
}

/// Says each thing once.
#[derive(Debug, Default)]
pub struct Transcript {
    /// Why nothing was begun, by service, as it was said last.
    said: BTreeMap<String, String>,
}

impl Transcript {
    /// One run: its time, and a line or two for each service.
    pub fn tick(&mut self, now: Timestamp, report: &RunReport) -> String {
        let mut lines: Vec<String> = report.steps.iter().map(step).collect();
        for not in &report.not_begun {
            // Those under way are told above.
            let under_way = report.steps.iter().any(|step| step.service == not.service);
            if !under_way && self.said.insert(not.service.clone(), not.why.clone()).as_ref() != Some(&not.why) {
                lines.push(clipped(&format!("{:<13}{} nothing begun: {}", not.service, bar(0), not.why)) + "\n");
            }
        }
        if lines.is_empty() {
            lines.push("nothing is under way, and nothing is to be changed\n".to_owned());
        }
        format!("\n{}  {}", now.strftime("%H:%M"), lines.join("       "))
    }
}

fn step(step: &StepLine) -> String {
    let did = step.did.name();
    let share = if step.share_before == step.share_after {
        did.to_owned()
    } else {
        format!("{} {} → {} %", did.to_uppercase(), step.share_before, step.share_after)
    };
    // Where everything has moved, nothing is left to compare with.
    let compared = matches!(step.did, Did::Held | Did::Advanced | Did::RolledBack) && step.share_before < 100;
    let telling = step.judgement.as_ref().filter(|_| compared).and_then(telling);
    let why = match (&telling, step.did) {
        // The numbers follow below.
        (Some(_), Did::Advanced | Did::RolledBack) => "",
        (Some(_), Did::Held) if step.why.contains(", limit ") => step.why.split(": ").next().unwrap_or_default(),
        _ => &step.why,
    };
    let colon = if why.is_empty() { "" } else { ": " };
    let mut text = clipped(&format!("{:<13}{} {share}{colon}{why}", step.service, bar(step.share_after))) + "\n";
    if let Some(telling) = telling {
        text += &format!("{:27}{telling}\n", "");
    }
    text
}

/// The reading that decides: harm, else what is missing most, else that nothing is.
fn telling(judgement: &Judgement) -> Option<String> {
    let enforced = || judgement.readings.iter().filter(|reading| reading.mode == Mode::Enforce);
    let of = |verdict: Verdict| enforced().filter(move |reading| reading.verdict == verdict);
    let needed = |reading: &&Reading| reading.still_needed.unwrap_or(f64::INFINITY);
    let slowest = of(Verdict::Inconclusive).max_by(|a, b| needed(a).total_cmp(&needed(b)));
    let harm = of(Verdict::Inconclusive).find(|reading| reading.harm_shown);
    let worst = of(Verdict::Breached).next().or(harm).or_else(|| of(Verdict::Error).next()).or(slowest);
    match worst {
        Some(reading) => Some(report::reading(reading)),
        None => enforced().map(|reading| reading.candidate_requests).reduce(f64::max).map(|requests| {
            let names: Vec<&str> = enforced().map(|reading| reading.measure.name()).collect();
            format!("{}: sound; {} requests", names.join(", "), format::quantity(requests.round()))
        }),
    }
}

fn bar(share: u8) -> String {
    let full = (usize::from(share) * BAR).div_ceil(100);
    format!("▕{}{}▏{share:>3} %", "█".repeat(full), "░".repeat(BAR - full))
}

fn clipped(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        text.to_owned()
    } else {
        text.chars().take(WIDTH - 1).collect::<String>() + "…"
    }
}
