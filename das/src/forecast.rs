//! Forecasts of running cases: how much longer and to which end, by what the cases before them showed, from where each of
//! them stands now.
//!
//! | step | where |
//! | --- | --- |
//! | the model of a definition: what its file declares, with what was recorded in its place | [`Forecasts`] keeps it for a while |
//! | where a case stands, and the others that share its resources | the engine's state |
//! | the forecast | `scoring::simulation::forecast` |
//! | what was said, at the start of a case and after its steps | `forecast.made` in the trail, which nobody can rewrite |
//! | what turned out, against it | [`track_record`] |

mod follow;
mod record;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ::trail::Trail;
use engine::clock::Clock;
use engine::port::{Instance, InstanceFilter, InstanceState, Status};
use engine::{ProcessEngine, Store};
use scoring::simulation::bpsim::Declared;
use scoring::simulation::{Effort, Forecast, LiveCase, Model, forecast};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::experience::read_evidence;

pub(crate) use follow::rest_after;
pub use record::{FORECAST_MADE, TrackRecordOf, track_record};

/// Models that are kept.
const MODELS_LIMIT: usize = 200;
/// How long a model is kept, at least; reading it anew takes at most a hundredth of that time.
const KEPT: Duration = Duration::from_secs(600);
const KEPT_PER_READING: u32 = 100;
/// Other running cases of a process that stand in the queues before one.
const OTHERS_LIMIT: usize = 100;
/// Monday, 5 January 1970, midnight UTC, in milliseconds since the Unix epoch: where weeks begin.
const MONDAY_MS: i64 = 4 * 86_400_000;
const WEEK_MS: i64 = 7 * 86_400_000;

/// A forecast with what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseForecast {
    /// The forecast.
    pub forecast: Forecast,
    /// When it was made, milliseconds since the Unix epoch.
    pub made_ms: i64,
    /// Recorded cases behind its parameters.
    pub recorded_cases: u64,
    /// Elements under way then.
    pub at: Vec<String>,
    /// Its seed.
    pub seed: u64,
}

/// What is known of a definition.
struct Known {
    /// Its model; why there is none.
    model: Result<Model, String>,
    recorded_cases: u64,
    read_at: Instant,
    /// How long it is kept.
    kept: Duration,
}

/// Makes forecasts; cheap to clone.
#[derive(Clone)]
pub struct Forecasts {
    engine: Arc<dyn ProcessEngine>,
    store: Arc<dyn Store>,
    trail: Arc<dyn Trail>,
    clock: Arc<dyn Clock>,
    models: Arc<Mutex<HashMap<i64, Arc<Known>>>>,
}

impl Forecasts {
    /// Forecasts by what this engine runs and this trail holds.
    #[must_use]
    pub fn new(
        engine: Arc<dyn ProcessEngine>,
        store: Arc<dyn Store>,
        trail: Arc<dyn Trail>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { engine, store, trail, clock, models: Arc::default() }
    }

    /// Forecasts a case. The seed is that of the instance, so that the same state gives the same forecast.
    ///
    /// # Errors
    /// [`Error::NoForecast`] where the case has ended, or its process cannot be simulated in time; and where the engine,
    /// the store or the trail fails.
    pub async fn of(&self, instance: i64, effort: Effort) -> Result<CaseForecast, Error> {
        let case = self.engine.instance(instance).await?;
        if !case.status.is_open() {
            return Err(Error::NoForecast { why: format!("instance {instance} has ended") });
        }
        let state = self.engine.state(instance).await?;
        self.in_state(&case, &state, effort).await
    }

    async fn in_state(
        &self,
        case: &Instance,
        state: &InstanceState,
        effort: Effort,
    ) -> Result<CaseForecast, Error> {
        let known = self.known(case).await?;
        let model = known.model.as_ref().map_err(|why| Error::NoForecast { why: why.clone() })?.clone();
        let made_ms = self.clock.now_ms();
        let mut cases = vec![self.live(&model, case.key, state, made_ms).await?];
        if model.is_contended() {
            cases.extend(self.others(&model, case, made_ms).await?);
        }
        let now = (made_ms - MONDAY_MS).rem_euclid(WEEK_MS) as f64 / 1_000.0;
        let seed = case.seed;
        let work = tokio::task::spawn_blocking(move || forecast(&model, &cases, now, seed, effort));
        let found = work.await.map_err(|error| Error::Stopped(format!("the forecast broke off: {error}")))?;
        let forecast = found.ok_or_else(|| Error::NoForecast {
            why: format!("where instance {} stands is nothing that is simulated in time", case.key),
        })?;
        let at = state.current.iter().map(|element| element.node.clone()).collect();
        Ok(CaseForecast { forecast, made_ms, recorded_cases: known.recorded_cases, at, seed })
    }

    /// Where a case stands.
    async fn live(
        &self,
        model: &Model,
        instance: i64,
        state: &InstanceState,
        now_ms: i64,
    ) -> Result<LiveCase, engine::Error> {
        let elapsed = |started_ms: i64| (now_ms - started_ms).max(0) as f64 / 1_000.0;
        let elements =
            state.current.iter().map(|element| (element.node.clone(), elapsed(element.started_ms)));
        let kept = if model.needs_state() { self.engine.token_state(instance).await? } else { None };
        Ok(LiveCase {
            elements: elements.collect(),
            flows: state.flows.clone(),
            state: kept.map(|kept| (Arc::new(kept), now_ms)),
        })
    }

    /// Where the other running cases of the process stand, the oldest first.
    async fn others(&self, model: &Model, case: &Instance, now_ms: i64) -> Result<Vec<LiveCase>, Error> {
        let filter = InstanceFilter {
            definition: Some(case.definition),
            status: Some(Status::Active),
            limit: OTHERS_LIMIT,
            ..InstanceFilter::default()
        };
        let mut found = Vec::new();
        for other in self.engine.instances(&filter).await?.into_iter().rev() {
            if other.key == case.key || other.dry_run {
                continue;
            }
            let found_there = match self.engine.state(other.key).await {
                Ok(state) => self.live(model, other.key, &state, now_ms).await,
                Err(error) => Err(error),
            };
            match found_there {
                Ok(live) => found.push(live),
                // It has ended meanwhile.
                Err(engine::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    /// The model of a definition, read anew from time to time.
    async fn known(&self, case: &Instance) -> Result<Arc<Known>, Error> {
        let mut models = self.models.lock().await;
        if let Some(known) = models.get(&case.definition)
            && known.read_at.elapsed() < known.kept
        {
            return Ok(Arc::clone(known));
        }
        let began = Instant::now();
        let xml = self.engine.definition_xml(case.definition).await?;
        let evidence =
            read_evidence(self.store.as_ref(), self.trail.as_ref(), &case.process_id, self.clock.now_ms())
                .await?;
        let model = model(&xml, &case.process_id, &evidence);
        let kept = KEPT.max(began.elapsed() * KEPT_PER_READING);
        let known = Arc::new(Known { model, recorded_cases: evidence.cases, read_at: Instant::now(), kept });
        if models.len() >= MODELS_LIMIT {
            models.clear();
        }
        models.insert(case.definition, Arc::clone(&known));
        Ok(known)
    }
}

/// The model of a process by its file and what was recorded of it; why there is none.
fn model(xml: &str, process_id: &str, evidence: &scoring::simulation::Evidence) -> Result<Model, String> {
    let definitions = bpmn::xml::read(xml.as_bytes()).map_err(|error| error.to_string())?;
    let process =
        definitions.process(process_id).ok_or_else(|| format!("the file holds no process {process_id}"))?;
    let programs = bpmn::compile::compile(&definitions, Some(process_id))
        .map_err(|problems| problems.0.first().map(ToString::to_string).unwrap_or_default())?;
    let program = programs.first().ok_or_else(|| format!("the file holds no process {process_id}"))?;
    let mut declaration =
        Declared::read(&definitions, process).map_err(|error| error.to_string())?.declaration;
    declaration.learn(program, evidence);
    if declaration.is_empty() {
        return Err(format!(
            "nothing says how long the tasks of {process_id} take: neither its file nor enough recorded cases"
        ));
    }
    Model::build(program, &declaration).map_err(|error| format!("{error}; {}", error.hint()))
}

#[cfg(test)]
mod tests;
