//! The environment variables of OpenTelemetry, as far as they concern traces.

use std::{borrow::Cow, time::Duration};

use super::{ALL, Address, Headers, Parent, Traces};
use crate::http::{HttpError, Peer};

const SERVICE: &str = "service.name";

impl Traces {
    /// `variable` says what is set; what is empty counts as not set.
    pub(super) fn given(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let text = |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let is = |name: &str, word: &str| text(name).is_some_and(|text| text.eq_ignore_ascii_case(word));
        // The variable for traces alone comes before the one for everything.
        let of_traces = |name: &str| {
            let of_traces = name.replace("OTLP_", "OTLP_TRACES_");
            text(&of_traces).map(|text| (of_traces, text)).or_else(|| Some((name.to_owned(), text(name)?)))
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let Some((named, base)) = of_traces("OTEL_EXPORTER_OTLP_ENDPOINT") else { return Ok(None) };
        if let Some((name, protocol)) = of_traces("OTEL_EXPORTER_OTLP_PROTOCOL")
            && !protocol.starts_with("http/")
        {
            return Err(format!(
                "no trace is sent: `{name}` asks for `{protocol}`; set it to `http/json`, and `{named}` to a collector that takes OTLP over \
                 HTTP (usually port 4318)"
            ));
        }
        let headers = match of_traces("OTEL_EXPORTER_OTLP_HEADERS") {
            Some((name, text)) => Headers::read(&text).ok_or_else(|| {
                format!("no trace is sent: `{name}` is not `name=value,name=value` with values percent-encoded")
            })?,
            None => Headers::default(),
        };
        let insecure =
            of_traces("OTEL_EXPORTER_OTLP_INSECURE").is_some_and(|(_, text)| text.eq_ignore_ascii_case("true"));
        let address = Address::new(Peer::Collector, &whole(&named, &base), headers.is_empty() || insecure);
        let address = address.map_err(|error| format!("no trace is sent: {error}; {}", hint(&error, &named)))?;
        let parent = text("TRACEPARENT").and_then(|text| Parent::read(&text));
        if parent.as_ref().is_some_and(|parent| !parent.sampled) {
            // Whoever began the trace throws it away.
            return Ok(None);
        }
        let milliseconds = of_traces("OTEL_EXPORTER_OTLP_TIMEOUT").and_then(|(_, text)| text.parse().ok());
        let all = milliseconds.map_or(ALL, |all| ALL.min(Duration::from_millis(all)));
        let resource = resource(text("OTEL_RESOURCE_ATTRIBUTES"), text("OTEL_SERVICE_NAME"));
        Ok(Some(Self { address, headers, resource, parent, all }))
    }
}

/// The address for everything gets the path of traces; the one for traces is taken as it is.
fn whole<'a>(named: &str, base: &'a str) -> Cow<'a, str> {
    if named.contains("TRACES") {
        return Cow::Borrowed(base);
    }
    match base.split_once('?') {
        Some((base, query)) => format!("{}/v1/traces?{query}", base.trim_end_matches('/')).into(),
        None => format!("{}/v1/traces", base.trim_end_matches('/')).into(),
    }
}

fn hint(error: &HttpError, named: &str) -> String {
    match error {
        HttpError::Unencrypted { .. } => {
            "headers travel over `https://` only, unless `OTEL_EXPORTER_OTLP_INSECURE=true` says that nobody listens on the way".to_owned()
        }
        HttpError::SecretInAddress { .. } => "leave it out, and use `OTEL_EXPORTER_OTLP_HEADERS`".to_owned(),
        _ => format!("set `{named}` to the like of `http://collector:4318`"),
    }
}

/// What the traces are of. Attributes that cannot be read are left out: the trace is worth more than its labels.
fn resource(attributes: Option<String>, service: Option<String>) -> Vec<(String, String)> {
    let mut all = attributes.and_then(|text| pairs(&text)).unwrap_or_default();
    if let Some(service) = service {
        all.retain(|(name, _)| name != SERVICE);
        all.push((SERVICE.to_owned(), service));
    }
    if all.iter().all(|(name, _)| name != SERVICE) {
        all.push((SERVICE.to_owned(), "optimizer".to_owned()));
    }
    all.push(("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
    // Of two with one name the first one stays, so what was given comes before what is known.
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|(name, _)| seen.insert(name.clone()));
    all
}

/// `name=value,name=value`, values percent-encoded. None where a part is not that.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=')?;
            let name = Some(name.trim()).filter(|name| !name.is_empty())?;
            Some((name.to_owned(), decoded(value.trim())?))
        })
        .collect()
}

/// `+` stays what it is, unlike in forms.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.get(..2)).flatten();
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let byte =
            digits.filter(|digits| !digits.starts_with('+')).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests;
