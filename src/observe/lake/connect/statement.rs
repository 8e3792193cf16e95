//! Statements of a session: what is asked, and when an answer is whole.

use std::{io::Cursor, time::Duration};

use arrow_ipc::reader::StreamReader;
use duckdb::arrow::record_batch::RecordBatch;
use spark_connect_core::SparkError;
use spark_connect_proto::{
    Command, ExecutePlanRequest, Plan, ReattachExecuteRequest, ReattachOptions, Relation, Sql, WriteOperation,
    command::CommandType,
    execute_plan_request::{RequestOption, request_option},
    execute_plan_response::{ArrowBatch, ResponseType},
    plan, relation,
    write_operation::{SaveMode, SaveType},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    super::{
        Remote, Writes,
        failure::{LakeError, LakeTrouble},
    },
    Connect,
};
use crate::observe::ObserveError;
/// A stream that ended sooner and brought nothing was not ended for its age.
const SHORTEST: Duration = Duration::from_millis(100);

impl Connect {
    /// Runs a plan. Every batch goes to `take`; it ends well only after the message that says the answer is whole.
    pub(super) fn run<E: From<LakeError>>(
        &self,
        doing: &'static str,
        end: Instant,
        plan: plan::OpType,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), E> {
        let request = self.request(plan);
        let mut reattach = ReattachExecuteRequest {
            session_id: request.session_id.clone(),
            client_observed_server_side_session_id: self.session.clone(),
            user_context: request.user_context.clone(),
            operation_id: request.operation_id.clone().unwrap_or_default(),
            ..Default::default()
        };
        let (mut begun, mut brought, mut rows) = (Instant::now(), false, 0);
        let cut = |what: &str| self.failed(doing, LakeTrouble::CutShort(what.to_owned()));
        let mut stream = self.wait(doing, end, self.client().execute_plan(request))?;
        loop {
            let next = async { stream.message().await.map_err(SparkError::from_grpc_status) };
            let Some(response) = self.wait(doing, end, next)? else {
                // A server ends a stream that has become long or old, and waits to be asked for the rest.
                if !brought && begun.elapsed() < SHORTEST {
                    return Err(cut("it ended before the message that ends it").into());
                }
                stream = self.wait(doing, end, self.client().reattach_execute(reattach.clone()))?;
                (begun, brought) = (Instant::now(), false);
                continue;
            };
            brought = true;
            if self.session.as_ref().is_some_and(|session| *session != response.server_side_session_id) {
                return Err(self.failed(doing, LakeTrouble::Forgotten).into());
            }
            reattach.last_response_id = Some(response.response_id);
            match response.response_type {
                Some(ResponseType::ResultComplete(_)) => return Ok(()),
                Some(ResponseType::ArrowBatch(batch)) => {
                    for batch in decoded(&batch, &mut rows).map_err(|what| cut(&what))? {
                        take(batch)?;
                    }
                }
                _ => {}
            }
        }
    }

    /// Only an execution that can be attached to again tells its end.
    fn request(&self, plan: plan::OpType) -> ExecutePlanRequest {
        let lasting = request_option::RequestOption::ReattachOptions(ReattachOptions { reattachable: true });
        ExecutePlanRequest {
            session_id: self.client().session_id().to_owned(),
            client_observed_server_side_session_id: self.session.clone(),
            user_context: Some(self.user_context()),
            operation_id: Some(Uuid::new_v4().to_string()),
            plan: Some(Plan { op_type: Some(plan) }),
            request_options: vec![RequestOption { request_option: Some(lasting) }],
            ..Default::default()
        }
    }
}

impl Remote for Connect {
    fn version(&mut self) -> Result<String, ObserveError> {
        Ok(self.version.clone())
    }

    fn query(
        &mut self,
        sql: &str,
        take: &mut dyn FnMut(RecordBatch) -> Result<(), ObserveError>,
    ) -> Result<(), ObserveError> {
        self.run("it ran a statement", self.end(Duration::MAX), rows_of(sql), take)?;
        Ok(self.is_same()?)
    }
}

impl Writes for Connect {
    fn write(&mut self, sql: &str, folder: &str) -> Result<(), ObserveError> {
        let write = WriteOperation {
            input: Some(statement(sql)),
            source: Some("parquet".to_owned()),
            save_type: Some(SaveType::Path(folder.to_owned())),
            mode: SaveMode::ErrorIfExists.into(),
            ..Default::default()
        };
        let write = Command { command_type: Some(CommandType::WriteOperation(write)) };
        let end = self.end(Duration::MAX);
        self.run::<LakeError>("it wrote what a statement found", end, plan::OpType::Command(write), &mut |_| Ok(()))?;
        Ok(self.is_same()?)
    }
}

fn statement(sql: &str) -> Relation {
    let sql = Sql { query: sql.to_owned(), ..Default::default() };
    Relation { rel_type: Some(relation::RelType::Sql(sql)), ..Default::default() }
}

pub(super) fn rows_of(sql: &str) -> plan::OpType {
    plan::OpType::Root(statement(sql))
}

/// The batches of one message, which must hold what it says: so many rows, the first being the one after the last before.
fn decoded(message: &ArrowBatch, rows: &mut i64) -> Result<Vec<RecordBatch>, String> {
    if message.start_offset.is_some_and(|start| start != *rows) {
        return Err(format!("after row {rows} came row {}", message.start_offset.unwrap_or_default()));
    }
    let unreadable = |error: &dyn std::fmt::Display| format!("a batch cannot be read ({error})");
    let reader = StreamReader::try_new(Cursor::new(&message.data), None).map_err(|error| unreadable(&error))?;
    let schema = reader.schema();
    let mut batches = Vec::new();
    for batch in reader {
        batches.push(batch.map_err(|error| unreadable(&error))?);
    }
    let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if i64::try_from(found) != Ok(message.row_count) {
        return Err(format!("a batch holds {found} rows instead of {}", message.row_count));
    }
    *rows += message.row_count;
    // An answer without rows still has columns.
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}
