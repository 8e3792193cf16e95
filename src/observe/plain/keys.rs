//! What the rows of each cell have in common, told by hashes: each key is looked at as text once.

use std::{
    collections::{BTreeMap, HashMap},
    hash::BuildHasherDefault,
    sync::{Mutex, PoisonError},
};

use super::{fields::Rows, judge::is_trimmed};
use crate::{
    domain::{ModelTable, price::ModelPrice},
    observe::{
        ObserveError,
        fold::{CellKey, Hashed, NOWHERE},
    },
};

/// Bytes of the longest name of a service, and of anything else, that are plainly short enough.
const SERVICE: usize = 128;
const NAME: usize = 256;

/// The key of rows that only the SQL can name.
pub(super) const ODD: u32 = u32::MAX;

/// Every key so far, and where its cells are; shared.
#[derive(Debug)]
pub(super) struct Keys {
    positions: BTreeMap<CellKey, u32>,
    list: Vec<(CellKey, Option<ModelPrice>)>,
    cells: HashMap<(u32, u32), u32>,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { positions: BTreeMap::new(), list: Vec::new(), cells: HashMap::new() }
    }

    fn position(&mut self, key: CellKey, prices: &ModelTable) -> u32 {
        let next = self.list.len() as u32;
        let list = &mut self.list;
        *self.positions.entry(key).or_insert_with_key(|key| {
            let price = prices.price_of(key.provider.as_deref(), &key.model).cloned();
            list.push((key.clone(), price));
            next
        })
    }

    /// The place of a cell; with its key where it is new.
    pub(super) fn place(&mut self, position: u32, span: u32) -> (u32, Option<CellKey>) {
        let next = self.cells.len() as u32;
        let place = *self.cells.entry((position, span)).or_insert(next);
        (place, (place == next).then(|| CellKey { span, ..self.list[position as usize].0.clone() }))
    }
}

/// A key as one worker knows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// The second hash.
    check: u64,
    /// Its position in [`Keys`], or [`ODD`].
    pub position: u32,
    /// Places of its first three cells.
    pub places: [u32; 3],
}

/// The keys that one worker has seen.
#[derive(Debug, Default)]
pub(super) struct KnownKeys {
    /// By the first hash.
    known: HashMap<u64, Known, BuildHasherDefault<Hashed>>,
    /// By position in [`Keys`].
    prices: Vec<Option<ModelPrice>>,
}

impl KnownKeys {
    /// The key of a row.
    #[inline]
    pub(super) fn find(
        &mut self,
        rows: &Rows<'_>,
        row: usize,
        keys: &Mutex<Keys>,
        prices: &ModelTable,
    ) -> Result<&mut Known, ObserveError> {
        let (hash, check) = (rows.cell.value(row), rows.check.value(row));
        let own = &mut self.prices;
        let known = self.known.entry(hash).or_insert_with(|| {
            let position = learn(rows, row, keys, prices, own);
            Known { check, position, places: [NOWHERE; 3] }
        });
        if known.check == check { Ok(known) } else { Err(ObserveError::CellCollision(hash)) }
    }

    /// The price of a key, by its position in [`Keys`].
    pub(super) fn price(&self, position: u32) -> Option<&ModelPrice> {
        self.prices[position as usize].as_ref()
    }
}

#[cold]
fn learn(
    rows: &Rows<'_>,
    row: usize,
    keys: &Mutex<Keys>,
    prices: &ModelTable,
    own: &mut Vec<Option<ModelPrice>>,
) -> u32 {
    let Some(key) = key(rows, row) else { return ODD };
    let mut keys = keys.lock().unwrap_or_else(PoisonError::into_inner);
    let position = keys.position(key, prices);
    let place = position as usize;
    if own.len() <= place {
        own.resize(place + 1, None);
    }
    own[place].clone_from(&keys.list[place].1);
    position
}

/// The key of a row; none where the SQL might make something else of what stands in the source, or a reject.
fn key(rows: &Rows<'_>, row: usize) -> Option<CellKey> {
    let mut texts = rows.keys().map(|column| column.and_then(|column| column.text(row).map(<[u8]>::to_vec)));
    for (place, text) in texts.iter().enumerate() {
        let longest = if place == 0 { SERVICE } else { NAME };
        if text.as_ref().is_some_and(|text| text.len() > longest || !is_trimmed(text)) {
            return None;
        }
    }
    let mut text =
        |place: usize| -> Option<Option<String>> { texts[place].take().map(String::from_utf8).transpose().ok() };
    // Letters beyond ASCII have cases that only the SQL knows.
    let lower = |text: Option<String>| -> Option<Option<String>> {
        match text {
            Some(text) if !text.is_ascii() => None,
            text => Some(text.map(|text| text.to_ascii_lowercase())),
        }
    };
    let complexity = lower(text(1)?)?;
    if complexity.as_ref().is_some_and(|text| !matches!(text.as_str(), "simple" | "medium" | "complex")) {
        return None;
    }
    Some(CellKey {
        service: text(0)??,
        complexity,
        provider: lower(text(2)?)?.map(canonical_provider),
        model: text(3)??,
        config_version: text(4)?,
        variant: text(5)?,
        span: 0,
    })
}

/// The names that providers are known by, folded into one, as the macro of this name in `macros.sql` does.
fn canonical_provider(name: String) -> String {
    match name.as_str() {
        "azure" | "azure_openai" | "az.ai.openai" => "azure.ai.openai",
        "az.ai.inference" => "azure.ai.inference",
        "bedrock" | "bedrock_converse" => "aws.bedrock",
        "vertex_ai" => "gcp.vertex_ai",
        "gemini" | "google" => "gcp.gemini",
        "xai" => "x_ai",
        "mistral" => "mistral_ai",
        _ => return name,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::canonical_provider;
    use crate::observe::Engine;

    #[test]
    fn providers_are_called_what_the_macro_calls_them() {
        let macros = include_str!("../../../queries/macros.sql");
        let start = macros.find("MACRO canonical_provider").unwrap();
        let end = start + macros[start..].find("END;").unwrap();
        let names: Vec<&str> = macros[start..end].split('\'').skip(1).step_by(2).collect();
        assert!(names.len() > 20, "{names:?}");
        let engine = Engine::open(None).unwrap();
        for name in names.into_iter().chain(["openai", "anthropic"]) {
            let sql = format!("SELECT canonical_provider('{name}')");
            let said: String = engine.connection().query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(canonical_provider(name.to_owned()), said, "{name}");
        }
    }
}
