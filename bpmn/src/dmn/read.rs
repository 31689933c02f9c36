//! From XML to decisions: resolves every reference, parses every expression, and refuses with element, line and hint
//! whatever would not be evaluated.

mod logic;
mod types;

use std::collections::HashMap;

use super::model::{Decision, InputData, KnowledgeModel, Model};
use super::requirements::{self, Needs};
use super::{Logic, MAX_DECISIONS};
use crate::compile::MAX_PROBLEMS;
use crate::error::{Error, Place, Problems};
use crate::expression::{Expression, ParseMode, ValueType};
use crate::model::RawElement;
use types::Types;

/// Namespaces of DMN 1.1 to 1.5, as the standard's schemas give them.
const NAMESPACES: [&str; 5] = [
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "https://www.omg.org/spec/DMN/20230324/MODEL/",
];
/// How far into a file its namespace is looked for, in characters.
const HEAD: usize = 8 * 1024;

/// Whether a file is DMN rather than BPMN, by the namespaces that it declares at its head.
#[must_use]
pub fn is_dmn(bytes: &[u8]) -> bool {
    let Ok(text) = crate::xml::decode(bytes) else { return false };
    let head: String = text.chars().take(HEAD).collect();
    head.contains("omg.org/spec/DMN/") && !head.contains(crate::xml::namespace::BPMN)
}

/// Reads a DMN file.
///
/// # Errors
/// All problems found: where it is no DMN, exceeds a limit, refers to nothing, has decisions that need each other in
/// a circle, or holds what is not evaluated.
pub fn read(bytes: &[u8]) -> Result<Model, Problems> {
    let root = crate::xml::parse(bytes)?.root;
    if !NAMESPACES.contains(&&*root.namespace) || root.local_name != "definitions" {
        let reason =
            format!("its root element is {} in the namespace {:?}", root.local_name, &*root.namespace);
        return Err(Error::NotDmn { reason, place: Place::at("", root.line.0) }.into());
    }
    check_ids(&root)?;
    let mut reader = Reader::over(&root);
    let model = reader.model(&root);
    if reader.problems.is_empty() {
        Ok(model)
    } else {
        reader.problems.truncate(MAX_PROBLEMS);
        Err(Problems(reader.problems))
    }
}

/// Refuses an id that two elements of the model share. The parser bounds the depth.
fn check_ids(root: &RawElement) -> Result<(), Error> {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut open = vec![root];
    while let Some(element) = open.pop() {
        if element.namespace == root.namespace
            && let Some(id) = element.get("id")
            && let Some(first) = seen.insert(id, element.line.0)
        {
            let place = Place::at(id, element.line.0);
            return Err(Error::DuplicateId { id: id.to_owned(), first, place });
        }
        let children: Vec<&RawElement> = element.elements().collect();
        open.extend(children.into_iter().rev());
    }
    Ok(())
}

/// Reads one file.
struct Reader<'a> {
    /// The expression language where an element says none.
    language: &'a str,
    /// Names that the expression parser must know: functions, and names with spaces.
    names: Vec<&'a str>,
    types: Types<'a>,
    problems: Vec<Error>,
}

/// The first child of this name.
fn child<'a>(element: &'a RawElement, local_name: &str) -> Option<&'a RawElement> {
    element.elements().find(|each| each.local_name == local_name && each.namespace == element.namespace)
}

/// The children of this name.
fn children<'a>(element: &'a RawElement, local_name: &'a str) -> impl Iterator<Item = &'a RawElement> {
    element.elements_named(local_name)
}

/// The text of the child `text`, trimmed.
fn text_of(element: &RawElement) -> String {
    child(element, "text").map(RawElement::text).unwrap_or_default()
}

/// An attribute that says something.
fn said<'a>(element: &'a RawElement, name: &str) -> Option<&'a str> {
    element.get(name).map(str::trim).filter(|value| !value.is_empty())
}

fn place(element: &RawElement) -> Place {
    Place::at(element.get("id").unwrap_or_default(), element.line.0)
}

/// Of a reference in this file (`#id`) the id.
fn target<'a>(requirement: &'a RawElement, local_name: &str) -> Option<&'a str> {
    let href = child(requirement, local_name)?.get("href")?;
    Some(href.rsplit('#').next().unwrap_or(href))
}

impl<'a> Reader<'a> {
    fn over(root: &'a RawElement) -> Self {
        let mut names = Vec::new();
        for element in root.elements().filter(|each| each.namespace == root.namespace) {
            let variable = child(element, "variable").and_then(|variable| said(variable, "name"));
            let both = [said(element, "name"), variable].into_iter().flatten();
            match element.local_name.as_str() {
                "businessKnowledgeModel" => names.extend(both),
                "decision" | "inputData" => names.extend(both.filter(|name| name.contains(' '))),
                _ => {}
            }
        }
        let language = said(root, "expressionLanguage").unwrap_or_default();
        Self { language, names, types: Types::default(), problems: Vec::new() }
    }

    fn model(&mut self, root: &'a RawElement) -> Model {
        let mut model = Model {
            id: root.get("id").unwrap_or_default().to_owned(),
            name: said(root, "name").map(str::to_owned),
            ..Model::default()
        };
        self.item_definitions(root);
        let mut decisions: Vec<&RawElement> = Vec::new();
        for element in root.elements().filter(|each| each.namespace == root.namespace) {
            match element.local_name.as_str() {
                "decision" => decisions.push(element),
                "inputData" => model.inputs.extend(self.input_data(element)),
                "businessKnowledgeModel" => model.knowledge.extend(self.knowledge_model(element)),
                "decisionService" => {
                    self.refuse(element, "a decision service", "call its output decision by its own id");
                }
                "import" => self.refuse(element, "an import", "put the imported elements into this file"),
                _ => {}
            }
        }
        if decisions.is_empty() {
            let reason = "it holds no decision".to_owned();
            self.problems.push(Error::NotDmn { reason, place: place(root) });
        }
        if decisions.len() > MAX_DECISIONS {
            let limit = Error::Limit { what: "decisions", limit: MAX_DECISIONS, place: place(root) };
            self.problems.push(limit);
            return model;
        }
        let order = self.requirements(root, &decisions);
        for (element, requires) in decisions.iter().zip(order) {
            if let Some(logic) = self.decision_logic(element) {
                model.decisions.push(self.decision(element, requires, logic));
            }
        }
        model
    }

    fn decision(&mut self, element: &RawElement, requires: Vec<usize>, logic: Logic) -> Decision {
        let id = element.get("id").unwrap_or_default().to_owned();
        let variable = child(element, "variable");
        let tag = element.attributes.iter().find(|each| each.local_name == "versionTag");
        let tag = tag.map(|each| each.value.as_str()).or_else(|| {
            let extensions = child(element, "extensionElements")?;
            extensions.elements().find(|each| each.local_name == "versionTag")?.get("value")
        });
        Decision {
            name: said(element, "name").unwrap_or(&id).to_owned(),
            id,
            variable: variable.and_then(|variable| said(variable, "name")).map(str::to_owned),
            value_type: variable.and_then(|variable| self.value_type(variable)),
            version_tag: tag.map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned),
            line: element.line.0,
            requires,
            logic,
        }
    }

    /// In which order each decision's requirements are evaluated.
    fn requirements(&mut self, root: &RawElement, decisions: &[&'a RawElement]) -> Vec<Vec<usize>> {
        let places: HashMap<&str, usize> = decisions
            .iter()
            .enumerate()
            .filter_map(|(place, element)| Some((element.get("id")?, place)))
            .collect();
        let kinds: HashMap<&str, &str> = root
            .elements()
            .filter_map(|element| Some((element.get("id")?, element.local_name.as_str())))
            .collect();
        let mut needs = Vec::with_capacity(decisions.len());
        for element in decisions {
            if element.get("id").is_none_or(str::is_empty) {
                self.missing(element, "id");
            }
            let mut direct = Vec::new();
            for requirement in children(element, "informationRequirement") {
                if let Some(id) = target(requirement, "requiredDecision") {
                    match places.get(id) {
                        Some(place) => direct.push(*place),
                        None => self.dangling(element, requirement, "requiredDecision", id),
                    }
                }
                if let Some(id) = target(requirement, "requiredInput")
                    && kinds.get(id) != Some(&"inputData")
                {
                    self.dangling(element, requirement, "requiredInput", id);
                }
            }
            for requirement in children(element, "knowledgeRequirement") {
                if let Some(id) = target(requirement, "requiredKnowledge")
                    && kinds.get(id) != Some(&"businessKnowledgeModel")
                {
                    self.dangling(element, requirement, "requiredKnowledge", id);
                }
            }
            needs.push(Needs { id: element.get("id").unwrap_or_default(), line: element.line.0, direct });
        }
        match requirements::order(&needs) {
            Ok(order) => order,
            Err(cycle) => {
                self.problems.push(cycle);
                vec![Vec::new(); decisions.len()]
            }
        }
    }

    fn input_data(&mut self, element: &RawElement) -> Option<InputData> {
        let variable = child(element, "variable");
        let name = variable.and_then(|variable| said(variable, "name")).or_else(|| said(element, "name"))?;
        let value_type = variable.and_then(|variable| self.value_type(variable));
        Some(InputData { name: name.to_owned(), value_type })
    }

    fn knowledge_model(&mut self, element: &RawElement) -> Option<KnowledgeModel> {
        let variable = child(element, "variable").and_then(|variable| said(variable, "name"));
        let Some(name) = said(element, "name").or(variable) else {
            self.missing(element, "name");
            return None;
        };
        let Some(logic) = child(element, "encapsulatedLogic") else {
            self.missing(element, "encapsulated logic");
            return None;
        };
        if logic.get("kind").is_some_and(|kind| kind != "FEEL") {
            self.refuse(element, "a function that is not written in FEEL", "write its body in FEEL");
            return None;
        }
        let Some(body) = child(logic, "literalExpression") else {
            let hint = "write its body as a literal expression, or make it a decision";
            self.refuse(element, "a business knowledge model without literal expression", hint);
            return None;
        };
        let parameters: Vec<&str> =
            children(logic, "formalParameter").filter_map(|parameter| said(parameter, "name")).collect();
        let text = format!("function({}) {}", parameters.join(", "), text_of(body));
        let function = self.expression(element, body, "business knowledge model", &text)?;
        Some(KnowledgeModel { name: name.to_owned(), function })
    }

    /// Parses an expression that `owner` holds; `None`, with a problem noted, where that fails.
    fn expression(
        &mut self,
        owner: &RawElement,
        element: &RawElement,
        what: &str,
        text: &str,
    ) -> Option<Expression> {
        if !self.check_language(owner, element, what, text) {
            return None;
        }
        let parsed = if text.contains("${") || text.contains("#{") {
            Expression::parse(text, ParseMode::Condition)
        } else {
            Expression::feel_with_names(text, &self.names)
        };
        self.parsed(owner, element, what, parsed)
    }

    /// Parses unary tests.
    fn tests(
        &mut self,
        owner: &RawElement,
        element: &RawElement,
        what: &str,
        text: &str,
    ) -> Option<Expression> {
        if !self.check_language(owner, element, what, text) {
            return None;
        }
        let parsed = Expression::unary_tests_with_names(text, &self.names);
        self.parsed(owner, element, what, parsed)
    }

    fn parsed(
        &mut self,
        owner: &RawElement,
        element: &RawElement,
        what: &str,
        parsed: Result<Expression, crate::expression::ExpressionError>,
    ) -> Option<Expression> {
        parsed
            .map_err(|error| {
                self.problems.push(Error::Expression {
                    attribute: what.to_owned(),
                    reason: format!("{error}; {}", error.hint()),
                    place: within(owner, element),
                });
            })
            .ok()
    }

    fn check_language(&mut self, owner: &RawElement, element: &RawElement, what: &str, text: &str) -> bool {
        let language = said(element, "expressionLanguage").unwrap_or(self.language).to_ascii_lowercase();
        let is_juel = language.contains("juel") && text.contains("${");
        if language.is_empty() || language.contains("feel") || is_juel {
            return true;
        }
        let what = format!("{what} in the language {language:?}");
        self.problems.push(Error::NotExecuted {
            what,
            hint: "write it in FEEL",
            place: within(owner, element),
        });
        false
    }

    fn refuse(&mut self, element: &RawElement, what: impl Into<String>, hint: &'static str) {
        self.problems.push(Error::NotExecuted { what: what.into(), hint, place: place(element) });
    }

    fn missing(&mut self, element: &RawElement, what: &'static str) {
        let local_name = element.local_name.clone();
        self.problems.push(Error::Missing { local_name, what, place: place(element) });
    }

    fn dangling(&mut self, owner: &RawElement, element: &RawElement, attribute: &'static str, id: &str) {
        let target = id.to_owned();
        self.problems.push(Error::Dangling { attribute, target, place: within(owner, element) });
    }

    /// The type that the `typeRef` of an element names.
    fn value_type(&self, element: &RawElement) -> Option<ValueType> {
        self.types.of(said(element, "typeRef")?).value_type
    }
}

/// The place of an element inside another: its own id where it has one.
fn within(owner: &RawElement, element: &RawElement) -> Place {
    Place::at(said(element, "id").or_else(|| said(owner, "id")).unwrap_or_default(), element.line.0)
}
