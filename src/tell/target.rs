//! Where figures go.

use std::{path::PathBuf, str::FromStr};

use super::{Group, TellError, pushgateway, textfile};
use crate::http::{Endpoint, Peer, Token};

/// `textfile:PATH` or `pushgateway:URL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file that the node exporter reads.
    Textfile(PathBuf),
    /// The address of a Pushgateway, not looked at yet.
    Pushgateway(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownTarget {
    #[error("it names no place that is known")]
    Kind,
    #[error("`{}` does not end in `.prom`, and the node exporter would not read it", .0.display())]
    Ending(PathBuf),
}

impl UnknownTarget {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Kind => {
                "write `textfile:/var/lib/node_exporter/optimizer.prom` or `pushgateway:http://host:9091`".to_owned()
            }
            Self::Ending(path) => format!("write `textfile:{}`", path.with_extension("prom").display()),
        }
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("textfile", path)) if !path.is_empty() => {
                let path = PathBuf::from(path);
                if path.extension().is_none_or(|ending| ending != "prom") {
                    return Err(UnknownTarget::Ending(path));
                }
                Ok(Self::Textfile(path))
            }
            Some(("pushgateway", url)) if !url.is_empty() => Ok(Self::Pushgateway(url.to_owned())),
            _ => Err(UnknownTarget::Kind),
        }
    }
}

impl Target {
    /// Brings the text there, within two seconds. On failure one sentence that says why; no run fails for it.
    pub fn write(&self, text: &str, group: &Group, token: Option<&Token>) -> Result<(), String> {
        match self {
            Self::Textfile(path) => textfile::write(path, text),
            Self::Pushgateway(url) => {
                let endpoint = Self::endpoint(url, token).map_err(|error| error.to_string())?;
                pushgateway::push(&endpoint, group, token, text)
            }
        }
    }

    /// Whether it can be used at all, before anything is done.
    pub fn check(&self, token: Option<&Token>) -> Result<(), TellError> {
        match self {
            Self::Textfile(_) => Ok(()),
            Self::Pushgateway(url) => Self::endpoint(url, token).map(drop),
        }
    }

    /// Figures are no secret, so they may cross a network in the clear; a token may not.
    fn endpoint(url: &str, token: Option<&Token>) -> Result<Endpoint, TellError> {
        Ok(Endpoint::new(Peer::Pushgateway, url, token.is_none())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let target = |text: &str| text.parse::<Target>();
        assert_eq!(target("textfile:/x/o.prom"), Ok(Target::Textfile("/x/o.prom".into())));
        assert_eq!(target("pushgateway:http://h:9091"), Ok(Target::Pushgateway("http://h:9091".into())));
        assert_eq!(target("textfile:/x/o.txt").unwrap_err().hint(), "write `textfile:/x/o.prom`");
        for wrong in ["", "textfile", "textfile:", "pushgateway:", "http://h:9091", "Textfile:/x.prom"] {
            assert_eq!(target(wrong), Err(UnknownTarget::Kind), "{wrong}");
        }
        let check = |url: &str, token: Option<&Token>| Target::Pushgateway(url.to_owned()).check(token);
        let token = Token::new(Peer::Pushgateway, "t").unwrap();
        assert!(check("http://gateway:9091", None).is_ok());
        assert!(check("http://gateway:9091", Some(&token)).is_err(), "a token does not travel in the clear");
        assert!(check("https://gateway", Some(&token)).is_ok());
        assert!(check("gateway:9091", None).is_err());
    }
}
