//! From the model to XML, in the order of the standard's schema, the same text for the same model.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

use crate::model::{
    Artifact, ArtifactKind, Collaboration, DataElement, DataElementKind, Definitions, Element, FlowNode,
    FormalExpression, LaneSet, Process, RawAttribute, RawElement, RawNode, RootElement, SequenceFlow,
};
use crate::xml::namespace::{BPMN, PREFERRED, XML, XSI};
use crate::xml::tree::is_forbidden;
use crate::xml::{write_diagram, write_node};

/// Writes a file. Reading it again gives an equal model.
#[must_use]
pub fn write(definitions: &Definitions) -> String {
    let mut out = Writer::over(definitions);
    out.depth = 1;
    let is_import = |raw: &&RawElement| raw.is(BPMN, "import") || raw.is(BPMN, "extension");
    out.describe(&definitions.element);
    for raw in definitions.others.iter().filter(is_import) {
        out.raw(raw);
    }
    for (name, code, elements) in [
        ("message", "", &definitions.messages),
        ("signal", "", &definitions.signals),
        ("error", "errorCode", &definitions.errors),
        ("escalation", "escalationCode", &definitions.escalations),
    ] {
        for element in elements {
            out.root_element(name, code, element);
        }
    }
    for raw in definitions.others.iter().filter(|raw| !is_import(raw) && !raw.is(BPMN, "relationship")) {
        out.raw(raw);
    }
    for collaboration in &definitions.collaborations {
        out.collaboration(collaboration);
    }
    for process in &definitions.processes {
        out.process(process);
    }
    for diagram in &definitions.diagrams {
        write_diagram::diagram(&mut out, diagram);
    }
    for raw in definitions.others.iter().filter(|raw| raw.is(BPMN, "relationship")) {
        out.raw(raw);
    }
    out.rest(&definitions.element);
    out.finish(definitions)
}

/// Typed attributes of an element, in writing order; `None` is left out.
pub(super) type Attributes<'a> = &'a [(&'a str, Option<&'a str>)];

pub(super) struct Writer<'a> {
    out: String,
    depth: usize,
    /// Namespace → prefix, of those used so far.
    used: HashMap<String, String>,
    declared: &'a indexmap::IndexMap<String, String>,
    taken: HashSet<String>,
}

impl<'a> Writer<'a> {
    fn over(definitions: &'a Definitions) -> Self {
        let taken = PREFERRED.iter().map(|(prefix, _)| (*prefix).to_owned()).collect();
        Self { out: String::new(), depth: 0, used: HashMap::new(), declared: &definitions.prefixes.0, taken }
    }

    fn finish(mut self, definitions: &Definitions) -> String {
        let body = std::mem::take(&mut self.out);
        self.depth = 0;
        self.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let root = self.name(BPMN, "definitions");
        let mut attributes = String::new();
        std::mem::swap(&mut attributes, &mut self.out);
        self.attribute("id", Some(&definitions.element.id).filter(|id| !id.is_empty()).map(String::as_str));
        self.attribute("name", definitions.element.name.as_deref());
        self.other_attributes(&definitions.element.attributes);
        std::mem::swap(&mut attributes, &mut self.out);
        let mut declarations: BTreeMap<String, &str> = BTreeMap::new();
        for (prefix, namespace) in self.declared {
            if !PREFERRED.iter().any(|(preferred, _)| preferred == prefix) && prefix != "xmlns" {
                declarations.insert(prefix.clone(), namespace);
            }
        }
        for (namespace, prefix) in &self.used {
            if namespace != XML {
                declarations.insert(prefix.clone(), namespace);
            }
        }
        let mut out = std::mem::take(&mut self.out);
        let _ = write!(out, "<{root}");
        for (prefix, namespace) in declarations {
            let _ = write!(out, " xmlns:{prefix}=\"{}\"", escape_attribute(namespace));
        }
        out.push_str(&attributes);
        out.push_str(">\n");
        out.push_str(&body);
        let _ = writeln!(out, "</{root}>");
        out
    }

    /// The qualified name, declaring the namespace when it is first used.
    fn name(&mut self, namespace: &str, local_name: &str) -> String {
        if namespace.is_empty() {
            return local_name.to_owned();
        }
        if let Some(prefix) = self.used.get(namespace) {
            return format!("{prefix}:{local_name}");
        }
        let preferred =
            PREFERRED.iter().find(|(_, uri)| *uri == namespace).map(|(prefix, _)| (*prefix).to_owned());
        let from_file = || {
            let found =
                self.declared.iter().find(|(prefix, uri)| *uri == namespace && !self.taken.contains(*prefix));
            found.map(|(prefix, _)| prefix.clone())
        };
        let prefix = preferred.or_else(from_file).unwrap_or_else(|| {
            let numbered = (1_usize..).map(|number| format!("ns{number}"));
            let mut free = numbered.filter(|it| !self.taken.contains(it) && !self.declared.contains_key(it));
            free.next().unwrap_or_default()
        });
        self.taken.insert(prefix.clone());
        self.used.insert(namespace.to_owned(), prefix.clone());
        format!("{prefix}:{local_name}")
    }

    fn indent(&mut self) {
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }

    fn attribute(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            let _ = write!(self.out, " {name}=\"{}\"", escape_attribute(value));
        }
    }

    fn other_attributes(&mut self, attributes: &[RawAttribute]) {
        for attribute in attributes {
            let name = self.name(&attribute.namespace, &attribute.local_name);
            self.attribute(&name, Some(&attribute.value));
        }
    }

    /// Writes the start tag of a typed element up to its attributes, without closing the tag.
    fn begin(&mut self, local_name: &str, element: &Element, typed: Attributes<'_>) -> String {
        self.indent();
        let name = self.name(BPMN, local_name);
        let _ = write!(self.out, "<{name}");
        self.attribute("id", Some(element.id.as_str()).filter(|id| !id.is_empty()));
        self.attribute("name", element.name.as_deref());
        for (attribute, value) in typed {
            self.attribute(attribute, *value);
        }
        self.other_attributes(&element.attributes);
        name
    }

    /// Writes a typed element with the contents that `inside` writes.
    pub(super) fn typed(
        &mut self,
        local_name: &str,
        element: &Element,
        typed: Attributes<'_>,
        inside: impl FnOnce(&mut Self),
    ) {
        let name = self.open(local_name, element, typed);
        inside(self);
        self.rest(element);
        self.close(&name);
    }

    /// Opens a typed element and writes its documentation and extensions.
    pub(super) fn open(&mut self, local_name: &str, element: &Element, typed: Attributes<'_>) -> String {
        let name = self.begin(local_name, element, typed);
        self.out.push_str(">\n");
        self.depth += 1;
        self.describe(element);
        name
    }

    /// Closes an element; one without contents becomes an empty tag.
    pub(super) fn close(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        if self.out.ends_with(">\n") && self.ends_with_open_tag(name) {
            self.out.truncate(self.out.len() - 2);
            self.out.push_str(" />\n");
            return;
        }
        self.indent();
        let _ = writeln!(self.out, "</{name}>");
    }

    fn ends_with_open_tag(&self, name: &str) -> bool {
        let text = &self.out[..self.out.len() - 2];
        let line = &text[text.rfind('\n').map_or(0, |at| at + 1)..];
        let Some(rest) = line.trim_start().strip_prefix('<').and_then(|rest| rest.strip_prefix(name)) else {
            return false;
        };
        (rest.is_empty() || rest.starts_with(' '))
            && !rest.ends_with('/')
            && !rest.contains("</")
            && !rest.contains('>')
    }

    /// Writes documentation and extension elements.
    pub(super) fn describe(&mut self, element: &Element) {
        for documentation in &element.documentation {
            self.indent();
            let name = self.name(BPMN, "documentation");
            let _ = write!(self.out, "<{name}");
            self.other_attributes(&documentation.attributes);
            let _ = writeln!(self.out, ">{}</{name}>", escape_text(&documentation.text));
        }
        if !element.extensions.is_empty() {
            self.indent();
            let name = self.name(BPMN, "extensionElements");
            let _ = writeln!(self.out, "<{name}>");
            self.depth += 1;
            for extension in &element.extensions {
                self.raw(extension);
            }
            self.close(&name);
        }
    }

    /// Writes the untyped children.
    pub(super) fn rest(&mut self, element: &Element) {
        for child in &element.children {
            self.raw(child);
        }
    }

    /// Writes an element that only has a text.
    pub(super) fn text_element(&mut self, local_name: &str, text: &str) {
        self.indent();
        let name = self.name(BPMN, local_name);
        let _ = writeln!(self.out, "<{name}>{}</{name}>", escape_text(text));
    }

    /// Writes an expression.
    pub(super) fn expression(&mut self, local_name: &str, expression: Option<&FormalExpression>) {
        let Some(expression) = expression else { return };
        self.indent();
        let name = self.name(BPMN, local_name);
        let xsi_type = self.name(XSI, "type");
        let _ = write!(self.out, "<{name} {xsi_type}=\"bpmn:tFormalExpression\"");
        self.attribute("language", expression.language.as_deref());
        self.other_attributes(&expression.attributes);
        if expression.children.is_empty() {
            let _ = writeln!(self.out, ">{}</{name}>", escape_text(&expression.text));
            return;
        }
        let _ = writeln!(self.out, ">{}", escape_text(&expression.text));
        self.depth += 1;
        for child in &expression.children {
            self.raw(child);
        }
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.out, "</{name}>");
    }

    /// Writes a raw element, from a work list.
    pub(super) fn raw(&mut self, element: &RawElement) {
        enum Step<'s> {
            Node(&'s RawNode, bool),
            Close(String, bool),
        }
        fn is_mixed(element: &RawElement) -> bool {
            element.children.iter().any(|child| matches!(child, RawNode::Text(_)))
        }
        let mut steps: Vec<Step<'_>> = Vec::new();
        let mut next = Some((element, true));
        loop {
            if let Some((element, is_block)) = next.take() {
                if is_block {
                    self.indent();
                }
                let name = self.name(&element.namespace, &element.local_name);
                let _ = write!(self.out, "<{name}");
                self.other_attributes(&element.attributes);
                if element.children.is_empty() {
                    self.out.push_str(if is_block { " />\n" } else { " />" });
                } else {
                    let inside_is_block = is_block && !is_mixed(element);
                    self.out.push_str(if inside_is_block { ">\n" } else { ">" });
                    self.depth += 1;
                    steps.push(Step::Close(name, is_block));
                    steps.extend(
                        element.children.iter().rev().map(|child| Step::Node(child, inside_is_block)),
                    );
                }
            }
            match steps.pop() {
                None => return,
                Some(Step::Node(RawNode::Text(text), _)) => self.out.push_str(&escape_text(text)),
                Some(Step::Node(RawNode::Element(child), is_block)) => next = Some((child, is_block)),
                Some(Step::Close(name, is_block)) => {
                    self.depth -= 1;
                    if is_block && self.out.ends_with('\n') {
                        self.indent();
                    }
                    let _ = write!(self.out, "</{name}>");
                    if is_block {
                        self.out.push('\n');
                    }
                }
            }
        }
    }

    /// Writes an element outside of the semantic model: its tag with attributes as given.
    pub(super) fn foreign(
        &mut self,
        namespace: &str,
        local_name: &str,
        typed: Attributes<'_>,
        attributes: &[RawAttribute],
        inside: impl FnOnce(&mut Self),
    ) {
        self.indent();
        let name = self.name(namespace, local_name);
        let _ = write!(self.out, "<{name}");
        for (attribute, value) in typed {
            self.attribute(attribute, *value);
        }
        self.other_attributes(attributes);
        self.out.push_str(">\n");
        self.depth += 1;
        inside(self);
        self.close(&name);
    }

    fn root_element(&mut self, name: &str, code: &str, element: &RootElement) {
        let code = [(code, element.code.as_deref())];
        let typed: Attributes<'_> = if code[0].0.is_empty() { &[] } else { &code };
        self.typed(name, &element.element, typed, |_| {});
    }

    fn collaboration(&mut self, collaboration: &Collaboration) {
        self.typed("collaboration", &collaboration.element, &[], |out| {
            for participant in &collaboration.participants {
                let process = [("processRef", participant.process.as_deref())];
                out.typed("participant", &participant.element, &process, |_| {});
            }
            for flow in &collaboration.message_flows {
                let typed = [
                    ("sourceRef", Some(flow.source.as_str())),
                    ("targetRef", Some(flow.target.as_str())),
                    ("messageRef", flow.message.as_deref()),
                ];
                out.typed("messageFlow", &flow.element, &typed, |_| {});
            }
            for artifact in &collaboration.artifacts {
                out.artifact(artifact);
            }
        });
    }

    pub(super) fn artifact(&mut self, artifact: &Artifact) {
        match &artifact.kind {
            ArtifactKind::TextAnnotation { text } => {
                self.typed("textAnnotation", &artifact.element, &[], |out| out.text_element("text", text));
            }
            ArtifactKind::Group { category_value } => {
                let typed = [("categoryValueRef", category_value.as_deref())];
                self.typed("group", &artifact.element, &typed, |_| {});
            }
            ArtifactKind::Association { source, target } => {
                let typed = [("sourceRef", Some(source.as_str())), ("targetRef", Some(target.as_str()))];
                self.typed("association", &artifact.element, &typed, |_| {});
            }
        }
    }

    pub(super) fn data(&mut self, data: &DataElement) {
        let (name, attribute, reference) = match &data.kind {
            DataElementKind::Object => ("dataObject", "", &None),
            DataElementKind::ObjectReference(object) => ("dataObjectReference", "dataObjectRef", object),
            DataElementKind::StoreReference(store) => ("dataStoreReference", "dataStoreRef", store),
        };
        self.typed(name, &data.element, &[(attribute, reference.as_deref())], |_| {});
    }

    pub(super) fn flow(&mut self, flow: &SequenceFlow) {
        let typed = [("sourceRef", Some(flow.source.as_str())), ("targetRef", Some(flow.target.as_str()))];
        self.typed("sequenceFlow", &flow.element, &typed, |out| {
            out.expression("conditionExpression", flow.condition.as_ref());
        });
    }

    pub(super) fn lane_set(&mut self, local_name: &str, set: &LaneSet) {
        self.typed(local_name, &set.element, &[], |out| {
            for lane in &set.lanes {
                out.typed("lane", &lane.element, &[], |out| {
                    for node in &lane.nodes {
                        out.text_element("flowNodeRef", node);
                    }
                    if let Some(inner) = &lane.lane_set {
                        out.lane_set("childLaneSet", inner);
                    }
                });
            }
        });
    }

    fn process(&mut self, process: &Process) {
        let is_executable = process.is_executable.map(|value| if value { "true" } else { "false" });
        let name = self.open("process", &process.element, &[("isExecutable", is_executable)]);
        self.split_rest(&process.element, true);
        let contents = Contents::of(process);
        write_node::contents(self, &contents);
        self.split_rest(&process.element, false);
        self.close(&name);
    }

    /// Writes the untyped children that the schema puts before (or after) the typed ones.
    pub(super) fn split_rest(&mut self, element: &Element, before: bool) {
        const FIRST: [&str; 8] = [
            "auditing",
            "monitoring",
            "ioSpecification",
            "property",
            "dataInput",
            "dataOutput",
            "inputSet",
            "outputSet",
        ];
        for child in &element.children {
            if FIRST.contains(&child.local_name.as_str()) == before {
                self.raw(child);
            }
        }
    }
}

/// What stands in one process, by the sub-process it stands in.
pub(super) struct Contents<'a> {
    pub(super) scopes: HashMap<Option<&'a str>, Scope<'a>>,
    pub(super) incoming: HashMap<&'a str, Vec<&'a str>>,
    pub(super) outgoing: HashMap<&'a str, Vec<&'a str>>,
}

/// What stands directly in one sub-process or process.
#[derive(Default)]
pub(super) struct Scope<'a> {
    pub(super) lane_sets: Vec<&'a LaneSet>,
    pub(super) nodes: Vec<&'a FlowNode>,
    pub(super) flows: Vec<&'a SequenceFlow>,
    pub(super) data: Vec<&'a DataElement>,
    pub(super) artifacts: Vec<&'a Artifact>,
}

impl<'a> Contents<'a> {
    fn of(process: &'a Process) -> Self {
        let mut contents =
            Self { scopes: HashMap::new(), incoming: HashMap::new(), outgoing: HashMap::new() };
        let scopes = &mut contents.scopes;
        for set in &process.lane_sets {
            scopes.entry(set.parent.as_deref()).or_default().lane_sets.push(set);
        }
        for node in &process.nodes {
            scopes.entry(node.parent.as_deref()).or_default().nodes.push(node);
        }
        for flow in &process.flows {
            scopes.entry(flow.parent.as_deref()).or_default().flows.push(flow);
            contents.incoming.entry(&flow.target).or_default().push(&flow.element.id);
            contents.outgoing.entry(&flow.source).or_default().push(&flow.element.id);
        }
        for data in &process.data {
            scopes.entry(data.parent.as_deref()).or_default().data.push(data);
        }
        for artifact in &process.artifacts {
            scopes.entry(artifact.parent.as_deref()).or_default().artifacts.push(artifact);
        }
        contents
    }
}

fn escape_text(text: &str) -> String {
    escape(text, false)
}

fn escape_attribute(text: &str) -> String {
    escape(text, true)
}

/// Escapes what XML gives a meaning, and replaces what XML 1.0 cannot hold at all.
fn escape(text: &str, is_attribute: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' if is_attribute => escaped.push_str("&quot;"),
            '\n' | '\t' if is_attribute => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            '\r' => escaped.push_str("&#13;"),
            '\n' | '\t' => escaped.push(c),
            _ if is_forbidden(c) => escaped.push('\u{FFFD}'),
            _ => escaped.push(c),
        }
    }
    escaped
}
