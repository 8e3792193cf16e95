//! `JUnit` XML, which every pipeline shows: a test case for each comparison that guards.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{figures::sentence, others};
use crate::domain::gate::{GateComparison, GateLimitReading, GateReport, GateVerdict, ReasonKind, TrendReading};

/// One suite a slice, overall first.
#[must_use]
pub fn gate_junit(report: &GateReport) -> String {
    let mut junit = Report::new("optimizer gate");
    let mut suites: Vec<TestSuite> = Vec::new();
    for one in report.comparisons.iter().filter(|one| one.guards) {
        let name = one.slice.label();
        if suites.last().is_none_or(|suite| suite.name.as_str() != name) {
            suites.push(TestSuite::new(name));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(report, one));
        }
    }
    let passes = |holds: bool, what: &str| {
        if holds {
            TestCaseStatus::success()
        } else if report.enforced {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(what);
            status
        } else {
            let mut status = TestCaseStatus::skipped();
            status.set_message(what);
            status
        }
    };
    let limit = |limit: &GateLimitReading| TestCase::new(limit.metric.name(), passes(limit.holds, "past its limit"));
    suites.extend(suite("limits", report.limits.iter().map(limit)));
    let trend = |trend: &TrendReading| {
        TestCase::new(trend.metric.name(), passes(trend.holds, "not what former runs let expect"))
    };
    suites.extend(suite("history", report.trends.iter().map(trend)));
    // The others are in the suites above.
    let policy = others(report).filter(|reason| !matches!(reason.kind, ReasonKind::Limit | ReasonKind::History));
    let policy = policy.map(|reason| TestCase::new(reason.summary.as_str(), passes(false, reason.kind.name())));
    suites.extend(suite("policy", policy));
    junit.add_test_suites(suites);
    junit.to_string().expect("names and texts are XML once they are escaped")
}

fn suite(name: &str, cases: impl Iterator<Item = TestCase>) -> Option<TestSuite> {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    (!suite.test_cases.is_empty()).then_some(suite)
}

fn case(report: &GateReport, one: &GateComparison) -> TestCase {
    let said = sentence(one);
    let status = match one.verdict {
        GateVerdict::Regression if one.suppressed.is_none() && report.enforced => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_type("regression").set_message(said.as_str());
            status
        }
        // Not a failure, and not a success either.
        GateVerdict::Regression => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(said.as_str());
            status
        }
        GateVerdict::Inconclusive if one.lack.is_some() => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(said.as_str());
            status
        }
        GateVerdict::Inconclusive | GateVerdict::Equivalent | GateVerdict::Improvement => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(one.metric.name(), status);
    case.set_classname(one.slice.label());
    case.set_system_out(said);
    case
}
