//! PagerDuty's Events API, version 2: what stands is triggered, and resolved when it is over.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Template;
use crate::{
    domain::{
        Severity,
        format::{hexadecimal, visible},
        notice::{Notice, State},
    },
    http::Token,
};

/// Where it listens, unless a proxy or a test does.
pub(super) const URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// Its limits, in characters.
const LONGEST_SUMMARY: usize = 1_024;
const LONGEST_KEY: usize = 255;

pub(super) fn body(notice: &Notice, origin: &str, template: &Template, key: &Token) -> String {
    let key = key.bare();
    let routing_key = key.to_str().expect("a key that came as text is text");
    let dedup_key = dedup_key(notice, origin);
    if notice.state == State::Over {
        return json!({"routing_key": routing_key, "event_action": "resolve", "dedup_key": dedup_key}).to_string();
    }
    let severity = match notice.severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "info",
    };
    let text = template.filled(notice, origin, str::to_owned);
    let summary: String = text.lines().next().unwrap_or_default().chars().take(LONGEST_SUMMARY).collect();
    json!({
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "client": "llm-auto-optimizer",
        "payload": {
            "summary": summary,
            "source": origin,
            "severity": severity,
            "timestamp": notice.at.to_string(),
            "component": notice.service.as_deref().unwrap_or("all services"),
            "class": notice.event.name(),
            "custom_details": {
                "summary": visible(&notice.summary), "detail": visible(&notice.detail), "run": notice.run, "key": notice.key,
            },
        },
    })
    .to_string()
}

/// The same for what stands and for its end. Two installations do not resolve each other's.
fn dedup_key(notice: &Notice, origin: &str) -> String {
    let key = format!("{origin}/{}", notice.key);
    if key.chars().count() <= LONGEST_KEY { key } else { hexadecimal(&Sha256::digest(key)) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{domain::notice, http::Peer};

    #[test]
    fn what_stands_is_triggered_and_what_is_over_resolved_under_the_same_key() {
        let token = Token::new(Peer::PagerDuty, "r0uting").unwrap();
        let mut notice = notice::test("t", "2026-01-01T00:00:00Z".parse().unwrap());
        notice.severity = Severity::High;
        let told = |notice: &Notice| -> Value {
            serde_json::from_str(&body(notice, "eu", &Template::default(), &token)).unwrap()
        };
        let triggered = told(&notice);
        assert_eq!(triggered["event_action"], "trigger");
        assert_eq!((&triggered["routing_key"], &triggered["dedup_key"]), (&json!("r0uting"), &json!("eu/test/t")));
        let payload = &triggered["payload"];
        assert_eq!((&payload["severity"], &payload["source"]), (&json!("error"), &json!("eu")));
        assert_eq!(payload["timestamp"], "2026-01-01T00:00:00Z");
        notice.state = State::Over;
        let resolved = json!({"routing_key": "r0uting", "event_action": "resolve", "dedup_key": "eu/test/t"});
        assert_eq!(told(&notice), resolved);
    }

    #[test]
    fn its_limits_are_kept() {
        let token = Token::new(Peer::PagerDuty, "k").unwrap();
        let mut notice = notice::test("t", "2026-01-01T00:00:00Z".parse().unwrap());
        (notice.summary, notice.key) = ("é".repeat(5_000), "k".repeat(300));
        let body: Value = serde_json::from_str(&body(&notice, "eu", &Template::default(), &token)).unwrap();
        assert_eq!(body["payload"]["summary"].as_str().unwrap().chars().count(), 1_024);
        assert_eq!(body["dedup_key"].as_str().unwrap().len(), 64);
    }
}
