//! Which models a policy lets into a service.

use crate::domain::{Arm, policy::ModelRules};

/// Why the rules forbid this arm; `None` when they do not.
pub(super) fn forbidden(arm: &Arm, rules: &ModelRules) -> Option<String> {
    let id = arm.model_id();
    if let Some(pattern) = rules.deny.iter().find(|pattern| matches(pattern, &id)) {
        return Some(format!("the policy denies `{pattern}`"));
    }
    if rules.allow.is_empty() || rules.allow.iter().any(|pattern| matches(pattern, &id)) {
        None
    } else {
        Some("the policy allows other models only".to_owned())
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
        assert_eq!(forbidden(&arm, &rules(&[], &[])), None);
        assert!(forbidden(&arm, &rules(&["openai/*"], &["*/gpt-4"])).is_some());
        assert!(forbidden(&arm, &rules(&["anthropic/*"], &[])).is_some());
    }
}
