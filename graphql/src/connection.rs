//! Pages of lists in Relay's form. A cursor is the id, key or position of the item it stands at, so that a page
//! goes on where the one before ended, whatever was added in between.

use async_graphql::{Context, OutputType, SimpleObject};

use crate::Error;
use crate::limits::{PAGE, PAGE_LIMIT};
use crate::nodes::{
    ChangeSet, Component, Constraint, Function, Interface, Process, Requirement, SearchHit, SuspectLink,
    System, TraceLink,
};
use crate::quality::{Score, TrailEvent};
use crate::query::MatrixRow;
use crate::runs::{DecisionDefinition, ProcessDefinition, ProcessInstance};

/// Where a connection page starts and ends.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether there is more after this page.
    pub(crate) has_next_page: bool,
    /// Whether there is something before this page.
    pub(crate) has_previous_page: bool,
    /// Cursor of its first item.
    pub(crate) start_cursor: Option<String>,
    /// Cursor of its last item: the next page's `after`.
    pub(crate) end_cursor: Option<String>,
}

/// An item of a page with its cursor.
#[derive(Clone, SimpleObject)]
#[graphql(
    concrete(name = "SystemEdge", params(System)),
    concrete(name = "RequirementEdge", params(Requirement)),
    concrete(name = "ComponentEdge", params(Component)),
    concrete(name = "ProcessEdge", params(Process)),
    concrete(name = "FunctionEdge", params(Function)),
    concrete(name = "InterfaceEdge", params(Interface)),
    concrete(name = "ConstraintEdge", params(Constraint)),
    concrete(name = "SearchHitEdge", params(SearchHit)),
    concrete(name = "TraceLinkEdge", params(TraceLink)),
    concrete(name = "ChangeSetEdge", params(ChangeSet)),
    concrete(name = "SuspectLinkEdge", params(SuspectLink)),
    concrete(name = "MatrixRowEdge", params(MatrixRow)),
    concrete(name = "ProcessDefinitionEdge", params(ProcessDefinition)),
    concrete(name = "DecisionDefinitionEdge", params(DecisionDefinition)),
    concrete(name = "ProcessInstanceEdge", params(ProcessInstance)),
    concrete(name = "ScoreEdge", params(Score)),
    concrete(name = "TrailEventEdge", params(TrailEvent))
)]
pub(crate) struct Edge<T: OutputType> {
    /// Where it stands: usable as `after`.
    cursor: String,
    /// The item.
    node: T,
}

/// A page of a list.
#[derive(Clone, SimpleObject)]
#[graphql(
    concrete(name = "SystemConnection", params(System)),
    concrete(name = "RequirementConnection", params(Requirement)),
    concrete(name = "ComponentConnection", params(Component)),
    concrete(name = "ProcessConnection", params(Process)),
    concrete(name = "FunctionConnection", params(Function)),
    concrete(name = "InterfaceConnection", params(Interface)),
    concrete(name = "ConstraintConnection", params(Constraint)),
    concrete(name = "SearchHitConnection", params(SearchHit)),
    concrete(name = "TraceLinkConnection", params(TraceLink)),
    concrete(name = "ChangeSetConnection", params(ChangeSet)),
    concrete(name = "SuspectLinkConnection", params(SuspectLink)),
    concrete(name = "MatrixRowConnection", params(MatrixRow)),
    concrete(name = "ProcessDefinitionConnection", params(ProcessDefinition)),
    concrete(name = "DecisionDefinitionConnection", params(DecisionDefinition)),
    concrete(name = "ProcessInstanceConnection", params(ProcessInstance)),
    concrete(name = "ScoreConnection", params(Score)),
    concrete(name = "TrailEventConnection", params(TrailEvent))
)]
pub(crate) struct Connection<T: OutputType + Clone>
where
    Edge<T>: OutputType,
{
    /// The items with their cursors.
    edges: Vec<Edge<T>>,
    /// The items alone.
    nodes: Vec<T>,
    /// Where the page starts and ends.
    page_info: PageInfo,
    /// Items on all pages; of instances and trail events at most 10,000 are counted.
    total_count: usize,
}

/// Which page is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Most items.
    pub(crate) first: usize,
    /// The cursor after which it starts.
    pub(crate) after: Option<String>,
}

impl Page {
    /// The page of these arguments.
    ///
    /// # Errors
    /// [`Error::Argument`] for a size outside 0..=[`PAGE_LIMIT`].
    pub(crate) fn new(first: Option<i32>, after: Option<String>) -> Result<Self, Error> {
        let first = match first {
            None => PAGE,
            Some(first) => {
                usize::try_from(first).ok().filter(|first| *first <= PAGE_LIMIT).ok_or(Error::Argument {
                    argument: "first",
                    problem: format!("{first} is not in 0..={PAGE_LIMIT}"),
                })?
            }
        };
        Ok(Self { first, after })
    }

    /// The cursor as a number.
    ///
    /// # Errors
    /// [`Error::Argument`] for one that is none.
    pub(crate) fn after_number(&self) -> Result<Option<i64>, Error> {
        let Some(after) = &self.after else { return Ok(None) };
        after.parse().map(Some).map_err(|_| Error::Argument {
            argument: "after",
            problem: format!("{after:?} is not a cursor of this list"),
        })
    }

    /// Where it starts in a list that is at hand, with positions as cursors.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cursor that is none of this list.
    pub(crate) fn start(&self) -> Result<usize, Error> {
        Ok(usize::try_from(self.after_number()?.unwrap_or(0).max(0)).unwrap_or(usize::MAX))
    }

    /// The page of a list that is at hand, with positions as cursors.
    ///
    /// # Errors
    /// [`Error::Argument`] for a cursor that is none of this list.
    pub(crate) fn of_list<T: OutputType + Clone>(&self, items: Vec<T>) -> Result<Connection<T>, Error>
    where
        Edge<T>: OutputType,
    {
        let total = items.len();
        let start = self.start()?;
        let page: Vec<(String, T)> = items
            .into_iter()
            .enumerate()
            .skip(start)
            .take(self.first.saturating_add(1))
            .map(|(index, item)| ((index + 1).to_string(), item))
            .collect();
        Ok(self.of_page(page, total))
    }

    /// The connection of items with cursors that start after [`Page::after`]; one more than asked for says that
    /// there is a next page.
    pub(crate) fn of_page<T: OutputType + Clone>(
        &self,
        mut items: Vec<(String, T)>,
        total_count: usize,
    ) -> Connection<T>
    where
        Edge<T>: OutputType,
    {
        let has_next_page = items.len() > self.first;
        items.truncate(self.first);
        let page_info = PageInfo {
            has_next_page,
            has_previous_page: self.after.is_some(),
            start_cursor: items.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: items.last().map(|(cursor, _)| cursor.clone()),
        };
        let nodes = items.iter().map(|(_, node)| node.clone()).collect();
        let edges = items.into_iter().map(|(cursor, node)| Edge { cursor, node }).collect();
        Connection { edges, nodes, page_info, total_count }
    }
}

/// Whether the query asks how many items there are on all pages: counting may cost a read of its own.
pub(crate) fn wants_total(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("totalCount").exists()
}
