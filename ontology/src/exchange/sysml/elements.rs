//! A system as the elements of SysML v2 in JSON, as model interchange files (KerML, formal/25-09-01, clause 10.3) and the
//! Systems Modeling API hold them: an array of elements, each with `@id` and `@type`, tied together by the relationships
//! that own one another. Written are the attributes that are not derived, and of the derived ones those by which tools
//! find their way (`name`, `qualifiedName`, `owner`, `source`, `target`).
//!
//! It says what the textual notation says ([`super::write`]). Identifiers follow from the names of things, so that a
//! later export of the same system has the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{chain, name, property_name};
use crate::Error;
use crate::index::SystemIndex;
use crate::iri::{node_iri, system_iri};
use crate::model::{Constraint, Node, Requirement, TraceLink};

/// Elements in JSON, and what they could not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elements {
    /// The array.
    pub json: Vec<u8>,
    /// What was left out or is said in words only.
    pub remarks: Vec<String>,
}

/// An element with what it owns.
struct Element {
    id: String,
    kind: &'static str,
    name: Option<String>,
    fields: Vec<(&'static str, Value)>,
    owned: Vec<Relationship>,
}

/// A relationship that an element owns, and the element that this one owns.
struct Relationship {
    id: String,
    kind: &'static str,
    fields: Vec<(&'static str, Value)>,
    /// What it leads to, where it does not own it.
    leads_to: Option<String>,
    owned: Option<Element>,
}

/// An identifier that follows from a name: a UUID of version 8.
fn uuid(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn reference(id: &str) -> Value {
    json!({"@id": id})
}

impl Element {
    fn new(id: String, kind: &'static str, name: Option<&str>) -> Self {
        Self { id, kind, name: name.map(str::to_owned), fields: Vec::new(), owned: Vec::new() }
    }

    fn with(mut self, field: &'static str, value: Value) -> Self {
        self.fields.push((field, value));
        self
    }

    /// Owns another element by a membership of this kind.
    fn own(&mut self, kind: &'static str, owned: Element) {
        let id = uuid(&format!("{}/{kind}/{}", self.id, owned.id));
        let (fields, leads_to) = (Vec::new(), None);
        self.owned.push(Relationship { id, kind, fields, leads_to, owned: Some(owned) });
    }

    /// What people read of it.
    fn document(&mut self, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        let doc = Element::new(uuid(&format!("{}/doc", self.id)), "Documentation", None);
        let doc = doc.with("body", json!(text)).with("locale", Value::Null);
        let kind = if self.kind == "Dependency" { "Annotation" } else { "OwningMembership" };
        self.own(kind, doc);
    }

    /// Says that it stands for a feature, or for one at the end of a chain of features.
    fn refer(&mut self, chain: &[String]) {
        let id = uuid(&format!("{}/reference", self.id));
        let (owned, leads_to) = target(&id, chain);
        let (kind, fields) = ("ReferenceSubsetting", Vec::new());
        self.owned.push(Relationship { id, kind, fields, leads_to, owned });
    }
}

/// What a chain of features leads to: the one feature, or a feature of its own that chains them.
fn target(parent: &str, chain: &[String]) -> (Option<Element>, Option<String>) {
    if let [only] = chain {
        return (None, Some(only.clone()));
    }
    let mut feature = Element::new(uuid(&format!("{parent}/chain")), "Feature", None);
    for (at, link) in chain.iter().enumerate() {
        let id = uuid(&format!("{}/{at}", feature.id));
        let (kind, fields, leads_to) = ("FeatureChaining", Vec::new(), Some(link.clone()));
        feature.owned.push(Relationship { id, kind, fields, leads_to, owned: None });
    }
    (Some(feature), None)
}

/// An expression that is the value of a feature.
fn value_of(chain: &[String], parent: &str) -> Element {
    let mut expression = Element::new(uuid(&format!("{parent}/value")), "FeatureReferenceExpression", None);
    let id = uuid(&format!("{}/referent", expression.id));
    let (owned, leads_to) = target(&id, chain);
    let kind = if owned.is_some() { "OwningMembership" } else { "Membership" };
    expression.owned.push(Relationship { id, kind, fields: Vec::new(), leads_to, owned });
    expression
}

fn literal(kind: &'static str, value: Value, parent: &str) -> Element {
    Element::new(uuid(&format!("{parent}/value")), kind, None).with("value", value)
}

/// An expression of two others.
fn operator(id: String, sign: &str, arguments: Vec<Element>) -> Element {
    let mut whole = Element::new(id, "OperatorExpression", None).with("operator", json!(sign));
    for (at, argument) in arguments.into_iter().enumerate() {
        let mut parameter =
            Element::new(uuid(&format!("{}/{at}", whole.id)), "Feature", None).with("direction", json!("in"));
        parameter.own("FeatureValue", argument);
        whole.own("ParameterMembership", parameter);
    }
    whole
}

/// Writes the members of a package.
type Fill<'a> = fn(&mut Writer<'a>, &mut Package) -> Result<(), Error>;

/// Writes a system, in natural order of ids.
///
/// # Errors
/// [`Error::Store`] where it cannot be written as JSON.
pub fn elements<'a>(system: &'a SystemIndex) -> Result<Elements, Error> {
    let mut writer = Writer { system, json: Vec::new(), counts: BTreeMap::new() };
    writer.json.push(b'[');
    let root = uuid(&system_iri(&system.name));
    let packages: [(&str, Fill<'a>); 7] = [
        ("Requirements", Writer::requirements),
        ("Structure", Writer::structure),
        ("Functions", |writer, package| writer.actions(package, "function")),
        ("Processes", |writer, package| writer.actions(package, "process")),
        ("Interfaces", Writer::interfaces),
        ("Constraints", Writer::constraints),
        ("Traces", Writer::links),
    ];
    let mut whole = Package { id: root.clone(), path: name(&system.name), members: Vec::new() };
    for (title, fill) in packages {
        let id = uuid(&format!("{root}/{title}"));
        let mut package = Package { path: format!("{}::{title}", whole.path), id, members: Vec::new() };
        fill(&mut writer, &mut package)?;
        let membership = whole.membership(&package.id);
        writer.membership("OwningMembership", &membership, &whole.id, &package.id, Some(title))?;
        writer.package(&package, title, Some((&membership, &whole.id)))?;
    }
    writer.package(&whole, &system.name, None)?;
    if writer.json.ends_with(b",") {
        writer.json.pop();
    }
    writer.json.extend_from_slice(b"\n]\n");
    let remarks = writer.counts.into_iter().map(|(what, count)| format!("{count} {what}")).collect();
    Ok(Elements { json: writer.json, remarks })
}

/// A package while its members are written.
struct Package {
    id: String,
    path: String,
    members: Vec<String>,
}

impl Package {
    /// The membership of a new member.
    fn membership(&mut self, member: &str) -> String {
        let id = uuid(&format!("{}/member/{member}", self.id));
        self.members.push(id.clone());
        id
    }
}

struct Writer<'a> {
    system: &'a SystemIndex,
    json: Vec<u8>,
    counts: BTreeMap<&'static str, usize>,
}

impl<'a> Writer<'a> {
    fn remark(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn put(&mut self, element: &Map<String, Value>) -> Result<(), Error> {
        self.json.push(b'\n');
        serde_json::to_writer(&mut self.json, element).map_err(|error| Error::Store(error.to_string()))?;
        self.json.push(b',');
        Ok(())
    }

    /// Writes a member of a package with all it owns.
    fn member(&mut self, package: &mut Package, element: &Element) -> Result<(), Error> {
        let membership = package.membership(&element.id);
        let kind = "OwningMembership";
        self.membership(kind, &membership, &package.id, &element.id, element.name.as_deref())?;
        self.element(element, &membership, &package.id, &package.path)
    }

    fn membership(
        &mut self,
        kind: &str,
        id: &str,
        owner: &str,
        member: &str,
        member_name: Option<&str>,
    ) -> Result<(), Error> {
        let mut out = relationship(kind, id, owner, member, true);
        out.insert("memberElement".into(), reference(member));
        out.insert("memberName".into(), json!(member_name));
        out.insert("memberShortName".into(), Value::Null);
        out.insert("visibility".into(), json!("public"));
        self.put(&out)
    }

    fn package(
        &mut self,
        package: &Package,
        title: &str,
        owned_by: Option<(&str, &str)>,
    ) -> Result<(), Error> {
        let mut out = common("Package", &package.id, Some(title));
        out.insert("name".into(), json!(title));
        out.insert("qualifiedName".into(), json!(package.path));
        out.insert("owner".into(), owned_by.map_or(Value::Null, |(_, owner)| reference(owner)));
        out.insert("owningRelationship".into(), owned_by.map_or(Value::Null, |(by, _)| reference(by)));
        out.insert("ownedRelationship".into(), package.members.iter().map(|id| reference(id)).collect());
        self.put(&out)
    }

    fn element(&mut self, element: &Element, by: &str, owner: &str, path: &str) -> Result<(), Error> {
        let mut out = common(element.kind, &element.id, element.name.as_deref());
        let path = element.name.as_deref().map(|own| format!("{path}::{}", name(own)));
        out.insert("name".into(), json!(element.name));
        out.insert("qualifiedName".into(), json!(path));
        out.insert("owner".into(), reference(owner));
        out.insert("owningRelationship".into(), reference(by));
        let owned = element.owned.iter().map(|relationship| reference(&relationship.id));
        out.insert("ownedRelationship".into(), owned.collect());
        features(element.kind, &mut out);
        out.extend(element.fields.iter().map(|(field, value)| ((*field).to_owned(), value.clone())));
        self.put(&out)?;
        let path = path.unwrap_or_default();
        for relationship in &element.owned {
            self.owned(relationship, &element.id, &path)?;
        }
        Ok(())
    }

    fn owned(&mut self, one: &Relationship, owner: &str, path: &str) -> Result<(), Error> {
        let target = one.owned.as_ref().map(|owned| owned.id.clone()).or_else(|| one.leads_to.clone());
        let target = target.unwrap_or_default();
        let mut out = relationship(one.kind, &one.id, owner, &target, one.owned.is_some());
        match one.kind {
            "ReferenceSubsetting" => {
                out.insert("referencedFeature".into(), reference(&target));
            }
            "FeatureChaining" => {
                out.insert("chainingFeature".into(), reference(&target));
            }
            "Annotation" => {
                out.insert("annotatedElement".into(), reference(owner));
                out.insert("annotatingElement".into(), reference(&target));
                out.insert("source".into(), json!([reference(&target)]));
                out.insert("target".into(), json!([reference(owner)]));
            }
            kind => {
                let member_name = one.owned.as_ref().and_then(|owned| owned.name.clone());
                out.insert("memberElement".into(), reference(&target));
                out.insert("memberName".into(), json!(member_name));
                out.insert("memberShortName".into(), Value::Null);
                out.insert("visibility".into(), json!("public"));
                if kind == "FeatureValue" {
                    out.insert("isDefault".into(), json!(false));
                    out.insert("isInitial".into(), json!(false));
                }
            }
        }
        out.extend(one.fields.iter().map(|(field, value)| ((*field).to_owned(), value.clone())));
        self.put(&out)?;
        match &one.owned {
            Some(owned) => self.element(owned, &one.id, owner, path),
            None => Ok(()),
        }
    }

    fn nodes(&self, kind: &str) -> Vec<&'a Node> {
        self.system.of_kind(kind).map(AsRef::as_ref).collect()
    }

    /// The identifier of a node's element.
    fn id(&self, node: &str) -> Option<String> {
        let kind = self.system.node(node)?.kind();
        Some(uuid(&node_iri(&self.system.name, kind, node)))
    }

    /// The features by which a node is reached: of a component those that lead to it.
    fn chain(&self, node: &str) -> Option<Vec<String>> {
        match self.system.node(node)?.kind() {
            "component" => chain(self.system, node).into_iter().map(|id| self.id(id)).collect(),
            "link" => None,
            _ => Some(vec![self.id(node)?]),
        }
    }

    fn usage(&self, node: &Node, kind: &'static str) -> Element {
        let id = uuid(&node_iri(&self.system.name, node.kind(), node.id()));
        Element::new(id, kind, Some(node.id()))
    }

    fn requirements(&mut self, package: &mut Package) -> Result<(), Error> {
        for node in self.nodes("requirement") {
            let Node::Requirement(requirement) = node else { continue };
            let mut usage = self.usage(node, "RequirementUsage").with("reqId", Value::Null);
            usage.document(&requirement.text);
            let Requirement { group, kind, verification, criterion, .. } = requirement;
            let said =
                [("group", group), ("kind", kind), ("verification", verification), ("criterion", criterion)];
            for (field, value) in said {
                let Some(value) = value else { continue };
                let own = format!("procos {field}");
                let id = uuid(&format!("{}/{field}", usage.id));
                let mut attribute = Element::new(id, "AttributeUsage", Some(&own));
                let value = literal("LiteralString", json!(value), &attribute.id);
                attribute.own("FeatureValue", value);
                usage.own("FeatureMembership", attribute);
            }
            if !requirement.attributes.is_empty() {
                self.remark("requirements have attributes of other tools, which stay out");
            }
            self.member(package, &usage)?;
        }
        Ok(())
    }

    fn structure(&mut self, package: &mut Package) -> Result<(), Error> {
        let properties = super::properties(self.system);
        for node in self.nodes("component") {
            if matches!(node, Node::Component(component) if component.parent.is_none())
                && let Some(part) = self.part(node.id(), &properties)
            {
                self.member(package, &part)?;
            }
        }
        Ok(())
    }

    fn attribute_of(&self, component: &str, property: &str) -> String {
        uuid(&format!("{}/property/{property}", node_iri(&self.system.name, "component", component)))
    }

    fn part(&self, id: &str, properties: &BTreeMap<&str, Vec<&str>>) -> Option<Element> {
        let node = self.system.node(id)?;
        let Node::Component(component) = node.as_ref() else { return None };
        let mut part = self.usage(node, "PartUsage");
        let about = component.description.as_deref().unwrap_or_default();
        part.document(&format!("{} {about}", component.name));
        for property in properties.get(id).into_iter().flatten() {
            let attribute = self.attribute_of(id, property);
            let own = property_name(property);
            part.own("FeatureMembership", Element::new(attribute, "AttributeUsage", Some(&own)));
        }
        for kind in ["performs", "executes"] {
            let ends = self.system.outgoing(id).filter(|edge| edge.kind == kind);
            for end in ends.map(|edge| edge.other.as_str()).collect::<BTreeSet<_>>() {
                let mut perform =
                    Element::new(uuid(&format!("{}/{kind}/{end}", part.id)), "PerformActionUsage", None);
                perform.refer(&self.chain(end)?);
                part.own("FeatureMembership", perform);
            }
        }
        let parts = self.system.incoming(id).filter(|edge| edge.kind == "part_of");
        for inner in parts.filter_map(|edge| self.part(&edge.other, properties)) {
            part.own("FeatureMembership", inner);
        }
        Some(part)
    }

    fn actions(&mut self, package: &mut Package, kind: &str) -> Result<(), Error> {
        for node in self.nodes(kind) {
            let mut action = self.usage(node, "ActionUsage");
            match node {
                Node::Function(function) => action.document(&function.name),
                Node::Process(process) => {
                    action.document(&format!("{} (BPMN process {})", process.name, process.process_id));
                }
                _ => {}
            }
            self.member(package, &action)?;
        }
        Ok(())
    }

    /// Ends of a connection or an allocation.
    fn connect(&self, usage: &mut Element, ends: [&str; 2]) -> Option<()> {
        for (at, end) in ends.into_iter().enumerate() {
            let id = uuid(&format!("{}/end/{at}", usage.id));
            let mut feature = Element::new(id, "ReferenceUsage", None).with("isEnd", json!(true));
            feature.refer(&self.chain(end)?);
            usage.own("EndFeatureMembership", feature);
        }
        Some(())
    }

    fn interfaces(&mut self, package: &mut Package) -> Result<(), Error> {
        for node in self.nodes("interface") {
            let Node::Interface(interface) = node else { continue };
            let mut usage = self.usage(node, "ConnectionUsage");
            let way = if interface.direction == "both" { "both ways" } else { "from source to target" };
            let unit = interface.unit.as_deref().map_or_else(String::new, |unit| format!(" in {unit}"));
            usage.document(&format!("{}: {}{unit}, {way}", interface.name, interface.item));
            self.remark("interfaces say in words what flows");
            if self.connect(&mut usage, [&interface.source, &interface.target]).is_some() {
                self.member(package, &usage)?;
            }
        }
        Ok(())
    }

    fn constraints(&mut self, package: &mut Package) -> Result<(), Error> {
        for node in self.nodes("constraint") {
            let Node::Constraint(constraint) = node else { continue };
            let mut usage = self.usage(node, "ConstraintUsage");
            let Constraint { name, property, comparator, si_value, si_unit, .. } = constraint;
            usage.document(&format!("{name}: {property} {comparator} {si_value} {si_unit}"));
            match self.bounded(constraint, &usage.id) {
                Some(expression) => {
                    usage.own("ResultExpressionMembership", expression);
                    self.remark("constraints are numbers in SI units, which are said in words");
                }
                None => self.remark("constraints of functions are said in words only"),
            }
            self.member(package, &usage)?;
        }
        Ok(())
    }

    /// What is bounded, the sum over the parts of a budget, compared with its bound.
    fn bounded(&self, constraint: &Constraint, usage: &str) -> Option<Element> {
        let mut sum: Option<Element> = None;
        for (at, component) in super::bounded_components(self.system, constraint)?.into_iter().enumerate() {
            let mut features = self.chain(component)?;
            features.push(self.attribute_of(component, &constraint.property));
            let one = value_of(&features, &format!("{usage}/{at}"));
            sum = Some(match sum {
                Some(sum) => operator(uuid(&format!("{usage}/sum/{at}")), "+", vec![sum, one]),
                None => one,
            });
        }
        let sign = if constraint.comparator == "=" { "==" } else { constraint.comparator.as_str() };
        let bound = literal("LiteralRational", json!(constraint.si_value), &format!("{usage}/bound"));
        Some(operator(uuid(&format!("{usage}/result")), sign, vec![sum?, bound]))
    }

    fn links(&mut self, package: &mut Package) -> Result<(), Error> {
        for node in self.nodes("requirement") {
            let Node::Requirement(Requirement { id, parent: Some(parent), .. }) = node else { continue };
            let key = format!("{}/refines/{parent}", uuid(&node_iri(&self.system.name, "requirement", id)));
            if let Some(dependency) = self.dependency(uuid(&key), id, parent, "refines") {
                self.member(package, &dependency)?;
            }
        }
        for node in self.nodes("function") {
            let Node::Function(function) = node else { continue };
            let Some(process) = &function.process else { continue };
            let key = format!("{}/realised", uuid(&node_iri(&self.system.name, "function", &function.id)));
            let mut usage = Element::new(uuid(&key), "AllocationUsage", None);
            if self.connect(&mut usage, [&function.id, process]).is_some() {
                self.member(package, &usage)?;
            }
        }
        for node in self.nodes("link") {
            let Node::Link(link) = node else { continue };
            // The part says it already.
            if link.kind == "performs" {
                continue;
            }
            match self.link(node, link) {
                Some(element) => self.member(package, &element)?,
                None => self.remark("links have an end that stays out, and stay out with it"),
            }
            if !matches!(link.kind.as_str(), "allocated_to" | "realised_by" | "satisfied_by" | "verified_by")
            {
                self.remark("links are dependencies whose kind is said in words");
            }
        }
        Ok(())
    }

    fn dependency(&self, id: String, client: &str, supplier: &str, words: &str) -> Option<Element> {
        let end =
            |node: &str| Some(json!([reference(&self.id(node).filter(|_| self.chain(node).is_some())?)]));
        let (client, supplier) = (end(client)?, end(supplier)?);
        let mut dependency = Element::new(id, "Dependency", None)
            .with("source", client.clone())
            .with("target", supplier.clone())
            .with("client", client)
            .with("supplier", supplier)
            .with("isImplied", json!(false))
            .with("owningRelatedElement", Value::Null)
            .with("ownedRelatedElement", json!([]));
        dependency.document(words);
        Some(dependency)
    }

    fn link(&self, node: &Node, link: &TraceLink) -> Option<Element> {
        let why = link.rationale.as_deref().unwrap_or_default();
        let id = uuid(&node_iri(&self.system.name, "link", node.id()));
        match link.kind.as_str() {
            "allocated_to" | "realised_by" => {
                let mut usage = Element::new(id, "AllocationUsage", None);
                self.connect(&mut usage, [&link.source, &link.target])?;
                usage.document(why);
                Some(usage)
            }
            "satisfied_by" => {
                let mut usage = Element::new(id, "SatisfyRequirementUsage", None)
                    .with("isNegated", json!(false))
                    .with("reqId", Value::Null);
                usage.refer(&self.chain(&link.source)?);
                let subject = uuid(&format!("{}/subject", usage.id));
                let mut subject =
                    Element::new(subject, "ReferenceUsage", None).with("direction", json!("in"));
                let value = value_of(&self.chain(&link.target)?, &subject.id);
                subject.own("FeatureValue", value);
                usage.own("SubjectMembership", subject);
                usage.document(why);
                Some(usage)
            }
            "verified_by" => {
                let mut usage = Element::new(id, "VerificationCaseUsage", Some(&link.id));
                usage.document(why);
                let objective = uuid(&format!("{}/objective", usage.id));
                let mut objective =
                    Element::new(objective, "RequirementUsage", None).with("reqId", Value::Null);
                let verified = uuid(&format!("{}/verified", usage.id));
                let mut verified =
                    Element::new(verified, "RequirementUsage", None).with("reqId", Value::Null);
                verified.refer(&self.chain(&link.source)?);
                objective.own("RequirementVerificationMembership", verified);
                if let Some(membership) = objective.owned.last_mut() {
                    membership.fields.push(("kind", json!("requirement")));
                }
                usage.own("ObjectiveMembership", objective);
                let mut perform =
                    Element::new(uuid(&format!("{}/perform", usage.id)), "PerformActionUsage", None);
                perform.refer(&self.chain(&link.target)?);
                usage.own("FeatureMembership", perform);
                Some(usage)
            }
            kind => self.dependency(id, &link.source, &link.target, &format!("{kind} {why}")),
        }
    }
}

/// What every element has.
fn common(kind: &str, id: &str, name: Option<&str>) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("@type".into(), json!(kind));
    out.insert("@id".into(), json!(id));
    out.insert("elementId".into(), json!(id));
    out.insert("aliasIds".into(), json!([]));
    out.insert("declaredName".into(), json!(name));
    out.insert("declaredShortName".into(), Value::Null);
    out.insert("isImpliedIncluded".into(), json!(false));
    out
}

/// What every relationship has that an element owns.
fn relationship(kind: &str, id: &str, owner: &str, target: &str, owns: bool) -> Map<String, Value> {
    let mut out = common(kind, id, None);
    out.insert("isImplied".into(), json!(false));
    out.insert("ownedRelationship".into(), json!([]));
    out.insert("owningRelationship".into(), Value::Null);
    out.insert("owningRelatedElement".into(), reference(owner));
    let owned = if owns { json!([reference(target)]) } else { json!([]) };
    out.insert("ownedRelatedElement".into(), owned);
    out.insert("source".into(), json!([reference(owner)]));
    out.insert("target".into(), json!([reference(target)]));
    out
}

/// What features say of themselves.
fn features(kind: &str, out: &mut Map<String, Value>) {
    if matches!(kind, "Package" | "Documentation" | "Dependency") {
        return;
    }
    let is_usage = kind.ends_with("Usage");
    let is_occurrence = is_usage && !matches!(kind, "AttributeUsage" | "ReferenceUsage");
    let is_composite = is_occurrence && kind != "PerformActionUsage";
    for (field, value) in [
        ("isAbstract", false),
        ("isComposite", is_composite),
        ("isConstant", false),
        ("isDerived", false),
        ("isEnd", false),
        ("isOrdered", false),
        ("isPortion", false),
        ("isSufficient", false),
        ("isUnique", true),
        ("isVariable", false),
    ] {
        out.insert(field.into(), json!(value));
    }
    out.insert("direction".into(), Value::Null);
    if is_usage {
        out.insert("isVariation".into(), json!(false));
    }
    if is_occurrence {
        out.insert("isIndividual".into(), json!(false));
        out.insert("portionKind".into(), Value::Null);
    }
}

#[cfg(test)]
mod tests;
