//! The contract, kept to the letter: what each operation does and answers when the server behaves.

use super::{
    answer::Answer,
    call::{Call, Operation},
    configuration::{Configuration, Labelled},
    documents::{ConfigWrite, Invalid, RollbackWrite, is_service},
    store::{FirstAnswer, Kept},
};

/// What a server that keeps to the contract looks at, each of which a fault can switch off.
#[derive(Debug, Clone, Copy)]
pub struct Care {
    pub preconditions: bool,
    pub keys: bool,
    pub minute_ms: u64,
}

/// Answers a call, and changes `kept` as it says.
pub fn obey(kept: &mut Kept, call: &Call, care: Care) -> Answer {
    let result = match call.operation {
        Operation::Read => read(kept, call, care),
        Operation::Delete => delete(kept, call, care),
        Operation::Unknown => Err(Answer::error(404, "there is nothing at this path")),
        Operation::Create | Operation::Replace | Operation::Rollback => once(kept, call, care),
    };
    result.unwrap_or_else(|refused| refused)
}

/// A write with a key: done at most once, however often it is asked for.
fn once(kept: &mut Kept, call: &Call, care: Care) -> Result<Answer, Answer> {
    let key = call.key.as_deref().ok_or_else(|| Answer::error(400, "the header Idempotency-Key is missing"))?;
    let of = call.fingerprint();
    if let Some(first) = kept.first_answer(key).filter(|_| care.keys) {
        if first.of != of {
            return Err(Answer::error(422, "this Idempotency-Key belongs to another request"));
        }
        let mut again = first.answer.clone();
        again.status = if again.status == 201 { 200 } else { again.status };
        return Ok(again);
    }
    let answer = match call.operation {
        Operation::Create => create(kept, call),
        Operation::Replace => replace(kept, call, care),
        _ => roll_back(kept, call, care),
    }?;
    kept.remember(key, FirstAnswer { of, answer: answer.clone() });
    Ok(answer)
}

fn found<'a>(kept: &'a mut Kept, call: &Call, care: Care) -> Result<&'a Configuration, Answer> {
    kept.current(&call.service, care.minute_ms).ok_or_else(|| Answer::error(404, "there is no such service"))
}

fn read(kept: &mut Kept, call: &Call, care: Care) -> Result<Answer, Answer> {
    if !is_service(&call.service) {
        return Err(Answer::error(400, "this is no name of a service"));
    }
    let found = found(kept, call, care)?;
    if call.if_none_match.as_deref() == Some(&format!("\"{}\"", found.version)) {
        return Ok(Answer { version: Some(found.version.clone()), ..Answer::empty(304) });
    }
    Ok(Answer::configuration(200, found))
}

/// The version that is there, when the call names it.
fn matched(kept: &mut Kept, call: &Call, care: Care) -> Result<Configuration, Answer> {
    let found = found(kept, call, care)?.clone();
    if !care.preconditions {
        return Ok(found);
    }
    let wanted = call.if_match.as_deref().ok_or_else(|| Answer::error(428, "the header If-Match is missing"))?;
    if wanted != format!("\"{}\"", found.version) {
        return Err(Answer::error(412, "the configuration is of another version"));
    }
    Ok(found)
}

fn create(kept: &mut Kept, call: &Call) -> Result<Answer, Answer> {
    let write = ConfigWrite::read(&call.body).map_err(|why| Answer::invalid(422, &why))?;
    if kept.current(&write.service_id, 1).is_some() {
        return Err(Answer::error(409, "the service exists"));
    }
    if write.deployment.initial_percentage < 100 {
        let why = "there is no other configuration for the rest of the traffic".to_owned();
        return Err(Answer::invalid(422, &Invalid { field: "deployment.initial_percentage", why }));
    }
    Ok(accept(kept, 201, |version| Configuration::following(None, &write, version)))
}

fn replace(kept: &mut Kept, call: &Call, care: Care) -> Result<Answer, Answer> {
    let write = ConfigWrite::read(&call.body).map_err(|why| Answer::invalid(422, &why))?;
    if write.service_id != call.service {
        let why = "is not the service of the path".to_owned();
        return Err(Answer::invalid(422, &Invalid { field: "service_id", why }));
    }
    let before = matched(kept, call, care)?;
    let busy = before.state == "in-progress" && before.progression.len() > 1;
    if busy && before.new.configuration != write.settings() {
        return Err(Answer::error(409, "another rollout of this service is under way"));
    }
    Ok(accept(kept, 200, |version| Configuration::following(Some(&before), &write, version)))
}

fn roll_back(kept: &mut Kept, call: &Call, care: Care) -> Result<Answer, Answer> {
    let write = RollbackWrite::read(&call.body).map_err(|why| Answer::invalid(422, &why))?;
    let before = matched(kept, call, care)?;
    let nothing = || Answer::error(409, "there is nothing to roll back to");
    if write.scope == "canary" && before.percentage == 100 {
        return Err(nothing());
    }
    let target = target(kept, &before, &write.target_version).ok_or_else(nothing)?;
    Ok(accept(kept, 200, |version| before.rolled_back(target, version, &write.reason)))
}

/// What a version was. The previous one is what all traffic had before: a step of the same canary is nothing to go back to.
fn target(kept: &Kept, before: &Configuration, version: &str) -> Option<Labelled> {
    let history = kept.history(&before.service_id);
    if version != "previous" {
        return history.iter().find(|past| past.version == version).map(|past| past.new.clone());
    }
    if before.percentage < 100 {
        return before.baseline.clone();
    }
    let others = history.iter().rev().filter(|past| past.percentage == 100);
    others.map(|past| &past.new).find(|past| past.configuration != before.new.configuration).cloned()
}

fn delete(kept: &mut Kept, call: &Call, care: Care) -> Result<Answer, Answer> {
    matched(kept, call, care)?;
    kept.remove(&call.service);
    Ok(Answer::empty(204))
}

fn accept(kept: &mut Kept, status: u16, next: impl FnOnce(String) -> Configuration) -> Answer {
    let version = kept.next_version();
    let next = next(version);
    let answer = Answer::configuration(status, &next);
    kept.put(next);
    answer
}
