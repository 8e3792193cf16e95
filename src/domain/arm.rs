//! Who served a request: provider, model and config version; and in which slice of a service.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One way of serving a service's requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Arm {
    /// Canonical provider name, for example `openai`.
    pub provider: Option<String>,
    /// The model that served, as the source names it.
    pub model: String,
    /// The configuration it ran under, where the source says.
    pub config_version: Option<String>,
}

impl Arm {
    /// `provider/model`, the name policies use.
    #[must_use]
    pub fn model_id(&self) -> String {
        match &self.provider {
            Some(provider) => format!("{provider}/{}", self.model),
            None => self.model.clone(),
        }
    }

    /// Whether the two differ only in their config version.
    #[must_use]
    pub fn same_model(&self, other: &Self) -> bool {
        self.provider == other.provider && self.model == other.model
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.model_id())?;
        match &self.config_version {
            Some(version) => write!(f, " @{version}"),
            None => Ok(()),
        }
    }
}

/// A slice of a service that can be routed on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Segment {
    Simple,
    Medium,
    Complex,
    /// Requests whose complexity the source does not tell.
    Unlabelled,
}

impl Segment {
    /// Reads the `complexity` column; anything but its three values is unlabelled.
    #[must_use]
    pub fn from_complexity(complexity: Option<&str>) -> Self {
        match complexity {
            Some("simple") => Self::Simple,
            Some("medium") => Self::Medium,
            Some("complex") => Self::Complex,
            _ => Self::Unlabelled,
        }
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Medium => "medium",
            Self::Complex => "complex",
            Self::Unlabelled => "all",
        }
    }
}
