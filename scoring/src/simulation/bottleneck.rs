//! Where cases wait: the resource with the longest queue.

use super::{Model, Resource, Result};

/// The resource that most work waits for in a simulation; `None` where nothing waits.
#[must_use]
pub fn bottleneck<'a>(model: &'a Model, found: &Result) -> Option<&'a Resource> {
    let queue = |resource: &Resource| found.estimate("queue", &resource.id).map_or(0.0, |queue| queue.value);
    let waited_for = |resource: &&Resource| model.is_contended() && queue(resource) > 0.0;
    model.resources.iter().filter(waited_for).max_by(|a, b| queue(a).total_cmp(&queue(b)))
}
