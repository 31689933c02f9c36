//! What a case brings along: attributes drawn for each case, and gateways that decide by them.
//!
//! An attribute is a pure function of (seed, replication, case, its name): it is the same at every gateway and every visit
//! of a case, in every version of the process.

use bpmn::expression::{Expression, Limits};
use serde_json::{Map, Value, json};

use super::super::Law;
use super::super::exact::Inexact;
use super::super::random::{Numbers, element_key};
use super::Model;

/// Visits of a gateway that decides by data, after which a case is held to go round for ever: the same data decide alike.
const ROUNDS_LIMIT: u32 = 100;
/// Combinations of what a case may bring along that are gone through one by one.
const COMBINATIONS: usize = 256;
/// Keeps attributes apart from elements of the same name.
const ATTRIBUTE: &str = "\u{1}attribute ";

/// The values an attribute takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// A number.
    Number(Law),
    /// One of these, each with its weight.
    OneOf(Vec<(Value, f64)>),
}

/// An attribute of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The variable that conditions read.
    pub name: String,
    /// What it is.
    pub values: Values,
}

impl Attribute {
    /// Its value at this point, `u` in (0, 1).
    fn value(&self, u: f64) -> Value {
        match &self.values {
            Values::Number(law) => json!(law.quantile(u)),
            Values::OneOf(values) => {
                let sum: f64 = values.iter().map(|(_, weight)| weight).sum();
                let mut reached = 0.0;
                let found = values.iter().find(|(_, weight)| {
                    reached += weight / sum;
                    u < reached
                });
                found.or(values.last()).map_or(Value::Null, |(value, _)| value.clone())
            }
        }
    }
}

/// How a gateway decides by data: its conditions in their order, `None` for a flow without one.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Rule {
    pub(in super::super) conditions: Vec<Option<Expression>>,
    pub(in super::super) default: Option<usize>,
}

impl Model {
    /// What a case brings along.
    #[must_use]
    pub fn attributes_of(&self, numbers: &Numbers, case: u64) -> Map<String, Value> {
        let value = |attribute: &Attribute| {
            let key = element_key(&format!("{ATTRIBUTE}{}", attribute.name));
            (attribute.name.clone(), attribute.value(numbers.uniform(case, key, 0)))
        };
        self.attributes.iter().map(value).collect()
    }

    /// Where a token goes on at a gateway that decides by data, by the gateway's own rule; `None` where no flow can be
    /// taken, or the case goes round for ever.
    pub(in super::super) fn decide(
        &self,
        choice: u16,
        numbers: &Numbers,
        case: u64,
        visit: u32,
    ) -> Option<u16> {
        let choice = self.choices.get(usize::from(choice))?;
        let rule = choice.rule.as_ref().filter(|_| visit <= ROUNDS_LIMIT)?;
        choice.targets.get(rule.way(&self.attributes_of(numbers, case))?).copied()
    }

    /// The model as it is for each combination of what a case may bring along, with the share of such cases; only
    /// attributes that gateways read count.
    pub(in super::super) fn by_data(&self) -> Result<Vec<(f64, Self)>, Inexact> {
        let rules = || self.choices.iter().filter_map(|choice| Some((choice, choice.rule.as_ref()?)));
        let mut combinations = vec![(1.0, Map::new())];
        for attribute in &self.attributes {
            let Some((gateway, _)) = rules().find(|(_, rule)| rule.reads(&attribute.name)) else { continue };
            let Values::OneOf(values) = &attribute.values else {
                let (gateway, attribute) = (gateway.name.clone(), attribute.name.clone());
                return Err(Inexact::Data { gateway, attribute });
            };
            let sum: f64 = values.iter().map(|(_, weight)| weight).sum();
            if combinations.len() * values.len() > COMBINATIONS {
                return Err(Inexact::Combinations(COMBINATIONS));
            }
            let with = |(share, known): &(f64, Map<String, Value>)| {
                let (share, known) = (*share, known.clone());
                let one = move |(value, weight): &(Value, f64)| {
                    let mut known = known.clone();
                    known.insert(attribute.name.clone(), value.clone());
                    (share * weight / sum, known)
                };
                values.iter().map(one).collect::<Vec<_>>()
            };
            combinations = combinations.iter().flat_map(with).collect();
        }
        let decided = |(share, values): (f64, Map<String, Value>)| {
            let mut model = self.clone();
            for choice in &mut model.choices {
                if let Some(rule) = &choice.rule {
                    let way = rule.way(&values);
                    choice.shares = (0..choice.targets.len())
                        .map(|place| f64::from(u8::from(way == Some(place))))
                        .collect();
                }
            }
            (share, model)
        };
        Ok(combinations.into_iter().map(decided).collect())
    }
}

impl Rule {
    /// The way of a case with these values; `None` where no flow can be taken.
    fn way(&self, values: &Map<String, Value>) -> Option<usize> {
        let holds = |condition: &Option<Expression>| match condition {
            None => true,
            Some(condition) => condition.evaluate_condition(values, Limits::at(0)).unwrap_or(false),
        };
        let mut ways = self.conditions.iter().enumerate();
        ways.position(|(way, condition)| self.default != Some(way) && holds(condition)).or(self.default)
    }

    fn reads(&self, name: &str) -> bool {
        self.conditions
            .iter()
            .flatten()
            .any(|condition| condition.variables().iter().any(|read| read == name))
    }
}
