//! Which visit of its element a task is: how many times the instance has come there with it. The same on every engine,
//! so that draws seeded from it are too.

use serde_json::Value;

use crate::camunda7::Core;
use crate::ended::STEP_LIMIT;
use crate::rest::{encode, text};

/// The visit of the task's element, 1, 2, 3, …, as Camunda's history tells; `loop_counter` is Camunda's number of a
/// run of a multi-instance, from 0.
pub(crate) async fn of(core: &Core, task: &Value, loop_counter: Option<u32>) -> Result<u32, crate::Error> {
    let path = format!(
        "/history/activity-instance?processInstanceId={}&activityId={}&sortBy=occurrence&sortOrder=asc&maxResults={STEP_LIMIT}",
        encode(text(task, "processInstanceId")),
        encode(text(task, "activityId")),
    );
    Ok(rank(&core.rest.list(&path).await?, text(task, "activityInstanceId"), loop_counter))
}

/// The place of a step among the steps of its element, which are in order of occurrence. The runs of a parallel
/// multi-instance occur at once: their numbers order them.
fn rank(steps: &[Value], step: &str, loop_counter: Option<u32>) -> u32 {
    let Some(at) = steps.iter().position(|one| text(one, "id") == step) else { return 1 };
    let body = text(&steps[at], "parentActivityInstanceId");
    let first = steps.iter().position(|one| text(one, "parentActivityInstanceId") == body);
    let before = match (loop_counter, first) {
        (Some(counter), Some(first)) if body.contains("#multiInstanceBody") => first + counter as usize,
        _ => at,
    };
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(id: &str, body: &str) -> Value {
        json!({"id": id, "parentActivityInstanceId": body})
    }

    #[test]
    fn visits_are_counted_in_the_order_of_their_occurrence() {
        let steps = [step("a:1", "p"), step("a:2", "p")];
        assert_eq!(rank(&steps, "a:1", None), 1);
        assert_eq!(rank(&steps, "a:2", None), 2);
        assert_eq!(rank(&steps, "a:3", None), 1, "a history that is not kept counts nothing");
    }

    #[test]
    fn runs_of_a_multi_instance_are_counted_by_their_number_whatever_their_order() {
        let (first, second) = ("a#multiInstanceBody:7", "a#multiInstanceBody:8");
        let steps = [step("a:2", first), step("a:1", first), step("a:4", second), step("a:3", second)];
        assert_eq!(rank(&steps, "a:1", Some(0)), 1);
        assert_eq!(rank(&steps, "a:2", Some(1)), 2);
        assert_eq!(rank(&steps, "a:3", Some(0)), 3);
        assert_eq!(rank(&steps, "a:4", Some(1)), 4);
    }
}
