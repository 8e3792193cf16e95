//! The audit log as a table.

use comfy_table::Cell;

use super::table::{Screen, fresh};
use crate::domain::deed::DeedDetail;

/// One deed.
#[derive(Debug, Clone, Copy)]
pub struct DeedLine<'a> {
    pub at: &'a str,
    pub actor: &'a str,
    pub action: &'a str,
    pub service: &'a str,
    pub detail: &'a DeedDetail,
}

/// Deeds in the order given.
#[must_use]
pub fn deeds(deeds: &[DeedLine<'_>], screen: Screen) -> String {
    if deeds.is_empty() {
        return "Nothing was done yet.\n".to_owned();
    }
    let mut table = fresh(screen);
    table.set_header(["when", "what", "service", "by whom and why"]);
    for DeedLine { at, actor, action, service, detail } in deeds {
        let when = at.get(..16).unwrap_or(at).replace('T', " ");
        let mut what = action.replace('_', " ");
        if let Some(share) = detail.share_percent {
            what += &format!("\n{share} %");
        }
        let mut why = (*actor).to_owned();
        if let (Some(from), Some(to)) = (&detail.from, &detail.to) {
            let rollout = detail.rollout.as_deref().unwrap_or_default();
            why += &format!("\n{from} → {to} ({rollout})");
        }
        if let Some(because) = &detail.because {
            why += &format!("\n{because}");
        }
        let service = if service.is_empty() { "all" } else { service };
        table.add_row([Cell::new(when), Cell::new(what), Cell::new(service), Cell::new(why)]);
    }
    table.trim_fmt() + "\n"
}
