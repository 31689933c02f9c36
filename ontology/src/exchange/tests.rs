//! Files from other tools and back.

mod hostile;

use super::*;
use crate::{Ontology, VolatileChangeSets};
use std::sync::Arc;

/// Two requirements under a heading, one below the other, a relation and an attribute, as tools write them.
const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd" xmlns:xhtml="http://www.w3.org/1999/xhtml">
 <THE-HEADER><REQ-IF-HEADER IDENTIFIER="h"><TITLE>Pump &amp; motor</TITLE></REQ-IF-HEADER></THE-HEADER>
 <CORE-CONTENT><REQ-IF-CONTENT>
  <DATATYPES><DATATYPE-DEFINITION-ENUMERATION IDENTIFIER="e"><SPECIFIED-VALUES>
    <ENUM-VALUE IDENTIFIER="e1" LONG-NAME="Approved"/></SPECIFIED-VALUES></DATATYPE-DEFINITION-ENUMERATION></DATATYPES>
  <SPEC-TYPES>
   <SPEC-OBJECT-TYPE IDENTIFIER="t" LONG-NAME="System Requirement"><SPEC-ATTRIBUTES>
     <ATTRIBUTE-DEFINITION-XHTML IDENTIFIER="a1" LONG-NAME="ReqIF.Text"/>
     <ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a2" LONG-NAME="ReqIF.ChapterName"/>
     <ATTRIBUTE-DEFINITION-ENUMERATION IDENTIFIER="a3" LONG-NAME="Status"/>
     <ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a4" LONG-NAME="Owner"><DEFAULT-VALUE><ATTRIBUTE-VALUE-STRING THE-VALUE="TBD"/></DEFAULT-VALUE></ATTRIBUTE-DEFINITION-STRING>
   </SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>
   <SPEC-RELATION-TYPE IDENTIFIER="r" LONG-NAME="Traces to"/><SPEC-RELATION-TYPE IDENTIFIER="r2" LONG-NAME="Refine Relationship"/>
  </SPEC-TYPES>
  <SPEC-OBJECTS>
   <SPEC-OBJECT IDENTIFIER="H"><VALUES><ATTRIBUTE-VALUE-STRING THE-VALUE="Flow"><DEFINITION><ATTRIBUTE-DEFINITION-STRING-REF>a2</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING></VALUES></SPEC-OBJECT>
   <SPEC-OBJECT IDENTIFIER="R-1" LONG-NAME="Delivery">
    <TYPE><SPEC-OBJECT-TYPE-REF>t</SPEC-OBJECT-TYPE-REF></TYPE>
    <VALUES>
     <ATTRIBUTE-VALUE-XHTML><DEFINITION><ATTRIBUTE-DEFINITION-XHTML-REF>a1</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION>
      <THE-VALUE><xhtml:div>The pump shall deliver <xhtml:b>5 l/min</xhtml:b> &lt;cold&gt;.</xhtml:div></THE-VALUE></ATTRIBUTE-VALUE-XHTML>
     <ATTRIBUTE-VALUE-ENUMERATION><VALUES><ENUM-VALUE-REF>e1</ENUM-VALUE-REF></VALUES><DEFINITION><ATTRIBUTE-DEFINITION-ENUMERATION-REF>a3</ATTRIBUTE-DEFINITION-ENUMERATION-REF></DEFINITION></ATTRIBUTE-VALUE-ENUMERATION>
     <ATTRIBUTE-VALUE-STRING THE-VALUE="Ann &quot;A&quot;&#10;Bee"><DEFINITION><ATTRIBUTE-DEFINITION-STRING-REF>a4</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING>
    </VALUES></SPEC-OBJECT>
   <SPEC-OBJECT IDENTIFIER="R-2"><VALUES><ATTRIBUTE-VALUE-XHTML><DEFINITION><ATTRIBUTE-DEFINITION-XHTML-REF>a1</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION><THE-VALUE><div xmlns="http://www.w3.org/1999/xhtml">One line<br/>and another</div></THE-VALUE></ATTRIBUTE-VALUE-XHTML></VALUES></SPEC-OBJECT>
  </SPEC-OBJECTS>
  <SPEC-RELATIONS>
   <SPEC-RELATION IDENTIFIER="L-1"><TYPE><SPEC-RELATION-TYPE-REF>r</SPEC-RELATION-TYPE-REF></TYPE><SOURCE><SPEC-OBJECT-REF>R-1</SPEC-OBJECT-REF></SOURCE><TARGET><SPEC-OBJECT-REF>R-2</SPEC-OBJECT-REF></TARGET></SPEC-RELATION>
   <SPEC-RELATION IDENTIFIER="L-2"><TYPE><SPEC-RELATION-TYPE-REF>r2</SPEC-RELATION-TYPE-REF></TYPE><SOURCE><SPEC-OBJECT-REF>R-2</SPEC-OBJECT-REF></SOURCE><TARGET><SPEC-OBJECT-REF>R-1</SPEC-OBJECT-REF></TARGET></SPEC-RELATION>
   <SPEC-RELATION IDENTIFIER="L-3"><SOURCE><SPEC-OBJECT-REF>R-1</SPEC-OBJECT-REF></SOURCE><TARGET><SPEC-OBJECT-REF>nowhere</SPEC-OBJECT-REF></TARGET></SPEC-RELATION>
  </SPEC-RELATIONS>
  <SPECIFICATIONS><SPECIFICATION IDENTIFIER="s"><CHILDREN>
   <SPEC-HIERARCHY IDENTIFIER="p1"><OBJECT><SPEC-OBJECT-REF>H</SPEC-OBJECT-REF></OBJECT><CHILDREN>
    <SPEC-HIERARCHY IDENTIFIER="p2"><OBJECT><SPEC-OBJECT-REF>R-1</SPEC-OBJECT-REF></OBJECT><CHILDREN>
     <SPEC-HIERARCHY IDENTIFIER="p3"><OBJECT><SPEC-OBJECT-REF>R-2</SPEC-OBJECT-REF></OBJECT></SPEC-HIERARCHY>
    </CHILDREN></SPEC-HIERARCHY>
   </CHILDREN></SPEC-HIERARCHY>
  </CHILDREN></SPECIFICATION></SPECIFICATIONS>
 </REQ-IF-CONTENT></CORE-CONTENT>
</REQ-IF>
"#;

async fn taken_in(ontology: &Ontology, imported: Imported) -> ImportReport {
    let known = ontology.snapshot("s").ok();
    let (change, report) = imported.change(known.as_deref(), &|_| {});
    let change = ChangeSet { system: "s".into(), ..change };
    ontology.commit(change, known.map_or(0, |system| system.head)).await.unwrap();
    report
}

async fn empty() -> Ontology {
    Ontology::open(Arc::new(VolatileChangeSets::default())).await.unwrap()
}

#[test]
fn a_reqif_file_gives_texts_groups_parents_attributes_and_relations() {
    let found = reqif::read(FILE).unwrap();
    assert_eq!(found.title.as_deref(), Some("Pump & motor"));
    assert_eq!(found.requirements.len(), 2);
    let [one, two] = &found.requirements[..] else { panic!() };
    assert_eq!(one.text, "The pump shall deliver 5 l/min <cold>.");
    assert_eq!((one.group.as_deref(), one.kind.as_deref()), (Some("Flow"), Some("System Requirement")));
    assert_eq!(one.attributes["Status"], "Approved");
    assert_eq!(one.attributes["Owner"], "Ann \"A\"\nBee");
    assert!(one.attributes["ReqIF.Text"].contains("<xhtml:b>5 l/min</xhtml:b>"), "markup is kept");
    assert_eq!((two.text.as_str(), two.parent.as_deref()), ("One line\nand another", Some("R-1")));
    assert_eq!(found.relations.len(), 2);
    let remarks: Vec<&str> = found.remarks.iter().map(|it| it.what.as_str()).collect();
    assert!(remarks.iter().any(|it| it.contains("relation L-3 joins R-1 and nowhere")), "{remarks:?}");
    assert!(remarks.contains(&"1 headings became the groups of what stands under them"));
}

#[tokio::test]
async fn a_round_trip_through_reqif_changes_nothing() {
    let ontology = empty().await;
    let report = taken_in(&ontology, reqif::read(FILE).unwrap()).await;
    assert_eq!((report.requirements, report.links, report.added), (2, 2, 2));
    let written = reqif::write(&ontology.snapshot("s").unwrap(), "2026-01-01T00:00:00Z").unwrap();
    let again = reqif::read(&written.text).unwrap();
    let line = |it: Requirement| Requirement { line: None, ..it };
    let first: Vec<Requirement> = reqif::read(FILE).unwrap().requirements.into_iter().map(line).collect();
    let second: Vec<Requirement> = again.requirements.into_iter().map(line).collect();
    // An object without a type is given one.
    let typed =
        |it: &Requirement| Requirement { kind: it.kind.clone().or(Some("Requirement".into())), ..it.clone() };
    assert_eq!(second[0], first[0]);
    assert_eq!(second[1], typed(&first[1]));
    let names = |found: &[Relation]| -> Vec<String> { found.iter().map(|it| it.id.clone()).collect() };
    assert_eq!(names(&again.relations), ["L-1", "L-2"]);
    assert_eq!(again.relations[0].name.as_deref(), Some("Traces to"));
}

#[tokio::test]
async fn importing_again_keeps_ids_links_and_what_people_added() {
    let ontology = empty().await;
    taken_in(&ontology, reqif::read(FILE).unwrap()).await;
    let system = ontology.snapshot("s").unwrap();
    let Node::Requirement(mut own) = system.node("R-1").unwrap().as_ref().clone() else { panic!() };
    own.verification = Some("test".into());
    let extra =
        Node::Requirement(Requirement { id: "X".into(), text: "ours".into(), ..Requirement::default() });
    let put = vec![Node::Requirement(own), extra];
    ontology.commit(ChangeSet { system: "s".into(), put, ..ChangeSet::default() }, 1).await.unwrap();
    let changed = FILE.replace("One line", "One other line");
    let report = taken_in(&ontology, reqif::read(&changed).unwrap()).await;
    assert_eq!((report.added, report.absent), (0, 1));
    let now = ontology.snapshot("s").unwrap();
    let Node::Requirement(kept) = now.node("R-1").unwrap().as_ref() else { panic!() };
    assert_eq!(kept.verification.as_deref(), Some("test"));
    let suspects = crate::suspicion::suspects(&now, false);
    assert_eq!(suspects.len(), 2, "what was reworded makes its links suspect");
    // The same file again changes nothing.
    taken_in(&ontology, reqif::read(&changed).unwrap()).await;
    assert_eq!(ontology.snapshot("s").unwrap().head, now.head);
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_refused_with_its_line() {
    for percent in (5..100).step_by(5) {
        let mut cut = FILE.len() * percent / 100;
        while !FILE.is_char_boundary(cut) {
            cut -= 1;
        }
        let error = reqif::read(&FILE[..cut]).unwrap_err();
        assert_eq!(error.code(), "ONTO-0009", "{percent} %: {error}");
        assert!(error.to_string().contains("line "), "{error}");
    }
}

#[test]
fn hostile_files_are_refused() {
    let entity = format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", &FILE[FILE.find("<REQ-IF").unwrap()..]);
    let deep = format!("<REQ-IF>{}", "<a>".repeat(1_000_000));
    let twice = FILE.replace("IDENTIFIER=\"R-2\"", "IDENTIFIER=\"R-1\"");
    let unknown = FILE.replace("&amp; motor", "&motor;");
    for (text, says) in [
        (entity.as_str(), "document type"),
        (deep.as_str(), "deeper"),
        (twice.as_str(), "twice"),
        (unknown.as_str(), "&motor;"),
        ("<html/>", "not <REQ-IF>"),
        ("", "holds no element"),
    ] {
        let error = reqif::read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{error} should say {says}");
    }
}

#[tokio::test]
async fn a_table_goes_out_and_in_with_its_attributes() {
    let ontology = empty().await;
    taken_in(&ontology, reqif::read(FILE).unwrap()).await;
    let system = ontology.snapshot("s").unwrap();
    let text = table::write(&system).unwrap();
    let back = table::read(&text).unwrap();
    assert_eq!(back.requirements.len(), 2);
    assert_eq!(back.requirements[0].attributes["Owner"], "Ann \"A\"\nBee");
    assert_eq!(back.requirements[1].parent.as_deref(), Some("R-1"));
    let matrix = table::write_matrix(&system, crate::matrix::Columns::Components).unwrap();
    assert_eq!(matrix, "requirement\nR-1\nR-2\n");
    let twice = table::read("id,text\nA,x\nA,y\n").unwrap_err().to_string();
    assert!(twice.contains("line 3") && twice.contains("twice"), "{twice}");
    assert!(table::read("name\nA\n").unwrap_err().to_string().contains("no column id"));
}

#[test]
fn other_encodings_are_read_or_refused_with_their_line() {
    let wide: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(FILE.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(read("a.REQIF", &wide).unwrap().requirements.len(), 2);
    let broken = read("a.csv", b"id,text\nA,\xff\n").unwrap_err().to_string();
    assert!(broken.contains("line 2") && broken.contains("UTF-8"), "{broken}");
    assert_eq!(read("a.doc", b"").unwrap_err().code(), "ONTO-0004");
}

#[tokio::test]
async fn every_form_can_be_written() {
    let ontology = empty().await;
    taken_in(&ontology, reqif::read(FILE).unwrap()).await;
    for name in [
        "turtle", "ntriples", "jsonld", "trig", "nquads", "reqif", "csv", "matrix", "oslc", "markdown",
        "sysml",
    ] {
        let form = Form::named(name).unwrap();
        let document = ontology.write("s", form, "2026-01-01T00:00:00Z").unwrap();
        assert!(String::from_utf8_lossy(&document.bytes).contains("R-1"), "{name}");
        let graph = crate::iri::system_iri("s");
        let names_its_graph = matches!(name, "nquads");
        assert_eq!(
            String::from_utf8_lossy(&document.bytes).contains(&format!("<{graph}> .")),
            names_its_graph || name == "ntriples",
            "{name}"
        );
    }
}

fn requirement(id: &str, text: &str, attributes: &[(&str, &str)]) -> Node {
    let attributes =
        attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Node::Requirement(Requirement { id: id.into(), text: text.into(), attributes, ..Requirement::default() })
}

fn system(put: Vec<Node>) -> SystemIndex {
    let mut system = SystemIndex::default();
    system.apply(&ChangeSet { system: "s".into(), put, ..ChangeSet::default() });
    system
}

/// A ZIP archive of these files.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_workbook_goes_out_and_comes_back_with_the_same_requirements() {
    let put = vec![
        requirement(
            "R-1",
            "=1+1 is no formula,\nand \"this\" is äöü.",
            &[("Owner", "Ann"), ("Since", "2026-11-24")],
        ),
        requirement("2", "An id that looks like a number.", &[]),
    ];
    let system = system(put);
    let (bytes, remarks) = workbook::write(&system, "2026-11-24T01:02:03Z").unwrap();
    assert!(remarks.is_empty());
    assert_eq!(
        bytes,
        workbook::write(&system, "2026-11-24T05:00:00Z").unwrap().0,
        "the same day, the same file"
    );
    let back = read("a.XLSX", &bytes).unwrap();
    let by_id = |id: &str| back.requirements.iter().find(|it| it.id == id).unwrap();
    assert_eq!(by_id("R-1").text, "=1+1 is no formula,\nand \"this\" is äöü.");
    assert_eq!(by_id("R-1").attributes["Owner"], "Ann");
    assert_eq!(by_id("R-1").attributes["Since"], "2026-11-24");
    assert_eq!(by_id("2").text, "An id that looks like a number.");
    assert_eq!(back.requirements.len(), 2);
    assert_eq!(back.remarks[0].what, "1 other sheets than Requirements were not read");
}

#[test]
fn a_workbook_of_other_people_is_read_where_its_header_is() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().set_name("Cover").unwrap().write(0, 0, "Brake system").unwrap();
    let sheet = workbook.add_worksheet();
    let day = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 11, 24).unwrap();
    let format = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy");
    for (column, name) in ["ID", " Text ", "Priority", "Due"].into_iter().enumerate() {
        sheet.write(3, u16::try_from(column).unwrap(), name).unwrap();
    }
    sheet.write(4, 0, 17).unwrap().write(4, 1, "It shall brake.").unwrap().write(4, 2, 1.5).unwrap();
    sheet.write_with_format(4, 3, &day, &format).unwrap();
    sheet.write(6, 1, "A text without an id").unwrap();
    let bytes = workbook.save_to_buffer().unwrap();
    let read = read("a.xlsx", &bytes).unwrap();
    let one = &read.requirements[0];
    assert_eq!((one.id.as_str(), one.text.as_str(), one.line), ("17", "It shall brake.", Some(5)));
    assert_eq!((one.attributes["Priority"].as_str(), one.attributes["Due"].as_str()), ("1.5", "2026-11-24"));
    assert_eq!(read.remarks[0].line, Some(7), "the empty row above it is none");
    let csv = workbook::as_csv(&bytes).unwrap();
    assert_eq!(csv.lines().nth(3), Some("ID, Text ,Priority,Due"), "each row on its own line:\n{csv}");
    assert_eq!(csv.lines().nth(4), Some("17,It shall brake.,1.5,2026-11-24"));
}

#[test]
fn workbooks_and_archives_that_cannot_be_read_say_why() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().write(0, 0, "name").unwrap();
    let no_header = workbook.save_to_buffer().unwrap();
    let bomb = zipped(&[("xl/workbook.xml", &vec![b' '; 257 << 20])]);
    assert!(bomb.len() < 1 << 20, "it is small as long as it is packed");
    for (name, bytes, says) in [
        ("a.xlsx", b"no archive".to_vec(), "archive is broken"),
        ("a.xlsx", no_header.clone(), "no sheet has a header with the columns id and text"),
        ("a.xlsx", bomb.clone(), "unpacks to more than"),
        ("a.reqifz", bomb, "unpacks to more than"),
        ("a.reqifz", zipped(&[("readme.txt", b"hello")]), "no .reqif file in it"),
        ("a.reqifz", zipped(&[("in/a.reqif", b"<REQ-IF><")]), "in/a.reqif: "),
        ("a.xlsx", zipped(&[("a.xml", b"<a/>")]), "XLSX"),
        ("a.doc", Vec::new(), "does not end in .reqif, .reqifz, .csv, .xlsx, "),
    ] {
        let error = read(name, &bytes).unwrap_err().to_string();
        assert!(error.contains(says), "{name}: {error}");
    }
    // Cut off anywhere, it is an error and no panic.
    for part in 1..20 {
        assert!(read("a.xlsx", &no_header[..no_header.len() * part / 20]).is_err());
    }
    let long = system(vec![requirement("R-1", &"x".repeat(32_768), &[])]);
    assert!(workbook::write(&long, "").unwrap_err().to_string().contains("R-1"));
}

#[test]
fn an_archive_of_reqif_files_is_read_as_one_and_its_pictures_stay_out() {
    let second = FILE.replace("R-1", "Q-1").replace("R-2", "Q-2").replace("\"H\"", "\"G\"");
    let archive = zipped(&[
        ("a.reqif", FILE.as_bytes()),
        ("b.ReqIF", second.as_bytes()),
        ("pictures/p.png", b"\x89PNG"),
    ]);
    let read = read("both.reqifz", &archive).unwrap();
    let ids: Vec<&str> = read.requirements.iter().map(|it| it.id.as_str()).collect();
    assert!(["R-1", "R-2", "Q-1", "Q-2"].iter().all(|id| ids.contains(id)), "{ids:?}");
    assert!(read.remarks.iter().any(|remark| remark.what == "1 attachments stayed out"));
}

#[tokio::test]
async fn a_newer_table_changes_how_a_requirement_is_verified_and_an_older_form_leaves_it() {
    let ontology = empty().await;
    let verification = || {
        let system = ontology.snapshot("s").unwrap();
        let Node::Requirement(found) = system.node("R-1").unwrap().as_ref().clone() else { panic!() };
        found.verification
    };
    taken_in(&ontology, table::read("id,text,verification\nR-1,It shall.,test\n").unwrap()).await;
    taken_in(&ontology, table::read("id,text,verification\nR-1,It shall.,analysis\n").unwrap()).await;
    assert_eq!(verification().as_deref(), Some("analysis"));
    taken_in(&ontology, table::read("id,text\nR-1,It shall.\n").unwrap()).await;
    assert_eq!(verification().as_deref(), Some("analysis"));
}
