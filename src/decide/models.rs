//! Which models a policy lets into a service.

use crate::domain::{Arm, ModelTable, policy::ModelRules};

/// Why the rules forbid this arm; `None` when they do not.
pub(super) fn forbidden(arm: &Arm, rules: &ModelRules, models: &ModelTable) -> Option<String> {
    if rules.deny.is_empty() && rules.allow.is_empty() && rules.regions.is_empty() {
        return None;
    }
    let id = arm.model_id();
    if let Some(pattern) = rules.deny.iter().find(|pattern| matches(pattern, &id)) {
        return Some(format!("the policy denies `{pattern}`"));
    }
    if !rules.allow.is_empty() && !rules.allow.iter().any(|pattern| matches(pattern, &id)) {
        return Some("the policy allows other models only".to_owned());
    }
    if rules.regions.is_empty() {
        return None;
    }
    // Data residency: where nobody knows a model is hosted, it is not hosted where it has to be.
    match models.entry(arm.provider.as_deref(), &arm.model).and_then(|model| model.region.as_deref()) {
        Some(region) if rules.regions.iter().any(|allowed| allowed.eq_ignore_ascii_case(region)) => None,
        Some(region) => Some(format!("it is hosted in {region}, and the policy wants {}", rules.regions.join(" or "))),
        None => Some(format!("where it is hosted is unknown, and the policy wants {}", rules.regions.join(" or "))),
    }
}

/// `*` matches any run of characters, everything else itself.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("openai/gpt-4", "openai/gpt-4", true),
            ("openai/gpt-4", "openai/gpt-4-turbo", false),
            ("openai/*", "openai/gpt-4", true),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("*turbo*", "openai/gpt-4-turbo-0125", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn deny_beats_allow() {
        let arm = Arm { provider: Some("openai".into()), model: "gpt-4".into(), config_version: None };
        let rules = |allow: &[&str], deny: &[&str]| ModelRules {
            allow: allow.iter().map(ToString::to_string).collect(),
            deny: deny.iter().map(ToString::to_string).collect(),
            consider: vec![],
            regions: vec![],
        };
        let forbidden = |arm: &Arm, rules: &ModelRules| forbidden(arm, rules, &ModelTable::default());
        assert_eq!(forbidden(&arm, &rules(&[], &[])), None);
        assert!(forbidden(&arm, &rules(&["openai/*"], &["*/gpt-4"])).is_some());
        assert!(forbidden(&arm, &rules(&["anthropic/*"], &[])).is_some());
    }
}
