//! An address that is a secret itself, as those of webhooks are: whoever knows it may write there.

use std::fmt;

use url::Url;

use crate::http::{Endpoint, HttpError, Peer};

/// Where a message goes. Only the host is ever shown.
#[derive(Clone)]
pub struct Address {
    /// The host alone.
    endpoint: Endpoint,
    url: Url,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.shown())
    }
}

impl Address {
    /// `https://…`, or `http://…` on this machine; anywhere with `allow_plain`.
    pub fn new(peer: Peer, text: &str, allow_plain: bool) -> Result<Self, HttpError> {
        let hidden = || HttpError::Address { peer, text: "…".to_owned() };
        let url = Url::parse(text.trim()).map_err(|_| hidden())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::SecretInAddress { peer });
        }
        // What stands behind the host must not come into a message about it.
        let host = url.origin();
        if !host.is_tuple() {
            return Err(hidden());
        }
        let endpoint = Endpoint::new(peer, &host.ascii_serialization(), allow_plain)?;
        Ok(Self { endpoint, url })
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}…", self.endpoint.shown())
    }

    /// What must not be repeated from an answer: everything behind the host, whole and in parts.
    pub(super) fn secrets(&self) -> Vec<String> {
        let parts = self.url.path().split('/').map(str::to_owned);
        let queries = self.url.query_pairs().map(|(_, value)| value.into_owned());
        [self.url.path().to_owned()].into_iter().chain(parts).chain(queries).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_behind_the_host_is_ever_shown() {
        for text in [
            "https://hooks.example/services/T0/s3cret",
            "http://127.0.0.1:9/s3cret?key=s3cret#s3cret",
            " https://h/s3cret\n",
        ] {
            let address = Address::new(Peer::Slack, text, false).unwrap();
            assert!(address.url().as_str().contains("s3cret"));
            let shown = format!("{address:?} {}", address.shown());
            assert!(!shown.contains("s3cret") && shown.contains("http"), "{shown}");
        }
        for wrong in [
            "s3cret",
            "https://",
            "ftp://h/s3cret",
            "http://h.example/s3cret",
            "https://me:s3cret@h/",
            "data:s3cret",
            "file:///s3cret",
        ] {
            let error = Address::new(Peer::Slack, wrong, false).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
        assert!(Address::new(Peer::Webhook, "http://h.example/x", true).is_ok());
    }
}
