//! The address of an engine: `sc://host:port/;name=value;…`, as every client of Spark Connect writes it.

use std::{fmt, path::Path, str::FromStr};

use url::Url;

/// Where the protocol listens unless told otherwise.
const PORT: u16 = 15_002;

/// Where requests are reduced instead of here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeAddress {
    pub host: String,
    pub port: u16,
    pub use_ssl: bool,
    /// Whom the engine's log names; the engine decides who may, by the token.
    pub user: Option<String>,
}

/// What is wrong with an address. It never repeats it: somebody may have put a secret in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(String);

impl fmt::Display for LakeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sc://{}:{}", self.host, self.port)
    }
}

impl FromStr for LakeAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad =
            |what: &str| BadAddress(format!("{what}; write for example `sc://spark.example:15002/;use_ssl=true`"));
        let url = Url::parse(text).map_err(|_| bad("it is no `sc://host:port/`"))?;
        if url.scheme() != "sc" {
            return Err(bad("an engine is `duckdb` or begins with `sc://`"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(bad("an engine's address has a host, a port and `;name=value` after a `/`, and nothing else"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        let mut address = Self { host: host.to_owned(), port: url.port().unwrap_or(PORT), use_ssl: false, user: None };
        let path = url.path().trim_start_matches('/');
        if !path.is_empty() && !path.starts_with(';') {
            return Err(bad("settings of an engine follow `/;`"));
        }
        for setting in path.split(';').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=') {
                Some(("use_ssl", "true")) => address.use_ssl = true,
                Some(("use_ssl", "false")) => address.use_ssl = false,
                Some(("user_id", user)) if !user.is_empty() => address.user = Some(user.to_owned()),
                Some(("token", _)) => {
                    return Err(BadAddress(
                        "a token does not belong into an address, which logs and process lists show; put it into \
                         OPTIMIZER_ENGINE_TOKEN or a file named by `--engine-token-file`"
                            .into(),
                    ));
                }
                _ => return Err(bad("the settings known are `use_ssl=true` and `user_id=NAME`")),
            }
        }
        Ok(address)
    }
}

impl LakeAddress {
    /// Whether nothing leaves this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// What proves to an engine who asks. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct LakeToken(String);

impl fmt::Debug for LakeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LakeToken(…)")
    }
}

impl FromStr for LakeToken {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
            .ok_or_else(|| BadAddress("a token is one word of letters, digits and signs".into()))
    }
}

impl LakeToken {
    /// From a file that holds nothing else.
    pub fn read(path: &Path) -> Result<Self, BadAddress> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| BadAddress(format!("cannot read the token in `{}`: {cause}", path.display())))?;
        text.parse()
    }

    #[cfg(feature = "spark")]
    pub(super) fn bare(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        text.parse::<LakeAddress>().unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_read_as_other_clients_read_it() {
        let plain: LakeAddress = "sc://localhost".parse().unwrap();
        assert_eq!(
            (plain.host.as_str(), plain.port, plain.use_ssl, plain.user.clone()),
            ("localhost", 15_002, false, None)
        );
        let whole: LakeAddress = "sc://spark.example:443/;use_ssl=true;user_id=optimizer".parse().unwrap();
        assert_eq!((whole.port, whole.use_ssl, whole.user.as_deref()), (443, true, Some("optimizer")));
        assert_eq!(whole.to_string(), "sc://spark.example:443");
        assert!(plain.is_local() && !whole.is_local());
        assert!("sc://[::1]:15002".parse::<LakeAddress>().unwrap().is_local());
    }

    #[test]
    fn what_is_not_understood_is_refused_and_no_secret_repeated() {
        for (text, says) in [
            ("spark", "no `sc://host:port/`"),
            ("http://host", "begins with `sc://`"),
            ("sc://", "`sc://"),
            ("sc://me:hidden@host", "nothing else"),
            ("sc://host/folder", "follow `/;`"),
            ("sc://host/;use_ssl=yes", "settings known"),
            ("sc://host/;x-databricks-cluster-id=hidden", "settings known"),
            ("sc://host/;token=hidden", "OPTIMIZER_ENGINE_TOKEN"),
        ] {
            let why = why(text);
            assert!(why.contains(says), "{text}: {why}");
            assert!(!why.contains("hidden"), "{why}");
        }
    }

    #[test]
    fn a_token_is_one_word_and_stays_hidden() {
        assert!("two words".parse::<LakeToken>().is_err() && " \n".parse::<LakeToken>().is_err());
        let token: LakeToken = " abc.def \n".parse().unwrap();
        assert_eq!(format!("{token:?}"), "LakeToken(…)");
    }
}
