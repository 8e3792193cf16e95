//! Where the rows of each key are added up.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hasher},
};

use super::{Cell, CellKey, DOING, PriceBook};
use crate::observe::{Engine, ObserveError, price::Price};

/// No cell yet.
const NOWHERE: u32 = u32::MAX;

/// Cells by the hash of their key and their span.
pub(super) struct Places {
    /// Position of the key in `keys`.
    hashes: HashMap<u64, u32, BuildHasherDefault<Hashed>>,
    /// Keys with the first span, their prices, and the places of their three cells.
    keys: Vec<(CellKey, Option<Price>, [u32; 3])>,
    pub cells: Vec<Cell>,
}

impl Places {
    /// Reads which keys there are.
    pub(super) fn read(engine: &Engine, prices: &PriceBook) -> Result<Self, ObserveError> {
        let mut places = Self { hashes: HashMap::default(), keys: Vec::new(), cells: Vec::new() };
        let failed = |cause| ObserveError::engine(DOING, cause);
        let mut statement =
            engine.connection().prepare(include_str!("../../../queries/keys.sql")).map_err(failed)?;
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
            match places.hashes.entry(hash) {
                Entry::Vacant(vacant) => vacant.insert(places.keys.len() as u32),
                Entry::Occupied(_) => return Err(ObserveError::CellCollision(hash)),
            };
            let price = prices.find(key.provider.as_deref(), &key.model);
            places.keys.push((key, price, [NOWHERE; 3]));
        }
        Ok(places)
    }

    /// The place of a cell in `cells`.
    #[inline]
    pub(super) fn find(&mut self, hash: u64, span: u8) -> Result<u32, ObserveError> {
        // A key that was not there a moment ago: somebody writes to the files.
        let key = *self.hashes.get(&hash).ok_or(ObserveError::Changed)?;
        let (key, price, places) = &mut self.keys[key as usize];
        let place = &mut places[usize::from(span)];
        if *place == NOWHERE {
            *place = self.cells.len() as u32;
            self.cells.push(Cell::new(CellKey { span, ..key.clone() }, *price));
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
