//! Where the cases of a process wait: simulated on what was recorded, in the place of what the file assumes.

use std::sync::Arc;

use engine::Store;
use scoring::simulation::{
    Declaration, Estimate, Evidence, Model, Plan, Settings, bottleneck, compare, simulate,
};
use trail::Trail;

use super::sight::Profile;
use crate::error::Error;
use crate::experience::read_evidence;

/// Cases of one simulation, on one thread.
const CASES: u64 = 40_000;
/// Runs behind the comparison with one more of the resource, and cases of each.
const COMPARED: (usize, u32) = (60, 1_000);
/// The same look gives the same numbers.
const SEED: u64 = 1;

/// The resource that most work waits for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waits {
    /// Its id.
    pub(super) resource: String,
    /// What a person calls it.
    pub(super) name: String,
    /// How many there are.
    pub(super) capacity: u32,
    /// Share of its time it works: estimate and 95 % interval.
    pub(super) utilisation: (f64, f64, f64),
    /// Mean wait of a case, in seconds, and its mean duration.
    pub(super) waiting: f64,
    pub(super) duration: f64,
    /// Part of the mean duration that one more of it saves: estimate and 95 % interval.
    pub(super) saved: (f64, f64, f64),
    /// Cases that were recorded.
    pub(super) cases: u64,
    /// What of them was used, in lines.
    pub(super) learnt: Vec<String>,
}

/// Simulates a process whose cases arrive in time and share resources; `None` for others, and for those that cannot be
/// simulated.
pub(super) async fn waits(
    store: &dyn Store,
    trail: &dyn Trail,
    process_id: &str,
    profile: &Arc<Profile>,
    now_ms: i64,
) -> Result<Option<Waits>, Error> {
    let Some(declaration) = profile.declaration(process_id) else { return Ok(None) };
    let evidence = read_evidence(store, trail, process_id, now_ms).await?;
    let profile = Arc::clone(profile);
    let work = tokio::task::spawn_blocking(move || simulated(&profile, declaration, &evidence));
    work.await.map_err(|error| Error::Stopped(format!("the simulation broke off: {error}")))
}

fn simulated(profile: &Profile, mut declaration: Declaration, evidence: &Evidence) -> Option<Waits> {
    let learnt = declaration.learn(profile.program(), evidence);
    let model = Model::build(profile.program(), &declaration).ok()?;
    let settings = Settings { plan: Plan::Cases(CASES), seed: SEED, threads: 1, limit: None };
    let found = simulate(&model, &settings, &|_, _| {});
    let resource = bottleneck(&model, &found)?;
    let mut more = model.clone();
    more.resources.iter_mut().filter(|each| each.id == resource.id).for_each(|each| each.capacity += 1);
    let (runs, cases) = COMPARED;
    let compared = compare(&model, &more, SEED, (runs, cases, found.warm_up.cases), None);
    let difference = compared.differences.first().filter(|first| first.measure.what == "duration")?;
    let (change, low, high) = interval(&difference.difference);
    let of = |what: &str, of: &str| found.estimate(what, of).copied();
    let duration = of("duration", "")?.value;
    let part = |seconds: f64| (-seconds / difference.first).clamp(-1.0, 1.0);
    let saved = (part(change), part(high), part(low));
    let is_known = duration > 0.0 && saved.0.is_finite() && saved.1.is_finite() && saved.2.is_finite();
    is_known.then_some(Waits {
        resource: resource.id.clone(),
        name: resource.name.clone(),
        capacity: resource.capacity,
        utilisation: interval(&of("utilisation", &resource.id)?),
        waiting: of("waiting", "")?.value,
        duration,
        saved,
        cases: evidence.cases,
        learnt: learnt.lines(),
    })
}

/// The estimate with what simulation and observations leave open together.
fn interval(estimate: &Estimate) -> (f64, f64, f64) {
    let (low, high) = estimate.parameter.unwrap_or(estimate.monte_carlo);
    (estimate.value, low.min(estimate.monte_carlo.0), high.max(estimate.monte_carlo.1))
}
