//! Changing what a system does and is bound by, by hand: functions, interfaces, constraints.

use async_graphql::{Context, Enum, InputObject, MaybeUndefined, Object};
use ontology::model::{self, Node};

use super::knowledge::{ConstraintPartInput, RemoveNodeInput, by_hand, overwrite, remove, said};
use super::target::{Target, filled};
use super::{TEXT_LIMIT_BYTES, bounded};
use crate::error::Result;
use crate::nodes::{ChangeSet, Constraint, Function, Interface};

/// A function to add.
#[derive(InputObject)]
pub(crate) struct CreateFunctionInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id, which no node of the system has yet.
    id: String,
    /// What it does, e.g. `provide lift`.
    name: String,
    /// Id of the component that performs it.
    component: String,
    /// Id of the process that realises it.
    process: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// What to change of a function: a field that is not given stays, null empties it.
#[derive(InputObject)]
pub(crate) struct UpdateFunctionInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id.
    id: String,
    /// The version you read: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// What it does.
    name: Option<String>,
    /// Id of the component that performs it.
    component: Option<String>,
    /// Id of the process that realises it.
    process: MaybeUndefined<String>,
    /// Why it is changed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// Which way something flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(crate) enum FlowDirection {
    /// From source to target.
    #[default]
    Out,
    /// Both ways.
    Both,
}

impl FlowDirection {
    fn word(self) -> String {
        match self {
            Self::Out => "out",
            Self::Both => "both",
        }
        .to_owned()
    }
}

/// An interface to add.
#[derive(InputObject)]
pub(crate) struct CreateInterfaceInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id, which no node of the system has yet.
    id: String,
    /// Its name.
    name: String,
    /// Id of the component at one end.
    source: String,
    /// Id of the component at the other end.
    target: String,
    /// What flows, e.g. `electrical power`.
    item: String,
    /// Which way it flows.
    #[graphql(default)]
    direction: FlowDirection,
    /// Unit of what flows.
    unit: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// What to change of an interface: a field that is not given stays, null empties it.
#[derive(InputObject)]
pub(crate) struct UpdateInterfaceInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id.
    id: String,
    /// The version you read: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// Its name.
    name: Option<String>,
    /// What flows.
    item: Option<String>,
    /// Which way it flows.
    direction: Option<FlowDirection>,
    /// Unit of what flows.
    unit: MaybeUndefined<String>,
    /// Why it is changed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// How a value has to stand to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Comparator {
    /// At most the bound.
    AtMost,
    /// At least the bound.
    AtLeast,
    /// The bound itself.
    Equal,
    /// Less than the bound.
    Below,
    /// More than the bound.
    Above,
}

/// A bound or a budget to add.
#[derive(InputObject)]
pub(crate) struct CreateConstraintInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id, which no node of the system has yet.
    id: String,
    /// Its name.
    name: String,
    /// Id of the component or function it bounds.
    subject: String,
    /// What is bounded, e.g. `mass`.
    property: String,
    /// How the value has to stand to the bound.
    comparator: Comparator,
    /// The bound in SI units.
    si_value: f64,
    /// SI unit, e.g. `kg`.
    si_unit: String,
    /// What components take of it: then it is a budget.
    parts: Option<Vec<ConstraintPartInput>>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

impl From<CreateConstraintInput> for model::Constraint {
    fn from(input: CreateConstraintInput) -> Self {
        let comparator = match input.comparator {
            Comparator::AtMost => "<=",
            Comparator::AtLeast => ">=",
            Comparator::Equal => "=",
            Comparator::Below => "<",
            Comparator::Above => ">",
        };
        let parts = input.parts.map(|parts| parts.into_iter().map(ConstraintPartInput::of_budget));
        Self {
            id: input.id.trim().to_owned(),
            name: input.name,
            kind: if parts.is_some() { "budget" } else { "bound" }.to_owned(),
            subject: input.subject,
            property: input.property,
            comparator: comparator.to_owned(),
            si_value: input.si_value,
            si_unit: input.si_unit,
            parts: parts.into_iter().flatten().collect(),
            origin: by_hand(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Structure;

#[Object(name = "StructureMutation")]
impl Structure {
    /// Adds a function to a system.
    async fn create_function(&self, ctx: &Context<'_>, input: CreateFunctionInput) -> Result<Function> {
        filled("name", &input.name)?;
        let id = input.id.trim().to_owned();
        let message = format!("function {id} added");
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let function = model::Function {
            id,
            name: input.name,
            component: input.component,
            process: input.process,
            elements: Vec::new(),
            origin: by_hand(),
        };
        target.if_head(input.if_match).add(Node::Function(function)).await
    }

    /// Changes a function; links at it become suspect.
    async fn update_function(&self, ctx: &Context<'_>, input: UpdateFunctionInput) -> Result<Function> {
        if let Some(name) = &input.name {
            filled("name", name)?;
        }
        let message = said(input.message, format!("function {} changed", input.id))?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let alter = |node: &mut Node| {
            let Node::Function(function) = node else { return Ok(()) };
            function.name = input.name.clone().unwrap_or_else(|| function.name.clone());
            function.component = input.component.clone().unwrap_or_else(|| function.component.clone());
            overwrite(&mut function.process, &input.process);
            Ok(())
        };
        target.if_match(&input.id, input.if_match).alter(&input.id, alter).await
    }

    /// Removes a function and the links at it.
    async fn remove_function(&self, ctx: &Context<'_>, input: RemoveNodeInput) -> Result<ChangeSet> {
        remove(ctx, input, "function").await
    }

    /// Adds an interface between two components.
    async fn create_interface(&self, ctx: &Context<'_>, input: CreateInterfaceInput) -> Result<Interface> {
        filled("name", &input.name)?;
        filled("item", &input.item)?;
        let id = input.id.trim().to_owned();
        let message = format!("interface {id} added");
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let interface = model::Interface {
            id,
            name: input.name,
            source: input.source,
            target: input.target,
            item: input.item,
            direction: input.direction.word(),
            unit: input.unit,
            origin: by_hand(),
        };
        target.if_head(input.if_match).add(Node::Interface(interface)).await
    }

    /// Changes an interface.
    async fn update_interface(&self, ctx: &Context<'_>, input: UpdateInterfaceInput) -> Result<Interface> {
        for text in [&input.name, &input.item].into_iter().flatten() {
            filled("a field", text)?;
        }
        let message = said(input.message, format!("interface {} changed", input.id))?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let alter = |node: &mut Node| {
            let Node::Interface(interface) = node else { return Ok(()) };
            interface.name = input.name.clone().unwrap_or_else(|| interface.name.clone());
            interface.item = input.item.clone().unwrap_or_else(|| interface.item.clone());
            interface.direction =
                input.direction.map_or_else(|| interface.direction.clone(), FlowDirection::word);
            overwrite(&mut interface.unit, &input.unit);
            Ok(())
        };
        target.if_match(&input.id, input.if_match).alter(&input.id, alter).await
    }

    /// Removes an interface and the links at it.
    async fn remove_interface(&self, ctx: &Context<'_>, input: RemoveNodeInput) -> Result<ChangeSet> {
        remove(ctx, input, "interface").await
    }

    /// Adds a bound, or with `parts` a budget.
    async fn create_constraint(&self, ctx: &Context<'_>, input: CreateConstraintInput) -> Result<Constraint> {
        for (argument, text) in [("name", &input.name), ("property", &input.property)] {
            filled(argument, text)?;
        }
        bounded("siUnit", &input.si_unit, TEXT_LIMIT_BYTES)?;
        let message = format!("constraint {} added", input.id.trim());
        let (system, branch) = (input.system.clone(), input.branch.clone());
        let target = Target::new(ctx, system, branch, input.client_mutation_id.clone(), message)?;
        target.if_head(input.if_match).add(Node::Constraint(input.into())).await
    }

    /// Removes a bound or a budget and the links at it.
    async fn remove_constraint(&self, ctx: &Context<'_>, input: RemoveNodeInput) -> Result<ChangeSet> {
        remove(ctx, input, "constraint").await
    }
}
