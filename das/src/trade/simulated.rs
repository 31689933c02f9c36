//! How long the processes of a system take and what they cost, simulated on what their cases showed.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::Store;
use engine::port::Definition;
use ontology::model::Process;
use scoring::simulation::bpsim::Declared;
use scoring::simulation::{Estimate, Evidence, Model, Plan, Settings, simulate};
use trail::Trail;

use super::{Better, Fact, Value};
use crate::Error;
use crate::bootstrap::Deps;
use crate::experience::read_evidence;

/// Processes of one system that are simulated, the first by name.
const MAX_SIMULATED: usize = 20;
/// Cases of each.
const CASES: u64 = 20_000;
/// The same study gives the same numbers.
const SEED: u64 = 1;

/// Where recorded cases are read.
#[derive(Clone)]
pub struct History {
    /// Instances.
    pub store: Arc<dyn Store>,
    /// What happened in them.
    pub trail: Arc<dyn Trail>,
}

/// Mean duration and cost of a case, for every process of which the file or recorded cases say how long its steps take.
pub(super) async fn of_simulation(mut processes: Vec<Process>, deps: &Deps) -> Result<Vec<Fact>, Error> {
    let mut newest: BTreeMap<String, Definition> = BTreeMap::new();
    for definition in deps.engine.definitions().await? {
        let known = newest.get(&definition.process_id).map_or(0, |known| known.version);
        if definition.version > known {
            newest.insert(definition.process_id.clone(), definition);
        }
    }
    processes.sort_by(|a, b| a.name.cmp(&b.name));
    let mut facts = Vec::new();
    let deployed = processes.into_iter().filter_map(|process| {
        let definition = newest.get(&process.process_id)?.clone();
        Some((process, definition))
    });
    for (process, definition) in deployed.take(MAX_SIMULATED) {
        let xml = deps.engine.definition_xml(definition.key).await?;
        let evidence = match &deps.history {
            Some(History { store, trail }) => {
                let now_ms = deps.clock.now_ms();
                read_evidence(store.as_ref(), trail.as_ref(), &process.process_id, now_ms).await?
            }
            None => Evidence::default(),
        };
        let work = tokio::task::spawn_blocking(move || simulated(&process, &xml, &evidence));
        facts.extend(
            work.await.map_err(|error| Error::Stopped(format!("the simulation broke off: {error}")))?,
        );
    }
    Ok(facts)
}

/// Nothing where it cannot be simulated in time.
fn simulated(process: &Process, xml: &str, evidence: &Evidence) -> Vec<Fact> {
    let Some(model) = model(&process.process_id, xml, evidence) else { return Vec::new() };
    let settings = Settings { plan: Plan::Cases(CASES), seed: SEED, threads: 1, limit: None };
    let found = simulate(&model, &settings, &|_, _| {});
    let fact = |what: &str, measure: &str, unit: &str| {
        let estimate = found.estimate(measure, "").filter(|estimate| estimate.value > 0.0)?;
        Some(Fact {
            group: 6,
            name: format!("simulated {what} of '{}'", process.name),
            unit: unit.to_owned(),
            better: Better::Lower,
            value: value(estimate)?,
        })
    };
    [fact("duration", "duration", "s"), fact("cost", "cost", &found.currency)].into_iter().flatten().collect()
}

fn model(process_id: &str, xml: &str, evidence: &Evidence) -> Option<Model> {
    let definitions = bpmn::xml::read(xml.as_bytes()).ok()?;
    let process = definitions.processes.iter().find(|process| process.element.id == process_id)?;
    let program = bpmn::compile::compile(&definitions, Some(process_id)).ok()?.into_iter().next()?;
    let mut declaration = Declared::read(&definitions, process).ok()?.declaration;
    declaration.learn(&program, evidence);
    if declaration.is_empty() { None } else { Model::build(&program, &declaration).ok() }
}

/// What the simulation and the observations leave open together.
fn value(estimate: &Estimate) -> Option<Value> {
    let (low, high) = estimate.parameter.unwrap_or(estimate.monte_carlo);
    let interval = (low.min(estimate.monte_carlo.0), high.max(estimate.monte_carlo.1));
    let is_known = estimate.value.is_finite() && interval.0.is_finite() && interval.1.is_finite();
    is_known.then_some(Value { value: estimate.value, interval: Some(interval) })
}

#[cfg(test)]
mod tests {
    use super::super::{Criterion, best};
    use super::*;

    fn xml(declared: &str) -> String {
        format!(
            r#"<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"
            xmlns:procos="https://w3id.org/procos/bpmn/1.0" targetNamespace="https://example.org/t"><process id="p"
            isExecutable="true"><startEvent id="s"/><userTask id="t"><extensionElements>{declared}</extensionElements>
            </userTask><endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="t"/>
            <sequenceFlow id="b" sourceRef="t" targetRef="e"/></process></definitions>"#
        )
    }

    fn facts(declared: &str) -> Vec<Fact> {
        let process =
            Process { process_id: "p".to_owned(), name: "Assemble".to_owned(), ..Process::default() };
        simulated(&process, &xml(declared), &Evidence::default())
    }

    #[test]
    fn the_quicker_process_is_best_where_intervals_do_not_overlap() {
        let criterion = |first: &str, second: &str| {
            let values = [first, second].map(|declared| Some(facts(declared).remove(0).value));
            let fact = facts(first).remove(0);
            assert_eq!((fact.name.as_str(), fact.unit.as_str()), ("simulated duration of 'Assemble'", "s"));
            let mut criterion = Criterion {
                name: fact.name,
                unit: fact.unit,
                better: fact.better,
                values: values.to_vec(),
                best: Vec::new(),
            };
            criterion.best = best(&criterion);
            criterion
        };
        let known = r#"<procos:simulation duration="exponential(2min)"/>"#;
        let slower = r#"<procos:simulation duration="exponential(3min)"/>"#;
        assert_eq!(criterion(slower, known).best, [1]);
        // Known from six executions only, three minutes might be two.
        let guessed = r#"<procos:simulation duration="exponential(3min)" observed="6"/>"#;
        assert_eq!(criterion(guessed, known).best, Vec::<usize>::new());
    }

    #[test]
    fn a_process_that_nothing_is_known_about_is_left_out_and_cost_is_a_row_of_its_own() {
        assert!(facts("").is_empty());
        let rows = facts(r#"<procos:simulation duration="10" cost="2.5"/>"#);
        assert_eq!(rows.iter().map(|fact| fact.value.value).collect::<Vec<_>>(), [10.0, 2.5]);
    }
}
