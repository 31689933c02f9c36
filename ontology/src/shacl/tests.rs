//! Each constraint of SHACL Core by a node that fits and one that does not, after the definitions of the standard; and
//! what is refused.

mod systems;

use std::collections::BTreeSet;

use oxigraph::io::{RdfFormat, RdfParser};
use oxigraph::model::{GraphName, NamedNode, Quad};
use oxigraph::store::Store;

use super::{SHAPES, Severity, Shapes};

const PREFIXES: &str = "@prefix : <https://w3id.org/procos/ontology#> . @prefix sh: <http://www.w3.org/ns/shacl#> . \
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> . \
    @prefix owl: <http://www.w3.org/2002/07/owl#> . ";
const GRAPH: &str = "https://example.org/graph";

fn store(data: &str) -> Store {
    let store = Store::new().unwrap();
    let parser = RdfParser::from_format(RdfFormat::Turtle);
    for quad in parser.for_slice(format!("{PREFIXES}{data}").as_bytes()) {
        let quad = quad.unwrap();
        let graph = GraphName::from(NamedNode::new(GRAPH).unwrap());
        store.insert(&Quad::new(quad.subject, quad.predicate, quad.object, graph)).unwrap();
    }
    store
}

fn report(shapes: &str, data: &str) -> super::Report {
    let shapes = Shapes::read(&format!("{PREFIXES}{shapes}")).unwrap();
    shapes.check(&store(data), GRAPH, None).unwrap()
}

/// Local names of the nodes that do not fit.
fn unfit(shapes: &str, data: &str) -> BTreeSet<String> {
    let report = report(shapes, data);
    report.results.iter().map(|found| found.focus.rsplit(['#', '/']).next().unwrap().to_owned()).collect()
}

/// Checks `:p` of the nodes `:good` and `:bad`: just the second one must be found.
fn tells_apart(constraint: &str, good: &str, bad: &str) {
    let shapes =
        format!(":S a sh:NodeShape ; sh:targetClass :T ; sh:property [ sh:path :p ; {constraint} ] .");
    let say = |values: &str| if values.is_empty() { String::new() } else { format!("; :p {values}") };
    let data = format!(":good a :T {} . :bad a :T {} . :x a :C . :y a :D .", say(good), say(bad));
    assert_eq!(unfit(&shapes, &data), BTreeSet::from(["bad".to_owned()]), "{constraint}");
}

fn refusal(shapes: &str) -> String {
    Shapes::read(&format!("{PREFIXES}{shapes}")).unwrap_err().to_string()
}

#[test]
fn values_are_counted_each_once() {
    tells_apart("sh:minCount 2", "1, 2", "1, 1");
    tells_apart("sh:maxCount 1", "1, 1", "1, 2");
    tells_apart("sh:minCount 1", "1", "");
}

#[test]
fn types_of_values_are_told_apart() {
    tells_apart("sh:class :C", ":x", ":y");
    tells_apart("sh:class :C", ":x", "\"x\"");
    tells_apart("sh:datatype xsd:integer", "5", "5.0");
    tells_apart("sh:datatype xsd:integer", "5", "\"five\"^^xsd:integer");
    tells_apart("sh:datatype xsd:byte", "\"127\"^^xsd:byte", "\"128\"^^xsd:byte");
    tells_apart(
        "sh:datatype xsd:dateTime",
        "\"2026-01-31T00:00:00Z\"^^xsd:dateTime",
        "\"2026-02-31T00:00:00Z\"^^xsd:dateTime",
    );
    tells_apart("sh:nodeKind sh:IRI", ":x", "\"x\"");
    tells_apart("sh:nodeKind sh:BlankNodeOrLiteral", "[], 1", ":x");
    tells_apart("sh:nodeKind sh:Literal", "1", "[]");
}

#[test]
fn a_class_holds_the_instances_of_its_subclasses() {
    let shapes = ":C rdfs:subClassOf :B . :B rdfs:subClassOf :A . \
        :S a sh:NodeShape ; sh:targetClass :A ; sh:property [ sh:path :p ; sh:minCount 1 ] .";
    assert_eq!(unfit(shapes, ":c a :C . :b a :B ; :p 1 . :other a :D ."), BTreeSet::from(["c".to_owned()]));
    // Our vocabulary says that our requirements are those of OSLC.
    let shapes = "[] a sh:NodeShape ; sh:targetClass <http://open-services.net/ns/rm#Requirement> ; \
        sh:property [ sh:path :p ; sh:minCount 1 ] .";
    assert_eq!(unfit(shapes, ":r a :Requirement ."), BTreeSet::from(["r".to_owned()]));
}

#[test]
fn values_lie_within_bounds() {
    tells_apart("sh:minInclusive 5", "5, 5.5, 6e0", "4.99");
    tells_apart("sh:minExclusive 5", "5.01", "5");
    tells_apart("sh:maxInclusive 5.0", "5", "6");
    tells_apart("sh:maxExclusive 5", "4", "5");
    // What cannot be compared does not fit.
    tells_apart("sh:minInclusive 5", "7", "\"seven\"");
    tells_apart("sh:maxExclusive 5", "1", ":x");
    // Decimals are exact, where doubles are not.
    tells_apart("sh:maxExclusive 0.30000000000000001", "0.3", "0.30000000000000001");
    let date = |day: &str| format!("\"2026-11-{day}\"^^xsd:date");
    tells_apart(&format!("sh:minInclusive {}", date("10")), &date("10"), &date("09"));
}

#[test]
fn texts_are_measured_in_characters_and_matched() {
    tells_apart("sh:minLength 3", "\"äöü\"", "\"äö\"");
    tells_apart("sh:maxLength 3", "\"äöü\"", "\"äöüß\"");
    tells_apart("sh:minLength 1", "\"a\"", "[]");
    tells_apart("sh:pattern \"^R-[0-9]+$\"", "\"R-12\"", "\"r-12\"");
    tells_apart("sh:pattern \"^r-[0-9]+$\" ; sh:flags \"i\"", "\"R-12\"", "\"R12\"");
    tells_apart("sh:pattern \"ontology#x\"", ":x", ":y");
}

#[test]
fn languages_are_told_apart() {
    tells_apart("sh:languageIn ( \"en\" \"de\" )", "\"a\"@en, \"b\"@de-AT", "\"c\"@fr");
    tells_apart("sh:languageIn ( \"en\" )", "\"a\"@en", "\"a\"");
    tells_apart("sh:languageIn ( \"en\" )", "\"a\"@en-GB", "\"a\"@enm");
    tells_apart("sh:uniqueLang true", "\"a\"@en, \"b\"@de, \"c\", \"d\"", "\"a\"@en, \"b\"@en");
}

#[test]
fn two_properties_are_compared() {
    let with =
        |constraint: &str| format!(":S sh:targetClass :T ; sh:property [ sh:path :p ; {constraint} :q ] .");
    let data = ":same a :T ; :p 1, 2 ; :q 1, 2 . :part a :T ; :p 1 ; :q 1, 2 . :less a :T ; :p 1 ; :q 2, 3 . \
        :more a :T ; :p 5 ; :q 4 . :none a :T ; :p 1 .";
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(unfit(&with("sh:equals"), data), set(&["part", "less", "more", "none"]));
    assert_eq!(unfit(&with("sh:disjoint"), data), set(&["same", "part"]));
    assert_eq!(unfit(&with("sh:lessThan"), data), set(&["same", "part", "more"]));
    assert_eq!(unfit(&with("sh:lessThanOrEquals"), data), set(&["same", "more"]));
}

#[test]
fn shapes_are_joined_by_logic() {
    let a = "[ sh:datatype xsd:integer ]";
    let b = "[ sh:minInclusive 3 ]";
    tells_apart(&format!("sh:and ( {a} {b} )"), "4", "2");
    tells_apart(&format!("sh:or ( {a} {b} )"), "2, 3.5", "2.5");
    tells_apart(&format!("sh:xone ( {a} {b} )"), "2, 3.5", "4");
    tells_apart(&format!("sh:not {a}"), "2.5", "2");
    tells_apart(&format!("sh:node {b}"), "4", "2");
}

#[test]
fn values_are_named() {
    tells_apart("sh:hasValue 5", "5, 6", "6");
    tells_apart("sh:in ( 1 \"two\" :x )", "1, \"two\", :x", "2");
}

#[test]
fn qualified_values_are_counted() {
    let c = "sh:qualifiedValueShape [ sh:class :C ]";
    tells_apart(&format!("{c} ; sh:qualifiedMinCount 1"), ":x, :y", ":y");
    tells_apart(&format!("{c} ; sh:qualifiedMaxCount 0"), ":y", ":x");
    // A hand has one thumb and four fingers, and no finger is both.
    let hand = ":Hand sh:targetClass :T ; \
        sh:property [ sh:path :digit ; sh:qualifiedValueShape [ sh:class :Thumb ] ; sh:qualifiedMinCount 1 ; \
            sh:qualifiedValueShapesDisjoint true ] ; \
        sh:property [ sh:path :digit ; sh:qualifiedValueShape [ sh:class :Finger ] ; sh:qualifiedMinCount 1 ; \
            sh:qualifiedValueShapesDisjoint true ] .";
    let data = ":good a :T ; :digit :t, :f . :bad a :T ; :digit :t, :both . :t a :Thumb . :f a :Finger . \
        :both a :Thumb, :Finger .";
    assert_eq!(unfit(hand, data), BTreeSet::from(["bad".to_owned()]));
}

#[test]
fn a_closed_shape_names_the_property_that_is_too_much() {
    let shapes = ":S sh:targetClass :T ; sh:closed true ; sh:property [ sh:path :p ] ; \
        sh:ignoredProperties ( <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> ) .";
    let report = report(shapes, ":good a :T ; :p 1 . :bad a :T ; :p 1 ; :q 2 .");
    let found: Vec<_> =
        report.results.iter().map(|it| (it.path.as_deref().unwrap(), it.value.as_deref())).collect();
    assert_eq!(found, [("https://w3id.org/procos/ontology#q", Some("2"))]);
}

#[test]
fn paths_lead_to_values() {
    // :a → :b → :c → :d by :next; :e stands alone.
    let data = ":a a :T ; :next :b . :b :next :c . :c :next :d . :d a :End . :e a :T .";
    let ends = |path: &str| {
        unfit(&format!(":S sh:targetClass :T ; sh:property [ sh:path {path} ; sh:hasValue :d ] ."), data)
    };
    let all = BTreeSet::from(["a".to_owned(), "e".to_owned()]);
    let only_e = BTreeSet::from(["e".to_owned()]);
    assert_eq!(ends(":next"), all);
    assert_eq!(ends("( :next :next :next )"), only_e);
    assert_eq!(ends("[ sh:zeroOrMorePath :next ]"), only_e);
    assert_eq!(ends("[ sh:oneOrMorePath :next ]"), only_e);
    assert_eq!(ends("( :next :next [ sh:zeroOrOnePath :next ] )"), only_e);
    assert_eq!(ends("[ sh:alternativePath ( :other ( :next :next :next ) ) ]"), only_e);
    let back = ":S sh:targetClass :End ; sh:property [ sh:path ( [ sh:inversePath :next ] [ sh:inversePath :next ] ) ; \
        sh:hasValue :b ] .";
    assert!(unfit(back, data).is_empty());
    let back = ":S sh:targetClass :End ; sh:property [ sh:path [ sh:inversePath ( :next :next :next ) ] ; sh:hasValue :a ] .";
    assert!(unfit(back, data).is_empty(), "the way back over a sequence goes through it from its end");
}

#[test]
fn a_circle_is_gone_round_once() {
    let shapes =
        ":S sh:targetClass :T ; sh:property [ sh:path [ sh:oneOrMorePath :next ] ; sh:maxCount 2 ] .";
    assert!(unfit(shapes, ":a a :T ; :next :b . :b :next :a .").is_empty());
}

#[test]
fn targets_are_found_in_each_way() {
    let data = ":a :p :b . :c :q :d .";
    let aim =
        |target: &str| unfit(&format!(":S {target} ; sh:property [ sh:path :none ; sh:minCount 1 ] ."), data);
    let set = |name: &str| BTreeSet::from([name.to_owned()]);
    assert_eq!(aim("sh:targetNode :z"), set("z"));
    assert_eq!(aim("sh:targetSubjectsOf :p"), set("a"));
    assert_eq!(aim("sh:targetObjectsOf :q"), set("d"));
    let own = ":K a owl:Class, sh:NodeShape ; sh:property [ sh:path :none ; sh:minCount 1 ] .";
    assert_eq!(unfit(own, ":k a :K . :l a :L ."), set("k"));
    assert!(unfit(":S sh:targetNode :z ; sh:deactivated true ; sh:nodeKind sh:Literal .", data).is_empty());
}

#[test]
fn results_come_worst_first_with_a_sentence_each() {
    let shapes = ":S sh:targetNode :a ; \
        sh:property [ sh:path :group ; sh:minCount 1 ; sh:severity sh:Info ] ; \
        sh:property [ sh:path :verification ; sh:minCount 1 ] ; \
        sh:property [ sh:path :line ; sh:maxInclusive 5 ; sh:severity sh:Warning ] ; \
        sh:property [ sh:path :line ; sh:maxCount 0 ; sh:message \"no lines here\" ; sh:severity sh:Info ] .";
    let report = report(shapes, ":a <http://purl.org/dc/terms/identifier> \"R-1\" ; :line 7 .");
    let found: Vec<_> = report.results.iter().map(|it| (it.severity, it.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (Severity::Violation, "R-1: verification method is missing"),
            (Severity::Warning, "R-1: line in the source \"7\" is not at most 5"),
            (Severity::Info, "R-1: group is missing"),
            (Severity::Info, "R-1: no lines here"),
        ]
    );
    assert_eq!(report.at_least(Severity::Warning).count(), 2);
    assert!(!report.conforms);
}

#[test]
fn the_report_of_the_standard_can_be_read_again() {
    let report = report(
        ":S sh:targetNode :a ; sh:property [ sh:path :p ; sh:datatype xsd:integer ] .",
        ":a :p \"x\" .",
    );
    let triples = crate::turtle::read(&report.turtle().unwrap()).unwrap();
    let says = |predicate: &str| {
        let predicate = format!("http://www.w3.org/ns/shacl#{predicate}");
        triples.iter().find(|it| it.predicate == predicate).map(|it| it.object.clone()).unwrap_or_default()
    };
    assert_eq!(says("conforms"), "false");
    assert_eq!(says("resultPath"), "https://w3id.org/procos/ontology#p");
    assert_eq!(says("value"), "x");
    assert_eq!(says("sourceConstraintComponent"), "http://www.w3.org/ns/shacl#DatatypeConstraintComponent");
    assert_eq!(says("resultSeverity"), "http://www.w3.org/ns/shacl#Violation");
}

#[test]
fn what_is_not_checked_is_refused_by_its_name() {
    for (shapes, why) in [
        (":S sh:targetClass :T ; sh:sparql [ sh:select \"…\" ] .", "sh:sparql"),
        (":S sh:targetClass :T ; sh:rule [] .", "sh:rule"),
        (":S sh:targetClass :T ; sh:property [ sh:path :p ; sh:js [] ] .", "sh:js"),
        (":S sh:target [] ; sh:targetClass :T .", "sh:target"),
        (":S sh:targetClass :T ; sh:property :S2 . :S2 sh:path :p ; sh:node :S .", "refers to itself"),
        (":S sh:targetClass :T ; sh:minCount 1 .", "without a path"),
        (":S sh:targetClass :T ; sh:property [ sh:minCount 1 ] .", "without a path"),
        (":S sh:targetClass :T ; sh:property [ sh:path :p ; sh:minCount \"many\" ] .", "\"many\""),
        (":S sh:targetClass :T ; sh:property [ sh:path :p ; sh:pattern \"(a\" ] .", "(a"),
        (":S sh:targetClass :T ; sh:property [ sh:path :p ; sh:pattern \"(a)\\\\1\" ] .", "backreferences"),
        (":S sh:targetClass :T ; sh:property [ sh:path [ :odd 1 ] ; sh:minCount 1 ] .", "path"),
        (":S sh:targetClass :T ; sh:nodeKind sh:Iri .", "Iri"),
        (":S sh:targetClass :T ; sh:severity :Bad .", "Bad"),
        (":S sh:targetClass :T ; sh:in ( 1 2 ", "turtle"),
        (":S a sh:NodeShape ; sh:nodeKind sh:IRI .", "sh:targetClass"),
    ] {
        let refusal = refusal(shapes);
        assert!(refusal.contains(why), "{shapes}: {refusal}");
    }
}

#[test]
fn the_same_shapes_give_the_same_report() {
    let shapes =
        ":S sh:targetNode :a ; sh:property [ sh:path :p ; sh:minCount 1 ] , [ sh:path :q ; sh:minCount 1 ] .";
    let twice = [(); 2].map(|()| report(shapes, ":a :r 1 .").turtle().unwrap());
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn our_own_shapes_compile() {
    assert!(Shapes::read(SHAPES).unwrap().count() > 20);
}
