//! The flags that name a governance service.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Failure;
use crate::{
    governance::{Address, Form, Limits, Service},
    http::{Peer, Token},
};

#[derive(Debug, Args)]
pub(super) struct GovernanceArgs {
    /// Ask this service about every change: `https://host`; what it does not approve is refused
    #[arg(long, help_heading = "Governance", value_name = "URL", env = "OPTIMIZER_GOVERNANCE")]
    governance: Option<String>,
    /// Where it is asked, behind the address
    #[arg(
        long,
        help_heading = "Governance",
        value_name = "PATH",
        env = "OPTIMIZER_GOVERNANCE_PATH",
        default_value = "/api/v1/policies/evaluate"
    )]
    governance_path: String,
    /// How it speaks
    #[arg(
        long,
        help_heading = "Governance",
        value_enum,
        env = "OPTIMIZER_GOVERNANCE_FORM",
        default_value_t = GovernanceForm::Plain
    )]
    governance_form: GovernanceForm,
    /// File with the bearer token [default: the environment variable `OPTIMIZER_GOVERNANCE_TOKEN`]
    #[arg(long, help_heading = "Governance", value_name = "FILE", env = "OPTIMIZER_GOVERNANCE_TOKEN_FILE")]
    governance_token_file: Option<PathBuf>,
    /// Let changes through that it did not answer for; the plan says so
    #[arg(long, help_heading = "Governance", requires = "governance")]
    governance_fail_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GovernanceForm {
    /// `service_id`, `proposed_configuration` and `optimization_rationale`; answered by `approved` and `violations`
    Plain,
    /// `resourceId`, `action`, `principal` and `context`; answered by `allowed` and `policyResults`
    GovernanceCore,
}

/// Whom to ask, and what no answer means.
#[derive(Debug)]
pub(super) struct Governance {
    pub service: Service,
    pub fail_open: bool,
}

impl GovernanceArgs {
    /// Nobody is asked yet.
    pub(super) fn service(&self) -> Result<Option<Governance>, Failure> {
        let Some(base) = self.governance.as_deref().filter(|base| !base.is_empty()) else { return Ok(None) };
        let address = Address::new(base, &self.governance_path)?;
        let token = Token::given(Peer::Governance, self.governance_token_file.as_deref())?;
        let form = match self.governance_form {
            GovernanceForm::Plain => Form::Plain,
            GovernanceForm::GovernanceCore => Form::GovernanceCore,
        };
        let service = Service::new(address, form, token, Limits::default())?;
        Ok(Some(Governance { service, fail_open: self.governance_fail_open }))
    }
}
