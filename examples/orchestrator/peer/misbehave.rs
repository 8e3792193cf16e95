//! Carries a call out as well, or as badly, as the faults say.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{Response, header},
};
use futures_util::stream;
use serde_json::json;

use super::{
    answer::Answer,
    api::{Care, obey},
    call::{Call, Operation},
    configuration::{Configuration, now},
    connection::Wire,
    faults::{Fault, Garbage},
    serve::Peer,
    store::{Kept, Pending, Store},
};

/// Answers a call, with the faults that hit it.
pub async fn respond(peer: &Peer, call: Call, faults: Vec<Fault>, wire: &Wire) -> Response<Body> {
    for fault in &faults {
        match fault {
            Fault::Refuse | Fault::Down | Fault::DropBeforeApply => return cut(wire),
            Fault::Stall => {
                tokio::time::sleep(peer.settings.stall).await;
                return cut(wire);
            }
            Fault::Status { code, retry_after, reset_in, body } => {
                return status(*code, *retry_after, *reset_in, body.as_deref());
            }
            Fault::Redirect { to } => return Answer::empty(307).with_header("location", to).response(),
            _ => {}
        }
    }
    let (mut answer, stale, change) = peer.with(|store| {
        let stale = store.kept.history(&call.service).iter().rev().nth(1).map(|past| Answer::configuration(200, past));
        let promised = store.pending.len();
        let answer = carry_out(store, &call, &faults, peer.settings.minute_ms());
        // A reading changes nothing, unless something that was promised came true with it.
        let changed = call.operation != Operation::Read || promised != store.pending.len();
        store.changes += u64::from(changed);
        (answer, stale, changed.then_some(store.changes))
    });
    // Before anybody is told of the change, so that a restart forgets nothing that was promised.
    if let Some(change) = change
        && peer.keep(change).await.is_err()
    {
        answer = Answer::error(500, "the store cannot be written");
    }
    for fault in &faults {
        match fault {
            Fault::ApplyAndDrop => return cut(wire),
            Fault::ApplyAndStall => {
                tokio::time::sleep(peer.settings.stall).await;
                return cut(wire);
            }
            Fault::Garbage(kind) => return garbage(*kind, &answer, stale),
            Fault::SlowDrip => return answer.response_with(drip(answer.text(), peer.settings.drip)),
            Fault::HugeBody => return answer.response_with(Body::from(format!("\"{}\"", "x".repeat(3 << 20)))),
            Fault::EndlessBody => {
                let more = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b' '; 4096])));
                return answer.response_with(Body::from_stream(more));
            }
            Fault::CutShort => {
                let answer = answer.clone().with_header("content-length", (answer.text().len() + 7).to_string());
                let whole = Bytes::from(answer.text());
                let broken = [Ok(whole), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
                return answer.response_with(Body::from_stream(stream::iter(broken)));
            }
            Fault::AnswerTwice => {
                let body = answer.text();
                wire.then_send(body.len(), b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}and more".to_vec());
            }
            Fault::NoEtag => return Answer { version: None, ..answer }.response(),
            Fault::WrongEtag => {
                let version = Some("somebody-elses".to_owned());
                return Answer { version, ..answer }.response();
            }
            _ => {}
        }
    }
    answer.response()
}

fn cut(wire: &Wire) -> Response<Body> {
    wire.cut();
    Answer::empty(200).response()
}

fn status(code: u16, retry_after: Option<u64>, reset_in: Option<u64>, body: Option<&str>) -> Response<Body> {
    let mut answer = Answer::error(code, "told to answer so");
    if let Some(seconds) = retry_after {
        answer = answer.with_header("retry-after", seconds.to_string());
    }
    if let Some(seconds) = reset_in {
        answer = answer.with_header("x-ratelimit-reset", (now() / 1000 + seconds).to_string());
    }
    body.map_or_else(|| answer.response(), |text| answer.response_with(Body::from(text.to_owned())))
}

fn garbage(kind: Garbage, answer: &Answer, stale: Option<Answer>) -> Response<Body> {
    let text = match kind {
        Garbage::NotJson => "<html><body>It works!</body></html>".to_owned(),
        Garbage::WrongJson => json!({ "ok": true, "configuration": ["model", 7] }).to_string(),
        Garbage::Empty => String::new(),
        Garbage::Stale => return stale.map_or_else(|| answer.response(), |stale| stale.response()),
        Garbage::OtherService => {
            let mut other = answer.body.clone();
            other["service_id"] = json!("somebody-else");
            other.to_string()
        }
    };
    let ok = if answer.is_success() { answer.clone() } else { Answer { status: 200, ..answer.clone() } };
    ok.response_with(Body::from(text))
}

fn drip(text: String, pause: Duration) -> Body {
    Body::from_stream(stream::unfold(text.into_bytes(), move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let rest = left.split_off(1);
        Some((Ok::<_, io::Error>(Bytes::from(left)), rest))
    }))
}

/// Does what is asked, or what the faults make of it. Whatever is a lie here looks like the truth in the answer.
fn carry_out(store: &mut Store, call: &Call, faults: &[Fault], minute_ms: u64) -> Answer {
    let has = |fault: &Fault| faults.contains(fault);
    let care = Care { preconditions: !has(&Fault::IgnoreIfMatch), keys: !has(&Fault::IgnoreIdempotency), minute_ms };
    if call.operation == Operation::Read {
        pending_comes_true(store, &call.service, care);
    }
    if has(&Fault::ForeignEdit) {
        foreign_edit(&mut store.kept, call);
    }
    if has(&Fault::AcceptButNotApply) {
        return obey(&mut store.kept.clone(), call, care);
    }
    if let Some(reads) =
        faults.iter().find_map(|fault| if let Fault::Async { after_reads } = fault { Some(after_reads) } else { None })
    {
        let would = obey(&mut store.kept.clone(), call, care);
        if !would.is_success() {
            return would;
        }
        store.pending.insert(call.service.clone(), Pending { call: call.clone(), reads: *reads });
        // What is there now: the change is only promised.
        let shown = store.kept.current(&call.service, minute_ms).map(|found| Answer::configuration(202, found));
        return shown.unwrap_or_else(|| Answer::empty(202));
    }
    let answer = obey(&mut store.kept, call, care);
    if !answer.is_success() {
        return answer;
    }
    if has(&Fault::ApplyOther)
        && let Some(found) = store.kept.current_mut(&call.service)
    {
        found.new.configuration.insert("model".to_owned(), "something-else".to_owned());
    }
    for fault in faults {
        afterwards(&mut store.kept, &call.service, fault);
    }
    answer
}

/// What becomes of a write once it was carried out and before anybody looks.
fn afterwards(kept: &mut Kept, service: &str, fault: &Fault) {
    match fault {
        Fault::SelfAdvance { to, new_version } => self_advance(kept, service, *to, *new_version),
        Fault::DeploymentFails => {
            if let Some(found) = kept.current_mut(service) {
                "failed".clone_into(&mut found.state);
            }
        }
        Fault::ForeignTouch => {
            let version = kept.next_version();
            if let Some(found) = kept.current_mut(service) {
                (found.version, found.decision_id, found.updated_by) = (version, None, "a-person".to_owned());
            }
        }
        _ => {}
    }
}

fn pending_comes_true(store: &mut Store, service: &str, care: Care) {
    match store.pending.get_mut(service) {
        Some(Pending { reads: Some(0), call }) => {
            let _ = obey(&mut store.kept, call, care);
            store.pending.remove(service);
        }
        Some(Pending { reads: Some(left), .. }) => *left -= 1,
        _ => {}
    }
}

fn self_advance(kept: &mut Kept, service: &str, to: u8, new_version: bool) {
    let version = new_version.then(|| kept.next_version());
    if let Some(found) = kept.current_mut(service) {
        found.percentage = to;
        "orchestrator".clone_into(&mut found.updated_by);
        found.version = version.unwrap_or_else(|| found.version.clone());
        if to == 100 {
            (found.state, found.baseline) = ("completed".to_owned(), None);
        }
    }
}

/// What a person in a hurry does.
fn foreign_edit(kept: &mut Kept, call: &Call) {
    let version = kept.next_version();
    if let Some(found) = kept.current_mut(&call.service) {
        let mut next = Configuration {
            previous_version: Some(found.version.clone()),
            version,
            updated_by: "a-person".to_owned(),
            decision_id: None,
            ..found.clone()
        };
        next.new.configuration.insert("max_tokens".to_owned(), "77".to_owned());
        kept.put(next);
    } else {
        let body = json!({ "service_id": call.service, "configuration": { "model": "theirs" }, "metadata": { "requested_by": "a-person" } });
        if let Ok(write) = super::documents::ConfigWrite::read(body.to_string().as_bytes()) {
            kept.put(Configuration::following(None, &write, version));
        }
    }
}

/// The answer of a server that has never heard of what was asked for by a stranger.
pub fn unauthorized() -> Response<Body> {
    let mut response = Answer::error(401, "the token is missing or wrong").response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    response
}
