//! What an event may ask for: these commands, with these fields, each a flag of the command line.
//!
//! Whoever may invoke the function may look at everything and ask for a tick now. What stops, applies or brings back is for operators,
//! who have a name in the audit log; and where changes go, by which policy, and where they are remembered is for whoever set
//! the function up.

/// One command.
#[derive(Debug)]
pub(super) struct Command {
    pub name: &'static str,
    fields: &'static [&'static [Field]],
    /// Whether it takes the source of the function's setup, where the event names none.
    pub reads_source: bool,
    /// Whether it prints one JSON document a line.
    pub prints_lines: bool,
    pub store: NeedsStore,
}

/// Whether there has to be a store that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NeedsStore {
    Always,
    UnlessDry,
    No,
}

/// A field of an event.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    /// Empty for what stands alone.
    pub flag: &'static str,
    pub takes: Takes,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Takes {
    /// `true` or `false`.
    Flag,
    Text,
    /// One text or a list of them; each is given with a flag of its own.
    Texts,
    /// `15m`, `7d`.
    Span,
    /// RFC 3339 with a zone.
    Time,
    Count,
    OneOf(&'static [&'static str]),
}

const fn field(name: &'static str, flag: &'static str, takes: Takes) -> Field {
    Field { name, flag, takes }
}

const DRY: &[Field] = &[field("dry_run", "--dry-run", Takes::Flag)];
const SOURCE: &[Field] = &[
    field("from", "--from", Takes::Texts),
    field("scores", "--scores", Takes::Texts),
    field("layout", "--layout", Takes::Texts),
    field("default_service", "--default-service", Takes::Text),
];
const WINDOW: &[Field] = &[field("window", "--window", Takes::Span)];
const LOOKBACK: &[Field] = &[field("lookback", "--lookback", Takes::Span)];
const UNTIL: &[Field] = &[field("until", "--until", Takes::Time)];
const SERVICE: &[Field] = &[field("service", "--explain", Takes::Text)];
const RUN: &[Field] = &[
    field("scope", "--scope", Takes::OneOf(&["safety", "standard", "deep"])),
    field("max_age", "--max-age", Takes::Span),
];
const HISTORY: &[Field] = &[field("service", "", Takes::Text), field("limit", "--limit", Takes::Count)];
const SIDES: &[Field] = &[
    field("baseline", "--baseline", Takes::Texts),
    field("candidate", "--candidate", Takes::Texts),
    field("from", "--from", Takes::Texts),
    field("baseline_arm", "--baseline-arm", Takes::Text),
    field("candidate_arm", "--candidate-arm", Takes::Text),
    field("baseline_time", "--baseline-time", Takes::Text),
    field("candidate_time", "--candidate-time", Takes::Text),
    field("scores", "--scores", Takes::Texts),
    field("layout", "--layout", Takes::Text),
    field("default_service", "--default-service", Takes::Text),
];

const fn command(name: &'static str, fields: &'static [&'static [Field]], store: NeedsStore) -> Command {
    Command { name, fields, store, reads_source: true, prints_lines: false }
}

pub(super) const RUN_NAME: &str = "run";

pub(super) const COMMANDS: &[Command] = &[
    command(RUN_NAME, &[DRY, RUN, SOURCE, WINDOW, LOOKBACK, UNTIL], NeedsStore::UnlessDry),
    command("plan", &[DRY, SERVICE, SOURCE, WINDOW, LOOKBACK, UNTIL], NeedsStore::UnlessDry),
    Command { reads_source: false, ..command("status", &[SERVICE], NeedsStore::Always) },
    Command { reads_source: false, prints_lines: true, ..command("history", &[HISTORY], NeedsStore::Always) },
    command("analyze", &[SOURCE, WINDOW, LOOKBACK, UNTIL], NeedsStore::No),
    command("inspect", &[SOURCE, LOOKBACK, UNTIL], NeedsStore::No),
    Command { reads_source: false, ..command("gate", &[SIDES], NeedsStore::No) },
];

impl Command {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.name == name)
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().copied().flatten()
    }
}
