//! Headers for the collector. Their values are secrets, whatever they are.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Names and values. Only the names are ever shown.
#[derive(Clone, Default)]
pub(super) struct Headers(HeaderMap);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.keys().map(|name| (name, "…"))).finish()
    }
}

impl Headers {
    /// `name=value,name=value`, values percent-encoded where they have to be. None where that is not what it is.
    pub fn read(text: &str) -> Option<Self> {
        let mut all = HeaderMap::new();
        for (name, value) in super::settings::pairs(text)? {
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            all.insert(HeaderName::try_from(name.to_lowercase()).ok()?, value);
        }
        Some(Self(all))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn all(&self) -> HeaderMap {
        self.0.clone()
    }

    /// What must not be repeated from an answer: values, and what stands behind `Bearer` and the like.
    pub fn secrets(&self) -> Vec<String> {
        let values = self.0.values().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| std::iter::once(value).chain(value.split_whitespace())).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_never_shown() {
        let headers = Headers::read("api-key=s3cret, Authorization = Bearer%20s3cret2 ,").unwrap();
        assert_eq!(headers.all()["authorization"], "Bearer s3cret2");
        assert_eq!(headers.all()["api-key"], "s3cret");
        let shown = format!("{headers:?} {:?}", headers.all());
        assert!(shown.contains("api-key") && !shown.contains("s3cret"), "{shown}");
        assert!(headers.secrets().contains(&"s3cret2".to_owned()));
        for wrong in ["s3cret", "a b=c", "=s3cret", "a=b\nc", "a=%0Ab"] {
            assert!(Headers::read(wrong).is_none(), "{wrong}");
        }
        assert!(Headers::read(" ").unwrap().is_empty());
    }
}
