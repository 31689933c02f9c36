//! What lists are filtered and ordered by.

use async_graphql::{Enum, InputObject};
use ontology::{Condition, Field, NumberTest, Order, OrderBy, TextTest};

/// What a text has to be. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct TextFilter {
    /// Exactly this.
    equals: Option<String>,
    /// One of these.
    r#in: Option<Vec<String>>,
    /// It begins so; case does not matter.
    starts_with: Option<String>,
    /// It has this in it; case does not matter.
    contains: Option<String>,
    /// Whether there is none.
    missing: Option<bool>,
}

/// What a number has to be. Everything that is given must hold.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub(crate) struct NumberFilter {
    /// Exactly this.
    equals: Option<f64>,
    /// Less than this.
    less_than: Option<f64>,
    /// This or less.
    at_most: Option<f64>,
    /// More than this.
    greater_than: Option<f64>,
    /// This or more.
    at_least: Option<f64>,
}

/// A test of one field.
trait Test {
    fn on(self, field: Field) -> Condition;
}

impl From<TextFilter> for TextTest {
    fn from(filter: TextFilter) -> Self {
        Self {
            equals: filter.equals,
            one_of: filter.r#in,
            starts_with: filter.starts_with,
            contains: filter.contains,
            missing: filter.missing,
        }
    }
}

impl From<NumberFilter> for NumberTest {
    fn from(filter: NumberFilter) -> Self {
        Self {
            equals: filter.equals,
            below: filter.less_than,
            at_most: filter.at_most,
            above: filter.greater_than,
            at_least: filter.at_least,
        }
    }
}

impl Test for TextFilter {
    fn on(self, field: Field) -> Condition {
        Condition::Text(field, self.into())
    }
}

impl Test for NumberFilter {
    fn on(self, field: Field) -> Condition {
        Condition::Number(field, self.into())
    }
}

impl Test for bool {
    fn on(self, field: Field) -> Condition {
        Condition::Flag(field, self)
    }
}

/// A filter of a list.
pub(crate) trait Filter {
    /// Its conditions, all of which must hold.
    fn conditions(self) -> Vec<Condition>;
}

/// An input type whose fields are tests of a node's fields.
macro_rules! filter {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $test:ident of $of:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, Default, InputObject)]
        pub(crate) struct $name {
            $($(#[$doc])* $field: Option<$test>,)*
            /// It says all these words, or words that begin so.
            search: Option<String>,
            /// At least one of these holds.
            any: Option<Vec<$name>>,
            /// This does not hold.
            not: Option<Box<$name>>,
        }

        impl Filter for $name {
            fn conditions(self) -> Vec<Condition> {
                let mut out = Vec::new();
                $(out.extend(self.$field.map(|test| test.on(Field::$of)));)*
                out.extend(self.search.filter(|words| !words.trim().is_empty()).map(Condition::Says));
                let lists = self.any.map(|any| any.into_iter().map(Filter::conditions).collect());
                out.extend(lists.map(Condition::Any));
                out.extend(self.not.map(|not| Condition::Not(not.conditions())));
                out
            }
        }
    };
}

filter! {
    /// Which requirements: everything that is given must hold.
    RequirementFilter {
        /// Its id within the system.
        local_id: TextFilter of Id,
        /// Its text.
        text: TextFilter of Label,
        /// The heading it stands under.
        group: TextFilter of Group,
        /// Its kind.
        kind: TextFilter of Kind,
        /// Its EARS pattern.
        pattern: TextFilter of Pattern,
        /// Who shall do it.
        subject: TextFilter of Subject,
        /// Id of the requirement it refines.
        parent: TextFilter of Parent,
        /// How it will be shown to hold.
        verification: TextFilter of Verification,
        /// Kinds of what is wrong with it.
        finding: TextFilter of Finding,
        /// Ids of the components it is allocated to.
        component: TextFilter of Component,
        /// Whether a component answers for it.
        allocated: bool of IsAllocated,
        /// Whether a function satisfies it.
        satisfied: bool of IsSatisfied,
        /// Whether it has a verification method and a criterion.
        verifiable: bool of IsVerifiable,
        /// The change set that put it as it is.
        version: NumberFilter of Changed,
    }
}

filter! {
    /// Which components: everything that is given must hold.
    ComponentFilter {
        /// Its id within the system.
        local_id: TextFilter of Id,
        /// Its name.
        name: TextFilter of Label,
        /// Id of the component it is a part of.
        parent: TextFilter of Parent,
        /// What it is for.
        description: TextFilter of Description,
        /// The change set that put it as it is.
        version: NumberFilter of Changed,
    }
}

filter! {
    /// Which functions: everything that is given must hold.
    FunctionFilter {
        /// Its id within the system.
        local_id: TextFilter of Id,
        /// Its name.
        name: TextFilter of Label,
        /// Id of the component that performs it.
        component: TextFilter of Component,
        /// Id of the process that realises it.
        process: TextFilter of Process,
        /// Whether it satisfies a requirement.
        satisfies: bool of IsSatisfied,
        /// Whether a process realises it.
        realised: bool of IsRealised,
        /// The change set that put it as it is.
        version: NumberFilter of Changed,
    }
}

filter! {
    /// Which processes: everything that is given must hold.
    ProcessFilter {
        /// Its id within the system.
        local_id: TextFilter of Id,
        /// Its name.
        name: TextFilter of Label,
        /// Id of the component that owns it.
        component: TextFilter of Component,
        /// Id of the BPMN process.
        process_id: TextFilter of Process,
        /// Whether it realises a function.
        realises: bool of IsRealised,
        /// The change set that put it as it is.
        version: NumberFilter of Changed,
    }
}

filter! {
    /// Which interfaces: everything that is given must hold.
    InterfaceFilter {
        /// Its id within the system.
        local_id: TextFilter of Id,
        /// Its name.
        name: TextFilter of Label,
        /// Id of the component at one end.
        source: TextFilter of Source,
        /// Id of the component at the other end.
        target: TextFilter of Target,
        /// What flows.
        item: TextFilter of Item,
        /// The change set that put it as it is.
        version: NumberFilter of Changed,
    }
}

filter! {
    /// Which constraints: everything that is given must hold.
    ConstraintFilter {
        /// Its id within the system.
        local_id: TextFilter of Id,
        /// Its name.
        name: TextFilter of Label,
        /// `bound` or `budget`.
        kind: TextFilter of Kind,
        /// Id of the component or function it bounds.
        subject: TextFilter of Subject,
        /// What is bounded.
        property: TextFilter of Property,
        /// `<=`, `>=`, `=`, `<` or `>`.
        comparator: TextFilter of Comparator,
        /// The bound in SI units.
        si_value: NumberFilter of Value,
        /// The change set that put it as it is.
        version: NumberFilter of Changed,
    }
}

/// Which trace links: everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub(crate) struct TraceLinkFilter {
    /// Its kind.
    kind: Option<TextFilter>,
    /// Id of the node it starts at.
    source: Option<TextFilter>,
    /// Id of the node it ends at.
    target: Option<TextFilter>,
    /// Why, in words.
    rationale: Option<TextFilter>,
}

impl Filter for TraceLinkFilter {
    fn conditions(self) -> Vec<Condition> {
        let tests = [
            (self.kind, Field::Kind),
            (self.source, Field::Source),
            (self.target, Field::Target),
            (self.rationale, Field::Label),
        ];
        tests.into_iter().filter_map(|(test, field)| Some(test?.on(field))).collect()
    }
}

/// A field that requirements are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum RequirementOrderField {
    /// The natural order of ids: R-2 before R-10.
    LocalId,
    /// Its text, by the first 64 characters; case does not matter.
    Text,
    /// The heading it stands under; those under none first.
    Group,
    /// The change set that put it as it is.
    Version,
}

/// A field that trace links are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum TraceLinkOrderField {
    /// The natural order of ids: L-2 before L-10.
    LocalId,
}

impl From<TraceLinkOrderField> for OrderBy {
    fn from(TraceLinkOrderField::LocalId: TraceLinkOrderField) -> Self {
        Self::Id
    }
}

/// A field that nodes are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum NodeOrderField {
    /// The natural order of ids: C-2 before C-10.
    LocalId,
    /// Its name, by the first 64 characters; case does not matter.
    Name,
    /// The change set that put it as it is.
    Version,
}

/// A field that constraints are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ConstraintOrderField {
    /// The natural order of ids: K-2 before K-10.
    LocalId,
    /// Its name, by the first 64 characters; case does not matter.
    Name,
    /// The bound in SI units.
    SiValue,
    /// The change set that put it as it is.
    Version,
}

impl From<RequirementOrderField> for OrderBy {
    fn from(field: RequirementOrderField) -> Self {
        match field {
            RequirementOrderField::LocalId => Self::Id,
            RequirementOrderField::Text => Self::Label,
            RequirementOrderField::Group => Self::Group,
            RequirementOrderField::Version => Self::Changed,
        }
    }
}

impl From<NodeOrderField> for OrderBy {
    fn from(field: NodeOrderField) -> Self {
        match field {
            NodeOrderField::LocalId => Self::Id,
            NodeOrderField::Name => Self::Label,
            NodeOrderField::Version => Self::Changed,
        }
    }
}

impl From<ConstraintOrderField> for OrderBy {
    fn from(field: ConstraintOrderField) -> Self {
        match field {
            ConstraintOrderField::LocalId => Self::Id,
            ConstraintOrderField::Name => Self::Label,
            ConstraintOrderField::SiValue => Self::Value,
            ConstraintOrderField::Version => Self::Changed,
        }
    }
}

/// An input type that says an order.
macro_rules! order {
    ($(#[$about:meta])* $name:ident by $field:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, InputObject)]
        pub(crate) struct $name {
            /// By what; ties by the natural order of ids.
            by: $field,
            /// The greatest first.
            #[graphql(default = false)]
            descending: bool,
        }

        impl From<$name> for Order {
            fn from(order: $name) -> Self {
                Self { by: order.by.into(), descending: order.descending }
            }
        }
    };
}

order! {
    /// In which order requirements are listed.
    RequirementOrder by RequirementOrderField
}
order! {
    /// In which order trace links are listed.
    TraceLinkOrder by TraceLinkOrderField
}
order! {
    /// In which order nodes are listed.
    NodeOrder by NodeOrderField
}
order! {
    /// In which order constraints are listed.
    ConstraintOrder by ConstraintOrderField
}
