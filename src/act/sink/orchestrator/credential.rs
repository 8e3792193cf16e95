//! How the client proves who it is.

use reqwest::RequestBuilder;

use crate::http::Token;

/// A token, and the header it travels in.
#[derive(Debug, Clone)]
pub enum Credential {
    /// `Authorization: Bearer …`
    Bearer(Token),
    /// `X-API-Key: …`
    ApiKey(Token),
}

impl Credential {
    pub(super) fn put_on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Bearer(token) => request.header(reqwest::header::AUTHORIZATION, token.header()),
            Self::ApiKey(token) => request.header("x-api-key", token.bare()),
        }
    }

    /// What a server may repeat of what it was shown.
    pub(super) fn secrets(&self) -> Vec<String> {
        let (Self::Bearer(token) | Self::ApiKey(token)) = self;
        token.secrets()
    }
}
