//! The audit log: who did what.

use crate::domain::{
    format::counted,
    material::Material,
    page::{Cell, Section, Table},
};

pub(super) fn section(material: &Material) -> Option<Section> {
    let newest = material.deeds.first()?;
    let title = format!(
        "The last of {} that were recorded is of {} UTC",
        counted(material.deeds.len() as u64, "deed"),
        newest.at.get(..16).unwrap_or(&newest.at).replace('T', " ")
    );
    let mut table =
        Table::new("Who did what, newest first", &["when (UTC)", "what", "service", "#share", "by whom", "why"]);
    for deed in &material.deeds {
        let share = deed.detail.share_percent.map(f64::from);
        table.rows.push(vec![
            Cell::text(deed.at.get(..19).unwrap_or(&deed.at).replace('T', " ")),
            Cell::text(deed.action.replace('_', " ")),
            Cell::text(if deed.service.is_empty() { "all" } else { &deed.service }),
            Cell::known(share, |share| format!("{share:.0} %")),
            Cell::text(deed.actor.clone()),
            Cell::text(deed.detail.because.clone().unwrap_or_default()),
        ]);
    }
    Some(Section { id: "deeds".into(), title, text: Vec::new(), charts: Vec::new(), tables: vec![table] })
}
