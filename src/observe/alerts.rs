//! Alerts of Sentinel from NDJSON: as CloudEvents (`specversion`), as its webhook sends them (`event_type`, `data`), or bare
//! (`alert_id`). An alert never changes anything by itself, so nobody's signature is checked.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::ObserveError;
use crate::domain::{
    Severity,
    alert::{Alert, AlertFigure, Alerts},
    format::visible,
};

/// A line of more is no alert.
const LONGEST_LINE: usize = 1 << 20;

/// Reads all files; an alert that is told twice is kept once, as it was told last.
pub fn alerts(files: &[PathBuf]) -> Result<Alerts, ObserveError> {
    let mut by_id: BTreeMap<(Option<String>, String), Alert> = BTreeMap::new();
    let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
    for path in files {
        for line in lines(path)? {
            let text = line?;
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match parse(&text) {
                Ok(alerts) => {
                    for alert in alerts {
                        let key = (alert.service.clone(), alert.id.clone());
                        if by_id.get(&key).is_none_or(|known| known.at <= alert.at) {
                            by_id.insert(key, alert);
                        }
                    }
                }
                Err(reason) => *rejected.entry(reason).or_default() += 1,
            }
        }
    }
    let mut alerts: Vec<Alert> = by_id.into_values().collect();
    alerts.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.service.cmp(&b.service)).then_with(|| a.id.cmp(&b.id)));
    Ok(Alerts { alerts, rejected })
}

fn lines(path: &Path) -> Result<impl Iterator<Item = Result<Vec<u8>, ObserveError>>, ObserveError> {
    let unreadable = |cause| ObserveError::Unreadable { path: path.to_owned(), cause };
    let mut reader = BufReader::new(File::open(path).map_err(unreadable)?);
    // A line is never read further than it may be long; what is left of it is skipped.
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        let read = reader.by_ref().take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut line);
        if line.len() > LONGEST_LINE
            && !line.ends_with(b"\n")
            && let Err(cause) = reader.skip_until(b'\n')
        {
            return Some(Err(unreadable(cause)));
        }
        match read {
            Ok(0) => None,
            Ok(_) => Some(Ok(line)),
            Err(cause) => Some(Err(unreadable(cause))),
        }
    }))
}

fn parse(line: &[u8]) -> Result<Vec<Alert>, String> {
    if line.len() > LONGEST_LINE {
        return Err("longer than a megabyte".to_owned());
    }
    let Ok(Value::Object(event)) = serde_json::from_slice(line) else { return Err("not a JSON object".to_owned()) };
    if event.contains_key("specversion") {
        cloud_event(&event)
    } else if let (true, Some(Value::Object(data))) = (event.contains_key("event_type"), event.get("data")) {
        bare(data).map(|alert| vec![alert])
    } else if event.contains_key("alert_id") {
        bare(&event).map(|alert| vec![alert])
    } else {
        Err("no alert: none of specversion, event_type with data, alert_id".to_owned())
    }
}

/// One alert for each affected service.
fn cloud_event(event: &Map<String, Value>) -> Result<Vec<Alert>, String> {
    let Some(Value::Object(data)) = event.get("data") else { return Err("no data".to_owned()) };
    let metrics = data.get("metrics").and_then(Value::as_object);
    let figure = metrics.into_iter().flatten().find_map(|(name, metric)| figure(name, metric.as_object()?, "current"));
    // What it is comes from the data, else from the type: `com.llmdevops.sentinel.security.alert.v1`.
    let named = text(data, "anomaly_type").or_else(|| text(event, "type"));
    let cause = data.get("root_cause_hypothesis").and_then(Value::as_array);
    let alert = Alert {
        id: text(event, "id").ok_or("no id")?,
        at: time(event, "time")?,
        service: None,
        kind: named.ok_or("neither anomaly_type nor type")?,
        severity: severity(data)?,
        figure,
        cause: cause.and_then(|causes| causes.first()).and_then(Value::as_str).map(visible),
    };
    let services = data.get("affected_services").and_then(Value::as_array);
    let services: Vec<&str> = services.into_iter().flatten().filter_map(Value::as_str).collect();
    if services.is_empty() {
        return Ok(vec![alert]);
    }
    Ok(services.into_iter().map(|name| Alert { service: Some(visible(name)), ..alert.clone() }).collect())
}

fn bare(event: &Map<String, Value>) -> Result<Alert, String> {
    let kind = match event.get("anomaly_type") {
        Some(Value::String(kind)) => visible(kind),
        Some(Value::Object(custom)) => text(custom, "custom").ok_or("no anomaly_type")?,
        _ => return Err("no anomaly_type".to_owned()),
    };
    let details = event.get("details").and_then(Value::as_object);
    let figure = details.and_then(|details| figure(&text(details, "metric")?, details, "value"));
    Ok(Alert {
        id: text(event, "alert_id").ok_or("no alert_id")?,
        at: time(event, "timestamp")?,
        service: text(event, "service_name"),
        kind,
        severity: severity(event)?,
        figure,
        cause: text(event, "root_cause"),
    })
}

fn figure(name: &str, of: &Map<String, Value>, value: &str) -> Option<AlertFigure> {
    let number = |field: &str| of.get(field).and_then(Value::as_f64).filter(|number| number.is_finite());
    Some(AlertFigure {
        name: visible(name),
        value: number(value)?,
        baseline: number("baseline")?,
        sigmas: number("deviation_sigma"),
    })
}

fn text(of: &Map<String, Value>, field: &str) -> Option<String> {
    of.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(visible)
}

fn time(of: &Map<String, Value>, field: &str) -> Result<jiff::Timestamp, String> {
    let text = of.get(field).and_then(Value::as_str).ok_or_else(|| format!("no {field}"))?;
    text.parse().map_err(|_| format!("{field} is not a time with a zone (RFC 3339)"))
}

fn severity(of: &Map<String, Value>) -> Result<Severity, String> {
    match of.get("severity").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("low") => Ok(Severity::Low),
        Some("medium") => Ok(Severity::Medium),
        Some("high") => Ok(Severity::High),
        Some("critical") => Ok(Severity::Critical),
        _ => Err("severity is none of low, medium, high, critical".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_kind_is_kept_and_an_unknown_type_too() {
        let alert = parse(
            br#"{"alert_id":"a1","timestamp":"2026-01-01T00:00:00Z","severity":"HIGH","anomaly_type":{"custom":"loop"},"service_name":"chat"}"#,
        );
        let alert = alert.unwrap().remove(0);
        assert_eq!((alert.kind.as_str(), alert.severity), ("loop", Severity::High));
        let event = parse(
            br#"{"specversion":"1.0","id":"e","type":"com.llmdevops.sentinel.security.alert.v1","time":"2026-01-01T00:00:00Z","data":{"severity":"low","affected_services":["a","b"]}}"#,
        )
        .unwrap();
        assert_eq!(event.len(), 2);
        assert_eq!(event[1].service.as_deref(), Some("b"));
        assert_eq!(event[0].kind, "com.llmdevops.sentinel.security.alert.v1");
    }

    #[test]
    fn what_is_none_says_why() {
        let reasons = [
            (&b"[]"[..], "not a JSON object"),
            (b"{\"alert\":1}", "no alert: none of specversion, event_type with data, alert_id"),
            (b"{\"specversion\":\"1.0\"}", "no data"),
            (b"{\"alert_id\":\"x\"}", "no anomaly_type"),
            (
                b"{\"alert_id\":\"x\",\"anomaly_type\":\"y\",\"timestamp\":\"2026-01-01 00:00\"}",
                "timestamp is not a time with a zone (RFC 3339)",
            ),
            (
                b"{\"alert_id\":\"x\",\"anomaly_type\":\"y\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"severity\":5}",
                "severity is none of low, medium, high, critical",
            ),
        ];
        for (line, reason) in reasons {
            assert_eq!(parse(line).unwrap_err(), reason);
        }
    }
}
