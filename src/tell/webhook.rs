//! A webhook of one's own: JSON, signed.

use ring::hmac;
use schemars::JsonSchema;
use serde::Serialize;

use super::Template;
use crate::{
    domain::{
        format::{hexadecimal, visible},
        notice::Notice,
    },
    http::Token,
};

/// Seconds since 1970 when it was sent, and the signature.
pub(super) const TIMESTAMP: &str = "x-optimizer-timestamp";
pub(super) const SIGNATURE: &str = "x-optimizer-signature";

/// What a webhook gets.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Message")]
struct Body<'a> {
    /// Always `notice/v1`.
    schema_version: &'static str,
    /// How the installation calls itself.
    origin: &'a str,
    /// The template, filled in.
    text: String,
    #[serde(flatten)]
    notice: &'a Notice,
}

/// JSON Schema (draft 2020-12) of the body.
#[must_use]
pub fn message_schema() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Body<'_>)).expect("a schema is plain data") + "\n"
}

pub(super) fn body(notice: &Notice, origin: &str, template: &Template) -> String {
    let notice = Notice { summary: visible(&notice.summary), detail: visible(&notice.detail), ..notice.clone() };
    let text = template.filled(&notice, origin, str::to_owned);
    let body = Body { schema_version: "notice/v1", origin, text, notice: &notice };
    serde_json::to_string(&body).expect("a notice is plain data")
}

/// `sha256=` and the HMAC-SHA256 of `timestamp.body` in hexadecimal. The timestamp is signed too, so that an old message cannot be sent
/// again as a new one.
#[must_use]
pub fn signature(secret: &Token, timestamp: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.bare().as_bytes());
    let mut signed = hmac::Context::with_key(&key);
    for part in [timestamp.to_string().as_str(), ".", body] {
        signed.update(part.as_bytes());
    }
    format!("sha256={}", hexadecimal(signed.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::notice, http::Peer};

    #[test]
    fn signatures_are_what_others_compute() {
        // printf '1767225600.{"a":1}' | openssl dgst -sha256 -hmac s3cret
        let secret = Token::new(Peer::WebhookSecret, "s3cret").unwrap();
        assert_eq!(
            signature(&secret, 1_767_225_600, "{\"a\":1}"),
            "sha256=7d4120fcebf444efab10ba7cd6c651bf463cefb039db5fad37ff9f7231ac8a4a"
        );
        assert_ne!(signature(&secret, 1_767_225_601, "{\"a\":1}"), signature(&secret, 1_767_225_600, "{\"a\":1}"));
    }

    #[test]
    fn the_whole_notice_is_in_the_body() {
        let notice = notice::test("t", "2026-01-01T00:00:00Z".parse().unwrap());
        let body: serde_json::Value = serde_json::from_str(&body(&notice, "eu", &Template::default())).unwrap();
        assert_eq!(
            (&body["schema_version"], &body["event"], &body["state"]),
            (&"notice/v1".into(), &"test".into(), &"once".into())
        );
        assert_eq!(body["text"], "eu: this is a test of notifications; nothing happened");
    }
}
