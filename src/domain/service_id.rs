//! The name of a service, in the form that every sink can hold.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// At most 63 lower-case letters, digits, `.` and `-`; begins with a letter or digit, ends with neither `.` nor `-`, and holds no `--`.
/// So it is a path segment, a file name, a Kubernetes name and a key of every store, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServiceId(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no name for a service: at most 63 lower-case letters, digits, `.` and `-`, with a letter or digit at both ends and no `--`"
)]
pub struct ServiceIdError(String);

impl ServiceId {
    pub fn new(text: &str) -> Result<Self, ServiceIdError> {
        let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let fits = (1..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| edge(*byte) || matches!(byte, b'.' | b'-'))
            && [bytes.first(), bytes.last()].into_iter().flatten().all(|byte| edge(*byte))
            && !text.contains("--");
        if fits { Ok(Self(text.to_owned())) } else { Err(ServiceIdError(shortened(text))) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An error need not repeat a book.
fn shortened(text: &str) -> String {
    crate::domain::format::visible(&text.chars().take(80).collect::<String>())
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServiceId {
    type Err = ServiceIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for ServiceId {
    type Error = ServiceIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl From<ServiceId> for String {
    fn from(id: ServiceId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let longest = "a".repeat(63);
        for good in ["a", "0", "chat", "chat.eu-west-1", "a.b", "a..b", longest.as_str()] {
            assert_eq!(ServiceId::new(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            "-a",
            ".a",
            "a-",
            "a.",
            "a--b",
            "A",
            "a_b",
            "a/b",
            "../x",
            "a b",
            "ä",
            "a\n",
            "a%2f",
            too_long.as_str(),
        ] {
            assert!(ServiceId::new(bad).is_err(), "{bad}");
            assert!(serde_json::from_value::<ServiceId>(bad.into()).is_err(), "{bad}");
        }
    }
}
