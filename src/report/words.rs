//! Phrases that the table, the Markdown page and the explanation share.

use jiff::Timestamp;

use crate::domain::{
    Arm, Finding, Plan, Setting,
    approval::GovernanceRef,
    format::{self, change, count, counted, percent, usd},
    memory::{Outcome, PastChange},
    plan::{Action, Decision, Effect, Measure, SourceSummary, Strategy, Totals, UntilSource, Windows},
};

pub(super) fn action(action: Action) -> &'static str {
    match action {
        Action::Change => "CHANGE",
        Action::Revert => "REVERT",
        Action::Experiment => "TRY",
        Action::Deferred => "waits",
        Action::Keep => "keep",
        Action::Refused => "refused",
        Action::Off => "off",
    }
}

pub(super) fn instant(at: Timestamp) -> String {
    format::instant(at)
}

/// `6 h`, `15 min`, `90 s`: whole units only.
pub(super) fn length(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    match whole {
        // One day reads better as 24 h.
        _ if whole % 86_400 == 0 && whole > 86_400 => format!("{} d", whole / 86_400),
        _ if whole % 3600 == 0 => format!("{} h", whole / 3600),
        _ if whole % 60 == 0 => format!("{} min", whole / 60),
        _ => format!("{whole} s"),
    }
}

/// The lines above the tables: label and text.
pub(super) fn summary(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut lines = read(&plan.windows, &plan.source);
    lines.push(("spend", spend(plan)));
    lines.push(("quality", quality(plan)));
    lines.extend(plan.inputs.governance.as_ref().map(|asked| ("asked", governance(asked))));
    lines
}

/// Who was asked about the changes, and what came of it.
fn governance(asked: &GovernanceRef) -> String {
    let mut text = format!("{} about {}", asked.service, counted(asked.asked, "change"));
    for (number, what) in
        [(asked.approved, "approved"), (asked.denied, "denied"), (asked.unanswered, "not answered for")]
    {
        if number > 0 {
            text += &format!(", {} {what}", count(number));
        }
    }
    if asked.fail_open && asked.unanswered > 0 {
        text += "; WARNING these go ahead all the same, by --governance-fail-open";
    }
    text
}

/// What was read, and of which time.
pub(super) fn read(windows: &Windows, source: &SourceSummary) -> Vec<(&'static str, String)> {
    let end = match windows.until {
        UntilSource::NewestEvent => "ends at the newest event; --until overrides",
        UntilSource::Flag => "ends where --until says",
        UntilSource::Clock => "ends two minutes before now",
    };
    // A window that ends long after the last event is half empty, and so is what it says.
    let silence = source.newest_event.map_or(0.0, |newest| windows.window.end().duration_since(newest).as_secs_f64());
    let silent = if silence > 0.1 * windows.window.seconds() {
        format!("; the newest event is {} older", roughly(silence))
    } else {
        String::new()
    };
    let mut read = format!(
        "{} in {}: {} used",
        counted(source.rows_read, "row"),
        counted(source.files, "file"),
        count(source.rows_used)
    );
    for (number, what) in [(source.rows_outside, "outside the time"), (source.rows_duplicate, "duplicate")] {
        if number > 0 {
            read += &format!(", {} {what}", count(number));
        }
    }
    let mut lines = vec![
        (
            "window",
            format!(
                "{} → {} UTC ({}; {end}{silent})",
                instant(windows.window.start()),
                instant(windows.window.end()),
                length(windows.window.seconds())
            ),
        ),
        (
            "evidence",
            format!("{} back to {} UTC", length(windows.lookback.seconds()), instant(windows.lookback.start())),
        ),
        ("read", read),
    ];
    for engine in &source.engines {
        let here = match engine.rows_here {
            0 => String::new(),
            rows => format!("; {} came here", counted(rows, "row")),
        };
        let reduced = counted(engine.rows - engine.rows_here.min(engine.rows), "row");
        lines.push(("engine", format!("{} at {} reduced {reduced}{here}", engine.engine, engine.address)));
    }
    if source.rows_rejected() > 0 {
        let mut reasons: Vec<_> = source.rejected.iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let shown: Vec<String> =
            reasons.iter().take(3).map(|(reason, number)| format!("{} {reason}", count(**number))).collect();
        let more = if reasons.len() > 3 { "; …" } else { "" };
        let share = source.rows_rejected() as f64 / source.rows_read as f64;
        // Above one percent it is worth a look even when nobody asked.
        let loud = if share > 0.01 { "WARNING " } else { "" };
        lines.push((
            "rejected",
            format!("{loud}{} ({}): {}{more}", count(source.rows_rejected()), percent(share), shown.join("; ")),
        ));
    }
    if !source.ignored_columns.is_empty() {
        let mut names: Vec<String> = source.ignored_columns.iter().take(8).cloned().collect();
        if source.ignored_columns.len() > 8 {
            names.push("…".to_owned());
        }
        lines.push(("ignored", format!("columns that nothing reads: {}", names.join(", "))));
    }
    lines
}

fn spend(plan: &Plan) -> String {
    let totals = &plan.totals;
    // Less than most of a day says little about a day: morning is not evening.
    let start = plan
        .source
        .oldest_event
        .map_or(plan.windows.lookback.start(), |oldest| oldest.max(plan.windows.lookback.start()));
    let seconds = plan.windows.lookback.end().duration_since(start).as_secs_f64();
    let known = totals.spend_usd_per_day.is_some();
    let basis = if known && seconds < 20.0 * 3600.0 {
        format!("; carried on from {}", roughly(seconds))
    } else {
        String::new()
    };
    spend_words(totals) + &basis
}

/// A length to the nearest minute or hour.
fn roughly(seconds: f64) -> String {
    if seconds < 5_400.0 {
        format!("{:.0} min", (seconds / 60.0).max(1.0))
    } else {
        format!("{:.0} h", seconds / 3600.0)
    }
}

fn spend_words(totals: &Totals) -> String {
    match (totals.spend_usd_per_day, totals.planned_spend_usd_per_day) {
        (Some(now), Some(planned)) if now > 0.0 && (planned - now).abs() >= 0.005 * now => {
            let likely = totals
                .planned_spend_interval_usd_per_day
                .map_or_else(String::new, |[low, high]| format!("; 90 %: {} to {}", usd(low), usd(high)));
            format!("{} a day now → {} planned ({}{likely})", usd(now), usd(planned), change(planned / now - 1.0))
        }
        (Some(now), _) => format!("{} a day, unchanged by this plan", usd(now)),
        (None, _) if totals.unpriced_share > 0.0 => {
            format!("unknown: {} of requests have no known cost", percent(totals.unpriced_share))
        }
        (None, _) if totals.requests == 0.0 => "unknown: there are no requests".to_owned(),
        (None, _) => "unknown: too little time to speak of a day".to_owned(),
    }
}

fn quality(plan: &Plan) -> String {
    let totals = &plan.totals;
    let scored = format!("{} of requests carry a score", percent(totals.quality_coverage));
    match (totals.quality, totals.planned_quality) {
        (Some(now), Some(planned)) if (planned - now).abs() >= 0.0005 => {
            format!("{now:.3} now → {planned:.3} planned ({scored})")
        }
        (Some(now), _) => format!("{now:.3}, unchanged by this plan ({scored})"),
        (None, _) => "unknown: no request carries a score".to_owned(),
    }
}

/// What a person is shown of a long list; JSON has everything.
pub(super) struct Excerpt<'a, T> {
    pub shown: Vec<&'a T>,
    /// Says what was left out; empty when nothing was.
    pub rest: String,
}

/// Most rows of a list that somebody reads.
const MOST: usize = 40;

/// The decisions worth a look: all of a short list; of a long one what changes, then what was refused.
pub(super) fn decisions(plan: &Plan) -> Excerpt<'_, Decision> {
    if plan.decisions.len() <= MOST {
        return Excerpt { shown: plan.decisions.iter().collect(), rest: String::new() };
    }
    let rank = |decision: &&Decision| match decision.action {
        Action::Revert | Action::Change | Action::Experiment | Action::Deferred => 0,
        Action::Refused => 1,
        Action::Keep | Action::Off => 2,
    };
    let mut ranked: Vec<&Decision> = plan.decisions.iter().filter(|decision| rank(decision) < 2).collect();
    ranked.sort_by_key(rank);
    let kept = plan.decisions.len() - ranked.len();
    let cut = ranked.split_off(ranked.len().min(MOST));
    let moving = cut.iter().filter(|decision| rank(decision) == 0).count();
    let mut parts = vec![format!("{} stay as they are", counted(kept as u64, "more segment"))];
    for (number, what) in [(cut.len() - moving, "refused"), (moving, "to be changed")] {
        if number > 0 {
            parts.push(format!("{} more {what}", count(number as u64)));
        }
    }
    Excerpt { shown: ranked, rest: format!("{}; --format json lists them all", parts.join(", ")) }
}

/// The worst findings.
pub(super) fn findings(findings: &[Finding]) -> Excerpt<'_, Finding> {
    let rest = match findings.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!("{} of lesser weight; --format json lists them all", counted(more as u64, "more finding")),
    };
    Excerpt { shown: findings.iter().take(MOST).collect(), rest }
}

/// The model without its publisher, which is long and rarely tells two apart.
pub(super) fn short(arm: &Arm) -> String {
    arm.model.rsplit('/').next().unwrap_or(&arm.model).to_owned()
}

/// What moves, in the shortest words that still tell the two apart.
pub(super) fn what(decision: &Decision) -> String {
    match (&decision.current, &decision.proposed) {
        // Other parameters, or another prompt, under the same name.
        (Some(now), Some(new)) if now == new || decision.strategy == Some(Strategy::PromptVariants) => {
            let settings: Vec<String> = decision.settings.iter().map(setting).collect();
            format!("{} ({})", settings.join(", "), short(now))
        }
        (Some(now), Some(new)) if now.same_model(new) => {
            let version = |arm: &Arm| arm.config_version.clone().unwrap_or_else(|| "unversioned".to_owned());
            format!("config {} → {} ({})", version(now), version(new), short(now))
        }
        (Some(now), Some(new)) if short(now).eq_ignore_ascii_case(&short(new)) || now.provider != new.provider => {
            format!("{} → {}", now.model_id(), new.model_id())
        }
        (Some(now), Some(new)) => format!("{} → {}", short(now), short(new)),
        (Some(now), None) => {
            let others = || decision.candidates.iter().skip(1);
            let ambiguous = others().any(|other| short(&other.arm) == short(now) && !other.arm.same_model(now));
            let name = if ambiguous { now.model_id() } else { short(now) };
            let share = decision.candidates.first().map_or(1.0, |current| current.share);
            // Where no arm has the majority, "stays" alone would sound as if one had.
            let split = if share < 0.5 { format!(" (largest share, {})", percent(share)) } else { String::new() };
            format!("stays on {name}{split}")
        }
        (None, _) => String::new(),
    }
}

/// `max_tokens 1024 → 768`
pub(super) fn setting(setting: &Setting) -> String {
    let from = setting.from.as_deref().map_or_else(|| "unknown".to_owned(), format::short);
    format!("{} {from} → {}", format::short(&setting.key), format::short(&setting.to))
}

/// The relative change of one measure, blank where the decision changes nothing.
pub(super) fn effect(decision: &Decision, measure: Measure) -> String {
    let found: Option<&Effect> = decision.effects.iter().find(|effect| effect.measure == measure);
    found.and_then(|effect| effect.relative).map(change).unwrap_or_default()
}

/// The reason, with what it saves and how sure it is.
pub(super) fn why(decision: &Decision) -> String {
    let mut text = decision.reason.clone();
    if let Some(change) = decision.spend_change_usd_per_day.filter(|change| change.abs() >= 0.01) {
        text += &format!("; {} {} a day", if change < 0.0 { "saves" } else { "costs" }, usd(change.abs()));
    }
    if decision.action == Action::Experiment
        && let Some(share) = decision.rollout_percent.last()
    {
        text += &format!("; on {share} % of the traffic");
    }
    if let Some(confidence) = decision.confidence {
        text += &format!("; {} sure", sureness(confidence));
    }
    text
}

/// Confidence as people say it: never 100 %.
pub(super) fn sureness(confidence: f64) -> String {
    if confidence > 0.99 { "> 99 %".to_owned() } else { format!("{:.0} %", (confidence * 100.0).floor()) }
}

/// One change of the past on a line.
pub(super) fn past(change: &PastChange) -> String {
    let outcome = match &change.outcome {
        Outcome::Open => "still open".to_owned(),
        Outcome::RolledBack { because } => format!("rolled back: {because}"),
        Outcome::Kept { effects } => {
            let effects: Vec<String> = effects
                .iter()
                .map(|(measure, relative)| format!("{} {}", measure.name(), format::change(*relative)))
                .collect();
            format!("kept: {}", effects.join(", "))
        }
    };
    let (from, to) = (&change.from, &change.to);
    format!("{} {} {}: {from} → {to}, {outcome}", instant(change.at), change.service, change.segment.name())
}
