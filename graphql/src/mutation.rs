//! Everything that can be done.

mod build;
mod exchange;
mod knowledge;
mod lines;
mod memories;
mod operations;
mod processes;
mod prompts;
mod runs;
mod structure;
mod target;
mod watching;

use async_graphql::{Context, MergedObject};
use bpmn::program::Variables;
use serde_json::Value;

use crate::scalar::Json;
use crate::{Actor, Error};

/// Everything that can be done.
#[derive(Default, MergedObject)]
pub struct Mutation(
    build::Build,
    runs::Runs,
    operations::Operations,
    knowledge::Knowledge,
    structure::Structure,
    processes::Processes,
    lines::Lines,
    exchange::Exchange,
    prompts::Prompts,
    memories::Memories,
    watching::Watching,
);

/// Bytes of BPMN that one call takes.
const XML_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// Length of texts that are stored as they are: reasons, comments, business keys.
const TEXT_LIMIT_BYTES: usize = 64 * 1024;
/// Longest text of shapes, in bytes.
pub(crate) const SHAPES_LIMIT_BYTES: usize = 256 * 1024;

/// Who calls.
fn actor(ctx: &Context<'_>) -> String {
    ctx.data_opt::<Actor>().map_or_else(|| "local".to_owned(), |actor| actor.0.clone())
}

/// Variables given as a JSON object.
fn variables(argument: &'static str, given: Option<Json>) -> Result<Variables, Error> {
    match given {
        None | Some(Json(Value::Null)) => Ok(Variables::new()),
        Some(Json(Value::Object(variables))) => Ok(variables),
        Some(_) => Err(Error::Argument { argument, problem: "it is not a JSON object".to_owned() }),
    }
}

/// Refuses a text that is too long to be kept.
pub(crate) fn bounded(argument: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    if text.len() > limit {
        let problem = format!("it has {} bytes; at most {limit} are taken", text.len());
        return Err(Error::Argument { argument, problem });
    }
    Ok(())
}

/// A seed given as text, or a fresh one.
fn seed(given: Option<String>, state: &crate::State) -> Result<u64, Error> {
    let Some(text) = given else { return Ok((state.seeds)()) };
    text.trim().parse().map_err(|_| Error::Argument {
        argument: "seed",
        problem: format!("{text:?} is not a whole number from 0 to 18446744073709551615"),
    })
}
