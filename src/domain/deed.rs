//! What the audit log says of one deed: who and when stand beside it.

use std::collections::BTreeMap;

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
    /// Rows that were moved to an archive, by table.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub archived: BTreeMap<String, u64>,
    /// Where they were moved to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}
