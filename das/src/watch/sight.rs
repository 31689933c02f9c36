//! What findings look at: the newest version of each process with what was counted about it, and each system's
//! requirements. Read once for a look; the rules themselves are pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bpmn::model::{Definitions, FlowNodeKind};
use bpmn::program::{NodeKind, Program, TaskSpec};
use context::{ContextManager, LATEST, PRODUCTION, PromptVersion, Selector, TestReport};
use engine::Store;
use engine::port::Definition;
use ontology::{Ontology, SystemIndex};
use scoring::simulation::Declaration;
use scoring::simulation::bpsim::Declared;

use super::WatchDeps;
use super::finding::{Fall, Stretch};
use super::machine::{Hour, Sample};
use super::people::Act;
use super::summary::{DefinitionCounts, Summary};
use super::waits::{Waits, waits};
use crate::error::Error;
use crate::proposals::ProposalState;

/// Processes that one look takes in, the newest definitions first.
pub(super) const PROCESSES_LIMIT: usize = 2_000;
/// Newest attempts of a subject that are compared.
pub(super) const ATTEMPTS_WINDOW: usize = 200;
/// A subject is compared again after so many new attempts.
pub(super) const RECHECK: u64 = 10;
/// Fewer attempts of a subject are not compared.
const FEWEST: u64 = 20;
/// Prompts that one look takes in.
const PROMPTS_LIMIT: usize = 200;
/// The organisation whose prompts are looked at.
const ORGANISATION: &str = "local";

/// What one look sees.
pub(super) struct Sight {
    pub(super) now_ms: i64,
    pub(super) processes: Vec<Watched>,
    pub(super) systems: Vec<SystemSight>,
    pub(super) prompts: Vec<Arc<PromptSight>>,
    /// What people did, oldest first; empty without their consent.
    pub(super) acts: Vec<Act>,
    /// Id and title of proposals that wait.
    pub(super) open_proposals: Vec<(String, String)>,
    /// The machine's last hour.
    pub(super) recent: Vec<Sample>,
    /// The room on the disk by the hour.
    pub(super) hours: Vec<Hour>,
}

/// A prompt as it is in use.
pub(super) struct PromptSight {
    /// The version in production, else the latest.
    pub(super) version: PromptVersion,
    /// A newer version is saved and not in use yet: somebody is at it.
    pub(super) waiting: bool,
    /// Reports of tests of all its versions, oldest first.
    pub(super) reports: Vec<TestReport>,
}

/// The newest version of a process.
pub(super) struct Watched {
    pub(super) definition: Definition,
    pub(super) profile: Arc<Profile>,
    pub(super) counts: DefinitionCounts,
    /// When an instance of any version started last.
    pub(super) last_started_ms: i64,
    /// Instances of all versions.
    pub(super) started_in_all: u64,
    /// Falls, by subject.
    pub(super) falls: Vec<(String, Fall)>,
    /// Where its cases wait, where that can be simulated.
    pub(super) waits: Option<Waits>,
}

impl Watched {
    pub(super) fn subject(&self, element: &str) -> String {
        format!("{}/{element}", self.definition.process_id)
    }

    pub(super) fn name_of(&self, subject: &str) -> String {
        let element =
            subject.strip_prefix(&self.definition.process_id).and_then(|rest| rest.strip_prefix('/'));
        element.map_or_else(|| self.definition.name.clone(), |element| self.profile.label(element))
    }
}

/// A definition's model, read once.
pub(super) struct Profile {
    pub(super) xml: String,
    pub(super) definitions: Definitions,
    /// Labels of activities in lower case, sorted, with repetitions.
    pub(super) labels: Vec<String>,
    /// Ids of processes that it calls.
    pub(super) calls: BTreeSet<String>,
    program: Program,
}

impl Profile {
    fn read(xml: String, process_id: &str) -> Result<Self, Error> {
        let definitions = bpmn::xml::read(xml.as_bytes()).map_err(|error| Error::Model(error.to_string()))?;
        let programs = bpmn::compile::compile(&definitions, Some(process_id))
            .map_err(|problems| Error::Model(problems.to_string()))?;
        let program = programs.into_iter().next().unwrap_or_default();
        let process = definitions.processes.iter().find(|process| process.element.id == process_id);
        let nodes = process.map(|process| process.nodes.as_slice()).unwrap_or_default();
        let mut labels: Vec<String> = nodes
            .iter()
            .filter(|node| node.is_activity())
            .filter_map(|node| node.element.name.as_ref().map(|name| name.trim().to_lowercase()))
            .collect();
        labels.sort_unstable();
        let calls = nodes
            .iter()
            .filter_map(|node| match &node.kind {
                FlowNodeKind::CallActivity { called_element } => Some((node, called_element)),
                _ => None,
            })
            .filter_map(|(node, called)| {
                let element = node.element.extension(bpmn::xml::namespace::ZEEBE, "calledElement");
                called.clone().or_else(|| element?.get("processId").map(str::to_owned))
            })
            .collect();
        Ok(Self { xml, definitions, labels, calls, program })
    }

    /// How an element is executed.
    pub(super) fn spec(&self, element: &str) -> Option<&TaskSpec> {
        self.program.find(element).and_then(|at| self.program.nodes.get(at)).map(|node| &node.task)
    }

    /// How each of its elements is executed.
    pub(super) fn specs(&self) -> impl Iterator<Item = (&str, &TaskSpec)> {
        self.program.nodes.iter().map(|node| (node.id.as_str(), &node.task))
    }

    /// What a person calls an element.
    pub(super) fn label(&self, element: &str) -> String {
        let node = self.program.find(element).and_then(|at| self.program.nodes.get(at));
        node.and_then(|node| node.name.clone()).unwrap_or_else(|| element.to_owned())
    }

    /// What it declares for a simulation, where its cases arrive in time and share resources.
    pub(super) fn declaration(&self, process_id: &str) -> Option<Declaration> {
        let process = self.definitions.processes.iter().find(|process| process.element.id == process_id)?;
        let declared = Declared::read(&self.definitions, process).ok()?.declaration;
        (declared.arrivals.is_some() && !declared.resources.is_empty()).then_some(declared)
    }

    /// The process as it runs.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// Tasks that become jobs.
    pub(super) fn jobs(&self) -> usize {
        self.program.nodes.iter().filter(|node| matches!(node.kind, NodeKind::Job(_))).count()
    }
}

/// A system's requirements by what runs have shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SystemSight {
    pub(super) name: String,
    pub(super) requirements: usize,
    /// No process verifies them.
    pub(super) unverified: Vec<String>,
    /// The verifying processes were never run.
    pub(super) not_run: Vec<String>,
    /// They ran and never succeeded.
    pub(super) not_succeeded: Vec<String>,
}

/// What is kept between looks: models that were read, comparisons that were made.
#[derive(Default)]
pub(super) struct Kept {
    profiles: BTreeMap<i64, Option<Arc<Profile>>>,
    falls: BTreeMap<(i64, String), (u64, Option<Fall>)>,
    waits: BTreeMap<i64, (u64, Option<Waits>)>,
    /// Prompts as they were read last; their tests can be long.
    prompts: Option<Vec<Arc<PromptSight>>>,
}

impl Kept {
    /// Something happened to a prompt: they are read again.
    pub(super) fn forget_prompts(&mut self) {
        self.prompts = None;
    }
}

impl Sight {
    /// Reads everything that a look needs.
    pub(super) async fn read(deps: &WatchDeps, summary: &Summary, kept: &mut Kept) -> Result<Self, Error> {
        let all = deps.engine.definitions().await?;
        let mut of_process: BTreeMap<&str, Vec<&Definition>> = BTreeMap::new();
        for definition in &all {
            of_process.entry(&definition.process_id).or_default().push(definition);
        }
        let mut families: Vec<Vec<&Definition>> = of_process.into_values().collect();
        for family in &mut families {
            family.sort_by_key(|definition| std::cmp::Reverse(definition.version));
        }
        families
            .sort_by_key(|family| std::cmp::Reverse(family.first().map(|definition| definition.deployed_ms)));
        families.truncate(PROCESSES_LIMIT);
        let newest: BTreeSet<i64> = families.iter().filter_map(|family| Some(family.first()?.key)).collect();
        kept.profiles.retain(|key, _| newest.contains(key));
        kept.falls.retain(|(key, _), _| newest.contains(key));
        kept.waits.retain(|key, _| newest.contains(key));
        let mut processes = Vec::with_capacity(families.len());
        for family in families {
            if let Some(watched) = watch_one(deps, summary, kept, &family).await? {
                processes.push(watched);
            }
        }
        let systems = match &deps.ontology {
            Some(ontology) => systems(ontology, deps.store.as_ref()).await?,
            None => Vec::new(),
        };
        let known = kept.prompts.take();
        let prompts = match (known, &deps.contexts) {
            (Some(known), _) => known,
            (None, Some(contexts)) => prompts(contexts).await?,
            (None, None) => Vec::new(),
        };
        kept.prompts = Some(prompts.clone());
        let acts = match &deps.people {
            // What cannot be read now is only missed by this look.
            Some(people) => people.acts().await.unwrap_or_else(|error| {
                tracing::debug!(%error, "what people did cannot be read now");
                Vec::new()
            }),
            None => Vec::new(),
        };
        let open = deps.proposals.list(Some(ProposalState::Open)).await?;
        Ok(Self {
            now_ms: deps.clock.now_ms(),
            processes,
            systems,
            prompts,
            acts,
            open_proposals: open.into_iter().map(|proposal| (proposal.id, proposal.title)).collect(),
            recent: deps.vitals.recent(),
            hours: deps.vitals.hours(),
        })
    }

    /// The process a finding is about.
    pub(super) fn process(&self, definition: i64) -> Option<&Watched> {
        self.processes.iter().find(|process| process.definition.key == definition)
    }
}

async fn watch_one(
    deps: &WatchDeps,
    summary: &Summary,
    kept: &mut Kept,
    family: &[&Definition],
) -> Result<Option<Watched>, Error> {
    let Some(newest) = family.first() else { return Ok(None) };
    let known = kept.profiles.get(&newest.key).cloned();
    let profile = match known {
        Some(known) => known,
        None => {
            let xml = deps.engine.definition_xml(newest.key).await?;
            let read = Profile::read(xml, &newest.process_id)
                .inspect_err(|error| tracing::debug!(definition = newest.key, %error, "cannot be watched"));
            let profile = read.ok().map(Arc::new);
            kept.profiles.insert(newest.key, profile.clone());
            profile
        }
    };
    let Some(profile) = profile else { return Ok(None) };
    let of = |one: &&Definition| summary.definitions.get(&one.key);
    let counts = of(newest).cloned().unwrap_or_default();
    let last_started_ms =
        family.iter().filter_map(of).map(|counts| counts.last_started_ms).max().unwrap_or_default();
    let started_in_all = family.iter().filter_map(of).map(|counts| counts.started).sum();
    let mut subjects = vec![("process", newest.process_id.clone(), counts.completed + counts.failed)];
    for (element, task) in &counts.tasks {
        let subject = format!("{}/{element}", newest.process_id);
        subjects.push(("task", subject, task.completed + task.failures));
    }
    let mut falls = Vec::new();
    for (kind, subject, seen) in subjects {
        if let Some(fall) = fall(deps.store.as_ref(), kept, family, kind, &subject, seen).await? {
            falls.push((subject, fall));
        }
    }
    let ended = family.iter().filter_map(of).map(|counts| counts.completed).sum();
    let waits = waits_of(deps, kept, newest, &profile, ended).await?;
    let definition = (*newest).clone();
    Ok(Some(Watched { definition, profile, counts, last_started_ms, started_in_all, falls, waits }))
}

/// Simulates a process where enough cases ended since the last time.
async fn waits_of(
    deps: &WatchDeps,
    kept: &mut Kept,
    newest: &Definition,
    profile: &Arc<Profile>,
    ended: u64,
) -> Result<Option<Waits>, Error> {
    match kept.waits.get(&newest.key) {
        Some((before, waits)) if ended < before + RECHECK => return Ok(waits.clone()),
        None if ended < FEWEST => return Ok(None),
        _ => {}
    }
    let (store, trail) = (deps.store.as_ref(), deps.trail.as_ref());
    let waits = waits(store, trail, &newest.process_id, profile, deps.clock.now_ms()).await?;
    kept.waits.insert(newest.key, (ended, waits.clone()));
    Ok(waits)
}

/// Compares the newest attempts of a subject where enough came since the last time.
async fn fall(
    store: &dyn Store,
    kept: &mut Kept,
    family: &[&Definition],
    kind: &str,
    subject: &str,
    seen: u64,
) -> Result<Option<Fall>, Error> {
    let Some(newest) = family.first() else { return Ok(None) };
    let place = (newest.key, subject.to_owned());
    match kept.falls.get(&place) {
        Some((before, fall)) if seen < before + RECHECK => return Ok(fall.clone()),
        None if seen < FEWEST => return Ok(None),
        _ => {}
    }
    let attempts = store.attempts(kind, subject, ATTEMPTS_WINDOW).await?;
    // Newest first in the store, oldest first in a comparison.
    let of_version = |version: i32| -> Vec<bool> {
        let mine = attempts.iter().rev().filter(|attempt| attempt.version == Some(version));
        mine.map(|attempt| attempt.success).collect()
    };
    let mine = of_version(newest.version);
    let found = Fall::within(&mine).or_else(|| {
        let former: Vec<(i32, i64, Stretch)> = family
            .iter()
            .skip(1)
            .map(|one| (one.version, one.key, Stretch::of(&of_version(one.version))))
            .filter(|(.., stretch)| stretch.attempts > 0)
            .collect();
        // Only whole processes can go back.
        (kind == "process").then(|| Fall::against(&former, Stretch::of(&mine))).flatten()
    });
    kept.falls.insert(place, (seen, found.clone()));
    Ok(found)
}

/// The prompts in use, at most [`PROMPTS_LIMIT`].
async fn prompts(contexts: &ContextManager) -> Result<Vec<Arc<PromptSight>>, Error> {
    let failed = |error: context::Error| Error::Stopped(error.to_string());
    let mut found = Vec::new();
    for name in contexts.names(ORGANISATION).await.map_err(failed)?.into_iter().take(PROMPTS_LIMIT) {
        let labels = contexts.labels(ORGANISATION, &name).await.map_err(failed)?;
        let latest = labels.get(LATEST);
        let Some(hash) = labels.get(PRODUCTION).or(latest) else { continue };
        let version =
            contexts.get(ORGANISATION, &name, &Selector::Hash(hash.clone())).await.map_err(failed)?;
        let reports = contexts.reports(ORGANISATION, &name).await.map_err(failed)?;
        let waiting = latest.is_some_and(|latest| latest != hash);
        found.push(Arc::new(PromptSight { version, waiting, reports }));
    }
    Ok(found)
}

async fn systems(ontology: &Ontology, store: &dyn Store) -> Result<Vec<SystemSight>, Error> {
    let filter =
        engine::store::ScoreFilter { subject_kind: Some("process".to_owned()), ..Default::default() };
    let scores: BTreeMap<String, (u64, u64)> = store
        .score_counts(&filter)
        .await?
        .into_iter()
        .map(|count| (count.subject, (count.attempts, count.successes)))
        .collect();
    let mut found = Vec::new();
    for summary in ontology.systems() {
        let system = ontology.snapshot(&summary.name)?;
        if system.count("process") > 0 {
            found.push(shown(&system, &scores));
        }
    }
    Ok(found)
}

/// Sorts a system's requirements by what runs have shown.
pub(super) fn shown(system: &SystemIndex, scores: &BTreeMap<String, (u64, u64)>) -> SystemSight {
    let mut sight = SystemSight {
        name: system.name.clone(),
        requirements: system.count("requirement"),
        ..Default::default()
    };
    for requirement in system.of_kind("requirement") {
        let id = requirement.id().to_owned();
        let runs: Vec<(u64, u64)> = system
            .outgoing(&id)
            .filter(|edge| edge.kind == "verified_by")
            .filter_map(|edge| match system.node(&edge.other).map(AsRef::as_ref) {
                Some(ontology::model::Node::Process(process)) => {
                    Some(scores.get(&process.process_id).copied().unwrap_or_default())
                }
                _ => None,
            })
            .collect();
        if runs.is_empty() {
            sight.unverified.push(id);
        } else if runs.iter().all(|(attempts, _)| *attempts == 0) {
            sight.not_run.push(id);
        } else if runs.iter().all(|(_, successes)| *successes == 0) {
            sight.not_succeeded.push(id);
        }
    }
    sight
}
