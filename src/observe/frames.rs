//! Query results as Polars frames: DuckDB writes Arrow, and the memory changes hands without a copy through Arrow's C data
//! interface, whose two structs are laid out alike in every implementation (Apache Arrow, "The Arrow C data interface").

use duckdb::arrow::{
    array::{Array, StructArray},
    ffi::{FFI_ArrowArray, FFI_ArrowSchema, to_ffi},
};
use polars::prelude::{Column, DataFrame, PlSmallStr, Series};
use polars_arrow::ffi;

use super::{Engine, ObserveError};

/// Runs a query and hands its whole result over.
pub(super) fn query(engine: &Engine, doing: &'static str, sql: &str) -> Result<DataFrame, ObserveError> {
    let failed = |cause| ObserveError::engine(doing, cause);
    let mut statement = engine.connection().prepare(sql).map_err(failed)?;
    let mut frame: Option<DataFrame> = None;
    let batches = statement.query_arrow([]).map_err(failed)?;
    let schema = batches.get_schema();
    for batch in batches {
        let part = import(&StructArray::from(batch))?;
        match &mut frame {
            None => frame = Some(part),
            Some(frame) => {
                frame.vstack_mut_owned(part).map_err(|cause| ObserveError::Frames { cause })?;
            }
        }
    }
    match frame {
        Some(frame) => Ok(frame),
        None => import(&StructArray::from(duckdb::arrow::array::RecordBatch::new_empty(schema))),
    }
}

fn import(batch: &StructArray) -> Result<DataFrame, ObserveError> {
    let mut columns = Vec::with_capacity(batch.num_columns());
    for (name, array) in batch.column_names().iter().zip(batch.columns()) {
        columns.push(Column::from(import_series(name, array.as_ref())?));
    }
    DataFrame::new(batch.len(), columns).map_err(|cause| ObserveError::Frames { cause })
}

#[expect(unsafe_code, reason = "the C data interface is a pair of raw structs by definition")]
fn import_series(name: &str, array: &dyn Array) -> Result<Series, ObserveError> {
    let (array, schema) = to_ffi(&array.to_data()).map_err(|cause| {
        ObserveError::engine(
            "handing a result over",
            duckdb::Error::ArrowTypeToDuckdbType(cause.to_string(), array.data_type().clone()),
        )
    })?;
    const {
        assert!(size_of::<FFI_ArrowArray>() == size_of::<ffi::ArrowArray>());
        assert!(size_of::<FFI_ArrowSchema>() == size_of::<ffi::ArrowSchema>());
    }
    // SAFETY: both sides declare the struct of the specification with `repr(C)` and release it through its own callback;
    // `transmute` moves it, so exactly one side owns it.
    let array: ffi::ArrowArray = unsafe { std::mem::transmute(array) };
    let schema: ffi::ArrowSchema = unsafe { std::mem::transmute(schema) };
    // SAFETY: the pair was filled a moment ago by `to_ffi`, so it is valid and the types agree.
    let imported = unsafe {
        let field = ffi::import_field_from_c(&schema).map_err(|cause| ObserveError::Frames { cause })?;
        ffi::import_array_from_c(array, field.dtype).map_err(|cause| ObserveError::Frames { cause })?
    };
    Series::try_from((PlSmallStr::from_str(name), imported)).map_err(|cause| ObserveError::Frames { cause })
}
