//! What a request of a service gets, for the traffic generator and for services.

use serde_json::{Value, json};

use super::configuration::{Configuration, Labelled};

/// The arms of a service with their weights, which sum to 100. A shadow arm serves nobody, and says what share it watches.
pub fn arms(found: &Configuration) -> Value {
    let arm = |labelled: &Labelled, variant: &str, weight: u8| {
        json!({
            "config_version": labelled.config_version, "variant": variant, "weight": weight,
            "configuration": labelled.configuration,
        })
    };
    let Some(baseline) = found.baseline.as_ref().filter(|_| found.percentage < 100) else {
        return json!([arm(&found.new, "baseline", 100)]);
    };
    if found.strategy == "shadow" {
        let mut shadow = arm(&found.new, "candidate", 0);
        shadow["mirrors"] = json!(found.percentage);
        return json!([arm(baseline, "baseline", 100), shadow]);
    }
    json!([arm(baseline, "baseline", 100 - found.percentage), arm(&found.new, "candidate", found.percentage)])
}
