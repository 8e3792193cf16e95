//! What the server can be told to do wrong, and to which requests.

use serde::{Deserialize, Serialize};

use super::call::{Call, Operation};

/// One kind of misbehaviour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Reset the connection before anything is done.
    Refuse,
    /// The whole server: every request to a configuration is reset. Services keep the split that they have.
    Down,
    /// Say nothing for a long time, and do nothing.
    Stall,
    /// Do what is asked, then say nothing for a long time.
    ApplyAndStall,
    /// Do what is asked, then drop the connection without an answer.
    ApplyAndDrop,
    /// Drop the connection after the request was read, and do nothing.
    DropBeforeApply,
    /// Do it, answer, and send something more that nobody asked for.
    AnswerTwice,
    IgnoreIfMatch,
    IgnoreIdempotency,
    /// Answer with a status and do nothing.
    Status {
        code: u16,
        #[serde(default)]
        retry_after: Option<u64>,
        /// As a Unix time, so many seconds from now.
        #[serde(default)]
        reset_in: Option<u64>,
        #[serde(default)]
        body: Option<String>,
    },
    /// Do it, and answer 200 with something that is not the answer.
    Garbage(Garbage),
    /// Do it, and send the answer byte after byte.
    SlowDrip,
    /// Do it, and answer with more than anybody wants to read.
    HugeBody,
    /// Do it, and never stop answering.
    EndlessBody,
    /// Do it, and announce more bytes than come.
    CutShort,
    /// Lead elsewhere.
    Redirect {
        to: String,
    },
    WrongEtag,
    NoEtag,
    /// Answer as if it were done.
    AcceptButNotApply,
    /// Do something else, and answer as if it were what was asked.
    ApplyOther,
    /// 202, and do it after so many reads, or never.
    Async {
        #[serde(default)]
        after_reads: Option<u32>,
    },
    /// Once it is done, the canary moves on by itself.
    SelfAdvance {
        to: u8,
        #[serde(default)]
        new_version: bool,
    },
    /// Somebody else writes just before the request is carried out.
    ForeignEdit,
    /// Somebody else writes the same, just after the request was carried out.
    ForeignTouch,
    /// It is taken on, and its deployment fails.
    DeploymentFails,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    NotJson,
    WrongJson,
    OtherService,
    /// The version before this one.
    Stale,
    Empty,
}

/// Which requests a fault is for. What is left out matches everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    pub method: Option<String>,
    pub operation: Option<Operation>,
    pub service: Option<String>,
    /// The first request, of those that match, that it is done to; counted from 1.
    pub nth: Option<u32>,
    /// How many of them; all that follow where it is left out.
    pub times: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    #[serde(default, rename = "match")]
    pub which: Match,
    pub fault: Fault,
    /// Requests that matched so far.
    #[serde(default, skip_deserializing)]
    pub seen: u32,
}

impl Rule {
    pub fn new(which: Match, fault: Fault) -> Self {
        Self { which, fault, seen: 0 }
    }

    /// A rule as JSON, or the name of a fault that is done to every request.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let name = serde_json::Value::String(text.to_owned());
        serde_json::from_value(name)
            .map(|fault| Self::new(Match::default(), fault))
            .or_else(|_| serde_json::from_str(text))
    }

    fn hits(&mut self, call: &Call) -> bool {
        let which = &self.which;
        let fits = which.method.as_ref().is_none_or(|method| *method == call.method)
            && which.operation.is_none_or(|operation| operation == call.operation)
            && which.service.as_ref().is_none_or(|service| *service == call.service);
        if !fits {
            return false;
        }
        self.seen += 1;
        let first = which.nth.unwrap_or(1).max(1);
        self.seen >= first && which.times.is_none_or(|times| self.seen - first < times)
    }
}

/// The faults for this call, in the order of the rules.
pub fn hitting(rules: &mut [Rule], call: &Call) -> Vec<Fault> {
    rules.iter_mut().filter_map(|rule| rule.hits(call).then(|| rule.fault.clone())).collect()
}
