//! ReqIF 1.2 out: requirements with their attributes, their outline and the links between them.

use std::collections::{BTreeMap, BTreeSet};

use quick_xml::escape::escape;

use crate::model::{Node, Requirement, TraceLink};
use crate::{Error, SystemIndex};

/// The name under which every tool finds the text.
const TEXT: &str = "ReqIF.Text";
const HEADING: &str = "ReqIF.ChapterName";
/// Names of what we know of a requirement besides its text.
const VERIFICATION: &str = "Verification";
const CRITERION: &str = "Acceptance criterion";

/// What has no place in ReqIF, or not the place it had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub text: String,
    /// How many nodes and links stayed out, by kind.
    pub left_out: BTreeMap<String, usize>,
}

/// Writes the requirements of a system and the links between them. `now` is the time of writing in ISO 8601.
///
/// # Errors
/// [`Error::Invalid`] for a text that XML cannot hold.
pub fn write(system: &SystemIndex, now: &str) -> Result<Written, Error> {
    let mut out = Written::default();
    let mut requirements: Vec<&Requirement> = Vec::new();
    let mut links: Vec<&TraceLink> = Vec::new();
    for node in system.nodes() {
        match node.as_ref() {
            Node::Requirement(requirement) => requirements.push(requirement),
            Node::Link(link) if is_between_requirements(system, link) => links.push(link),
            other => *out.left_out.entry(other.kind().to_owned()).or_default() += 1,
        }
    }
    requirements.sort_by_cached_key(|requirement| crate::index::natural_key(&requirement.id));
    for requirement in &requirements {
        let texts = [&requirement.text, &requirement.id].into_iter().chain(requirement.attributes.values());
        if texts.into_iter().any(|text| text.contains(is_forbidden)) {
            let id = &requirement.id;
            return Err(Error::Invalid(format!("{id} holds a control character, which XML cannot hold")));
        }
    }
    out.text = Writer::new(&system.name, now, &requirements).file(&requirements, &links);
    Ok(out)
}

fn is_between_requirements(system: &SystemIndex, link: &TraceLink) -> bool {
    [&link.source, &link.target]
        .into_iter()
        .all(|id| system.node(id).is_some_and(|node| node.kind() == "requirement"))
}

/// Characters that XML 1.0 cannot hold, not even escaped.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

struct Writer<'a> {
    system: &'a str,
    now: &'a str,
    /// Attributes besides the text, each a definition of its own.
    names: BTreeSet<&'a str>,
    kinds: BTreeSet<&'a str>,
    out: String,
}

impl<'a> Writer<'a> {
    fn new(system: &'a str, now: &'a str, requirements: &[&'a Requirement]) -> Self {
        let mut names: BTreeSet<&str> = BTreeSet::from([HEADING, VERIFICATION, CRITERION]);
        names.extend(requirements.iter().flat_map(|it| it.attributes.keys().map(String::as_str)));
        names.remove(TEXT);
        names.remove("LONG-NAME");
        let kinds = requirements.iter().map(|it| kind_of(it)).chain([GROUP_KIND]).collect();
        Self { system, now, names, kinds, out: String::new() }
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn file(mut self, requirements: &[&Requirement], links: &[&TraceLink]) -> String {
        let (system, now) = (escape(self.system).into_owned(), self.now.to_owned());
        let stamp = format!("LAST-CHANGE=\"{now}\"");
        self.line(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        self.line(0, "<REQ-IF xmlns=\"http://www.omg.org/spec/ReqIF/20110401/reqif.xsd\" xmlns:xhtml=\"http://www.w3.org/1999/xhtml\">");
        self.line(1, "<THE-HEADER><REQ-IF-HEADER IDENTIFIER=\"_header\">");
        self.line(2, &format!("<CREATION-TIME>{now}</CREATION-TIME><REQ-IF-TOOL-ID>ProcOS</REQ-IF-TOOL-ID>"));
        self.line(2, &format!("<REQ-IF-VERSION>1.2</REQ-IF-VERSION><SOURCE-TOOL-ID>ProcOS</SOURCE-TOOL-ID><TITLE>{system}</TITLE>"));
        self.line(1, "</REQ-IF-HEADER></THE-HEADER>");
        self.line(1, "<CORE-CONTENT><REQ-IF-CONTENT>");
        self.line(2, "<DATATYPES>");
        self.line(3, &format!("<DATATYPE-DEFINITION-STRING IDENTIFIER=\"_string\" {stamp} LONG-NAME=\"String\" MAX-LENGTH=\"1048576\"/>"));
        self.line(
            3,
            &format!("<DATATYPE-DEFINITION-XHTML IDENTIFIER=\"_xhtml\" {stamp} LONG-NAME=\"XHTML\"/>"),
        );
        self.line(2, "</DATATYPES>");
        self.types(links, &stamp);
        self.line(2, "<SPEC-OBJECTS>");
        let groups: BTreeSet<&str> = requirements.iter().filter_map(|it| it.group.as_deref()).collect();
        for group in &groups {
            let id = group_id(group);
            self.object(&id, GROUP_KIND, None, &[(HEADING, (*group).to_owned())], &stamp);
        }
        for requirement in requirements {
            self.requirement(requirement, &stamp);
        }
        self.line(2, "</SPEC-OBJECTS>");
        self.relations(links, &stamp);
        self.outline(requirements, &groups, &stamp);
        self.line(1, "</REQ-IF-CONTENT></CORE-CONTENT>");
        self.line(0, "</REQ-IF>");
        self.out
    }

    fn types(&mut self, links: &[&TraceLink], stamp: &str) {
        self.line(2, "<SPEC-TYPES>");
        for kind in self.kinds.clone() {
            let id = format!("_type-{}", escape(kind));
            let name = escape(kind);
            self.line(
                3,
                &format!(
                    "<SPEC-OBJECT-TYPE IDENTIFIER=\"{id}\" {stamp} LONG-NAME=\"{name}\"><SPEC-ATTRIBUTES>"
                ),
            );
            for name in std::iter::once(TEXT).chain(self.names.clone()) {
                let (form, datatype) = if name == TEXT { ("XHTML", "_xhtml") } else { ("STRING", "_string") };
                let own = definition(kind, name);
                self.line(4, &format!("<ATTRIBUTE-DEFINITION-{form} IDENTIFIER=\"{own}\" {stamp} LONG-NAME=\"{}\"><TYPE><DATATYPE-DEFINITION-{form}-REF>{datatype}</DATATYPE-DEFINITION-{form}-REF></TYPE></ATTRIBUTE-DEFINITION-{form}>", escape(name)));
            }
            self.line(3, "</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>");
        }
        let relations: BTreeSet<&str> = links.iter().map(|link| relation_name(link)).collect();
        for name in relations {
            let name = escape(name);
            self.line(
                3,
                &format!(
                    "<SPEC-RELATION-TYPE IDENTIFIER=\"_relation-{name}\" {stamp} LONG-NAME=\"{name}\"/>"
                ),
            );
        }
        self.line(
            3,
            &format!(
                "<SPECIFICATION-TYPE IDENTIFIER=\"_specification\" {stamp} LONG-NAME=\"Specification\"/>"
            ),
        );
        self.line(2, "</SPEC-TYPES>");
    }

    fn requirement(&mut self, requirement: &Requirement, stamp: &str) {
        let mut values: Vec<(&str, String)> = Vec::new();
        // Markup that came from elsewhere goes back as it was, unless the text was changed since.
        let markup = requirement.attributes.get(TEXT).filter(|markup| markup.contains('<'));
        let kept = markup.filter(|markup| super::plain(markup) == requirement.text);
        let text = kept.cloned().unwrap_or_else(|| {
            let lines = requirement.text.lines().map(|line| escape(line).into_owned());
            format!("<xhtml:div>{}</xhtml:div>", lines.collect::<Vec<_>>().join("<xhtml:br/>"))
        });
        values.push((TEXT, text));
        for (name, value) in [(VERIFICATION, &requirement.verification), (CRITERION, &requirement.criterion)]
        {
            values.extend(value.iter().map(|value| (name, value.clone())));
        }
        let others = requirement
            .attributes
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), TEXT | "LONG-NAME" | VERIFICATION | CRITERION));
        values.extend(others.map(|(name, value)| (name.as_str(), value.clone())));
        let long_name = requirement.attributes.get("LONG-NAME").map(String::as_str);
        self.object(&requirement.id, kind_of(requirement), long_name, &values, stamp);
    }

    fn object(
        &mut self,
        id: &str,
        kind: &str,
        long_name: Option<&str>,
        values: &[(&str, String)],
        stamp: &str,
    ) {
        let name = long_name.map(|name| format!(" LONG-NAME=\"{}\"", escape(name))).unwrap_or_default();
        self.line(3, &format!("<SPEC-OBJECT IDENTIFIER=\"{}\" {stamp}{name}>", escape(id)));
        self.line(
            4,
            &format!("<TYPE><SPEC-OBJECT-TYPE-REF>_type-{}</SPEC-OBJECT-TYPE-REF></TYPE>", escape(kind)),
        );
        self.line(4, "<VALUES>");
        for (attribute, value) in values {
            let own = definition(kind, attribute);
            let text = if *attribute == TEXT {
                format!(
                    "<ATTRIBUTE-VALUE-XHTML><DEFINITION><ATTRIBUTE-DEFINITION-XHTML-REF>{own}</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION><THE-VALUE>{value}</THE-VALUE></ATTRIBUTE-VALUE-XHTML>"
                )
            } else {
                format!(
                    "<ATTRIBUTE-VALUE-STRING THE-VALUE=\"{}\"><DEFINITION><ATTRIBUTE-DEFINITION-STRING-REF>{own}</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>",
                    quoted(value)
                )
            };
            self.line(5, &text);
        }
        self.line(4, "</VALUES>");
        self.line(3, "</SPEC-OBJECT>");
    }

    fn relations(&mut self, links: &[&TraceLink], stamp: &str) {
        self.line(2, "<SPEC-RELATIONS>");
        for link in links {
            let (id, name) = (escape(&link.id), escape(relation_name(link)));
            let (source, target) = (escape(&link.source), escape(&link.target));
            self.line(3, &format!("<SPEC-RELATION IDENTIFIER=\"{id}\" {stamp}><TYPE><SPEC-RELATION-TYPE-REF>_relation-{name}</SPEC-RELATION-TYPE-REF></TYPE><SOURCE><SPEC-OBJECT-REF>{source}</SPEC-OBJECT-REF></SOURCE><TARGET><SPEC-OBJECT-REF>{target}</SPEC-OBJECT-REF></TARGET></SPEC-RELATION>"));
        }
        self.line(2, "</SPEC-RELATIONS>");
    }

    /// The outline: groups in order of their names, requirements under their parents.
    fn outline(&mut self, requirements: &[&Requirement], groups: &BTreeSet<&str>, stamp: &str) {
        let ids: BTreeSet<&str> = requirements.iter().map(|it| it.id.as_str()).collect();
        let mut under: BTreeMap<Option<&str>, Vec<&Requirement>> = BTreeMap::new();
        let mut tops: BTreeMap<Option<&str>, Vec<&Requirement>> = BTreeMap::new();
        for requirement in requirements {
            match requirement.parent.as_deref().filter(|parent| ids.contains(parent)) {
                Some(parent) => under.entry(Some(parent)).or_default().push(requirement),
                None => tops.entry(requirement.group.as_deref()).or_default().push(requirement),
            }
        }
        let name = escape(self.system).into_owned();
        self.line(2, &format!("<SPECIFICATIONS><SPECIFICATION IDENTIFIER=\"_outline\" {stamp} LONG-NAME=\"{name}\"><TYPE><SPECIFICATION-TYPE-REF>_specification</SPECIFICATION-TYPE-REF></TYPE><CHILDREN>"));
        for group in std::iter::once(None).chain(groups.iter().copied().map(Some)) {
            if let Some(group) = group {
                self.open_place(&group_id(group), stamp);
            }
            // Parents are no deeper than the limit of trees, which validation holds.
            let mut stack: Vec<Option<&Requirement>> =
                tops.get(&group).into_iter().flatten().rev().map(|it| Some(*it)).collect();
            while let Some(step) = stack.pop() {
                let Some(requirement) = step else {
                    self.line(3, "</CHILDREN></SPEC-HIERARCHY>");
                    continue;
                };
                self.open_place(&requirement.id, stamp);
                stack.push(None);
                let children = under.get(&Some(requirement.id.as_str()));
                stack.extend(children.into_iter().flatten().rev().map(|it| Some(*it)));
            }
            if group.is_some() {
                self.line(3, "</CHILDREN></SPEC-HIERARCHY>");
            }
        }
        self.line(2, "</CHILDREN></SPECIFICATION></SPECIFICATIONS>");
    }

    fn open_place(&mut self, object: &str, stamp: &str) {
        let id = escape(object);
        self.line(3, &format!("<SPEC-HIERARCHY IDENTIFIER=\"_at-{id}\" {stamp}><OBJECT><SPEC-OBJECT-REF>{id}</SPEC-OBJECT-REF></OBJECT><CHILDREN>"));
    }
}

/// The type of headings.
const GROUP_KIND: &str = "Heading";

fn kind_of(requirement: &Requirement) -> &str {
    requirement.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("Requirement")
}

fn relation_name(link: &TraceLink) -> &str {
    match link.kind.as_str() {
        // A relation whose type we do not know carries its name as its reason.
        "relates_to" => link.rationale.as_deref().unwrap_or("relates_to"),
        kind => kind,
    }
}

fn group_id(group: &str) -> String {
    format!("_group-{group}")
}

fn definition(kind: &str, name: &str) -> String {
    escape(format!("_{kind}-{name}")).into_owned()
}

/// An attribute's value in which line ends survive being read.
fn quoted(value: &str) -> String {
    escape(value).replace('\n', "&#10;").replace('\t', "&#9;")
}
