//! Malformed and hostile files of each format: an error that says where, or what was understood of it; never a panic,
//! never half a system, and memory that follows the file.

use super::*;

const GRAPH: &str = r#"@prefix p: <https://w3id.org/procos/ontology#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
<https://example.org/R-1> a p:Requirement ; dcterms:description "The pump shall deliver \"5 l/min\"." ; p:group "Ann" .
<https://example.org/R-2> a p:Requirement ; dcterms:description "The pump shall be äöü –\nand quiet." .
"#;

/// The same two requirements in every format there is.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let system = system(vec![
        requirement("R-1", "The pump shall deliver \"5 l/min\".", &[("Owner", "Ann, Bee")]),
        requirement("R-2", "The pump shall be äöü –\nand quiet.", &[]),
    ]);
    let graph = |format| crate::vocabulary::written(GRAPH, format).unwrap().into_bytes();
    let wide = FILE.encode_utf16().flat_map(u16::to_be_bytes);
    vec![
        ("a.reqif", FILE.as_bytes().to_vec()),
        ("wide.reqif", [0xFE, 0xFF].into_iter().chain(wide).collect()),
        ("a.reqifz", zipped(&[("a.reqif", FILE.as_bytes())])),
        ("a.csv", table::write(&system).unwrap().into_bytes()),
        ("a.xlsx", workbook::write(&system, "2026-01-01T00:00:00Z").unwrap().0),
        ("a.ttl", graph(GraphFormat::Turtle)),
        ("a.nt", graph(GraphFormat::NTriples)),
        ("a.jsonld", graph(GraphFormat::JsonLd)),
    ]
}

#[test]
fn a_file_of_any_format_that_is_cut_off_is_refused_or_gives_whole_requirements_only() {
    for (name, whole) in files() {
        let all = read(name, &whole).unwrap().requirements;
        assert_eq!(all.len(), 2, "{name}");
        for percent in (0..100).step_by(5) {
            match read(name, &whole[..whole.len() * percent / 100]) {
                Err(error) => {
                    assert!(
                        ["ONTO-0004", "ONTO-0009"].contains(&error.code()),
                        "{name} {percent} %: {error}"
                    );
                    assert!(!error.to_string().is_empty() && !error.hint().is_empty());
                }
                // A table or a list of triples has no end mark: what was read is a beginning of it.
                Ok(read) => {
                    assert!(
                        ["a.csv", "a.ttl", "a.nt"].contains(&name),
                        "{name} at {percent} % is taken for whole"
                    );
                    assert!(read.requirements.len() <= all.len());
                    for (one, other) in read.requirements.iter().zip(&all) {
                        assert_eq!(one.id, other.id, "{percent} %");
                        assert!(other.text.starts_with(&one.text), "{percent} %");
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_of_another_encoding_are_refused_with_their_line() {
    for (name, bytes) in [
        // Latin-1, UTF-16 without its mark, a lone surrogate, UTF-32.
        ("a.csv", b"id,text\nA,caf\xe9\n".to_vec()),
        ("a.reqif", FILE.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a.csv", vec![0xFF, 0xFE, 0x00, 0xD8, 0x41, 0x00]),
        ("a.reqif", [0xFF, 0xFE, 0, 0, b'<', 0, 0, 0].to_vec()),
        ("a.reqif", [b"<REQ-IF>".as_slice(), &[0xC3, 0x28]].concat()),
    ] {
        let error = read(name, &bytes).unwrap_err();
        assert_eq!(error.code(), "ONTO-0009", "{name} {bytes:?}: {error}");
        assert!(error.to_string().contains("line "), "{error}");
    }
}

#[test]
fn entities_are_never_looked_up() {
    let body = &FILE[FILE.find("<REQ-IF").unwrap()..];
    let laughs: String = (1..20).map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};\">", n - 1)).collect();
    for doctype in [
        "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        "<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\">".to_owned(),
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:1/p\"> %p;]>".to_owned(),
        format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>"),
    ] {
        let text = format!("{doctype}{}", body.replace("&amp; motor", "&l19;"));
        for (name, bytes) in
            [("a.reqif", text.clone().into_bytes()), ("a.reqifz", zipped(&[("a.reqif", text.as_bytes())]))]
        {
            let error = read(name, &bytes).unwrap_err();
            assert!(error.to_string().contains("document type"), "{name}: {error}");
        }
    }
    // In a workbook, too.
    let sheet = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><workbook>&a;</workbook>";
    assert!(read("a.xlsx", &zipped(&[("xl/workbook.xml", sheet.as_bytes())])).is_err());
}

#[test]
fn a_million_levels_are_refused_at_once() {
    let deep = |open: &str| open.repeat(1_000_000);
    let hierarchy = FILE.replace("<SPECIFICATIONS>", &format!("<SPECIFICATIONS>{}", deep("<CHILDREN>")));
    let xhtml = FILE.replace("<xhtml:div>", &format!("<xhtml:div>{}", deep("<xhtml:b>")));
    for text in [hierarchy, xhtml, deep("<a>"), format!("<REQ-IF>{}", deep("<a>"))] {
        let error = reqif::read(&text).unwrap_err();
        assert!(["ONTO-0006", "ONTO-0009"].contains(&error.code()), "{error}");
    }
}

#[tokio::test]
async fn what_names_nothing_or_something_twice_is_told_and_stores_nothing_or_the_rest() {
    // Twice the same id: nothing.
    for (name, text) in [
        ("a.csv", "id,text\nA,x\nA,y\n".to_owned()),
        ("a.reqif", FILE.replace("IDENTIFIER=\"R-2\"", "IDENTIFIER=\"R-1\"")),
    ] {
        let error = read(name, text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("twice") && error.contains("line "), "{name}: {error}");
    }
    // A relation to nothing stays out and is told; a parent that is not there keeps the whole file out.
    let ontology = empty().await;
    let report = taken_in(&ontology, reqif::read(FILE).unwrap()).await;
    assert_eq!((report.requirements, report.links), (2, 2));
    assert!(!report.remarks.is_empty(), "L-3 leads nowhere");
    let orphan = read("a.csv", b"id,text,parent\nA,x,nowhere\n").unwrap();
    let known = ontology.snapshot("s").unwrap();
    let (change, _) = orphan.change(Some(&known), &|_| {});
    let error = ontology.commit(ChangeSet { system: "s".into(), ..change }, known.head).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert_eq!(ontology.snapshot("s").unwrap().count("requirement"), 2, "nothing of it was stored");
}

#[test]
fn a_hundred_megabytes_are_read_or_refused_and_not_multiplied() {
    // One endless attribute, one endless cell, and very many rows.
    let value = FILE.replace("Ann &quot;A&quot;", &"x".repeat(100_000_000));
    assert_eq!(reqif::read(&value).unwrap_err().code(), "ONTO-0006");
    let cell = format!("id,text\nA,{}\n", "x".repeat(100_000_000));
    assert_eq!(read("a.csv", cell.as_bytes()).unwrap_err().code(), "ONTO-0006");
    let rows: String = (0..260_000).map(|n| format!("R-{n},x\n")).collect();
    let error = read("a.csv", format!("id,text\n{rows}").as_bytes()).unwrap_err();
    assert_eq!(error.code(), "ONTO-0006", "{error}");
}
