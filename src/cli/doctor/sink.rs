//! The sink and the governance service: there, trusted, and letting us in. Both are only read.

use jiff::Timestamp;

use super::{
    Ward,
    area::{Findings, Over},
};
use crate::{
    act::{
        sink::{Probe, Seen, Sink},
        tick::Create,
    },
    cli::Failure,
    domain::{
        doctor::{self, Check, Subject},
        fault::Exit,
        format::counted,
        service_id::ServiceId,
    },
    http::Broken,
};

pub(super) const SUBJECTS: &[(Subject, Exit)] =
    &[(Subject::Sink, Exit::Sink), (Subject::SinkServices, Exit::Sink), (Subject::SinkClock, Exit::Sink)];

pub(super) const GOVERNANCE: &[(Subject, Exit)] = &[(Subject::Governance, Exit::Sink)];

/// Asked about where the source names no service.
const NOBODY: &str = "optimizer-doctor";

const CERTIFICATES: &str =
    "name the authority of its certificate in SSL_CERT_FILE, and reach it by the name the certificate is for";

pub(super) fn check(ward: &Ward, findings: &mut Findings) -> Result<(), Over> {
    let target = match ward.arguments.sink.target() {
        Ok(target) => target,
        Err(failure) => return Err(findings.fail(&failure)),
    };
    let services: Vec<ServiceId> = ward.services().iter().filter_map(|name| ServiceId::new(name).ok()).collect();
    let asked = services.first().cloned().unwrap_or_else(|| ServiceId::new(NOBODY).expect("it is a name"));
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return Err(findings.fail(&failure)),
    };
    let probe = |service: &ServiceId| runtime.block_on(target.sink.probe(service));
    let first = probe(&asked);
    let here = Timestamp::now();
    let folder = ward.arguments.sink.folder();
    findings.tell(match folder {
        Some(folder) if matches!(first.seen, Seen::Known | Seen::Unknown) => {
            super::machine::folder(Subject::Sink, Exit::Sink, folder, "let the user of this process write there")
        }
        _ => judged(&*target.sink, &first, !services.is_empty()),
    });
    if !matches!(first.seen, Seen::Known | Seen::Unknown) {
        return Err(findings.skip("it rests on `sink`"));
    }
    let rest: Vec<Probe> = services.iter().skip(1).map(probe).collect();
    let seen = std::iter::once(&first).chain(&rest).map(|probe| &probe.seen);
    findings.tell(known(&services, seen, folder.is_some() || target.create != Create::No));
    findings.tell(match first.date {
        Some(there) => doctor::clocks(Subject::SinkClock, "the sink", here, there),
        None if folder.is_some() => Check::skipped(Subject::SinkClock, "a folder has no clock of its own"),
        None => Check::skipped(Subject::SinkClock, "it does not say what time it is"),
    });
    Ok(())
}

fn judged(sink: &dyn Sink, probe: &Probe, real: bool) -> Check {
    let shown = sink.shown();
    let failed = |why: &str, fix: &str| Check::failed(Subject::Sink, Exit::Sink, format!("`{shown}`: {why}"), fix);
    match &probe.seen {
        Seen::Known => Check::ok(Subject::Sink, format!("`{shown}` answers, and lets us in")),
        // Every web server says 404 to what it does not know.
        Seen::Unknown if !real => Check::warning(
            Subject::Sink,
            format!(
                "`{shown}` answers; no service of the source is known to ask about, so whether it is an Orchestrator is not proven"
            ),
            "mend the source first",
        ),
        Seen::Unknown => Check::ok(Subject::Sink, format!("`{shown}` answers, and does not turn us away")),
        Seen::Refused(why) => failed(
            why,
            "put a token that is valid into OPTIMIZER_SINK_TOKEN or `--sink-token-file`; `--sink-auth` says in which header it goes",
        ),
        Seen::Untrusted(why) => failed(why, CERTIFICATES),
        Seen::Silent(why) => failed(why, "check address, port, firewall and NetworkPolicy, and that it runs"),
        Seen::Odd(why) => failed(why, "is the address that of an Orchestrator, with the right path?"),
    }
}

/// How many of the services that have traffic are there.
fn known<'a>(services: &[ServiceId], seen: impl Iterator<Item = &'a Seen>, may_create: bool) -> Check {
    let subject = Subject::SinkServices;
    if services.is_empty() {
        return Check::skipped(subject, "the source names no service to ask about");
    }
    let pairs: Vec<(&ServiceId, &Seen)> = services.iter().zip(seen).collect();
    let odd = pairs.iter().find_map(|(service, seen)| match seen {
        Seen::Known | Seen::Unknown => None,
        Seen::Refused(why) | Seen::Untrusted(why) | Seen::Silent(why) | Seen::Odd(why) => Some((service, why)),
    });
    if let Some((service, why)) = odd {
        return Check::failed(subject, Exit::Sink, format!("`{service}`: {why}"), "look at this service in the sink");
    }
    let missing: Vec<&str> =
        pairs.iter().filter(|(_, seen)| **seen == Seen::Unknown).map(|(service, _)| service.as_str()).collect();
    let asked = counted(services.len() as u64, "service");
    if missing.is_empty() {
        return Check::ok(subject, format!("it has the {asked} with most requests"));
    }
    let found = format!("of the {asked} with most requests it does not know {}", missing.join(", "));
    if may_create {
        return Check::ok(subject, format!("{found}; they are made with their first change"));
    }
    Check::warning(
        subject,
        found,
        "tell it about them; or `--create`, which lets changes of all traffic at once make them",
    )
}

pub(super) fn governance(ward: &Ward, findings: &mut Findings) -> Result<(), Over> {
    let subject = Subject::Governance;
    let service = match ward.arguments.governance.service() {
        Ok(Some(governance)) => governance.service,
        Ok(None) => return Err(findings.skip("none is named")),
        Err(failure) => return Err(findings.fail(&failure)),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return Err(findings.fail(&failure)),
    };
    let shown = service.shown();
    let failed = |why: &str, fix: &str| Check::failed(subject, Exit::Sink, format!("`{shown}`: {why}"), fix);
    let silent = "check address, port, firewall and NetworkPolicy, and that it runs";
    findings.tell(match runtime.block_on(service.reach()).map(|status| status.as_u16()) {
        Ok(401 | 403) => failed(
            "it does not let us in",
            "put a token that is valid into OPTIMIZER_GOVERNANCE_TOKEN or `--governance-token-file`",
        ),
        Ok(status @ 300..=399) => {
            failed(&format!("it leads elsewhere ({status}), which is not followed"), "name the address it leads to")
        }
        Ok(status @ 500..) => failed(&format!("it answered {status}"), "look at its log"),
        Ok(404) => Check::warning(subject, format!("`{shown}` answers 404"), "check `--governance-path`"),
        Ok(status) => Check::ok(subject, format!("`{shown}` answers ({status}); no question was asked")),
        Err(Broken::Untrusted(why)) => failed(&why, CERTIFICATES),
        Err(Broken::Unreached(why) | Broken::Unanswered(why) | Broken::TooLarge(why)) => failed(&why, silent),
    });
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("cannot start: {error}"), "the system is out of threads or files"))
}
