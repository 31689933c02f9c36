//! A DMN file ready to be evaluated: every reference resolved, every expression parsed.

use crate::expression::{Computed, Expression, ValueType};

/// A DMN file: decisions and what they need.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The `id` of its `definitions`.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its decisions, in document order.
    pub decisions: Vec<Decision>,
    /// Inputs from outside.
    pub inputs: Vec<InputData>,
    /// Functions that decisions call.
    pub knowledge: Vec<KnowledgeModel>,
}

impl Model {
    /// The decision with this id.
    #[must_use]
    pub fn decision(&self, id: &str) -> Option<&Decision> {
        self.decisions.iter().find(|decision| decision.id == id)
    }
}

/// A decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its id.
    pub id: String,
    /// Its name, the id where there is none.
    pub name: String,
    /// The name of its variable, if it has one.
    pub variable: Option<String>,
    /// The type of the result of a literal expression, where it says one.
    pub value_type: Option<ValueType>,
    /// What the author calls this version (`camunda:versionTag`, `zeebe:versionTag`).
    pub version_tag: Option<String>,
    /// Line in the file.
    pub line: u32,
    /// Places in [`Model::decisions`] of all it needs, directly or not, in the order of evaluation.
    pub requires: Vec<usize>,
    /// How it decides.
    pub logic: Logic,
}

/// How a decision decides.
#[derive(Clone, Debug)]
pub enum Logic {
    /// A decision table.
    Table(Table),
    /// An expression.
    Literal(Expression),
}

/// A value from outside, by the name under which expressions read it.
#[derive(Clone, Debug)]
pub struct InputData {
    /// Its name.
    pub name: String,
    /// Its type, where it says one.
    pub value_type: Option<ValueType>,
}

/// A business knowledge model: a FEEL function that decisions call by its name.
#[derive(Clone, Debug)]
pub struct KnowledgeModel {
    /// Its name.
    pub name: String,
    /// `function(…) …`.
    pub function: Expression,
}

/// A decision table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which rules count when several match.
    pub hit_policy: HitPolicy,
    /// Columns that are tested.
    pub inputs: Vec<InputClause>,
    /// Columns that are given.
    pub outputs: Vec<OutputClause>,
    /// Rows, in order.
    pub rules: Vec<Rule>,
}

/// An input column.
#[derive(Clone, Debug)]
pub struct InputClause {
    /// What people call it: its label, otherwise its expression.
    pub label: String,
    /// The name under which cells read the input (`camunda:inputVariable`), beside `?`.
    pub variable: Option<String>,
    /// What is tested.
    pub expression: Expression,
    /// Its type, where it says one.
    pub value_type: Option<ValueType>,
    /// Allowed values; null is always allowed.
    pub allowed: Option<Expression>,
}

/// An output column.
#[derive(Clone, Debug)]
pub struct OutputClause {
    /// Its name in the result; empty for the only one of a table that gives none.
    pub name: String,
    /// Its type, where it says one.
    pub value_type: Option<ValueType>,
    /// Allowed values; null is always allowed.
    pub allowed: Option<Expression>,
    /// The allowed values from the highest priority to the lowest, for PRIORITY and OUTPUT ORDER.
    pub ranking: Vec<Computed>,
    /// Its value where no rule matches.
    pub default: Option<Expression>,
}

/// A rule: a row of a decision table.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id, empty where it has none.
    pub id: String,
    /// Line in the file.
    pub line: u32,
    /// What the author says about it: its description and annotations.
    pub annotation: Option<String>,
    /// One test for each input; `None` (`-`) matches anything.
    pub tests: Vec<Option<Expression>>,
    /// One value for each output; `None` is null.
    pub outputs: Vec<Option<Expression>>,
}

/// Which rules count when several match (DMN 1.5 § 8.2.10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HitPolicy {
    /// At most one rule may match.
    #[default]
    Unique,
    /// The first that matches.
    First,
    /// The one with the highest-ranked output.
    Priority,
    /// All that match must say the same.
    Any,
    /// All that match, aggregated or as a list in no particular order.
    Collect(Option<Aggregation>),
    /// All that match, in the order of the rules.
    RuleOrder,
    /// All that match, in the order of output priority.
    OutputOrder,
}

impl HitPolicy {
    /// Whether several rules may contribute to one result.
    #[must_use]
    pub fn is_multiple(self) -> bool {
        matches!(self, Self::Collect(_) | Self::RuleOrder | Self::OutputOrder)
    }

    /// Its name as files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unique => "UNIQUE",
            Self::First => "FIRST",
            Self::Priority => "PRIORITY",
            Self::Any => "ANY",
            Self::Collect(None) => "COLLECT",
            Self::Collect(Some(Aggregation::Sum)) => "COLLECT SUM",
            Self::Collect(Some(Aggregation::Min)) => "COLLECT MIN",
            Self::Collect(Some(Aggregation::Max)) => "COLLECT MAX",
            Self::Collect(Some(Aggregation::Count)) => "COLLECT COUNT",
            Self::RuleOrder => "RULE ORDER",
            Self::OutputOrder => "OUTPUT ORDER",
        }
    }
}

/// How COLLECT makes one value of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregation {
    /// Their sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
    /// How many.
    Count,
}
