//! What counts as independent, and its numbers on both sides.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    domain::gate::{GateUnit, UnitKind},
    stats::gate::Requests,
};

/// Share of the smaller side's ids that have to be on the other for them to be the same prompts.
const SAME_PROMPTS: f64 = 0.5;

const HOUR: i64 = 60;

/// Lengths of a stretch of time that are tried, in minutes.
const STRETCHES: [i64; 4] = [HOUR, 15, 5, 1];

/// Stretches that each side has to have, and both together: dealt at random, five of twenty are one of 15,504 hands. With fewer, chance
/// could not be told from harm.
const ENOUGH_STRETCHES: [usize; 2] = [5, 20];

/// Share of the requests that have to share their session with others for sessions to matter.
const IN_SESSIONS: f64 = 0.05;

/// The unit of every request, by side; the same number is the same unit.
#[derive(Debug)]
pub(super) struct Units {
    kind: UnitKind,
    pub numbers: [Vec<u32>; 2],
    counts: [u64; 2],
    paired: u64,
    minutes: Option<u32>,
}

impl Units {
    /// Runs where both sides have several, hours where one side is kept by the hour, sessions where requests come in them, prompts where
    /// both sides answer the same, else stretches of time, where there are enough.
    pub(super) fn of(baseline: &Requests, candidate: &Requests) -> Self {
        let sides = [baseline, candidate];
        let runs = |side: &Requests| distinct(side.run.iter().map(|run| i64::from(*run))).len();
        if sides.iter().all(|side| runs(side) > 1) {
            // Runs of one side are others than those of the other, whatever their numbers.
            let ids = [0, 1].map(|side| sides[side].run.iter().map(|run| 2 * u64::from(*run) + side as u64).collect());
            return Self::numbered(UnitKind::Run, ids);
        }
        if sides.iter().any(|side| side.hourly) {
            return Self::stretches(sides, HOUR);
        }
        if sides.iter().any(|side| in_sessions(side)) {
            let id = |requests: &Requests, row: usize| match requests.session[row] {
                0 => requests.request[row],
                session => session,
            };
            let ids = sides.map(|side| (0..side.len()).map(|row| id(side, row)).collect());
            return Self::numbered(UnitKind::Session, ids);
        }
        if same_prompts(baseline, candidate) {
            return Self::numbered(UnitKind::Prompt, sides.map(|side| side.request.clone()));
        }
        let enough = |minutes: &i64| {
            let [here, there] = sides.map(|side| distinct(side.minute.iter().map(|at| at.div_euclid(*minutes))));
            let [each, together] = ENOUGH_STRETCHES;
            here.len().min(there.len()) >= each && here.union(&there).count() >= together
        };
        // The longest: shorter ones of the same slow hour would be alike.
        if let Some(minutes) = STRETCHES.into_iter().find(enough) {
            return Self::stretches(sides, minutes);
        }
        let counts = sides.map(|side| side.len() as u64);
        Self { kind: UnitKind::Request, numbers: [Vec::new(), Vec::new()], counts, paired: 0, minutes: None }
    }

    fn stretches(sides: [&Requests; 2], minutes: i64) -> Self {
        // The same minutes are the same stretch: what slows one side down then slows the other down too.
        let ids = sides.map(|side| side.minute.iter().map(|at| at.div_euclid(minutes).cast_unsigned()).collect());
        Self { minutes: u32::try_from(minutes).ok(), ..Self::numbered(UnitKind::Minutes, ids) }
    }

    fn numbered(kind: UnitKind, ids: [Vec<u64>; 2]) -> Self {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let mut last = (0, None);
        let [baseline, candidate] = ids.map(|ids| {
            let number = |id: u64| match last {
                (before, Some(number)) if before == id => number,
                _ => {
                    let next = u32::try_from(known.len()).expect("fewer units than that");
                    let number = *known.entry(id).or_insert(next);
                    last = (id, Some(number));
                    number
                }
            };
            ids.into_iter().map(number).collect::<Vec<u32>>()
        });
        // Those of the baseline come first.
        let here = baseline.iter().max().map_or(0, |last| *last as usize + 1);
        let mut there = vec![false; known.len()];
        for unit in &candidate {
            there[*unit as usize] = true;
        }
        let count = |units: &[bool]| units.iter().filter(|there| **there).count() as u64;
        let (counts, paired) = ([here as u64, count(&there)], count(&there[..here]));
        Self { kind, numbers: [baseline, candidate], counts, paired, minutes: None }
    }

    /// Whether requests have a unit beside themselves.
    pub(super) fn any(&self) -> bool {
        self.kind != UnitKind::Request
    }

    pub(super) fn are_runs(&self) -> bool {
        self.kind == UnitKind::Run
    }

    /// Whether both sides answer the same prompts.
    pub(super) fn are_prompts(&self) -> bool {
        self.kind == UnitKind::Prompt
    }

    pub(super) fn told(&self) -> GateUnit {
        GateUnit {
            kind: self.kind,
            minutes: self.minutes,
            baseline: self.counts[0],
            candidate: self.counts[1],
            paired: self.paired,
        }
    }
}

fn in_sessions(side: &Requests) -> bool {
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    for session in side.session.iter().filter(|session| **session != 0) {
        *sizes.entry(*session).or_default() += 1;
    }
    let together: u64 = sizes.into_values().filter(|size| *size > 1).sum();
    together as f64 > IN_SESSIONS * side.len() as f64
}

fn same_prompts(baseline: &Requests, candidate: &Requests) -> bool {
    let sorted = |side: &Requests| {
        let mut ids = side.request.clone();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    let (here, there) = rayon::join(|| sorted(baseline), || sorted(candidate));
    let smaller = here.len().min(there.len());
    let (mut shared, mut rest) = (0_usize, there.iter().peekable());
    for id in &here {
        while rest.next_if(|other| *other < id).is_some() {}
        shared += usize::from(rest.peek() == Some(&id));
    }
    shared >= 2 && shared as f64 >= SAME_PROMPTS * smaller as f64
}

/// Most rows are of the same stretch, or run, as those before.
fn distinct(stretches: impl Iterator<Item = i64>) -> HashSet<i64> {
    let (mut found, mut last) = (HashSet::new(), None);
    for stretch in stretches {
        if last != Some(stretch) {
            last = Some(stretch);
            found.insert(stretch);
        }
    }
    found
}
