//! Where a service is.

use url::{Host, Url};

use super::{HttpError, Peer};

/// Base address of a service. Encrypted, on this machine, or allowed in the clear by somebody who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    peer: Peer,
    url: Url,
    local: bool,
}

impl Endpoint {
    /// `allow_plain` lets what is said cross a network unencrypted.
    pub fn new(peer: Peer, base: &str, allow_plain: bool) -> Result<Self, HttpError> {
        let unreadable = || HttpError::Address { peer, text: without_secrets(base) };
        let url = Url::parse(base).map_err(|_| unreadable())?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(HttpError::SecretInAddress { peer });
        }
        let local = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(unreadable()),
        };
        match url.scheme() {
            "https" => {}
            "http" if local || allow_plain => {}
            "http" => return Err(HttpError::Unencrypted { peer, shown: url.to_string() }),
            _ => return Err(unreadable()),
        }
        Ok(Self { peer, url, local })
    }

    #[must_use]
    pub fn peer(&self) -> Peer {
        self.peer
    }

    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the connection stays on this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.local
    }

    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The address with these behind it, each encoded where it has to be.
    #[must_use]
    pub fn with(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        url.path_segments_mut().expect("an address with a host has a path").pop_if_empty().extend(segments);
        url
    }

    /// How messages call it.
    #[must_use]
    pub fn shown(&self) -> String {
        self.url.to_string()
    }
}

/// What nobody can read as an address may still hold a password.
fn without_secrets(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let at = |base| Endpoint::new(Peer::Orchestrator, base, false);
        let under = |base| at(base).unwrap().with(&["v1", "chat eu"]).to_string();
        assert_eq!(under("https://o.example"), "https://o.example/v1/chat%20eu");
        assert_eq!(under("https://o.example:8443/x/"), "https://o.example:8443/x/v1/chat%20eu");
        for local in ["http://127.0.0.1:1", "http://localhost", "http://[::1]:9/"] {
            assert!(at(local).unwrap().is_local(), "{local}");
        }
        for plain in ["http://o.example", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"] {
            assert!(matches!(at(plain), Err(HttpError::Unencrypted { .. })), "{plain}");
            let allowed = Endpoint::new(Peer::Orchestrator, plain, true).unwrap();
            assert!(!allowed.is_local() && !allowed.is_encrypted(), "{plain}");
        }
        for secret in ["https://me:you@o.example", "https://me@o.example", "https://o.example?token=x"] {
            assert!(matches!(at(secret), Err(HttpError::SecretInAddress { .. })), "{secret}");
        }
        for wrong in ["o.example", "ftp://o.example", "https://", "file:///etc", "me:secret@o.example"] {
            let error = Endpoint::new(Peer::Orchestrator, wrong, true).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
