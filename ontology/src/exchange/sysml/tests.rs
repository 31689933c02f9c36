//! What is written is read by the grammar of the notation: a recursive descent over its productions, as far as they are
//! written, that also looks up every name.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::{ChangeSet, Component, Constraint, Function, Interface, Process, Requirement};

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A word of the notation, or a basic name.
    Word(String),
    /// A name in quotes, as it is.
    Quoted(String),
    Text(String),
    Number(f64),
    Doc,
    Mark(&'static str),
}

/// RESERVED is the list of the writer; this one is of the test, in case the writer's lacks a word it uses.
const STRUCTURE: &[&str] = &[
    "package",
    "requirement",
    "part",
    "action",
    "connection",
    "connect",
    "to",
    "constraint",
    "allocate",
    "satisfy",
    "by",
    "verification",
    "objective",
    "verify",
    "perform",
    "dependency",
    "from",
    "attribute",
    "doc",
];

fn escaped(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, end: char) -> String {
    let mut out = String::new();
    loop {
        match chars.next().expect("the quote ends") {
            c if c == end => return out,
            '\\' => out.push(match chars.next().expect("something is escaped") {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{C}',
                c @ ('\'' | '"' | '\\') => c,
                c => panic!("\\{c} is no escape"),
            }),
            c => out.push(c),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        if c.is_whitespace() {
            chars.next();
        } else if c == '\'' || c == '"' {
            chars.next();
            let text = escaped(&mut chars, c);
            out.push(if c == '"' { Token::Text(text) } else { Token::Quoted(text) });
        } else if c.is_ascii_alphabetic() || c == '_' {
            let mut word = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                word.push(c);
            }
            out.push(Token::Word(word));
        } else if c.is_ascii_digit() {
            let mut digits = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || ".E".contains(*c) || *c == '-') {
                digits.push(c);
            }
            out.push(Token::Number(digits.parse().unwrap()));
        } else if c == '/' {
            let rest: String = chars.clone().collect();
            assert!(rest.starts_with("/*"), "{}", rest.chars().take(40).collect::<String>());
            let end = rest.find("*/").expect("the comment ends");
            for _ in rest[..end + 2].chars() {
                chars.next();
            }
            out.push(Token::Doc);
        } else {
            let rest: String = chars.clone().take(2).collect();
            let marks = ["::", "==", "<=", ">=", "{", "}", ";", ".", "+", "-", "=", "<", ">"];
            let mark =
                marks.into_iter().find(|mark| rest.starts_with(*mark)).unwrap_or_else(|| panic!("{rest:?}"));
            for _ in mark.chars() {
                chars.next();
            }
            out.push(Token::Mark(mark));
        }
    }
    out
}

/// Reads the notation. Names are collected as they are declared and as they are referred to.
struct Reader {
    tokens: Vec<Token>,
    at: usize,
    scope: Vec<String>,
    declared: BTreeSet<String>,
    referred: BTreeSet<String>,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Token {
        let token = self.tokens.get(self.at).cloned().expect("more follows");
        self.at += 1;
        token
    }

    fn has(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at += usize::from(is);
        is
    }

    fn mark(&mut self, mark: &'static str) {
        let found = self.next();
        assert_eq!(
            found,
            Token::Mark(mark),
            "token {} of {:?}",
            self.at,
            self.tokens.get(self.at.saturating_sub(6)..self.at)
        );
    }

    fn word(&mut self, word: &str) {
        assert_eq!(self.next(), Token::Word(word.to_owned()));
    }

    fn name(&mut self) -> String {
        match self.next() {
            Token::Quoted(name) => name,
            Token::Word(word) => {
                assert!(
                    !STRUCTURE.contains(&word.as_str()) && RESERVED.binary_search(&word.as_str()).is_err(),
                    "{word}"
                );
                word
            }
            other => panic!("{other:?} is no name"),
        }
    }

    fn declare(&mut self) -> String {
        let name = self.name();
        let path = format!("{}\u{0}{name}", self.scope.join("\u{0}"));
        assert!(self.declared.insert(path), "{name} is there twice");
        name
    }

    /// QualifiedName ('.' QualifiedName)*.
    fn reference(&mut self) {
        let mut path = vec![self.scope.first().cloned().unwrap_or_default(), self.name()];
        while self.peek() == Some(&Token::Mark("::")) || self.peek() == Some(&Token::Mark(".")) {
            self.next();
            path.push(self.name());
        }
        self.referred.insert(path.join("\u{0}"));
    }

    fn doc(&mut self) {
        self.word("doc");
        assert_eq!(self.next(), Token::Doc);
    }

    /// ';' | '{' members '}'.
    fn body(&mut self, name: Option<String>) {
        if self.has(&Token::Mark(";")) {
            return;
        }
        self.mark("{");
        self.scope.extend(name.clone());
        while !self.has(&Token::Mark("}")) {
            self.member();
        }
        if name.is_some() {
            self.scope.pop();
        }
    }

    fn member(&mut self) {
        let Some(Token::Word(word)) = self.peek().cloned() else {
            panic!("{:?} begins no member", self.peek());
        };
        match word.as_str() {
            "doc" => return self.doc(),
            // The result of a constraint's body.
            _ if !STRUCTURE.contains(&word.as_str()) => return self.expression(),
            _ => self.next(),
        };
        match word.as_str() {
            "package" | "requirement" | "part" | "action" | "constraint" | "verification" => {
                let name = self.declare();
                self.body(Some(name));
            }
            "attribute" => {
                self.declare();
                if self.has(&Token::Mark("=")) {
                    assert!(matches!(self.next(), Token::Text(_)));
                }
                self.mark(";");
            }
            "connection" => {
                let name = self.declare();
                self.word("connect");
                self.reference();
                self.word("to");
                self.reference();
                self.body(Some(name));
            }
            "allocate" => {
                self.reference();
                self.word("to");
                self.reference();
                self.body(None);
            }
            "dependency" => {
                self.word("from");
                self.reference();
                self.word("to");
                self.reference();
                self.body(None);
            }
            "satisfy" => {
                self.reference();
                self.word("by");
                self.reference();
                self.body(None);
            }
            "perform" | "verify" => {
                self.reference();
                self.mark(";");
            }
            "objective" => self.body(None),
            other => panic!("{other} begins no member"),
        }
    }

    /// reference ('+' reference)* comparator number.
    fn expression(&mut self) {
        self.reference();
        while self.has(&Token::Mark("+")) {
            self.reference();
        }
        let comparator = self.next();
        assert!(
            ["==", "<=", ">=", "<", ">"].into_iter().any(|mark| comparator == Token::Mark(mark)),
            "{comparator:?}"
        );
        self.has(&Token::Mark("-"));
        assert!(matches!(self.next(), Token::Number(_)));
    }
}

/// Reads a text by the grammar, looks every name up, and gives the names that are declared.
fn read(text: &str) -> BTreeSet<String> {
    let mut reader = Reader {
        tokens: tokens(text),
        at: 0,
        scope: Vec::new(),
        declared: BTreeSet::new(),
        referred: BTreeSet::new(),
    };
    while reader.peek().is_some() {
        reader.member();
    }
    let declared: BTreeSet<String> =
        reader.declared.iter().map(|path| path.trim_start_matches('\u{0}').to_owned()).collect();
    for path in &reader.referred {
        assert!(declared.contains(path), "{path:?} is not declared in {declared:?}");
    }
    declared
}

fn link(kind: &str, source: &str, target: &str) -> Node {
    Node::Link(TraceLink {
        id: format!("{kind}:{source}:{target}"),
        kind: kind.into(),
        source: source.into(),
        target: target.into(),
        rationale: (kind == "allocated_to").then(|| "it is a part */ of it".to_owned()),
        ..TraceLink::default()
    })
}

fn system(names: &[String; 3], number: f64) -> SystemIndex {
    let [one, two, three] = names;
    let (id, text) = (|prefix: &str, name: &str| format!("{prefix} {name}"), one.clone());
    let component = |id: String, parent: Option<String>| {
        Node::Component(Component { name: id.clone(), id, parent, ..Component::default() })
    };
    let put = vec![
        Node::Requirement(Requirement {
            id: id("R", one),
            text: text.clone(),
            group: Some(three.clone()),
            ..Requirement::default()
        }),
        Node::Requirement(Requirement {
            id: "part".into(),
            text,
            parent: Some(id("R", one)),
            ..Requirement::default()
        }),
        component(id("C", one), None),
        component(id("D", two), Some(id("C", one))),
        component("mass".into(), Some(id("C", one))),
        Node::Function(Function {
            id: id("F", two),
            name: two.clone(),
            component: id("C", one),
            process: Some("P".into()),
            ..Function::default()
        }),
        Node::Process(Process {
            id: "P".into(),
            name: three.clone(),
            process_id: "p".into(),
            ..Process::default()
        }),
        Node::Interface(Interface {
            id: id("I", three),
            name: three.clone(),
            source: id("C", one),
            target: "mass".into(),
            item: two.clone(),
            ..Interface::default()
        }),
        Node::Constraint(Constraint {
            id: id("K", one),
            name: one.clone(),
            kind: "budget".into(),
            subject: id("C", one),
            property: "mass".into(),
            comparator: "=".into(),
            si_value: number,
            si_unit: "kg".into(),
            parts: vec![("mass".into(), 1.0, false), (id("D", two), 2.0, true)],
            ..Constraint::default()
        }),
        Node::Constraint(Constraint {
            id: "bound".into(),
            subject: "mass".into(),
            property: "mass".into(),
            comparator: ">=".into(),
            ..Constraint::default()
        }),
        link("allocated_to", &id("R", one), &id("C", one)),
        link("satisfied_by", &id("R", one), &id("F", two)),
        link("verified_by", "part", "P"),
        link("conflicts_with", "part", &id("R", one)),
        link("performs", &id("C", one), &id("F", two)),
    ];
    let mut system = SystemIndex::default();
    system.apply(&ChangeSet { number: 1, system: names[2].clone() + "s", put, ..ChangeSet::default() });
    system
}

proptest! {
    #[test]
    fn whatever_the_names_are_the_grammar_reads_it_and_every_name_is_found(
        names in [".{0,12}", "[a-z'\\\\*/\"]{0,6}", "\\PC{0,8}"], number in any::<f64>()
    ) {
        let system = system(&names, number);
        let written = write(&system);
        let declared = read(&written.text);
        let root = format!("{}s", names[2]);
        for path in [
            vec![root.as_str(), "Requirements", "part"],
            vec![&root, "Processes", "P"],
            vec![&root, "Constraints", "bound"],
        ] {
            assert!(declared.contains(&path.join("\u{0}")), "{path:?}");
        }
    }
}

#[test]
fn a_system_is_written_as_a_person_would_write_it() {
    let names = ["Brake".to_owned(), "stop".to_owned(), "Car".to_owned()];
    let written = write(&system(&names, 12.5));
    read(&written.text);
    for line in [
        "requirement 'R Brake' {",
        "requirement 'part' {",
        "part 'C Brake' {",
        "attribute 'property mass';",
        "perform Functions::'F stop';",
        "connection 'I Car' connect Structure::'C Brake' to Structure::'C Brake'.mass {",
        "Structure::'C Brake'.mass.'property mass' + Structure::'C Brake'.'D stop'.'property mass' == 12.5",
        "satisfy Requirements::'R Brake' by Functions::'F stop';",
        "allocate Functions::'F stop' to Processes::P;",
        "verify Requirements::'part';",
        "doc /* it is a part * / of it */",
    ] {
        assert!(written.text.contains(line), "{line} is missing in\n{}", written.text);
    }
    assert!(
        written.remarks.iter().any(|remark| remark.contains("end of a comment")),
        "{:?}",
        written.remarks
    );
    assert!(written.remarks.iter().any(|remark| remark.contains("kind is said in words")));
}

#[test]
fn words_of_the_notation_are_sorted_and_quoted_as_names() {
    assert!(RESERVED.is_sorted());
    assert_eq!(
        (name("part"), name("wing_2"), name("R-1"), name("")),
        ("'part'".into(), "wing_2".into(), "'R-1'".into(), "''".into())
    );
    assert_eq!(name("it's\\\n"), "'it\\'s\\\\\\n'");
}
