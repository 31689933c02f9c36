//! Changing a system by hand: requirements, components and constraints, each change a change set of its own.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use ontology::model::{self, Node, Origin};

use super::target::{Target, filled};
use super::{TEXT_LIMIT_BYTES, bounded};
use crate::error::Result;
use crate::import::understand;
use crate::nodes::{ChangeSet, Component, Constraint, Requirement};

/// A requirement to add.
#[derive(InputObject)]
pub(crate) struct CreateRequirementInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id, which no node of the system has yet.
    id: String,
    /// Its text.
    text: String,
    /// The heading it stands under.
    group: Option<String>,
    /// Id of the requirement it refines.
    parent: Option<String>,
    /// How it will be shown to hold: `test`, `analysis`, `inspection` or `demonstration`.
    verification: Option<String>,
    /// When it counts as shown, in words.
    criterion: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// What to change of a requirement: a field that is not given stays, null empties it.
#[derive(InputObject)]
pub(crate) struct UpdateRequirementInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id.
    id: String,
    /// The version you read: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// Its text; subject, condition, response and quantities are read from it again.
    text: Option<String>,
    /// The heading it stands under.
    group: MaybeUndefined<String>,
    /// Id of the requirement it refines.
    parent: MaybeUndefined<String>,
    /// `functional`, `performance`, `constraint`, `interface`, `safety`, … .
    kind: MaybeUndefined<String>,
    /// How it will be shown to hold: `test`, `analysis`, `inspection` or `demonstration`.
    verification: MaybeUndefined<String>,
    /// When it counts as shown, in words.
    criterion: MaybeUndefined<String>,
    /// Why it is not allocated, where it is not.
    unallocated_reason: MaybeUndefined<String>,
    /// Why it is changed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// What to remove.
#[derive(InputObject)]
pub(crate) struct RemoveNodeInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id.
    id: String,
    /// The version you read: where it has another by now, nothing is removed.
    if_match: Option<i64>,
    /// Why it is removed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A component to add.
#[derive(InputObject)]
pub(crate) struct CreateComponentInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id, which no node of the system has yet.
    id: String,
    /// Its name.
    name: String,
    /// The component it is a part of; a root without one.
    parent: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The version of the system as you read it: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// What to change of a component: a field that is not given stays, null empties it.
#[derive(InputObject)]
pub(crate) struct UpdateComponentInput {
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
    /// The component it is a part of.
    parent: MaybeUndefined<String>,
    /// What it is for.
    description: MaybeUndefined<String>,
    /// Why it is changed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

/// A component's part of a budget.
#[derive(InputObject)]
pub(crate) struct ConstraintPartInput {
    /// Id of the component.
    component: String,
    /// Its part in SI units.
    si_value: f64,
}

/// What to change of a constraint: a field that is not given stays.
#[derive(InputObject)]
pub(crate) struct UpdateConstraintInput {
    /// The system.
    system: String,
    /// The branch to write to; the system itself without one.
    branch: Option<String>,
    /// Its id.
    id: String,
    /// The version you read: where it has another by now, nothing is changed.
    if_match: Option<i64>,
    /// The bound in SI units.
    si_value: Option<f64>,
    /// What components take of a budget; those that are not named keep their parts.
    parts: Option<Vec<ConstraintPartInput>>,
    /// Why it is changed, in words.
    message: Option<String>,
    /// The same id twice is one change.
    client_mutation_id: Option<String>,
}

impl ConstraintPartInput {
    /// As a budget keeps it: a person said it, so it is not assumed.
    pub(super) fn of_budget(self) -> (String, f64, bool) {
        (self.component, self.si_value, false)
    }
}

pub(super) fn overwrite(field: &mut Option<String>, given: &MaybeUndefined<String>) {
    match given {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(text) => *field = Some(text.clone()),
    }
}

pub(super) fn said(message: Option<String>, otherwise: String) -> Result<String> {
    let message = message.filter(|text| !text.trim().is_empty()).unwrap_or(otherwise);
    bounded("message", &message, TEXT_LIMIT_BYTES)?;
    Ok(message)
}

pub(super) fn by_hand() -> Origin {
    Origin { rule: "by hand".to_owned(), confidence: 1.0, ..Origin::default() }
}

#[derive(Default)]
pub(crate) struct Knowledge;

#[Object(name = "KnowledgeMutation")]
impl Knowledge {
    /// Adds a requirement to a system.
    async fn create_requirement(
        &self,
        ctx: &Context<'_>,
        input: CreateRequirementInput,
    ) -> Result<Requirement> {
        let id = input.id.trim().to_owned();
        filled("text", &input.text)?;
        let message = format!("requirement {id} added");
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let mut requirement = model::Requirement {
            id,
            text: input.text,
            group: input.group,
            parent: input.parent,
            verification: input.verification,
            criterion: input.criterion,
            unallocated_reason: Some("added by hand and not linked to a component yet".to_owned()),
            ..model::Requirement::default()
        };
        understand(&mut requirement);
        target.if_head(input.if_match).add(Node::Requirement(requirement)).await
    }

    /// Changes a requirement; links at it become suspect.
    async fn update_requirement(
        &self,
        ctx: &Context<'_>,
        input: UpdateRequirementInput,
    ) -> Result<Requirement> {
        let given =
            [&input.group, &input.kind, &input.verification, &input.criterion, &input.unallocated_reason];
        for text in given.into_iter().filter_map(|text| text.value()) {
            bounded("a field", text, TEXT_LIMIT_BYTES)?;
        }
        if let Some(text) = &input.text {
            filled("text", text)?;
        }
        let message = said(input.message, format!("requirement {} changed", input.id))?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let alter = |node: &mut Node| {
            let Node::Requirement(requirement) = node else { return Ok(()) };
            if let Some(text) = input.text.clone().filter(|text| *text != requirement.text) {
                requirement.text = text;
                understand(requirement);
            }
            overwrite(&mut requirement.group, &input.group);
            overwrite(&mut requirement.parent, &input.parent);
            overwrite(&mut requirement.kind, &input.kind);
            overwrite(&mut requirement.verification, &input.verification);
            overwrite(&mut requirement.criterion, &input.criterion);
            overwrite(&mut requirement.unallocated_reason, &input.unallocated_reason);
            Ok(())
        };
        target.if_match(&input.id, input.if_match).alter(&input.id, alter).await
    }

    /// Removes a requirement and the links at it.
    async fn remove_requirement(&self, ctx: &Context<'_>, input: RemoveNodeInput) -> Result<ChangeSet> {
        remove(ctx, input, "requirement").await
    }

    /// Adds a component to a system.
    async fn create_component(&self, ctx: &Context<'_>, input: CreateComponentInput) -> Result<Component> {
        let id = input.id.trim().to_owned();
        filled("name", &input.name)?;
        let message = format!("component {id} added");
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let component = model::Component {
            id,
            name: input.name,
            parent: input.parent,
            description: input.description,
            origin: by_hand(),
        };
        target.if_head(input.if_match).add(Node::Component(component)).await
    }

    /// Changes a component; links at it become suspect.
    async fn update_component(&self, ctx: &Context<'_>, input: UpdateComponentInput) -> Result<Component> {
        if let Some(name) = &input.name {
            filled("name", name)?;
        }
        let message = said(input.message, format!("component {} changed", input.id))?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let alter = |node: &mut Node| {
            let Node::Component(component) = node else { return Ok(()) };
            if let Some(name) = &input.name {
                component.name.clone_from(name);
            }
            overwrite(&mut component.parent, &input.parent);
            overwrite(&mut component.description, &input.description);
            Ok(())
        };
        target.if_match(&input.id, input.if_match).alter(&input.id, alter).await
    }

    /// Removes a component and the links at it; one that has parts, functions, processes or interfaces stays.
    async fn remove_component(&self, ctx: &Context<'_>, input: RemoveNodeInput) -> Result<ChangeSet> {
        remove(ctx, input, "component").await
    }

    /// Changes a bound, or what components take of a budget.
    async fn update_constraint(&self, ctx: &Context<'_>, input: UpdateConstraintInput) -> Result<Constraint> {
        let message = said(input.message, format!("constraint {} changed", input.id))?;
        let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
        let alter = |node: &mut Node| {
            let Node::Constraint(constraint) = node else { return Ok(()) };
            if let Some(value) = input.si_value {
                constraint.si_value = value;
            }
            for part in input.parts.iter().flatten() {
                let mut kept = constraint.parts.iter_mut();
                match kept.find(|(component, _, _)| *component == part.component) {
                    Some((_, value, assumed)) => (*value, *assumed) = (part.si_value, false),
                    None => constraint.parts.push((part.component.clone(), part.si_value, false)),
                }
            }
            Ok(())
        };
        target.if_match(&input.id, input.if_match).alter(&input.id, alter).await
    }
}

pub(super) async fn remove(
    ctx: &Context<'_>,
    input: RemoveNodeInput,
    kind: &'static str,
) -> Result<ChangeSet> {
    let message = said(input.message, format!("{kind} {} removed", input.id))?;
    let target = Target::new(ctx, input.system, input.branch, input.client_mutation_id, message)?;
    target.if_match(&input.id, input.if_match).remove(kind, &input.id).await
}
