//! A deployed version of a process.

use async_graphql::{Context, Object};
use engine::port::{Definition, InstanceFilter};
use ontology::iri::node_iri;

use super::{ProcessInput, ProcessInstance, at_start, instances};
use crate::State;
use crate::connection::{Connection, Page};
use crate::error::Result;
use crate::limits::{PAGE_LIMIT, page_cost};
use crate::loaders::Loaders;
use crate::quality::Score;
use crate::scalar::{Iri, Key, Timestamp};

#[derive(Clone)]
pub(crate) struct ProcessDefinition(pub(crate) Definition);

/// A deployed version of a process.
#[Object]
impl ProcessDefinition {
    /// Its IRI.
    async fn id(&self) -> Iri {
        Iri(node_iri("runs", "definition", &self.0.key.to_string()))
    }

    /// Its key.
    async fn key(&self) -> Key {
        Key(self.0.key)
    }

    /// Id of the BPMN process.
    async fn process_id(&self) -> &str {
        &self.0.process_id
    }

    /// Its name, the process id where there is none.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// 1, 2, 3, … for each process id.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The file it came from.
    async fn resource(&self) -> &str {
        &self.0.resource
    }

    /// SHA-256 of the file, in hexadecimal.
    async fn checksum(&self) -> &str {
        &self.0.checksum
    }

    /// When it was deployed.
    async fn deployed_at(&self) -> Timestamp {
        Timestamp(self.0.deployed_ms)
    }

    /// BPMN 2.0 XML with a diagram.
    async fn xml(&self, ctx: &Context<'_>) -> Result<String> {
        let xml = ctx.data::<State>()?.engine.definition_xml(self.0.key).await?;
        Ok(with_diagram(xml))
    }

    /// What it can be given at its start, in the order in which it reads it.
    async fn inputs(&self, ctx: &Context<'_>) -> Result<Vec<ProcessInput>> {
        let xml = ctx.data::<State>()?.engine.definition_xml(self.0.key).await?;
        Ok(at_start(&xml, &self.0.process_id))
    }

    /// All versions of the process, newest first.
    async fn versions(&self, ctx: &Context<'_>) -> Result<Vec<ProcessDefinition>> {
        let all = ctx.data::<State>()?.engine.definitions().await?;
        let mut versions: Vec<Definition> =
            all.into_iter().filter(|other| other.process_id == self.0.process_id).collect();
        versions.sort_by_key(|definition| std::cmp::Reverse(definition.version));
        versions.truncate(PAGE_LIMIT);
        Ok(versions.into_iter().map(ProcessDefinition).collect())
    }

    /// How well the process does, over all versions; null before its first attempt.
    async fn score(&self, ctx: &Context<'_>) -> Result<Option<Score>> {
        Ok(ctx.data::<Loaders>()?.score("process", &self.0.process_id).await?.map(Score))
    }

    /// Its instances, newest first.
    #[graphql(complexity = "page_cost(first, child_complexity)")]
    async fn instances(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<ProcessInstance>> {
        let filter = InstanceFilter { definition: Some(self.0.key), ..InstanceFilter::default() };
        instances(ctx, filter, &Page::new(first, after)?).await
    }
}

/// A file deployed without a diagram is shown with one; what is deployed stays as it is.
fn with_diagram(xml: String) -> String {
    if xml.contains("BPMNShape") {
        return xml;
    }
    let Ok(mut definitions) = bpmn::xml::read(xml.as_bytes()) else { return xml };
    bpmn::layout::ensure_diagram(&mut definitions);
    bpmn::xml::write(&definitions)
}
