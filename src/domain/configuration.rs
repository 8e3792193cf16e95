//! What a service runs with: model, parameters, prompt. Keys and values are those of the Orchestrator's `configuration` map.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One configuration: key to value as text, for example `max_tokens` to `1024`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Configuration(pub BTreeMap<String, String>);

impl Configuration {
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The value as a finite number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// What has to be set to come from `self` to `other`, compared by value: `0.70` is `0.7`. A key that `other` does not name stays.
    #[must_use]
    pub fn changes_to(&self, other: &Self) -> Vec<Setting> {
        let differs = |key: &str, to: &str| match (self.number(key), to.trim().parse::<f64>()) {
            (Some(from), Ok(to)) => from.total_cmp(&to).is_ne(),
            _ => self.get(key) != Some(to),
        };
        let changed = other.0.iter().filter(|(key, to)| differs(key, to));
        changed
            .map(|(key, to)| Setting { key: key.clone(), from: self.get(key).map(str::to_owned), to: to.clone() })
            .collect()
    }

    /// Twelve hexadecimal digits of a hash of the settings. Numbers count by value, so `0.70` is `0.7`.
    #[must_use]
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        for (key, value) in &self.0 {
            let value = self.number(key).map_or_else(|| value.clone(), |number| (number + 0.0).to_string());
            for text in [key, &value] {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
        super::format::hexadecimal(&hash.finalize()[..6])
    }

    /// Whether both set the same keys to the same values.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.version() == other.version()
    }
}

/// One key that a decision sets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// For example `model` or `max_tokens`.
    pub key: String,
    /// Where it is known.
    pub from: Option<String>,
    pub to: String,
}

/// What is known of the configurations of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KnownConfigurations {
    /// In force now.
    pub current: Option<Configuration>,
    /// By config version, as the traffic names it.
    pub versions: BTreeMap<String, Configuration>,
}

impl KnownConfigurations {
    /// What ran under a version; of the version in force also where only the present configuration is known.
    #[must_use]
    pub fn of(&self, version: Option<&str>, in_force: bool) -> Option<&Configuration> {
        let named = version.and_then(|version| self.versions.get(version));
        named.or(if in_force { self.current.as_ref() } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(pairs: &[(&str, &str)]) -> Configuration {
        Configuration(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn values_are_compared_not_letters() {
        let now = configuration(&[("temperature", "0.70"), ("model", "a"), ("top_p", "0.9")]);
        let next = configuration(&[("temperature", "0.7"), ("model", "b"), ("max_tokens", "64")]);
        let changes: Vec<(String, Option<String>, String)> =
            now.changes_to(&next).into_iter().map(|setting| (setting.key, setting.from, setting.to)).collect();
        assert_eq!(
            changes,
            [("max_tokens".to_owned(), None, "64".to_owned()), ("model".to_owned(), Some("a".into()), "b".into())]
        );
        assert!(now.changes_to(&now).is_empty());
    }

    #[test]
    fn a_number_is_finite() {
        let odd = configuration(&[("a", "inf"), ("b", "NaN"), ("c", " 1e3 "), ("d", "many")]);
        assert_eq!(["a", "b", "c", "d"].map(|key| odd.number(key)), [None, None, Some(1000.0), None]);
    }

    #[test]
    fn a_version_is_what_is_set() {
        let one = configuration(&[("model", "a"), ("temperature", "0.70")]);
        let same = configuration(&[("temperature", "0.7"), ("model", "a")]);
        assert_eq!((one.version(), one.version().len()), (same.version(), 12));
        assert!(configuration(&[("t", "-0")]).same_as(&configuration(&[("t", "0")])));
        // Neither a key that is missing nor letters that move from one to the next make the same.
        for other in [
            configuration(&[("model", "a")]),
            configuration(&[("model", "A"), ("temperature", "0.7")]),
            configuration(&[("modela", ""), ("temperature", "0.7")]),
        ] {
            assert!(!one.same_as(&other), "{other:?}");
        }
        // Twelve digits stand for these settings in every release: traffic is labelled with them.
        assert_eq!(one.version(), "ea5e1c700811");
    }
}
