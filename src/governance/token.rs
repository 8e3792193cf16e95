//! The token that proves who asks. It is never shown.

use std::{fmt, fs, path::Path};

use reqwest::header::HeaderValue;

use super::GovernanceError;

/// A token.
#[derive(Clone)]
pub struct Token(HeaderValue);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    pub fn new(text: &str) -> Result<Self, GovernanceError> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(GovernanceError::Token);
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| GovernanceError::Token)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// From a file that holds nothing else.
    pub fn read(path: &Path) -> Result<Self, GovernanceError> {
        let text = fs::read_to_string(path)
            .map_err(|cause| GovernanceError::TokenFile { path: path.display().to_string(), cause })?;
        Self::new(&text)
    }

    /// As `Authorization` carries it.
    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The token alone, for a header of its own and for taking it out of texts.
    pub(crate) fn bare(&self) -> HeaderValue {
        let text = &self.0.as_bytes()["Bearer ".len()..];
        let mut bare = HeaderValue::from_bytes(text).expect("a part of a header value is one");
        bare.set_sensitive(true);
        bare
    }
}
