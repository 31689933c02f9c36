//! Templates: the BPMN by which PDOs and TDEs work, compiled and checked; a broken one is refused and the last good
//! one stays. Deploying a process of this kind, by whatever way, takes it into use; where it is broken the deployment
//! is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use bpmn::program::{JobKind, NodeKind, Program};
use engine::ProcessEngine;
use engine::port::Inspector;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use crate::{Action, Error};

/// The built-in PDO template.
pub const PDO_BPMN: &str = include_str!("../processes/pdo.bpmn");
/// The built-in TDE template.
pub const TDE_BPMN: &str = include_str!("../processes/tde.bpmn");

/// Process id of the PDO template.
const PDO: &str = "pdo";
/// Process id of the TDE template that is used where a task names no other.
const TDE: &str = "tde";

/// A checked template.
#[derive(Debug)]
pub struct Template {
    /// Its process id.
    pub name: String,
    /// SHA-256 of its file in hexadecimal: its version.
    pub checksum: String,
    /// Its BPMN, as a user sees and edits it.
    pub xml: String,
    pub(crate) program: Program,
    pub(crate) actions: BTreeMap<String, Action>,
}

impl Template {
    /// Compiles and checks a template.
    ///
    /// # Errors
    /// `KERNEL-0001` where it is not one executable process, waits for something outside (timers, messages, calls),
    /// or names an action that does not exist.
    pub fn load(xml: &str) -> Result<Self, Error> {
        let refuse =
            |template: &str, problem: String| Error::Template { template: template.to_owned(), problem };
        let definitions = bpmn::xml::read(xml.as_bytes()).map_err(|error| refuse("?", error.to_string()))?;
        let mut programs =
            bpmn::compile::compile(&definitions, None).map_err(|error| refuse("?", error.to_string()))?;
        let program = match (programs.pop(), programs.is_empty()) {
            (Some(program), true) => program,
            _ => return Err(refuse("?", "it must hold exactly one executable process".to_owned())),
        };
        let mut actions = BTreeMap::new();
        for node in &program.nodes {
            match &node.kind {
                NodeKind::Job(JobKind::Service) => {
                    let job_type = node.task.job_type.as_deref().unwrap_or_default();
                    let action = Action::parse(job_type).ok_or_else(|| {
                        let problem =
                            format!("element {} names no action of the kernel: {job_type:?}", node.id);
                        refuse(&program.process_id, problem)
                    })?;
                    actions.insert(node.id.clone(), action);
                }
                NodeKind::Start { trigger: None, .. }
                | NodeKind::End(_)
                | NodeKind::Exclusive
                | NodeKind::Parallel
                | NodeKind::Inclusive
                | NodeKind::PassThrough
                | NodeKind::Script { .. }
                | NodeKind::SubProcess(_) => {}
                _ => {
                    let problem =
                        format!("element {} ({}) waits for something outside", node.id, node.local_name);
                    return Err(refuse(&program.process_id, problem));
                }
            }
        }
        Ok(Self {
            name: program.process_id.clone(),
            checksum: hex::encode(Sha256::digest(xml.as_bytes())),
            xml: xml.to_owned(),
            program,
            actions,
        })
    }

    fn check_role(self) -> Result<Self, Error> {
        let of_pdo = self.name == PDO;
        let needed: &[Action] = if of_pdo {
            &[Action::AskEngine, Action::ApplyResults]
        } else {
            &[Action::Record, Action::Report]
        };
        for action in needed {
            if !self.actions.values().any(|named| named == action) {
                let problem = format!("it never does {:?}", action.job_type());
                return Err(Error::Template { template: self.name, problem });
            }
        }
        if let Some((element, _)) = self.actions.iter().find(|(_, action)| action.is_of_pdo() != of_pdo) {
            let problem = format!("element {element} names an action of the other kind of worker");
            return Err(Error::Template { template: self.name, problem });
        }
        Ok(self)
    }
}

/// The templates in use; clones share them.
#[derive(Clone, Debug)]
pub struct Templates {
    by_name: Arc<RwLock<BTreeMap<String, Arc<Template>>>>,
}

impl Templates {
    /// The built-in ones.
    ///
    /// # Errors
    /// `KERNEL-0001` where one is broken.
    pub fn built_in() -> Result<Self, Error> {
        let templates = Self { by_name: Arc::default() };
        templates.replace(PDO_BPMN)?;
        templates.replace(TDE_BPMN)?;
        Ok(templates)
    }

    /// Takes a template into use from now on: `pdo`, `tde`, or another TDE that tasks name as their executor.
    /// Workers that already run go on with the one they began with.
    ///
    /// # Errors
    /// `KERNEL-0001` where it is broken; what was in use stays in use.
    pub fn replace(&self, xml: &str) -> Result<Arc<Template>, Error> {
        let template = Arc::new(Template::load(xml)?.check_role()?);
        self.by_name.write().insert(template.name.clone(), Arc::clone(&template));
        Ok(template)
    }

    /// Takes the templates over that were deployed in an engine, each in its newest version; of a broken one, which
    /// only another release can have let in, what was in use stays.
    pub async fn take_deployed(&self, engine: &dyn ProcessEngine) {
        let definitions = match engine.definitions().await {
            Ok(definitions) => definitions,
            Err(error) => {
                tracing::warn!(%error, "deployed templates could not be looked for");
                return;
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        for definition in definitions {
            // The newest version of a process comes first.
            if !seen.insert(definition.process_id.clone()) {
                continue;
            }
            let Ok(xml) = engine.definition_xml(definition.key).await else { continue };
            if !is_template(&xml) {
                continue;
            }
            match self.replace(&xml) {
                Ok(template) => tracing::info!(template = template.name, "a deployed template is in use"),
                Err(error) => tracing::warn!(%error, "a deployed template was left out"),
            }
        }
    }

    /// All templates, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Template>> {
        self.by_name.read().values().cloned().collect()
    }

    pub(crate) fn pdo(&self) -> Result<Arc<Template>, Error> {
        self.named(PDO)
    }

    pub(crate) fn tde(&self, name: Option<&str>) -> Result<Arc<Template>, Error> {
        self.named(name.unwrap_or(TDE))
    }

    fn named(&self, name: &str) -> Result<Arc<Template>, Error> {
        let found = self.by_name.read().get(name).cloned();
        found.ok_or_else(|| Error::Template {
            template: name.to_owned(),
            problem: "there is no template with this process id".to_owned(),
        })
    }
}

/// Whether a file is about how PDOs and TDEs work: it names actions of the kernel, or is called like one of the two.
fn is_template(xml: &str) -> bool {
    // Most files are none and need not be read for that.
    let mentions =
        xml.contains("procos:") && Action::ALL.iter().any(|action| xml.contains(action.job_type()));
    if !mentions && !xml.contains("\"pdo\"") && !xml.contains("\"tde\"") {
        return false;
    }
    let Ok(definitions) = bpmn::xml::read(xml.as_bytes()) else { return false };
    let Ok(programs) = bpmn::compile::compile(&definitions, None) else { return false };
    programs.iter().any(|program| {
        let names_action = |job_type: &Option<String>| job_type.as_deref().and_then(Action::parse).is_some();
        program.process_id == PDO
            || program.process_id == TDE
            || program.nodes.iter().any(|node| names_action(&node.task.job_type))
    })
}

impl Inspector for Templates {
    fn inspect(&self, xml: &str) -> Result<(), String> {
        if !is_template(xml) {
            return Ok(());
        }
        let checked = Template::load(xml).and_then(Template::check_role);
        checked.map(|_| ()).map_err(|error| format!("{} {error}; {}", error.code(), error.hint()))
    }

    fn deployed(&self, xml: &str) {
        if is_template(xml)
            && let Err(error) = self.replace(xml)
        {
            tracing::warn!(%error, "a deployed template was left out");
        }
    }
}
