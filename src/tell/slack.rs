//! The form of Slack's incoming webhooks, which Mattermost, Rocket.Chat and others understand too.

use serde_json::json;

use super::Template;
use crate::domain::{
    Severity,
    notice::{Notice, State},
};

/// Characters of a message; Slack cuts longer ones.
const MOST_CHARACTERS: usize = 4_000;

pub(super) fn body(notice: &Notice, origin: &str, template: &Template) -> String {
    let mark = match (notice.state, notice.severity) {
        (State::Over, _) => "✅",
        (_, Severity::Critical | Severity::High) => "🔴",
        (_, Severity::Medium) => "🟠",
        (_, Severity::Low) => "🔵",
    };
    let text: String = template.filled(notice, origin, escaped).chars().take(MOST_CHARACTERS).collect();
    json!({ "text": format!("{mark} {text}") }).to_string()
}

/// The three characters that Slack gives a meaning: with them gone, nobody is mentioned and no link is made.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notice;

    #[test]
    fn what_comes_from_outside_mentions_nobody() {
        let mut notice = notice::test("t", "2026-01-01T00:00:00Z".parse().unwrap());
        notice.summary = "<!channel> & <https://x|y> \"quoted\"".to_owned();
        notice.detail = "z".repeat(9_000);
        let body: serde_json::Value = serde_json::from_str(&body(&notice, "eu", &Template::default())).unwrap();
        let text = body["text"].as_str().unwrap();
        assert!(text.starts_with("🔵 eu: &lt;!channel&gt; &amp; &lt;https://x|y&gt; \"quoted\"\nzzz"), "{text}");
        assert_eq!(text.chars().count(), 4_002);
    }
}
