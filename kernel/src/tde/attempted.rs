//! After an attempt that nobody knows the outcome of: pure and idempotent tasks are done again, an unsafe one asks a
//! person.

use trail::Filter;

use super::{Executor, Tde, decision_name};
use crate::operations::KernelOperation;
use crate::{Class, Error};

/// Trail entries read at once.
const PAGE: usize = 500;
/// Trail entries of one element that are looked through; beyond them an attempt counts as unknown.
const MOST: usize = 20_000;

impl Tde {
    /// Refuses to repeat what may be wrong to repeat.
    ///
    /// # Errors
    /// `KERNEL-0010` where a person has to say what became of the attempt before.
    pub(super) async fn check_attempts(&mut self) -> Result<(), Error> {
        let class = self.class();
        if self.job.attempt < 2 || class != Class::Unsafe || !self.is_unknown().await? {
            return Ok(());
        }
        let (before, decision) = (self.job.attempt - 1, decision_name(&self.job.element));
        Err(Error::Person {
            element: self.job.element.clone(),
            why: format!(
                "attempt {before} was begun and nobody knows how it ended, and this task is unsafe to repeat; if it was \
                 done, set the variable {decision} to its result and resolve the incident; resolve it without that to \
                 do it again"
            ),
        })
    }

    /// The task's class: as declared, else what its executor says of itself.
    fn class(&self) -> Class {
        let spec = &self.job.spec;
        match spec.class.as_deref() {
            Some("pure") => return Class::Pure,
            Some("idempotent") => return Class::Idempotent,
            Some("unsafe") => return Class::Unsafe,
            _ => {}
        }
        let reference = spec.reference.as_deref().unwrap_or_default();
        match self.executor {
            Executor::Tool if KernelOperation::parse(reference).is_some() => Class::Idempotent,
            Executor::Tool => {
                let tool = self.parts.tools.as_ref().and_then(|tools| tools.get(reference));
                tool.map_or(Class::Unsafe, |tool| tool.class)
            }
            Executor::Http if !self.http_is_idempotent() => Class::Unsafe,
            _ => Class::Idempotent,
        }
    }

    /// Whether the attempt before this one left no word of how it ended.
    async fn is_unknown(&self) -> Result<bool, Error> {
        let Some(trail) = &self.parts.trail else { return Ok(true) };
        let filter = Filter {
            instance: Some(self.job.instance),
            element: Some(self.job.element.clone()),
            kind_prefix: Some("task.".to_owned()),
            ..Filter::default()
        };
        let (mut after, mut seen) = (0, 0);
        while seen < MOST {
            let events = trail.read(&filter, after, PAGE).await?;
            let Some(last) = events.last() else { return Ok(true) };
            after = last.position;
            seen += events.len();
            let ended = events.iter().any(|event| {
                let data = &event.content.data;
                matches!(event.content.kind.as_str(), "task.failed" | "task.error" | "task.completed")
                    && data["job"] == self.job.key
                    && data["attempt"] == self.job.attempt - 1
            });
            if ended {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
