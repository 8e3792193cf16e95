//! What to remember: one sentence, and a few figures.

use super::{findings::sentence, worth::findings};
use crate::{
    domain::{
        Severity,
        format::{change, count, counted, percent, usd},
        gate::GateOutcome,
        material::Material,
        page::{Cell, Headline, Section, Tone},
        plan::{Plan, Totals},
        rollout::Stage,
    },
    report::words,
};

/// The most important thing, and what is done about it.
pub(super) fn title(material: &Material, sections: &[Section]) -> String {
    let mut parts = Vec::new();
    let gate = material.gates.iter().find(|gate| gate.outcome == GateOutcome::Failed);
    parts.extend(gate.map(super::gate::title));
    let worst = findings(material).into_iter().find(|finding| finding.severity >= Severity::Medium).map(sentence);
    parts.extend(worst);
    parts.extend(material.plan.as_ref().and_then(|plan| saving(&plan.totals)));
    if parts.len() < 2 {
        parts.extend(super::rollouts::title(material));
    }
    parts
        .extend(material.gates.iter().filter(|_| parts.is_empty()).take(1).map(super::gate::title).collect::<Vec<_>>());
    match (parts.is_empty(), material.plan.is_some()) {
        (false, _) => parts[..parts.len().min(2)].join("; "),
        (true, true) => "Everything is within its limits, and nothing is to be changed".to_owned(),
        // The first thing there is to tell.
        (true, false) => {
            sections.first().map_or_else(|| "Nothing was found".to_owned(), |section| section.title.clone())
        }
    }
}

/// `the plan would save $121 a day (−9 %)`
fn saving(totals: &Totals) -> Option<String> {
    let (now, planned) = totals.spend_usd_per_day.zip(totals.planned_spend_usd_per_day)?;
    (now > 0.0 && (now - planned).abs() >= 0.005 * now).then(|| {
        let word = if planned < now { "save" } else { "cost" };
        format!("the plan would {word} {} a day ({})", usd((now - planned).abs()), change(planned / now - 1.0))
    })
}

pub(super) fn figures(material: &Material) -> Vec<Headline> {
    let mut all: Vec<Headline> = material.plan.iter().flat_map(|plan| planned(plan, material)).collect();
    if !material.rollouts.is_empty() {
        let now = |is: fn(&Stage) -> bool| material.rollouts.iter().filter(|one| is(&one.rollout.stage)).count();
        let under_way = now(Stage::is_open);
        let [kept, back] =
            [now(|stage| matches!(stage, Stage::Full { .. })), now(|stage| matches!(stage, Stage::RolledBack { .. }))];
        all.push(Headline {
            label: "rollouts under way".into(),
            figure: Cell::number(under_way as f64, count(under_way as u64)),
            note: format!("{kept} completed, {back} taken back"),
            tone: Tone::Plain,
        });
    }
    for gate in &material.gates {
        let guards = gate.comparisons.iter().filter(|one| one.guards).count() as u64;
        all.push(Headline {
            label: "gate".into(),
            figure: Cell::text(super::gate::outcome(gate)),
            note: format!("{} that can fail it", counted(guards, "comparison")),
            tone: match gate.outcome {
                GateOutcome::Passed => Tone::Good,
                GateOutcome::Warned => Tone::Plain,
                GateOutcome::Failed => Tone::Bad,
            },
        });
    }
    all
}

fn planned(plan: &Plan, material: &Material) -> Vec<Headline> {
    let totals = &plan.totals;
    let mut all = vec![Headline {
        label: "spend a day".into(),
        figure: Cell::known(totals.spend_usd_per_day, usd),
        note: format!("at the rate of {}", words::length(plan.windows.lookback.seconds())),
        tone: Tone::Plain,
    }];
    let moving = plan.decisions.iter().filter(|decision| decision.action.moves()).count() as u64;
    let planned = totals.spend_usd_per_day.zip(totals.planned_spend_usd_per_day).filter(|_| moving > 0);
    if let Some((now, after)) = planned {
        let sure = totals.planned_spend_interval_usd_per_day;
        all.push(Headline {
            label: "spend a day as planned".into(),
            figure: Cell::number(after, usd(after)),
            note: match sure {
                Some([low, high]) if now > 0.0 => {
                    format!("{}; 90 %: {} … {}", change(after / now - 1.0), usd(low), usd(high))
                }
                _ => "predicted; nothing was changed".to_owned(),
            },
            tone: if after < 0.995 * now { Tone::Good } else { Tone::Plain },
        });
    }
    all.push(Headline {
        label: "quality".into(),
        figure: Cell::known(totals.quality, |quality| format!("{quality:.3}")),
        note: match (totals.quality, totals.planned_quality) {
            (Some(now), Some(after)) if (after - now).abs() >= 0.0005 => {
                format!("{after:.3} as planned; {} of requests scored", percent(totals.quality_coverage))
            }
            _ => format!("{} of requests scored", percent(totals.quality_coverage)),
        },
        tone: Tone::Plain,
    });
    all.push(Headline {
        label: "changes proposed".into(),
        figure: Cell::number(moving as f64, count(moving)),
        note: format!("of {}", counted(plan.decisions.len() as u64, "segment")),
        tone: Tone::Plain,
    });
    let found = findings(material);
    let grave = found.iter().filter(|finding| finding.severity >= Severity::High).count() as u64;
    all.push(Headline {
        label: "grave findings".into(),
        figure: Cell::number(grave as f64, count(grave)),
        note: format!("of {}", counted(found.len() as u64, "finding")),
        tone: if grave > 0 { Tone::Bad } else { Tone::Good },
    });
    all
}
