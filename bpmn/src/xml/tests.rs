//! Reading, refusing and writing.

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::model::{Definitions, FlowNodeKind};
use crate::samples;

fn refused(text: &str) -> Error {
    read(text.as_bytes()).unwrap_err()
}

/// A file with this inside of its process.
fn file(inside: &str) -> String {
    format!(
        "<definitions xmlns=\"{}\">\n<process id=\"p\">\n{inside}\n</process></definitions>",
        namespace::BPMN
    )
}

fn again(definitions: &Definitions) -> Definitions {
    read(write(definitions).as_bytes()).unwrap()
}

#[test]
fn everything_in_a_file_survives_reading_and_writing() {
    let first = read(samples::EVERYTHING.as_bytes()).unwrap();
    let text = write(&first);
    let second = read(text.as_bytes()).unwrap();
    assert_eq!(first, second);
    assert_eq!(text, write(&second));
    for kept in [
        "acme:mark",
        "mixed <b>bold</b> text",
        "acme:shade",
        "structureRef=\"tns:Thing\"",
        "dataInputRefs",
        "a &amp; b",
    ] {
        assert!(text.contains(kept), "{kept} is lost in {text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn models_with_diagrams_survive_writing_and_reading(block in samples::blocks()) {
        let mut definitions = samples::process_of(&block);
        crate::layout::ensure_diagram(&mut definitions);
        prop_assert_eq!(&again(&definitions), &definitions);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_never_a_panic(at in 0_usize..7_000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = samples::EVERYTHING.as_bytes().to_vec();
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
            prop_assert!(read(&bytes).is_err());
        } else {
            bytes[at] = byte;
            if let Ok(definitions) = read(&bytes) {
                let _ = crate::compile::compile(&definitions, None);
                prop_assert_eq!(&again(&definitions), &definitions);
            }
        }
    }

    #[test]
    fn any_name_survives(name in "\\PC{0,40}", text in "[ -~\n\t]{0,40}") {
        let mut builder = crate::model::Builder::process("p");
        builder.task("a", &name).document("a", &text);
        let definitions = builder.finish();
        prop_assert_eq!(&again(&definitions), &definitions);
    }
}

#[test]
fn a_namespace_is_read_and_written_like_any_value() {
    let text = "<d:definitions xmlns:d=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" \
        xmlns:odd=\"a&amp;b &gt; &#9;&quot;c&quot;\"><d:process id=\"p\"><d:extensionElements>\
        <odd:note odd:mark=\"1\"/></d:extensionElements></d:process></d:definitions>";
    let definitions = read(text.as_bytes()).unwrap();
    assert_eq!(&*definitions.processes[0].element.extensions[0].namespace, "a&b > \t\"c\"");
    assert_eq!(again(&definitions), definitions);
    let open = text.replace("a&amp;b", "a<b");
    assert!(matches!(read(open.as_bytes()), Err(Error::Malformed { .. })));
}

#[test]
fn any_prefix_and_encoding_is_read() {
    let text = "<?xml version=\"1.0\"?><q:definitions xmlns:q=\"http://www.omg.org/spec/BPMN/20100524/MODEL\">\
        <q:process id=\"p\"><q:task id=\"t\" name=\"Größe\"/></q:process></q:definitions>";
    let plain = read(text.as_bytes()).unwrap();
    assert_eq!(plain.processes[0].nodes[0].element.name.as_deref(), Some("Größe"));
    let units: Vec<u16> = text.encode_utf16().collect();
    let little: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(units.iter().flat_map(|unit| unit.to_le_bytes())).collect();
    let big: Vec<u8> =
        [0xFE, 0xFF].into_iter().chain(units.iter().flat_map(|unit| unit.to_be_bytes())).collect();
    let unmarked: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let marked: Vec<u8> = [0xEF, 0xBB, 0xBF].into_iter().chain(text.bytes()).collect();
    for bytes in [little, big, unmarked, marked] {
        assert_eq!(read(&bytes).unwrap(), plain);
    }
    let latin = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>".chars().chain(text.chars().skip(21));
    let bytes: Vec<u8> = latin.map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    assert_eq!(read(&bytes).unwrap(), plain);
}

#[test]
fn a_document_type_is_refused_and_nothing_is_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
    assert_eq!(refused(bomb).code(), "BPMN-0004");
    assert_eq!(refused(&file("<task id=\"t\" name=\"&a;\"/>")).code(), "BPMN-0002");
    assert_eq!(refused(&file("<documentation>&a;</documentation>")).code(), "BPMN-0002");
}

#[test]
fn each_limit_refuses_one_more_and_not_one_less() {
    let nested = |depth: usize| file(&format!("{}{}", "<x>".repeat(depth), "</x>".repeat(depth)));
    assert!(read(nested(MAX_DEPTH - 2).as_bytes()).is_ok());
    assert_eq!(refused(&nested(MAX_DEPTH - 1)).code(), "BPMN-0001");
    let attributes = |number: usize| {
        let list: String = (0..number).map(|at| format!(" a{at}=\"\"")).collect();
        file(&format!("<task id=\"t\"{list}/>"))
    };
    assert!(read(attributes(MAX_ATTRIBUTES - 1).as_bytes()).is_ok());
    assert_eq!(refused(&attributes(MAX_ATTRIBUTES)).code(), "BPMN-0001");
    let elements = |number: usize| file(&"<x/>".repeat(number));
    assert!(read(elements(MAX_ELEMENTS - 2).as_bytes()).is_ok());
    assert_eq!(refused(&elements(MAX_ELEMENTS - 1)).code(), "BPMN-0001");
    let id = |length: usize| file(&format!("<task id=\"{}\"/>", "i".repeat(length)));
    assert!(read(id(MAX_ID_BYTES).as_bytes()).is_ok());
    assert_eq!(refused(&id(MAX_ID_BYTES + 1)).code(), "BPMN-0001");
    assert_eq!(read(&vec![b' '; MAX_FILE_BYTES + 1]).unwrap_err().code(), "BPMN-0001");
}

#[test]
fn what_is_no_bpmn_is_refused_with_the_reason() {
    assert_eq!(refused("").code(), "BPMN-0003");
    assert_eq!(refused("plain text").code(), "BPMN-0002");
    assert_eq!(refused("<definitions/>").code(), "BPMN-0003");
    assert_eq!(read(&[0x89, b'P', b'N', b'G', 0xFF]).unwrap_err().code(), "BPMN-0005");
    assert_eq!(refused("<a:definitions/>").code(), "BPMN-0002");
}

#[test]
fn duplicate_ids_and_dangling_references_are_named_with_their_line() {
    let error = refused(&file("<task id=\"t\"/>\n<task id=\"t\"/>"));
    assert_eq!(error.code(), "BPMN-0006");
    assert_eq!(error.place().line, 4);
    let error =
        refused(&file("<task id=\"t\"/>\n<sequenceFlow id=\"f\" sourceRef=\"t\" targetRef=\"gone\"/>"));
    assert_eq!(error.code(), "BPMN-0007");
    assert_eq!((error.place().element.as_deref(), error.place().line), (Some("f"), 4));
    assert!(error.to_string().contains("gone"), "{error}");
    for inside in [
        "<boundaryEvent id=\"b\" attachedToRef=\"gone\"/>",
        "<exclusiveGateway id=\"b\" default=\"gone\"/>",
        "<endEvent id=\"b\"><errorEventDefinition errorRef=\"gone\"/></endEvent>",
        "<receiveTask id=\"b\" messageRef=\"gone\"/>",
        "<association id=\"b\" sourceRef=\"p\" targetRef=\"gone\"/>",
        "<laneSet><lane id=\"b\"><flowNodeRef>gone</flowNodeRef></lane></laneSet>",
    ] {
        let error = refused(&file(inside));
        assert_eq!((error.code(), error.place().element.as_deref()), ("BPMN-0007", Some("b")), "{inside}");
    }
    assert_eq!(refused(&file("<task name=\"no id\"/>")).code(), "BPMN-0008");
    assert_eq!(refused(&file("<callActivity id=\"b\" isForCompensation=\"maybe\"/>")).code(), "BPMN-0009");
}

#[test]
fn references_with_a_prefix_lead_to_the_plain_id() {
    let text = file("<task id=\"t\"/><sequenceFlow id=\"f\" sourceRef=\"tns:t\" targetRef=\" t \"/>");
    let definitions = read(text.as_bytes()).unwrap();
    let flow = &definitions.processes[0].flows[0];
    assert_eq!((flow.source.as_str(), flow.target.as_str()), ("t", "t"));
}

#[test]
fn nested_sub_processes_are_read_flat_in_document_order() {
    let text = file(
        "<subProcess id=\"a\"><task id=\"b\"/><subProcess id=\"c\"><task id=\"d\"/></subProcess></subProcess><task id=\"e\"/>",
    );
    let definitions = read(text.as_bytes()).unwrap();
    let nodes: Vec<_> = definitions.processes[0]
        .nodes
        .iter()
        .map(|node| (node.element.id.as_str(), node.parent.as_deref()))
        .collect();
    assert_eq!(nodes, [("a", None), ("b", Some("a")), ("c", Some("a")), ("d", Some("c")), ("e", None)]);
    assert!(matches!(definitions.processes[0].nodes[0].kind, FlowNodeKind::SubProcess(_)));
}
