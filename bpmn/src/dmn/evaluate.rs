//! Evaluates a decision with all that it needs, and says why it decided so.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::EvaluationError;
use super::hit_policy::{Match, Outcome};
use super::model::{Decision, Logic, Model, Table};
use super::table;
use crate::expression::{Computed, Expression, ExpressionError, Limits, Lookup, ValueType};

/// Rules that matched which an explanation lists at most.
pub(super) const MAX_EXPLAINED_RULES: usize = 50;
/// Longer values are cut in an explanation, in bytes of JSON.
const MAX_EXPLAINED_BYTES: usize = 512;

/// What a decision gave, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The result: the value of the only output or a context of several; a list of these where the hit policy gives
    /// all rules; null where no rule matches.
    pub value: Value,
    /// The result as Camunda 7 sees it: for each rule that counts the values by output name.
    pub rows: Vec<Map<String, Value>>,
    /// How each decision was made, those that were needed first.
    pub decisions: Vec<ExplainedDecision>,
}

/// How one decision was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedDecision {
    /// Its id.
    pub decision: String,
    /// Its name.
    pub name: String,
    /// The hit policy; `None` for a literal expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_policy: Option<String>,
    /// What was tested: label and value of each input column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<(String, Value)>,
    /// The rules that matched, in order; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ExplainedRule>,
    /// How many rules matched.
    #[serde(default)]
    pub matched: usize,
    /// Its result.
    pub result: Value,
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedRule {
    /// Its number in the table, from 1.
    pub rule: u32,
    /// Its id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// What its author says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation: Option<String>,
    /// Its outputs, in the order of the columns.
    pub outputs: Vec<Value>,
}

/// The variables that a decision sees: what was decided before it, typed inputs and functions, then what was given.
pub(super) struct Scope<'a> {
    given: &'a dyn Lookup,
    made: Vec<(String, Computed)>,
}

impl Scope<'_> {
    fn find(&self, name: &str) -> Option<&Computed> {
        self.made.iter().rev().find(|(made, _)| made == name).map(|(_, value)| value)
    }
}

impl Lookup for Scope<'_> {
    fn lookup(&self, name: &str) -> Option<Value> {
        match self.find(name) {
            Some(value) => value.to_json().ok(),
            None => self.given.lookup(name),
        }
    }

    fn lookup_ref(&self, name: &str) -> Option<&Value> {
        if self.find(name).is_some() { None } else { self.given.lookup_ref(name) }
    }

    fn lookup_computed(&self, name: &str) -> Option<Computed> {
        self.find(name).cloned().or_else(|| self.given.lookup_computed(name))
    }
}

/// One decision being made: its id for messages, what it sees and what is left of the budget.
pub(super) struct Question<'a> {
    pub(super) decision: &'a str,
    pub(super) scope: Scope<'a>,
    pub(super) limits: Limits,
}

impl Question<'_> {
    pub(super) fn compute(
        &mut self,
        expression: &Expression,
        what: impl Fn() -> String,
    ) -> Result<Computed, EvaluationError> {
        let computed = expression.compute(&self.scope, &mut self.limits);
        computed.map_err(|error| self.failed(what(), &error))
    }

    fn failed(&self, place: String, error: &ExpressionError) -> EvaluationError {
        let reason = format!("{} {error}", error.code());
        EvaluationError::Expression { decision: self.decision.to_owned(), place, reason }
    }

    pub(super) fn converted(
        &self,
        value: Computed,
        to: Option<ValueType>,
        what: impl Fn() -> String,
    ) -> Result<Computed, EvaluationError> {
        let Some(to) = to else { return Ok(value) };
        value.converted(to).ok_or_else(|| EvaluationError::WrongType {
            decision: self.decision.to_owned(),
            what: what(),
            value: shown(&value).to_string(),
            found: value.type_name(),
            expected: to.name(),
        })
    }

    pub(super) fn check_allowed(
        &mut self,
        value: &Computed,
        allowed: Option<&Expression>,
        what: impl Fn() -> String,
    ) -> Result<(), EvaluationError> {
        let Some(allowed) = allowed.filter(|_| !value.is_null()) else { return Ok(()) };
        let is_allowed = allowed.accepts(value, &self.scope, &mut self.limits);
        if is_allowed.map_err(|error| self.failed(format!("the allowed values of {}", what()), &error))? {
            return Ok(());
        }
        Err(EvaluationError::NotAllowed {
            decision: self.decision.to_owned(),
            what: what(),
            value: shown(value).to_string(),
            allowed: allowed.source().to_owned(),
        })
    }
}

/// Makes a decision: first those it needs, each once, then itself. The step budget holds for all of them together.
///
/// # Errors
/// [`EvaluationError`], which names the decision, the rule or input, and the way out.
pub fn evaluate(
    model: &Model,
    decision_id: &str,
    variables: &dyn Lookup,
    limits: Limits,
) -> Result<Evaluation, EvaluationError> {
    let Some(asked) = model.decision(decision_id) else {
        return Err(EvaluationError::Unknown { decision: decision_id.to_owned() });
    };
    let scope = Scope { given: variables, made: Vec::new() };
    let mut question = Question { decision: decision_id, scope, limits };
    prepare(model, &mut question)?;
    let needed = asked.requires.iter().filter_map(|place| model.decisions.get(*place));
    let mut decisions = Vec::new();
    for decision in needed {
        question.decision = &decision.id;
        let (made, explained) = decide(decision, &mut question)?;
        decisions.push(explained);
        make_known(decision, made, &mut question.scope);
    }
    question.decision = &asked.id;
    let (made, explained) = decide(asked, &mut question)?;
    decisions.push(explained);
    let json =
        |value: &Computed| value.to_json().map_err(|error| question.failed("the result".to_owned(), &error));
    let mut rows = Vec::with_capacity(made.rows.len());
    for row in &made.rows {
        let mut entries = Map::new();
        for (name, value) in row {
            entries.insert(name.clone(), json(value)?);
        }
        rows.push(entries);
    }
    Ok(Evaluation { value: json(&made.value)?, rows, decisions })
}

/// Inputs of a declared type, so that a date that comes as text is a date, and the functions of the file.
fn prepare(model: &Model, question: &mut Question<'_>) -> Result<(), EvaluationError> {
    for input in &model.inputs {
        let (Some(to), Some(given)) = (input.value_type, question.scope.given.lookup(&input.name)) else {
            continue;
        };
        let what = || format!("the input {}", input.name);
        let value = Computed::of(&given).map_err(|error| question.failed(what(), &error))?;
        // A value of another type is told by the column that reads it.
        if let Some(value) = value.converted(to) {
            question.scope.made.push((input.name.clone(), value));
        }
    }
    for model in &model.knowledge {
        let function = question.compute(&model.function, || format!("the function {}", model.name))?;
        question.scope.made.push((model.name.clone(), function));
    }
    Ok(())
}

/// A result inside an evaluation.
struct Made {
    value: Computed,
    rows: Vec<Vec<(String, Computed)>>,
}

fn decide(
    decision: &Decision,
    question: &mut Question<'_>,
) -> Result<(Made, ExplainedDecision), EvaluationError> {
    let mut explained = ExplainedDecision {
        decision: decision.id.clone(),
        name: decision.name.clone(),
        hit_policy: None,
        inputs: Vec::new(),
        rules: Vec::new(),
        matched: 0,
        result: Value::Null,
    };
    let made = match &decision.logic {
        Logic::Literal(expression) => {
            let what = || "the literal expression".to_owned();
            let value = question.compute(expression, what)?;
            let value = question.converted(value, decision.value_type, || "the result".to_owned())?;
            let name = decision.variable.as_ref().unwrap_or(&decision.name).clone();
            Made { rows: vec![vec![(name, value.clone())]], value }
        }
        Logic::Table(table) => {
            let decided = table::decide(question, table)?;
            explained.hit_policy = Some(table.hit_policy.name().to_owned());
            explained.inputs = decided.inputs;
            explained.rules = decided.rules;
            explained.matched = decided.matched;
            let too_large = |error: ExpressionError| question.failed("the result".to_owned(), &error);
            together(decision, table, decided.outcome).map_err(too_large)?
        }
    };
    explained.result = shown(&made.value);
    Ok((made, explained))
}

/// The rows that count as one value, and by name.
fn together(decision: &Decision, table: &Table, outcome: Outcome) -> Result<Made, ExpressionError> {
    let only = decision.variable.as_ref().unwrap_or(&decision.name);
    let named = |place: usize| {
        let name = &table.outputs[place].name;
        if name.is_empty() { only.clone() } else { name.clone() }
    };
    let row = |one: &Match| -> Vec<(String, Computed)> {
        one.outputs.iter().enumerate().map(|(place, value)| (named(place), value.clone())).collect()
    };
    let value = |one: &Match| match one.outputs.as_slice() {
        [only] => Ok(only.clone()),
        _ => {
            let names = table.outputs.iter().map(|output| output.name.as_str());
            Computed::context(names.zip(one.outputs.iter().cloned()))
        }
    };
    Ok(match outcome {
        Outcome::One(None) => Made { value: Computed::null(), rows: Vec::new() },
        Outcome::One(Some(one)) => Made { value: value(&one)?, rows: vec![row(&one)] },
        Outcome::All(all) => {
            let values = all.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            Made { value: Computed::list(values)?, rows: all.iter().map(row).collect() }
        }
        Outcome::Aggregate(value) => Made { rows: vec![vec![(named(0), value.clone())]], value },
    })
}

/// Lets later decisions see a result: by the name of its variable, of the decision and its id, and, as in Camunda 7,
/// by the names of its outputs.
fn make_known(decision: &Decision, made: Made, scope: &mut Scope<'_>) {
    if let Logic::Table(table) = &decision.logic {
        for output in table.outputs.iter().filter(|output| !output.name.is_empty()) {
            let values = made.rows.iter().flatten().filter(|(name, _)| *name == output.name);
            let mut values: Vec<Computed> = values.map(|(_, value)| value.clone()).collect();
            let is_list = table.hit_policy.is_multiple() && made.value.is_list();
            let value = match values.pop() {
                Some(only) if !is_list => only,
                None if !is_list => Computed::null(),
                last => {
                    values.extend(last);
                    // A part of a value that was small enough.
                    Computed::list(values).unwrap_or_else(|_| Computed::null())
                }
            };
            scope.made.push((output.name.clone(), value));
        }
    }
    let names = [Some(&decision.id), Some(&decision.name), decision.variable.as_ref()];
    for name in names.into_iter().flatten() {
        scope.made.push((name.clone(), made.value.clone()));
    }
}

/// A value as an explanation shows it: cut where it is long.
pub(super) fn shown(value: &Computed) -> Value {
    let json = value.to_json().unwrap_or_else(|_| Value::from(value.type_name()));
    let text = json.to_string();
    if text.len() <= MAX_EXPLAINED_BYTES {
        return json;
    }
    let kept: String = text.chars().take(MAX_EXPLAINED_BYTES / 4).collect();
    Value::from(format!("{kept}… ({} bytes)", text.len()))
}
