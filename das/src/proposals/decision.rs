//! Deciding on proposals, and taking an accepted one back. A person and a policy go the same way.

use std::sync::Arc;

use context::{ContextManager, Selector, Stamp};
use engine::ProcessEngine;
use engine::clock::Clock;
use engine::port::DeployFile;
use ontology::history::Moment;
use ontology::model::{ChangeSet, Node};
use serde_json::json;
use trail::NewEvent;

use super::{Build, PromptChange, Proposal, ProposalState, Proposals, Replaced};
use crate::bootstrap::{self, Deps, ModelUse, Request};
use crate::error::Error;
use crate::watch::{OfferState, Offers};

/// What a decision works with.
#[derive(Clone)]
pub struct Deciding {
    /// Where processes are deployed.
    pub engine: Arc<dyn ProcessEngine>,
    /// Where proposals are kept.
    pub proposals: Arc<dyn Proposals>,
    /// Where what DAS offered is kept.
    pub offers: Arc<dyn Offers>,
    /// Prompts, where there are any.
    pub contexts: Option<ContextManager>,
    /// What systems are built with, where they are.
    pub building: Option<Deps>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Deciding {
    /// Accepts or rejects an open proposal. An accepted process is deployed as a new version, an accepted prompt saved
    /// as a new version (no label but `latest` moves), an accepted system built (its processes are not run).
    ///
    /// # Errors
    /// `DAS-0024` where there is no such open proposal; where the engine, the context manager or the build refuses,
    /// and then it stays open.
    pub async fn decide(
        &self,
        id: &str,
        accept: bool,
        reason: Option<&str>,
        by: &str,
    ) -> Result<Proposal, Error> {
        let mut proposal = self.find(id, ProposalState::Open).await?;
        if accept {
            self.bring_about(&mut proposal, by).await?;
            proposal.state = ProposalState::Accepted;
        } else {
            proposal.state = ProposalState::Rejected;
        }
        proposal.decided_ms = Some(self.clock.now_ms());
        self.note(proposal, reason, by).await
    }

    /// Takes an accepted proposal back: what it replaced is in force again, as a new version (a prompt's former
    /// version becomes the latest again; `production` is not moved by DAS).
    ///
    /// # Errors
    /// `DAS-0024` where there is no such accepted proposal, where nothing was there before, or where something was
    /// changed since: then going back would lose that.
    pub async fn take_back(&self, id: &str, reason: Option<&str>, by: &str) -> Result<Proposal, Error> {
        let mut proposal = self.find(id, ProposalState::Accepted).await?;
        match (&proposal.prompt, &proposal.build) {
            (Some(change), _) => self.take_prompt_back(id, change, by).await?,
            (None, Some(build)) => self.take_build_back(id, build, by).await?,
            (None, None) => proposal.back = Some(self.take_process_back(&proposal).await?),
        }
        proposal.state = ProposalState::TakenBack;
        let proposal = self.note(proposal, reason, by).await?;
        self.unlearn(&proposal, by).await?;
        Ok(proposal)
    }

    async fn find(&self, id: &str, state: ProposalState) -> Result<Proposal, Error> {
        let refuse = |why: String| Error::Proposal { id: id.to_owned(), why };
        let found = self.proposals.get(id).await?;
        let proposal = found.ok_or_else(|| refuse("there is none with this id".to_owned()))?;
        if proposal.state != state {
            return Err(refuse(format!("it is {}, not {}", proposal.state.as_str(), state.as_str())));
        }
        Ok(proposal)
    }

    async fn bring_about(&self, proposal: &mut Proposal, by: &str) -> Result<(), Error> {
        let id = proposal.id.clone();
        if let Some(change) = &mut proposal.prompt {
            let contexts = self.contexts(&id)?;
            let note = format!("proposal {id}: {}", proposal.title);
            let stamp = Stamp::new(by, self.clock.now_ms());
            let saved = contexts.save(change.prompt.clone(), &note, &stamp).await;
            change.saved = Some(saved.map_err(|error| prompt_failed(&id, &error))?.hash);
            return Ok(());
        }
        if let Some(build) = &mut proposal.build {
            return self.build(&id, build, by).await;
        }
        let before = self.newest(&proposal.process_id).await?;
        let deployed = self.deploy(&proposal.process_id, proposal.xml.clone()).await?;
        (proposal.before, proposal.definition) = (before, Some(deployed));
        Ok(())
    }

    fn contexts(&self, id: &str) -> Result<&ContextManager, Error> {
        let why = "there is no context manager here".to_owned();
        self.contexts.as_ref().ok_or(Error::Proposal { id: id.to_owned(), why })
    }

    fn building(&self, id: &str) -> Result<&Deps, Error> {
        let why = "no systems are built here".to_owned();
        self.building.as_ref().ok_or(Error::Proposal { id: id.to_owned(), why })
    }

    /// Key of the newest version of a process.
    async fn newest(&self, process_id: &str) -> Result<Option<i64>, Error> {
        let all = self.engine.definitions().await?;
        let versions = all.iter().filter(|definition| definition.process_id == process_id);
        Ok(versions.max_by_key(|definition| definition.version).map(|definition| definition.key))
    }

    async fn deploy(&self, process_id: &str, xml: String) -> Result<i64, Error> {
        let file = DeployFile { name: format!("{process_id}.bpmn"), content: xml.into_bytes() };
        let deployed = self.engine.deploy(vec![file]).await?;
        let own = deployed.iter().find(|found| found.process_id == process_id).or(deployed.first());
        own.map(|found| found.key).ok_or_else(|| Error::Stopped("nothing was deployed".to_owned()))
    }

    async fn take_process_back(&self, proposal: &Proposal) -> Result<i64, Error> {
        let refuse = |why: &str| Error::Proposal { id: proposal.id.clone(), why: why.to_owned() };
        let before = proposal.before.ok_or_else(|| refuse("the process was not there before it"))?;
        if self.newest(&proposal.process_id).await? != proposal.definition {
            return Err(refuse("a newer version was deployed since; going back would lose it"));
        }
        let xml = self.engine.definition_xml(before).await?;
        self.deploy(&proposal.process_id, xml).await
    }

    async fn take_prompt_back(&self, id: &str, change: &PromptChange, by: &str) -> Result<(), Error> {
        let contexts = self.contexts(id)?;
        let stamp = Stamp::new(by, self.clock.now_ms());
        let failed = |error: context::Error| prompt_failed(id, &error);
        let latest =
            contexts.get(&stamp.organisation, &change.name, &Selector::latest()).await.map_err(failed)?;
        if Some(&latest.hash) != change.saved.as_ref() {
            let why = "a newer version was saved since; going back would hide it".to_owned();
            return Err(Error::Proposal { id: id.to_owned(), why });
        }
        let base = Selector::Hash(change.base.clone());
        let base = contexts.get(&stamp.organisation, &change.name, &base).await.map_err(failed)?;
        contexts.save(base.prompt, "taken back", &stamp).await.map_err(failed)?;
        Ok(())
    }

    async fn build(&self, id: &str, build: &mut Build, by: &str) -> Result<(), Error> {
        let deps = self.building(id)?;
        let name = build.preview.system.clone();
        let known = deps.ontology.snapshot(&name).ok();
        build.change_set_before = known.as_ref().map_or(0, |system| system.head);
        build.source_before = known.as_ref().and_then(|system| system.source_hash.clone());
        for effect in &build.preview.processes {
            if let Some(definition) = self.newest(&effect.process).await? {
                build.replaced.push(Replaced { process: effect.process.clone(), definition });
            }
        }
        let mut request = Request::new(build.file.clone(), build.content.clone());
        (request.name, request.run, request.actor) = (Some(name), false, by.to_owned());
        // What was shown is what is built: nobody is asked anything more.
        request.model = match build.model {
            ModelUse::Ask { .. } => ModelUse::Kept,
            other => other,
        };
        let report = bootstrap::bootstrap(request, deps, Arc::new(|_| {})).await?;
        build.change_set = Some(report.change_set);
        Ok(())
    }

    /// Puts the graph and the processes back to what they were. The change says from which source it comes, so that a
    /// later build does not take it for a person's work.
    async fn take_build_back(&self, id: &str, build: &Build, by: &str) -> Result<(), Error> {
        let refuse = |why: &str| Error::Proposal { id: id.to_owned(), why: why.to_owned() };
        let deps = self.building(id)?;
        let name = &build.preview.system;
        let now = deps.ontology.snapshot(name)?;
        if build.change_set_before == 0 {
            return Err(refuse("the system was not there before it"));
        }
        if Some(now.head) != build.change_set {
            return Err(refuse("the system was changed since; going back would lose that"));
        }
        let former = deps.ontology.as_of(name, &Moment::Version(build.change_set_before)).await?;
        let mut change = ChangeSet {
            system: name.clone(),
            author: by.to_owned(),
            message: format!("proposal {id} taken back"),
            at_ms: deps.clock.now_ms(),
            source_hash: build.source_before.clone(),
            ..ChangeSet::default()
        };
        let differs = |node: &&Arc<Node>| now.node(node.id()) != Some(*node);
        change.put = former.nodes().filter(differs).map(|node| node.as_ref().clone()).collect();
        let gone = now.nodes().filter(|node| former.node(node.id()).is_none());
        change.remove = gone.map(|node| node.id().to_owned()).collect();
        for replaced in &build.replaced {
            let xml = self.engine.definition_xml(replaced.definition).await?;
            let definition = self.deploy(&replaced.process, xml).await?;
            for node in &mut change.put {
                if let Node::Process(process) = node
                    && process.process_id == replaced.process
                {
                    process.definition = Some(definition);
                }
            }
        }
        deps.ontology.commit(change, now.head).await?;
        Ok(())
    }

    /// Keeps a decided proposal with its event.
    async fn note(&self, mut proposal: Proposal, reason: Option<&str>, by: &str) -> Result<Proposal, Error> {
        proposal.reason = reason.filter(|reason| !reason.is_empty()).map(str::to_owned);
        proposal.decided_by = Some(by.to_owned());
        let event = NewEvent {
            actor: by.to_owned(),
            definition: proposal.back.or(proposal.definition),
            subject: Some(format!("proposal:{}", proposal.id)),
            data: json!({
                "title": proposal.title, "process": proposal.process_id, "source": proposal.source,
                "state": proposal.state.as_str(), "reason": proposal.reason, "finding": proposal.finding,
                "prompt": proposal.prompt.as_ref().map(|change| &change.name),
                "system": proposal.build.as_ref().map(|build| &build.preview.system),
            }),
            ..NewEvent::new(&format!("proposal.{}", proposal.state.as_str()), self.clock.now_ms())
        };
        self.proposals.put(&proposal, event).await?;
        Ok(proposal)
    }

    /// What was taken back counts as refused: its kind is offered less, and it returns only with twice the evidence.
    async fn unlearn(&self, proposal: &Proposal, by: &str) -> Result<(), Error> {
        let Some(finding) = &proposal.finding else { return Ok(()) };
        let Some(mut offer) = self.offers.get(finding).await? else { return Ok(()) };
        if offer.proposal.as_ref() != Some(&proposal.id) {
            return Ok(());
        }
        let now_ms = self.clock.now_ms();
        offer.decide(OfferState::Rejected, Some("taken back"), now_ms);
        self.offers.put(&offer, offer.event("suggestion.rejected", by, now_ms)).await
    }
}

fn prompt_failed(id: &str, error: &context::Error) -> Error {
    Error::Proposal { id: id.to_owned(), why: error.to_string() }
}
