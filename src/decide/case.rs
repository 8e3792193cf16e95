//! What a decision about one segment is made from.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{condition::Facts, conditions::Conditions, elsewhere::Elsewhere, rules::Spoken};
use crate::{
    domain::{Arm, Finding, KnownConfigurations, Memory, ModelTable, Rules, Segment},
    stats::{ArmEvidence, ServiceEvidence},
};

/// One segment of one service, and everything known around it.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub service: &'a str,
    pub segment: Segment,
    pub evidence: &'a ServiceEvidence,
    pub arms: &'a BTreeMap<Arm, ArmEvidence>,
    pub rules: &'a Rules,
    /// Findings about this service.
    pub findings: &'a [&'a Finding],
    /// Days of traffic behind the lookback.
    pub evidence_days: f64,
    /// What the service is configured to do, where it was told.
    pub configurations: Option<&'a KnownConfigurations>,
    pub models: &'a ModelTable,
    pub memory: &'a Memory,
    /// The end of the window: what counts as now.
    pub now: Timestamp,
    /// What models did in other services.
    pub elsewhere: &'a Elsewhere<'a>,
    pub conditions: &'a Conditions<'a>,
    /// What conditions can ask of the service.
    pub facts: &'a Facts,
    /// What the policy's rules have to say about the service.
    pub spoken: &'a Spoken,
}

impl Case<'_> {
    /// Requests of the segment a day, at the rate of all evidence, sampling weights applied.
    pub(super) fn requests_per_day(&self) -> f64 {
        self.arms.values().map(|arm| arm.lookback.requests.weight).sum::<f64>() / self.evidence_days
    }
}
