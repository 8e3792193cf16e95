//! Policy and prices.

use super::{
    Ward,
    area::{Findings, Over, failed},
};
use crate::{
    cli::files,
    decide,
    domain::{
        doctor::{Check, Subject},
        fault::Exit,
        format::counted,
    },
};

pub(super) const SUBJECTS: &[(Subject, Exit)] = &[(Subject::Policy, Exit::Usage), (Subject::PriceTable, Exit::Usage)];

#[allow(clippy::unnecessary_wraps, reason = "the form of all areas")]
pub(super) fn check(ward: &Ward, findings: &mut Findings) -> Result<(), Over> {
    let policy = files::policy(ward.arguments.policy.as_deref());
    let models = files::models(ward.arguments.models.as_deref());
    let unpriced = match (&policy, &models) {
        (Ok(policy), Ok(models)) => decide::policy::unpriced(policy, models),
        _ => Vec::new(),
    };
    findings.tell(match policy {
        Ok(policy) => Check::ok(Subject::Policy, format!("`{}` is valid", policy.name)),
        Err(error) => failed_with_problems(Subject::Policy, error),
    });
    findings.tell(match (models, unpriced.first()) {
        (Ok(_), Some(first)) => Check::warning(
            Subject::PriceTable,
            format!("{}: {first}", counted(unpriced.len() as u64, "warning")),
            "`optimizer policy check` shows all of them; add the price, or take the model out of the policy",
        ),
        (Ok(models), None) => {
            Check::ok(Subject::PriceTable, format!("prices of {}", counted(models.models().len() as u64, "model")))
        }
        (Err(error), _) => failed_with_problems(Subject::PriceTable, error),
    });
    Ok(())
}

/// The problems stand below the first line of the message, which says how many there are.
fn failed_with_problems(subject: Subject, error: files::FileError) -> Check {
    let problem = match &error {
        files::FileError::Problems { problems, .. } => problems.to_string().lines().next().map(str::to_owned),
        files::FileError::Read { .. } => None,
    };
    let mut check = failed(subject, &error.into());
    if let Some(problem) = problem {
        check.found = format!("{} {}", check.found, crate::domain::format::visible(problem.trim()));
    }
    check
}
