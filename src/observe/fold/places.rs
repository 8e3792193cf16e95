//! Where the rows of each key are added up.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use super::{Cell, CellKey, DOING};
use crate::{
    domain::{ModelTable, price::ModelPrice},
    observe::{Engine, ObserveError},
};

/// No cell yet.
pub(in crate::observe) const NOWHERE: u32 = u32::MAX;

/// Cells by the hash of what stands in the source, and by their span. Names that mean the same share a cell.
pub(super) struct Places<'a> {
    /// Position of the key in `keys`.
    hashes: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// Keys with the first span, and the places of their first three cells.
    keys: Vec<(CellKey, [u32; 3])>,
    /// Places of the others, by key and span.
    later: HashMap<(u32, u32), u32>,
    /// Price of each key.
    pub prices: Vec<Option<&'a ModelPrice>>,
    pub cells: Vec<Cell>,
}

impl<'a> Places<'a> {
    /// Reads which keys there are.
    pub(super) fn read(engine: &Engine, table: &'a ModelTable) -> Result<Self, ObserveError> {
        let mut places = Self {
            hashes: HashMap::default(),
            keys: Vec::new(),
            later: HashMap::new(),
            prices: Vec::new(),
            cells: Vec::new(),
        };
        let mut known = BTreeMap::new();
        let failed = |cause| ObserveError::engine(DOING, cause);
        let mut statement = engine.connection().prepare(include_str!("../../../queries/keys.sql")).map_err(failed)?;
        let rows = statement.query_map([], |row| {
            let key = CellKey {
                service: row.get(1)?,
                complexity: row.get(2)?,
                provider: row.get(3)?,
                model: row.get(4)?,
                config_version: row.get(5)?,
                variant: row.get(6)?,
                span: 0,
            };
            Ok((row.get::<_, u64>(0)?, key))
        });
        for row in rows.map_err(failed)? {
            let (hash, key) = row.map_err(failed)?;
            let Entry::Vacant(vacant) = places.hashes.entry(hash) else {
                return Err(ObserveError::CellCollision(hash));
            };
            let next = places.keys.len() as u32;
            let place = *vacant.insert(*known.entry(key.clone()).or_insert(next));
            if place == next {
                places.prices.push(table.price_of(key.provider.as_deref(), &key.model));
                places.keys.push((key, [NOWHERE; 3]));
            }
        }
        Ok(places)
    }

    /// The place of a cell in `cells`.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, span: u32) -> Result<u32, ObserveError> {
        // A key that was not there a moment ago: somebody writes to the files.
        let index = *self.hashes.get(&hash).ok_or(ObserveError::Changed)?;
        let (key, places) = &mut self.keys[index as usize];
        let place = match places.get_mut(span as usize) {
            Some(place) => place,
            None => self.later.entry((index, span)).or_insert(NOWHERE),
        };
        if *place == NOWHERE {
            *place = self.cells.len() as u32;
            self.cells.push(Cell::new(CellKey { span, ..key.clone() }, index));
        }
        Ok(*place)
    }

    pub(super) fn into_cells(self) -> Vec<Cell> {
        self.cells
    }
}

/// For keys that are hashes already.
#[derive(Default)]
pub(in crate::observe) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole hashes are looked up")
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
