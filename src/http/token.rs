//! The token that proves who asks. It is never shown.

use std::{fmt, fs, path::Path};

use reqwest::header::HeaderValue;

use super::{HttpError, Peer};

/// A token.
#[derive(Clone)]
pub struct Token(HeaderValue);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    pub fn new(peer: Peer, text: &str) -> Result<Self, HttpError> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(HttpError::Token { peer });
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).map_err(|_| HttpError::Token { peer })?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// From a file that holds nothing else.
    pub fn read(peer: Peer, path: &Path) -> Result<Self, HttpError> {
        let text = fs::read_to_string(path).map_err(|cause| HttpError::TokenFile {
            peer,
            path: path.display().to_string(),
            cause,
        })?;
        Self::new(peer, &text)
    }

    /// From the file where one is named, else from the peer's environment variable, where that is set and not empty.
    pub fn given(peer: Peer, file: Option<&Path>) -> Result<Option<Self>, HttpError> {
        match file {
            Some(path) => Self::read(peer, path).map(Some),
            None => match std::env::var(peer.token_variable()) {
                Ok(text) if !text.is_empty() => Self::new(peer, &text).map(Some),
                _ => Ok(None),
            },
        }
    }

    /// As `Authorization` carries it.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// What must not be repeated from an answer. Bytes that are no text cannot be told from others, and are never told either.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        self.bare().to_str().ok().map(str::to_owned).into_iter().collect()
    }

    /// The token alone, for a header of its own and for taking it out of texts.
    #[must_use]
    pub fn bare(&self) -> HeaderValue {
        let text = &self.0.as_bytes()["Bearer ".len()..];
        let mut bare = HeaderValue::from_bytes(text).expect("a part of a header value is one");
        bare.set_sensitive(true);
        bare
    }
}
