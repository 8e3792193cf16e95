//! What the audit log says of one deed: who and when stand beside it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was done. Fields that say nothing are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DeedDetail {
    /// What `optimizer explain` takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
    /// Share of traffic on the new configuration from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_percent: Option<u8>,
    /// Versions by content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What the sink calls the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_sink: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}
