//! The columns of a chunk of rows as DuckDB hands them to a function: its own memory, read where it lies. The only place that does.

use duckdb::{core::DataChunkHandle, ffi, vtab::arrow::WritableVector};

/// A column of a chunk: values, and which of them are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a, T> {
    values: &'a [T],
    /// One bit a row; none where all are known.
    known: Option<&'a [u64]>,
}

impl<T: Copy> Column<'_, T> {
    #[inline]
    pub(super) fn is_known(&self, row: usize) -> bool {
        self.known.is_none_or(|known| known[row / 64] >> (row % 64) & 1 == 1)
    }

    /// The value of a row; anything at all where it is unknown.
    #[inline]
    pub(super) fn value(&self, row: usize) -> T {
        self.values[row]
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Option<T> {
        self.is_known(row).then(|| self.values[row])
    }

    pub(super) fn values(&self) -> &[T] {
        self.values
    }

    pub(super) fn all_known(&self) -> bool {
        self.known.is_none()
    }
}

/// What a column of a chunk may hold, and what DuckDB calls it.
///
/// # Safety
/// The type has the size and layout of what DuckDB keeps for `KIND`, and every pattern of bits is one of its values.
pub(super) unsafe trait Physical: Copy {
    const KIND: ffi::duckdb_type;
}

// SAFETY: DuckDB keeps these as they are.
unsafe impl Physical for i64 {
    const KIND: ffi::duckdb_type = ffi::DUCKDB_TYPE_DUCKDB_TYPE_BIGINT;
}
// SAFETY: as above.
unsafe impl Physical for u64 {
    const KIND: ffi::duckdb_type = ffi::DUCKDB_TYPE_DUCKDB_TYPE_UBIGINT;
}
// SAFETY: as above.
unsafe impl Physical for f64 {
    const KIND: ffi::duckdb_type = ffi::DUCKDB_TYPE_DUCKDB_TYPE_DOUBLE;
}
// SAFETY: a truth is one byte, 0 or 1; read as a number, because what stands where nothing is known may be neither.
unsafe impl Physical for u8 {
    const KIND: ffi::duckdb_type = ffi::DUCKDB_TYPE_DUCKDB_TYPE_BOOLEAN;
}
// SAFETY: the layout is that of `duckdb_string_t`, whose bytes may be anything; only `Text` of a known row is looked into.
unsafe impl Physical for RawText {
    const KIND: ffi::duckdb_type = ffi::DUCKDB_TYPE_DUCKDB_TYPE_VARCHAR;
}

/// A text as DuckDB keeps it: its length, and either its bytes or the first four of them and where the text is.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct RawText {
    length: u32,
    prefix: [u8; 4],
    rest: [u8; 8],
}

/// The longest text that is kept in place.
const IN_PLACE: usize = 12;

const _: () = assert!(size_of::<RawText>() == size_of::<ffi::duckdb_string_t>());

impl RawText {
    /// Bytes of the text.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length as usize
    }
}

impl Column<'_, RawText> {
    /// The text of a row, if it is known.
    #[inline]
    pub(super) fn text(&self, row: usize) -> Option<&[u8]> {
        if !self.is_known(row) {
            return None;
        }
        let text = &self.values[row];
        // SAFETY: the row is known, so DuckDB has written it. A text in place fills the twelve bytes behind its length; of any other
        // the last eight bytes say where it stands, and it stands there until the function returns, which this column does not outlive.
        Some(unsafe {
            let start = if text.len() <= IN_PLACE {
                (&raw const *text).cast::<u8>().add(size_of::<u32>())
            } else {
                std::ptr::with_exposed_provenance(usize::from_ne_bytes(text.rest))
            };
            std::slice::from_raw_parts(start, text.len())
        })
    }
}

/// A chunk of rows, flat.
pub(super) struct Chunk<'a> {
    handle: &'a DataChunkHandle,
    pub rows: usize,
}

impl<'a> Chunk<'a> {
    pub(super) fn new(handle: &'a DataChunkHandle) -> Self {
        Self { rows: handle.len(), handle }
    }

    /// The column at a place.
    ///
    /// Panics if there is none, or of another type.
    pub(super) fn column<T: Physical>(&self, place: usize) -> Column<'a, T> {
        assert!(place < self.handle.num_columns(), "the column is there");
        // SAFETY: the chunk lives as long as `'a`, the place was looked at above, and so is the type before anything is read. DuckDB
        // flattens what it gives to functions, so that there are as many values as rows, and a bit for each where any is unknown.
        unsafe {
            let vector = ffi::duckdb_data_chunk_get_vector(self.handle.get_ptr(), place as u64);
            let mut kind = ffi::duckdb_vector_get_column_type(vector);
            let found = ffi::duckdb_get_type_id(kind);
            ffi::duckdb_destroy_logical_type(&raw mut kind);
            assert_eq!(found, T::KIND, "the column has the type it was declared with");
            let values = ffi::duckdb_vector_get_data(vector).cast::<T>();
            let known = ffi::duckdb_vector_get_validity(vector);
            Column {
                values: if self.rows == 0 { &[] } else { std::slice::from_raw_parts(values, self.rows) },
                known: (!known.is_null()).then(|| std::slice::from_raw_parts(known, self.rows.div_ceil(64))),
            }
        }
    }
}

/// Fills a column of truths with one for each row.
pub(super) fn write_flags(output: &mut dyn WritableVector, flags: &[u8]) {
    let mut vector = output.flat_vector();
    assert!(flags.len() <= vector.capacity(), "a chunk is no longer than a vector");
    // SAFETY: the function was declared to give truths, which are bytes of 0 or 1; nobody else has this vector now.
    unsafe { vector.copy(flags) };
}
