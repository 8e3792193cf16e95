//! One event after the other, until there are none.

use std::{
    env,
    error::Error,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::SystemTime,
};

use lambda_runtime::{Context, LambdaEvent, Runtime, service_fn};
use serde_json::Value;

use super::{
    answer::{self, Answer},
    child, event,
    gone::Gone,
    setup::Setup,
    time::{left, shared_out},
    trouble::Trouble,
};
use crate::domain::format::visible;

/// Whether Lambda started this process: without a word, and with somebody to ask for events.
#[must_use]
pub fn wanted() -> bool {
    env::args_os().len() <= 1 && env::var_os("AWS_LAMBDA_RUNTIME_API").is_some()
}

/// Answers events for as long as the sandbox lives. It returns only where no more can be had.
pub fn serve() -> Result<(), Gone> {
    let setup = Arc::new(Setup::of_this_process()?);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| Gone::Start { cause })?;
    one_line_for_strange_answers();
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        let setup = Arc::clone(&setup);
        async move { answered(&setup, &event.payload, &event.context).await.inspect_err(Trouble::tell) }
    });
    let served =
        panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { Runtime::new(handler).run().await })));
    match served {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Gone::Unreached { why: whole(&*error) }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why");
            Err(Gone::Strange { why: visible(text) })
        }
    }
}

async fn answered(setup: &Setup, event: &Value, context: &Context) -> Result<Answer, Trouble> {
    let order = event::order(event, setup)?;
    let left = left(context.deadline(), SystemTime::now());
    let times = shared_out(left).ok_or_else(|| {
        let why = format!("{:.1} s are left, and nothing can be done safely in that", left.as_secs_f64());
        Trouble::deadline(why, "raise the function's Timeout, to a minute or more")
    })?;
    let ended = child::done(&order, setup, times).await;
    let ended =
        ended.map_err(|error| Trouble::new("Crashed", format!("no process can be started or heard: {error}")))?;
    let document = ended.document.for_the_log();
    answer::of(&order, ended, times).inspect_err(|_| {
        // What was done before it failed: an error has no room for it.
        if let Some(document) = document {
            eprintln!("{document}");
        }
    })
}

/// The library expects headers that Lambda always sends, and panics without them: that is told as an error, and not as a panic too.
fn one_line_for_strange_answers() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if panic.location().is_none_or(|location| !location.file().contains("lambda_runtime")) {
            before(panic);
        }
    }));
}

/// With everything behind it: the outermost of these only says that something failed.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text += &format!(": {next}");
        cause = next.source();
    }
    visible(&text)
}
