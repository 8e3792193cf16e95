//! `optimizer state verify`: everything the store holds, looked at once.

use clap::{Args, ValueEnum};

use super::{
    roles,
    rows::{self, Rollouts, body_problem},
};
use crate::{
    cli::{
        Failure,
        progress::Progress,
        screen::{plain, screen},
        sink,
        state::StateArgs,
    },
    domain::{
        Remembered,
        deed::DeedDetail,
        examination::{Examination, LookedAt, Problem, SCHEMA_VERSION},
        format::counted,
    },
    observe::{Baseline, history},
    report,
    state::{Open, SlotHead, SlotText, StateError, Store, Table},
};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optimizer state verify                        after a crash of the machine, a restore, or a hand in the tables
  optimizer state verify --format json

Exit code 1 where something is wrong.")]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    state: StateArgs,
    /// How to print it
    #[arg(long, value_enum, default_value_t = VerifyFormat::Auto)]
    format: VerifyFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum VerifyFormat {
    /// A table fitted to the terminal
    Auto,
    /// A plain table of 100 columns
    Table,
    /// One JSON object
    Json,
}

const RESTORE: &str = "somebody or something changed it from outside; restore a backup with `optimizer state import`";
const UNDER_WAY: &str = "hold the runs (`optimizer stop`), see what the sink has in force, and restore a backup with `optimizer state import`";
const HARMLESS: &str = "nothing goes by it any more; `optimizer state gc` moves it out when it is old enough";

/// Tables whose rows say nothing of others.
const ALONE: [&str; 3] = ["baselines", "plans", "history"];

pub(super) fn run(arguments: &VerifyArgs) -> Result<(), Failure> {
    let mut store = arguments.state.open(Open::AsItIs)?;
    let progress = Progress::start();
    let mut notes = Notes::default();
    // Plans are most of it and stand for themselves: nobody who writes to a file has to wait for them. What rows promise of each other is
    // only true at one moment.
    let (alone, together): (Vec<_>, Vec<_>) = store.tables()?.into_iter().partition(|(table, _)| ALONE.contains(table));
    notes.file(&mut store, &progress)?;
    notes.look(&mut store, &alone, &progress)?;
    store.snapshot(|store| notes.look(store, &together, &progress))?;
    drop(progress);
    let found = Examination {
        schema_version: SCHEMA_VERSION.into(),
        store: arguments.state.shown()?,
        sound: notes.problems.is_empty(),
        looked_at: notes.looked_at,
        problems: notes.problems,
    };
    sink::print(&match arguments.format {
        VerifyFormat::Json => report::examination_json(&found),
        VerifyFormat::Table => report::examination(&found, plain()),
        VerifyFormat::Auto => report::examination(&found, screen()),
    })?;
    if found.sound {
        return Ok(());
    }
    Err(Failure::unmet(
        format!("the state store does not hold: {}", counted(found.problems.len() as u64, "problem")),
        "standard output says what is wrong with what, and what to do about each",
    ))
}

#[derive(Default)]
struct Notes {
    looked_at: Vec<LookedAt>,
    problems: Vec<Problem>,
    rollouts: Rollouts,
}

impl Notes {
    fn file(&mut self, store: &mut Store, progress: &Progress) -> Result<(), StateError> {
        progress.says("database");
        for why in store.file_problems()? {
            self.wrong("database", "", why, RESTORE);
        }
        self.looked("database", 1);
        Ok(())
    }

    fn look(
        &mut self,
        store: &mut Store,
        tables: &[(&'static str, i64)],
        progress: &Progress,
    ) -> Result<(), StateError> {
        for (table, count) in tables {
            progress.says(table);
            match *table {
                "baselines" => self.baselines(store)?,
                "plans" => self.plans(store)?,
                "decisions" => self.decisions(store)?,
                "memory" => self.memory(store)?,
                "audit" => self.audit(store)?,
                "history" => self.history(store)?,
                "roles" => self.roles(store)?,
                // Others are only counted here; their rows stand for themselves.
                name => {
                    if let Some(table) = Table::ALL.into_iter().find(|each| each.name() == format!("optimizer_{name}"))
                    {
                        self.documents(store, table, name)?;
                    }
                }
            }
            self.looked(table, count.unsigned_abs());
        }
        Ok(())
    }

    fn baselines(&mut self, store: &mut Store) -> Result<(), StateError> {
        for row in store.baselines()? {
            if let Some(why) = body_problem::<Baseline>(&row.body) {
                let fix = "delete it with `optimizer baseline delete` and set it again";
                self.wrong("baselines", &row.name, why, fix);
            }
        }
        Ok(())
    }

    fn plans(&mut self, store: &mut Store) -> Result<(), StateError> {
        for id in store.ids("plans")? {
            let why = match store.plan(&id) {
                Ok(Some(plan)) => rows::plan_problem(&id, &plan.body, store.decisions_of(&id)?),
                Ok(None) => None,
                Err(StateError::Unreadable { cause, .. }) => Some(format!("it cannot be unpacked ({cause})")),
                Err(error) => return Err(error),
            };
            if let Some(why) = why {
                self.wrong(
                    "plans",
                    &id,
                    why,
                    "it can be neither explained nor applied; restore a backup if it is needed",
                );
            }
        }
        Ok(())
    }

    fn decisions(&mut self, store: &mut Store) -> Result<(), StateError> {
        for (plan, number) in store.decisions_without_plan()? {
            let why = format!("{} of it are there, and the plan is not", counted(number.unsigned_abs(), "decision"));
            self.wrong("decisions", &plan, why, RESTORE);
        }
        Ok(())
    }

    fn memory(&mut self, store: &mut Store) -> Result<(), StateError> {
        let memory = store.memory()?;
        if let Some(why) = memory.body.as_deref().and_then(body_problem::<Remembered>) {
            self.wrong("memory", "plans", why, RESTORE);
        }
        Ok(())
    }

    fn documents(&mut self, store: &mut Store, table: Table, name: &'static str) -> Result<(), StateError> {
        let ids = store.ids(name)?;
        for id in &ids {
            let Some(row) = store.document(table, id)? else { continue };
            if table == Table::Rollouts {
                self.rollouts.insert(id.clone(), (row.service.clone(), row.state == "open"));
            }
            if let Some(why) = rows::problem(table, &row, &self.rollouts) {
                let over = matches!(row.state.as_str(), "closed" | "settled" | "ended" | "killed");
                self.wrong(name, id, why, if over { HARMLESS } else { UNDER_WAY });
            }
        }
        match table {
            Table::Rollouts => {
                for (service, number) in store.crowded_services()? {
                    self.wrong(
                        name,
                        &service,
                        format!("{number} rollouts of the service are under way at once"),
                        UNDER_WAY,
                    );
                }
            }
            // Every rollout has its evidence from its beginning on: without it, no step forward is ever taken, and no harm is seen.
            Table::Evidence => {
                let open = self.rollouts.iter().filter(|(id, (_, open))| *open && ids.binary_search(id).is_err());
                let without: Vec<String> = open.map(|(id, _)| id.clone()).collect();
                for id in without {
                    self.wrong(
                        name,
                        &id,
                        "the rollout is under way, and nothing is kept of its traffic".to_owned(),
                        UNDER_WAY,
                    );
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn roles(&mut self, store: &mut Store) -> Result<(), StateError> {
        for (identity, why, fix) in roles::problems(&store.roles()?) {
            self.wrong("roles", &identity, why, fix);
        }
        Ok(())
    }

    fn history(&mut self, store: &mut Store) -> Result<(), StateError> {
        for SlotHead { grain, start, .. } in store.slot_heads()? {
            let mut text = |which| store.slot_texts(&grain, start..start + 1, which);
            let texts = text(SlotText::Figures)?.pop().zip(text(SlotText::Body)?.pop());
            let why = texts.and_then(|((_, figures), (_, body))| history::damage(&grain, start, &figures, &body));
            if let Some(why) = why {
                let fix = "deep runs stop at it; restore a backup, or delete the row: the next one reads it again while the source has it";
                self.wrong("history", &format!("{grain} {}", history::instant(start)), why, fix);
            }
        }
        Ok(())
    }

    fn audit(&mut self, store: &mut Store) -> Result<(), StateError> {
        if let Err(broken) = store.verify()? {
            let fix = "somebody changed the store by other means than this program; compare it with a backup";
            self.wrong("audit", "", broken.to_string(), fix);
        }
        let mut before = None;
        loop {
            let deeds = store.deeds(None, before, 1_000)?;
            let Some(last) = deeds.last() else { return Ok(()) };
            before = Some(last.seq);
            for row in &deeds {
                if let Some(why) = body_problem::<DeedDetail>(&row.deed.body) {
                    self.wrong(
                        "audit",
                        &row.seq.to_string(),
                        why,
                        "use the version that wrote it, or compare it with a backup",
                    );
                }
            }
        }
    }

    fn looked(&mut self, what: &'static str, rows: u64) {
        let problems = self.problems.iter().filter(|problem| problem.what == what).count() as u64;
        self.looked_at.push(LookedAt { what: what.into(), rows, problems });
    }

    fn wrong(&mut self, what: &'static str, id: &str, why: String, fix: &'static str) {
        self.problems.push(Problem { what: what.into(), id: id.to_owned(), why, fix: fix.into() });
    }
}
