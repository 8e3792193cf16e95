//! The words of a message, with places for what happened.

use std::{fmt, str::FromStr};

use crate::domain::{format::visible, notice::Notice};

/// What can stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Event,
    State,
    Service,
    Severity,
    Summary,
    Detail,
    At,
    Run,
    Key,
    Origin,
}

const PLACES: [(&str, Place); 10] = [
    ("event", Place::Event),
    ("state", Place::State),
    ("service", Place::Service),
    ("severity", Place::Severity),
    ("summary", Place::Summary),
    ("detail", Place::Detail),
    ("at", Place::At),
    ("run", Place::Run),
    ("key", Place::Key),
    ("origin", Place::Origin),
];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// `{service}: {summary}`; `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownPlace {
    #[error("there is nothing that could stand for `{{{}}}`", visible(.0))]
    Name(String),
    #[error("a brace is not closed, or was never opened")]
    Brace,
}

impl UnknownPlace {
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Name(_) => {
                let names: Vec<String> = PLACES.iter().map(|(name, _)| format!("`{{{name}}}`")).collect();
                format!("use {}", names.join(", "))
            }
            Self::Brace => "write `{{` and `}}` for braces".to_owned(),
        }
    }
}

impl Default for Template {
    fn default() -> Self {
        "{origin}: {summary}\n{detail}".parse().expect("its places are known")
    }
}

impl FromStr for Template {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain += &rest[..at];
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain += brace;
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err(UnknownPlace::Brace);
            }
            let (name, after) = rest.split_once('}').ok_or(UnknownPlace::Brace)?;
            let place = PLACES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place);
            let place = place.ok_or_else(|| UnknownPlace::Name(name.to_owned()))?;
            parts.extend([Part::Text(std::mem::take(&mut plain)), Part::Place(place)]);
            rest = after;
        }
        parts.push(Part::Text(plain + rest));
        Ok(Self(parts))
    }
}

impl Template {
    /// The message. `escape` makes what comes from outside harmless where it is going; the words of the template stay as they are.
    pub(super) fn filled(&self, notice: &Notice, origin: &str, escape: impl Fn(&str) -> String) -> String {
        let filled = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(place) => escape(&visible(&place.of(notice, origin))),
        });
        filled.collect::<String>().trim().to_owned()
    }
}

impl Place {
    fn of(self, notice: &Notice, origin: &str) -> String {
        match self {
            Self::Event => notice.event.name().to_owned(),
            Self::State => notice.state.name().to_owned(),
            Self::Service => notice.service.clone().unwrap_or_else(|| "all services".to_owned()),
            Self::Severity => notice.severity.to_string(),
            Self::Summary => notice.summary.clone(),
            Self::Detail => notice.detail.clone(),
            Self::At => notice.at.to_string(),
            Self::Run => notice.run.clone(),
            Self::Key => notice.key.clone(),
            Self::Origin => origin.to_owned(),
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Place(place) => {
                    let name = PLACES.iter().find(|(_, known)| known == place).map_or("", |(name, _)| name);
                    write!(f, "{{{name}}}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notice;

    #[test]
    fn places_are_filled_and_what_comes_from_outside_is_escaped() {
        let mut notice = notice::test("t1", "2026-01-01T00:00:00Z".parse().unwrap());
        notice.summary = "a<b>{run}\u{1b}".to_owned();
        notice.service = Some("chat".to_owned());
        let filled = |text: &str| {
            let template: Template = text.parse().unwrap();
            assert_eq!(template.to_string(), text);
            template.filled(&notice, "eu", |text| text.replace('<', "&lt;"))
        };
        assert_eq!(filled("<{origin}> {service} {event} {state} {severity}"), "<eu> chat test once low");
        assert_eq!(filled("{{{summary}}}"), "{a&lt;b>{run}\\u{1b}}", "what is filled in is not filled again");
        assert_eq!(filled("{at} {run} {key} {detail}"), "2026-01-01T00:00:00Z t1 test/t1");
        assert_eq!(filled(""), "");
    }

    #[test]
    fn what_nobody_knows_is_refused_and_the_places_are_named() {
        let error = "{summary} {servce}".parse::<Template>().unwrap_err();
        assert_eq!(error.to_string(), "there is nothing that could stand for `{servce}`");
        assert!(error.hint().contains("`{service}`"));
        for text in ["{summary", "summary}", "{", "}", "{{}"] {
            assert_eq!(text.parse::<Template>(), Err(UnknownPlace::Brace), "{text}");
        }
    }
}
