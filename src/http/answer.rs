//! What is taken from an answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Response, header::HeaderMap};

use super::Broken;
use crate::domain::format::visible;

/// Bytes of an answer that are read.
const LARGEST: usize = 1 << 20;

/// Characters of a text from outside that are told.
const MOST_CHARACTERS: usize = 200;

/// The whole body, so long as it is not too large.
pub async fn body(mut response: Response) -> Result<Vec<u8>, Broken> {
    let too_large = || Broken::TooLarge("its answer is larger than 1 MiB".to_owned());
    if response.content_length().is_some_and(|length| length > LARGEST as u64) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LARGEST {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// How long the server asks to be left alone: seconds, a date, or a Unix time at which it may be asked again.
#[must_use]
pub fn asked_for(headers: &HeaderMap, now: SystemTime) -> Duration {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<u64>().ok();
    let since_1970 = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    if let Some(seconds) = number("retry-after") {
        return Duration::from_secs(seconds);
    }
    let date = text("retry-after").and_then(|text| rfc2822::parse(text).ok());
    if let Some(at) = date {
        return Duration::from_secs(at.timestamp().as_second().try_into().unwrap_or(0)).saturating_sub(since_1970);
    }
    number("x-ratelimit-reset").map_or(Duration::ZERO, |at| Duration::from_secs(at).saturating_sub(since_1970))
}

/// What the server says the time is.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::parse(headers.get("date")?.to_str().ok()?.trim()).ok().map(|date| date.timestamp())
}

/// What an error says of itself, in the forms that are about, without the secrets that it was shown. A page for a browser says nothing.
#[must_use]
pub fn said(body: &[u8], secrets: &[String]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    let said = match &json {
        Some(json) => ["message", "error", "code"].iter().find_map(|key| json.get(key)?.as_str())?.to_owned(),
        None if text.trim_start().starts_with('<') => return None,
        None => text.into_owned(),
    };
    // Before it is cut short: half of a secret would not be known for one.
    Some(short(&without(&said, secrets))).filter(|text| !text.is_empty())
}

/// The text without secrets that somebody may have repeated. Parts as short as three characters are words; nobody guesses anything from
/// them.
#[must_use]
pub fn without(text: &str, secrets: &[String]) -> String {
    let secrets = secrets.iter().filter(|secret| secret.len() >= 4);
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
}

/// A text from outside on one line, cut short, with nothing a terminal would obey.
#[must_use]
pub fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(MOST_CHARACTERS).collect();
    visible(&words.join(" ").chars().take(MOST_CHARACTERS).collect::<String>())
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn secrets_go_before_texts_are_cut() {
        let secrets = ["s3cret-s3cret-s3cret".to_owned(), "abc".to_owned()];
        let body = format!("{} s3cret-s3cret-s3cret", "x".repeat(190));
        let told = said(body.as_bytes(), &secrets).unwrap();
        assert!(told.ends_with("x …"), "{told}");
        let json = br#"{"message": "no \u00733cret-s3cret-s3cret here, abc"}"#;
        assert_eq!(said(json, &secrets).unwrap(), "no … here, abc", "as it is read, not as it is written");
        assert_eq!(said(b"<html>s3cret-s3cret-s3cret</html>", &secrets), None);
    }

    #[test]
    fn servers_ask_for_patience_in_three_ways() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_770);
        let asked = |name: &'static str, value: &'static str| {
            asked_for(&HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]), now).as_secs()
        };
        assert_eq!(asked("retry-after", " 7 "), 7);
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), 7);
        assert_eq!(asked("retry-after", "Sun, 06 Nov 1904 08:49:37 GMT"), 0);
        assert_eq!(asked("x-ratelimit-reset", "784111779"), 9);
        assert_eq!(asked("x-ratelimit-reset", "1"), 0);
        for odd in ["", "-1", "soon", "1e9", "99999999999999999999"] {
            assert_eq!((asked("retry-after", odd), asked("x-ratelimit-reset", odd)), (0, 0), "{odd}");
        }
    }
}
