//! The top of the ladder: what is in force does harm, so leave it.

use super::{Answer, Move, Rollout, Table, version};
use crate::{
    decide::{candidates::Weighed, choose::best},
    domain::{
        Finding, FindingKind, Severity, format,
        plan::{Action, Candidate, CheckOutcome, Measure, RuleState, Strategy},
        policy::Then,
    },
    stats::regression::{self, Regression},
};

impl Table<'_> {
    fn regression(&self) -> Option<Regression> {
        let case = self.case;
        regression::find(case.evidence, case.arms, case.rules.evidence, &case.rules.rollback)
    }

    /// The configuration in force is worse than the one before it, so go back; unless the policy leaves that to people, or going
    /// back would do harm of its own. The finding stands either way.
    pub(super) fn revert(&mut self) -> Answer {
        let Some(found) = self.regression() else {
            return Answer::Nothing("no configuration is worse than the one before it".to_owned());
        };
        if !self.case.rules.rollback.automatic {
            return Answer::Abstained(
                "the policy leaves going back to people (`rollback.automatic: false`)".to_owned(),
            );
        }
        if !found.harms_of_return.is_empty() {
            return Answer::Abstained(format!("going back to {} would do harm of its own", version(&found.previous)));
        }
        let Some(index) = self.others.iter().position(|other| other.candidate.arm == found.previous) else {
            return Answer::Abstained(format!("{} is not among the candidates", version(&found.previous)));
        };
        let harms: Vec<String> = found
            .harms
            .iter()
            .map(|harm| match harm.measure {
                Measure::Quality => format!("quality {:.3} → {:.3}", harm.before, harm.now),
                Measure::LatencyP95Ms => format!("latency p95 {} → {}", format::ms(harm.before), format::ms(harm.now)),
                Measure::CostPerRequestUsd => format!("cost {} → {}", format::usd(harm.before), format::usd(harm.now)),
                Measure::ErrorRate => {
                    format!("errors {} → {}", format::percent(harm.before), format::percent(harm.now))
                }
            })
            .collect();
        let doubt = found.harms.iter().map(|harm| harm.doubt).fold(0.0, f64::max);
        let reason = format!("{} since {}", harms.join(", "), version(&found.current));
        Answer::Move(Move {
            index,
            action: Action::Revert,
            reason,
            confidence: Some(1.0 - doubt),
            rollout: Rollout::AtOnce,
        })
    }

    /// A rule of the policy asks to go back, and there is something to go back to that is not known to be worse.
    pub(super) fn roll_back(&mut self) -> Answer {
        let Some(rule) = self.case.spoken.fired.iter().find(|fired| matches!(fired.then, Then::Rollback)) else {
            return Answer::Nothing("no rule asks to go back".to_owned());
        };
        let previous = regression::previous_arm(self.case.evidence, self.case.arms);
        let index = previous.and_then(|arm| self.others.iter().position(|other| other.candidate.arm == *arm));
        let Some(index) = index else {
            self.mark(&rule.id, RuleState::Refused, "no earlier configuration is known here");
            return Answer::Abstained(format!(
                "rule `{}` asks to go back, and no earlier configuration is known",
                rule.id
            ));
        };
        let broken = self.others[index].first_failure().filter(|check| check.outcome == CheckOutcome::Fails);
        if let Some(broken) = broken.map(|check| check.detail.clone()) {
            self.mark(&rule.id, RuleState::Refused, &broken);
            return Answer::Abstained(format!("rule `{}` asks to go back, but {broken}", rule.id));
        }
        let reason = format!("rule `{}`: {}", rule.id, rule.condition);
        Answer::Move(Move { index, action: Action::Revert, reason, confidence: None, rollout: Rollout::AtOnce })
    }

    fn breach(&self) -> Option<&Finding> {
        let serious = |finding: &&&Finding| {
            finding.severity >= Severity::High
                && matches!(finding.kind, FindingKind::LatencyHigh | FindingKind::ErrorRateHigh)
        };
        self.case.findings.iter().find(serious).copied()
    }

    /// The breach may be another segment's: this one moves only when it suffers itself.
    fn suffers(&self, breach: &Finding) -> bool {
        let thresholds = &self.case.rules.thresholds;
        let now = &self.incumbent.candidate;
        match breach.kind {
            FindingKind::ErrorRateHigh => now.error_rate.is_some_and(|rate| rate.low > thresholds.error_rate),
            _ => now.latency_p95_ms.is_some_and(|latency| latency.low > thresholds.latency_p95_ms),
        }
    }

    /// A serious breach of latency or errors now, and an allowed candidate that ends it.
    pub(super) fn escape(&mut self) -> Answer {
        let thresholds = &self.case.rules.thresholds;
        let Some(breach) = self.breach().filter(|breach| self.suffers(breach)) else {
            return Answer::Nothing("no serious breach of latency or errors".to_owned());
        };
        let ends_it = |candidate: &Candidate| match breach.kind {
            FindingKind::ErrorRateHigh => candidate.error_rate.is_some_and(|rate| rate.high <= thresholds.error_rate),
            _ => candidate.latency_p95_ms.is_some_and(|latency| latency.high <= thresholds.latency_p95_ms),
        };
        // A day of good evidence says nothing when the trouble of this hour is everybody's: it must be well now, too.
        let well_now = |weighed: &Weighed| match breach.kind {
            FindingKind::ErrorRateHigh => weighed.errors_now.is_some_and(|rate| rate <= thresholds.error_rate),
            _ => weighed.latency_p95_now.is_some_and(|latency| latency <= thresholds.latency_p95_ms),
        };
        let fit: Vec<usize> = (0..self.others.len())
            .filter(|index| {
                let other = &self.others[*index];
                other.allowed() && ends_it(&other.candidate) && well_now(other)
            })
            .collect();
        let Some(index) = best(&self.others, &fit) else {
            return Answer::Nothing(format!("{}, and nothing that is allowed ends it", breach.summary));
        };
        let reason = self.way_out(breach, &self.others[index].candidate);
        Answer::Move(Move { index, action: Action::Change, reason, confidence: None, rollout: Rollout::Steps(None) })
    }

    fn way_out(&self, breach: &Finding, after: &Candidate) -> String {
        match (breach.kind, self.incumbent.candidate.latency_p95_ms, after.latency_p95_ms) {
            (FindingKind::LatencyHigh, Some(now), Some(after)) => format!(
                "latency p95 {} → {}, limit {}",
                format::ms(now.value),
                format::ms(after.value),
                format::ms(self.case.rules.thresholds.latency_p95_ms)
            ),
            _ => breach.summary.clone(),
        }
    }

    /// Nothing known ends a serious breach, and the policy names a way out for that. Little may be known of it here, but nothing that
    /// speaks against it: whoever named it took that on.
    pub(super) fn back_up(&mut self) -> Answer {
        let Some(name) = &self.case.rules.backup_model else {
            return Answer::Nothing("the policy names no backup model".to_owned());
        };
        let Some(breach) = self.breach().filter(|breach| self.suffers(breach)) else {
            return Answer::Nothing("no serious breach of latency or errors".to_owned());
        };
        let is_backup = |other: &&Weighed| other.candidate.arm.model_id() == *name;
        let Some(found) = self.others.iter().find(is_backup) else {
            return Answer::Nothing(format!("{}, and the backup model is in force already", breach.summary));
        };
        let speaks_against = found.candidate.checks.iter().find(|check| check.outcome == CheckOutcome::Fails);
        if let Some(check) = speaks_against {
            return Answer::Abstained(format!("the backup model {name} is out: {}", check.detail));
        }
        let reason = format!("{}: to the backup model", breach.summary);
        let index = self.others.iter().position(|other| other.candidate.arm == found.candidate.arm).unwrap_or_default();
        self.others[index].candidate.strategy = Strategy::ThresholdHeuristics;
        Answer::Move(Move { index, action: Action::Change, reason, confidence: None, rollout: Rollout::Steps(None) })
    }

    /// What becomes of a rule in this segment.
    pub(super) fn mark(&mut self, id: &str, state: RuleState, detail: &str) {
        if let Some(outcome) = self.rules.iter_mut().find(|outcome| outcome.id == id) {
            outcome.state = state;
            detail.clone_into(&mut outcome.detail);
        }
    }
}
