//! Numbers in whose place the word `unlimited` may stand. A word of its own, because both 0 and an empty value are read as
//! "no limit" by one half of people and as "nothing allowed" by the other.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The word itself.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Unlimited {
    Unlimited,
}

/// One kind of limit: its name, its number and the range of that in JSON Schema.
macro_rules! limit {
    ($(#[$doc:meta])* $name:ident, $number:ty, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Deserialize)]
        #[serde(untagged)]
        pub(super) enum $name {
            Number($number),
            Word(Unlimited),
        }

        impl $name {
            /// The number; none if there is no limit.
            pub(super) fn limit(self) -> Option<$number> {
                match self {
                    Self::Number(number) => Some(number),
                    Self::Word(Unlimited::Unlimited) => None,
                }
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "anyOf": [$schema, { "const": "unlimited" }] })
            }
        }
    };
}

limit!(
    /// An amount of US dollars.
    LimitYaml,
    f64,
    { "type": "number", "exclusiveMinimum": 0.0, "maximum": 1_000_000_000.0 }
);
limit!(
    /// A mean quality.
    ScoreLimitYaml,
    f64,
    { "type": "number", "minimum": 0.0, "maximum": 1.0 }
);
limit!(
    /// Milliseconds.
    LatencyLimitYaml,
    f64,
    { "type": "number", "minimum": 1.0, "maximum": 3_600_000.0 }
);
limit!(
    /// A number of changes.
    CountLimitYaml,
    u32,
    { "type": "integer", "minimum": 1, "maximum": 1_000_000 }
);
