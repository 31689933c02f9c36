//! Interprets a template in memory by the token rules of `bpmn::exec`: where a service task is reached, its action
//! is performed, and its result is what the gateways after it see.

use std::collections::VecDeque;

use async_trait::async_trait;
use bpmn::exec::{Event, Input, Local, State, StepContext, advance};
use bpmn::program::Variables;

use crate::{Action, Error, Template};

/// Actions in one run of a template.
pub(crate) const MAX_ACTIONS: u32 = 100_000;

/// Performs the actions of one worker.
#[async_trait]
pub(crate) trait Perform: Send {
    /// Performs an action; what it returns becomes variables of the template.
    async fn perform(&mut self, action: Action) -> Result<Variables, Error>;
}

/// Runs a template to its end.
pub(crate) async fn interpret(
    template: &Template,
    now_ms: i64,
    performer: &mut dyn Perform,
) -> Result<(), Error> {
    let refused = |problem: String| Error::Step { template: template.name.clone(), problem };
    let context = StepContext::at(now_ms);
    let mut state = State::new();
    let mut ready: VecDeque<(Local, Action)> = VecDeque::new();
    let mut input = Input::Start { start: None, variables: Variables::new() };
    for _ in 0..MAX_ACTIONS {
        let events = advance(&template.program, &mut state, input, context)
            .map_err(|error| refused(error.to_string()))?;
        let mut yielded = false;
        for event in events {
            match event {
                Event::JobCreated { job, node, .. } => {
                    let action = template.actions.get(&node).copied();
                    ready.push_back((job, action.ok_or_else(|| refused(format!("{node} names no action")))?));
                }
                Event::JobCancelled { job } => ready.retain(|(waiting, _)| *waiting != job),
                Event::Yielded { .. } => yielded = true,
                Event::IncidentRaised { node, message, .. } => {
                    return Err(refused(format!("element {node}: {message}")));
                }
                Event::InstanceFailed { message, .. } => return Err(refused(message)),
                Event::InstanceCompleted { .. } | Event::InstanceCancelled { .. } => return Ok(()),
                _ => {}
            }
        }
        input = if yielded {
            Input::Continue
        } else {
            let Some((job, action)) = ready.pop_front() else {
                return Err(refused("it stands still without an end".to_owned()));
            };
            Input::CompleteJob { job, variables: performer.perform(action).await? }
        };
    }
    Err(Error::Runaway { template: template.name.clone(), limit: MAX_ACTIONS })
}
