//! Figures of the machine and of time, and when they are too much.

use jiff::{SignedDuration, Timestamp};

use super::{Check, Subject};
use crate::domain::{
    fault::Exit,
    format::{count, counted, instant, percent},
};

/// A clock may be off by so much without a word.
const CLOCK_WARNS: SignedDuration = SignedDuration::from_mins(1);
/// And by so much before windows and leases are wrong: rows from further ahead are rejected, and a lease lasts as long.
const CLOCK_FAILS: SignedDuration = SignedDuration::from_mins(5);

/// Part of the container's memory that the scan may take; the rest of the program needs the other part.
const SCAN_SHARE: f64 = 0.8;

/// Bytes on a disk below which somebody should look.
const LITTLE_ROOM: u64 = 256 << 20;

/// Share of rejected rows above which a run refuses the source.
const MOST_REJECTED: f64 = 0.1;
/// And above which somebody should look: a few odd rows are in every log.
const MANY_REJECTED: f64 = 0.01;

/// This machine's clock against another one, which was read at `here`.
#[must_use]
pub fn clocks(subject: Subject, of: &str, here: Timestamp, there: Timestamp) -> Check {
    let off = here.duration_since(there);
    let size = off.abs();
    if size <= CLOCK_WARNS {
        return Check::ok(
            subject,
            format!("within {} of the clock of {of}", counted(CLOCK_WARNS.as_secs() as u64, "second")),
        );
    }
    let way = if off.is_positive() { "ahead of" } else { "behind" };
    let found = format!("this machine is {} {way} the clock of {of}", span(size));
    let fix = "set both clocks by NTP; `timedatectl` shows this one";
    let exit = if subject == Subject::DatabaseClock { Exit::State } else { Exit::Sink };
    if size > CLOCK_FAILS { Check::failed(subject, exit, found, fix) } else { Check::warning(subject, found, fix) }
}

/// The newest event against now.
#[must_use]
pub fn freshness(newest: Timestamp, now: Timestamp, max_age: SignedDuration) -> Check {
    let age = now.duration_since(newest);
    if age.is_negative() {
        return Check::ok(Subject::Freshness, format!("the newest event is of {} UTC", instant(newest)));
    }
    let found = format!("the newest event is of {} UTC, {} ago", instant(newest), span(age));
    if age <= max_age {
        return Check::ok(Subject::Freshness, found);
    }
    Check::warning(
        Subject::Freshness,
        format!("{found}; `--max-age` is {}", span(max_age)),
        "look at what writes it; where it is always late, raise `--max-age`",
    )
}

/// What was read, and how much of it was rejected. `main_reason` is the most frequent one.
#[must_use]
pub fn rejects(read: u64, rejected: u64, main_reason: Option<&str>) -> Check {
    if read == 0 {
        return Check::failed(
            Subject::Rows,
            Exit::Source,
            "no request in it",
            "look at what writes it, and at `optimizer inspect`",
        );
    }
    let share = rejected as f64 / read as f64;
    let mut found = format!("{}, {} rejected ({})", counted(read, "row"), count(rejected), percent(share));
    let fix = "`--rejects FILE` writes each rejected row with its reason";
    if let Some(reason) = main_reason {
        found += &format!(", most of them: {reason}");
    }
    if share > MOST_REJECTED {
        Check::failed(Subject::Rows, Exit::Source, found, fix)
    } else if share > MANY_REJECTED {
        Check::warning(Subject::Rows, found, fix)
    } else {
        Check::ok(Subject::Rows, found)
    }
}

/// When the last run began and whether it came to its end, against the schedule that is expected.
#[must_use]
pub fn last_run(run: Option<(Timestamp, bool)>, acting: bool, now: Timestamp, every: Option<SignedDuration>) -> Check {
    let Some((at, ended)) = run else { return Check::ok(Subject::LastRun, "none yet") };
    let age = now.duration_since(at).max(SignedDuration::ZERO);
    let found = format!("{} UTC, {} ago", instant(at), span(age));
    if !ended && !acting {
        return Check::warning(
            Subject::LastRun,
            format!("{found}; it did not come to its end"),
            "nothing: the next run puts right what was under way; look at its log for why it ended",
        );
    }
    match every {
        Some(every) if age > every * 2 => Check::warning(
            Subject::LastRun,
            format!("{found}; expected every {}", span(every)),
            "look at the schedule: suspended, out of its deadline, or failing before it begins?",
        ),
        _ => Check::ok(Subject::LastRun, found),
    }
}

/// Bytes that are free where something is written.
#[must_use]
pub fn room(subject: Subject, folder: &str, free: Option<u64>) -> Check {
    match free {
        None => Check::ok(subject, format!("`{folder}` can be written")),
        Some(free) if free < LITTLE_ROOM => Check::warning(
            subject,
            format!("`{folder}` has {} left", bytes(free)),
            "make room there before it is full, or name another place",
        ),
        Some(free) => Check::ok(subject, format!("`{folder}` can be written, {} free", bytes(free))),
    }
}

/// What the scan may take, against what the container may have. Both in bytes.
#[must_use]
pub fn memory(scan: u64, container: Option<u64>) -> Check {
    let Some(container) = container else {
        return Check::ok(
            Subject::Memory,
            format!("the scan may take {}; no limit of a container was found", bytes(scan)),
        );
    };
    let share = scan as f64 / container as f64;
    let found =
        format!("the scan may take {}, {} of the container's {}", bytes(scan), percent(share), bytes(container));
    // DuckDB rounds what it says to a tenth of a unit.
    if share <= SCAN_SHARE + 0.005 {
        return Check::ok(Subject::Memory, found);
    }
    Check::warning(
        Subject::Memory,
        found,
        format!(
            "`--memory-limit {}MB` (OPTIMIZER_MEMORY_LIMIT) leaves room for the rest of the program",
            container / 2 / 1_000_000
        ),
    )
}

/// In the unit that fits, rounded down: what is told as 30 minutes is not 31.
fn span(span: SignedDuration) -> String {
    match span.as_secs() {
        seconds @ ..120 => counted(seconds.unsigned_abs(), "second"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..360_000 => format!("{} h", seconds / 3_600),
        seconds => counted(seconds.unsigned_abs() / 86_400, "day"),
    }
}

fn bytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes < 1024.0 { format!("{mebibytes:.0} MiB") } else { format!("{:.1} GiB", mebibytes / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::{super::Outcome, *};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_268_800 + second).unwrap()
    }

    #[test]
    fn clocks_may_be_off_a_little() {
        for (off, outcome) in [
            (0, Outcome::Ok),
            (60, Outcome::Ok),
            (-61, Outcome::Warning),
            (300, Outcome::Warning),
            (-301, Outcome::Failed),
            (3_600, Outcome::Failed),
        ] {
            assert_eq!(clocks(Subject::SinkClock, "x", at(off), at(0)).outcome, outcome, "{off}");
        }
        assert!(clocks(Subject::SinkClock, "x", at(-3_600), at(0)).found.contains("60 min behind"));
        assert_eq!(clocks(Subject::DatabaseClock, "x", at(3_600), at(0)).exit_code, Some(4));
        assert_eq!(clocks(Subject::SinkClock, "x", at(3_600), at(0)).exit_code, Some(5));
    }

    #[test]
    fn a_scan_leaves_room_in_its_container() {
        const MIB: u64 = 1 << 20;
        assert_eq!(memory(244 * MIB, Some(512 * MIB)).outcome, Outcome::Ok);
        assert_eq!(memory(410 * MIB, Some(512 * MIB)).outcome, Outcome::Ok, "DuckDB's own 80 %");
        let tight = memory(480 * MIB, Some(512 * MIB));
        assert_eq!(tight.outcome, Outcome::Warning);
        assert!(tight.fix.unwrap().contains("268MB"));
        assert_eq!(memory(480 * MIB, None).outcome, Outcome::Ok);
    }

    #[test]
    fn runs_are_missed_after_two_of_them() {
        let quarter = Some(SignedDuration::from_mins(15));
        let judged = |run, acting, every| last_run(run, acting, at(0), every).outcome;
        assert_eq!(judged(None, false, quarter), Outcome::Ok);
        assert_eq!(judged(Some((at(-1_799), true)), false, quarter), Outcome::Ok);
        assert_eq!(judged(Some((at(-1_801), true)), false, quarter), Outcome::Warning);
        assert_eq!(judged(Some((at(-1_801), true)), false, None), Outcome::Ok);
        assert_eq!(judged(Some((at(-60), false)), false, None), Outcome::Warning, "it was killed");
        assert_eq!(judged(Some((at(-60), false)), true, None), Outcome::Ok, "it is at it");
    }

    #[test]
    fn a_source_is_judged_as_a_run_does() {
        assert_eq!(rejects(0, 0, None).outcome, Outcome::Failed);
        assert_eq!(rejects(100, 0, None).outcome, Outcome::Ok);
        assert_eq!(rejects(100, 1, Some("r")).outcome, Outcome::Ok);
        assert_eq!(rejects(100, 10, Some("r")).outcome, Outcome::Warning);
        assert_eq!(rejects(100, 11, Some("r")).outcome, Outcome::Failed);
        let hour = SignedDuration::from_hours(1);
        assert_eq!(freshness(at(-3_600), at(0), hour).outcome, Outcome::Ok);
        assert_eq!(freshness(at(-3_601), at(0), hour).outcome, Outcome::Warning);
        assert_eq!(freshness(at(10), at(0), hour).outcome, Outcome::Ok);
        assert_eq!(room(Subject::StateFolder, "x", Some((256 << 20) - 1)).outcome, Outcome::Warning);
    }
}
