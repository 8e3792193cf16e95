//! Why there are no more events.

use crate::domain::fault::{Exit, Fixable};

#[derive(Debug, thiserror::Error)]
pub enum Gone {
    #[error("cannot find this program")]
    Program {
        #[source]
        cause: std::io::Error,
    },
    #[error("cannot start")]
    Start {
        #[source]
        cause: std::io::Error,
    },
    #[error("the Lambda Runtime API cannot be asked: {why}")]
    Unreached { why: String },
    #[error("the Lambda Runtime API does not keep to its protocol: {why}")]
    Strange { why: String },
}

impl Fixable for Gone {
    fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::Program { .. } => "`/proc` has to be there",
                Self::Start { .. } => "the system is out of threads or files",
                Self::Unreached { .. } | Self::Strange { .. } => {
                    "Lambda sets AWS_LAMBDA_RUNTIME_API; unset it to use the command line, or give the command line a command"
                }
            }
            .to_owned(),
        )
    }

    fn exit(&self) -> Exit {
        Exit::Usage
    }
}
