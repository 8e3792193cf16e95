//! A source as a page shows it: the plan that `plan --dry-run` would make, and the course of what it was made from.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        Failure,
        analyze::analysis,
        configurations, files,
        planning::{Keep, Pushdown, Work},
        progress::Progress,
        source::{EXAMPLE_DATA, interruptible},
        state::known,
        times::Times,
    },
    ReportArgs, documents,
    store::Opened,
};
use crate::{
    domain::{Grain, Plan, Policy, Remembered, alert::Alerts, analysis::Analysis, course::Course, material::Material},
    observe::{self, Engine, Record, Request},
    orient, report,
};

/// Longer courses have slots of an hour.
const FINE: SignedDuration = SignedDuration::from_hours(48);

/// Adds what the source gives.
pub(super) fn read(
    arguments: &ReportArgs,
    policy: Policy,
    store: Option<&mut Opened>,
    material: &mut Material,
) -> Result<(), Failure> {
    let two_windows = arguments.window.checked_mul(2).unwrap_or(SignedDuration::MAX);
    let lookback = arguments.lookback.unwrap_or(SignedDuration::from_hours(24)).max(two_windows);
    let every = arguments.every.unwrap_or(if lookback > FINE { Grain::Hour } else { Grain::QuarterHour });
    if arguments.window.as_secs() % (60 * every.minutes()) != 0 {
        return Err(Failure::usage(
            format!("`--window` is no whole number of slots of {}", every.name()),
            "choose shorter slots with `--every`, or a window of whole slots",
        ));
    }
    let now = Timestamp::now();
    let remembered = match store {
        Some(opened) => known(&mut opened.store, now)?.remembered,
        None => Remembered::default(),
    };
    let work = Work {
        policy,
        compare: None,
        models: files::models(arguments.models.as_deref())?,
        configurations: configurations::read(arguments.configurations.as_deref())?,
        named: arguments.source.named()?,
        window: arguments.window,
        lookback,
        until: arguments.until,
        now,
        pushdown: Pushdown::Auto,
        remembered,
        governance: None,
        times: Times::default(),
    };
    let limit = arguments.source.memory_limit().map(str::to_owned);
    let (plan, analysis, record) = interruptible(arguments.source.memory_limit(), move |engine, downloads| {
        let sources = work.found(downloads)?;
        if sources.come_once() {
            return Err(Failure::usage(
                "a page reads its source twice, and standard input comes once",
                "write it to a file and name that with `--from`",
            ));
        }
        // What was observed is not kept: the same is read again in slots.
        let plan = work.decided(&work.observed_in(&sources, engine, Keep::Rollups, None)?).0.plan;
        let progress = Progress::start();
        progress.says("cutting it into slots");
        // Of its own: the other holds what was reduced.
        let engine = Engine::open(limit.as_deref())?;
        let request = Request {
            load: sources.load(&work.policy, work.now),
            window: work.window,
            lookback: work.lookback,
            until: work.until,
            prices: &work.models,
            // They were written when the plan was made.
            rejects: None,
        };
        let record = observe::record(&engine, &request, every, &|_| ())?;
        let analysis = analysis(&record, &work.policy, work.window, &Alerts::default())?;
        Ok((plan, analysis, record))
    })?;
    add(arguments, plan, analysis, &record, material);
    Ok(())
}

fn add(arguments: &ReportArgs, plan: Plan, analysis: Analysis, record: &Record, material: &mut Material) {
    let names = arguments.source.names();
    let names = if names.is_empty() { EXAMPLE_DATA.to_owned() } else { names };
    material.given.push(format!("requests of {names}"));
    documents::add_plan(plan, material);
    material.analyses.push(analysis);
    let drawn = report::worth_a_plot(material);
    let instant = |minute: i64| Timestamp::from_second(60 * minute).expect("times of events lie within ours");
    material.course = Some(Course {
        slot_minutes: record.grain().minutes(),
        last_is_whole: record.slots().last().is_none_or(|slot| record.covers(*slot)),
        spend_usd: record.spend().into_iter().map(|(at, usd)| (instant(at), usd)).collect(),
        services: drawn.iter().map(|service| orient::service_course(service, &record.rollups(service))).collect(),
    });
}
