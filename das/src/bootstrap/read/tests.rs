//! Reading: what is found in each format, and what is refused.

use super::*;

fn ids(name: &str, text: &str) -> Vec<String> {
    read(name, text.as_bytes()).unwrap().items.into_iter().map(|item| item.id).collect()
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let error = read(name, bytes).unwrap_err();
    assert_eq!(error.code(), "DAS-0020");
    assert!(error.hint().is_some());
    error.to_string()
}

#[test]
fn markdown_keeps_ids_groups_and_parents() {
    let text = "# Aircraft\n\nSome prose.\n\n## Performance\n\n- R-1: The aircraft shall fly.\n  - R-1.1: The wing shall lift.\n- [R-2] The engine shall run.\n\n## Safety\n\n* **R-3** The seat shall hold.\n* **R-4:** The belt shall hold.\n1. The door shall open.\n\nR-9: A paragraph shall count.\n";
    let source = read("a.md", text.as_bytes()).unwrap();
    assert_eq!(source.title.as_deref(), Some("Aircraft"));
    let found: Vec<_> = source
        .items
        .iter()
        .map(|i| (i.id.as_str(), i.text.as_str(), i.group.as_deref().unwrap(), i.parent.as_deref(), i.line))
        .collect();
    assert_eq!(
        found,
        [
            ("R-1", "The aircraft shall fly.", "Performance", None, 7),
            ("R-1.1", "The wing shall lift.", "Performance", Some("R-1"), 8),
            ("R-2", "The engine shall run.", "Performance", None, 9),
            ("R-3", "The seat shall hold.", "Safety", None, 13),
            ("R-4", "The belt shall hold.", "Safety", None, 14),
            ("R-5", "The door shall open.", "Safety", None, 15),
            ("R-9", "A paragraph shall count.", "Safety", None, 17),
        ]
    );
}

#[test]
fn table_rows_in_markdown_are_requirements() {
    let text = "| ID | Requirement | Type |\n|---|---|---|\n| A-1 | The pump shall stop. | safety |\n";
    let source = read("a.md", text.as_bytes()).unwrap();
    assert_eq!(source.items[0].id, "A-1");
    assert_eq!(source.items[0].kind.as_deref(), Some("safety"));
}

#[test]
fn csv_reads_header_quotes_parents_and_says_what_it_ignores() {
    let text = "id,text,parent,kind,owner\nX1,\"The pump shall run, always\",,functional,me\nX2,The pump shall stop,X1,safety,you\n";
    let source = read("a.csv", text.as_bytes()).unwrap();
    assert_eq!(source.items[0].text, "The pump shall run, always");
    assert_eq!(source.items[1].parent.as_deref(), Some("X1"));
    assert_eq!(source.items[1].kind.as_deref(), Some("safety"));
    assert_eq!(source.ignored_columns, ["owner"]);
    assert_eq!(source.items[1].line, 3);
}

#[test]
fn csv_without_header_and_with_other_separators_is_read() {
    assert_eq!(ids("a.csv", "Q1,The pump shall run\nQ2,The pump shall stop\n"), ["Q1", "Q2"]);
    assert_eq!(ids("a.csv", "ID;Text\nQ1;The pump shall run\n"), ["Q1"]);
    assert_eq!(ids("data", "id\ttext\nQ1\tThe pump shall run\n"), ["Q1"]);
}

#[test]
fn plain_lines_lose_bullets_and_numbers_but_not_ids() {
    let text = "1. The pump shall run.\n2) The pump shall stop.\n• The pump shall rest.\nREQ_7: The pump shall sing.\n\n";
    let source = read("a.txt", text.as_bytes()).unwrap();
    let found: Vec<_> = source.items.iter().map(|i| (i.id.as_str(), i.text.as_str())).collect();
    assert_eq!(
        found,
        [
            ("R-1", "The pump shall run."),
            ("R-2", "The pump shall stop."),
            ("R-3", "The pump shall rest."),
            ("REQ_7", "The pump shall sing.")
        ]
    );
}

#[test]
fn a_standard_at_the_start_is_not_an_id() {
    assert_eq!(ids("a.txt", "CS-23 rules apply to the aircraft.\n"), ["R-1"]);
}

#[test]
fn byte_order_marks_are_understood() {
    let utf8 = [b"\xEF\xBB\xBF".as_slice(), b"id,text\nA1,The pump shall run\n"].concat();
    assert_eq!(read("a.csv", &utf8).unwrap().items[0].id, "A1");
    let utf16: Vec<u8> = [0xFF, 0xFE]
        .into_iter()
        .chain("The pump shall run".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(read("a.txt", &utf16).unwrap().items[0].text, "The pump shall run");
}

#[test]
fn empty_binary_and_foreign_bytes_are_refused() {
    assert!(refusal("a.md", b"").contains("empty"));
    assert!(refusal("a.md", b" \n\n ").contains("empty"));
    assert!(refusal("a.md", b"abc\0def").contains("binary"));
    assert!(refusal("a.md", b"abc\n\xff\xfa").contains("a.md:2"));
}

#[test]
fn a_line_of_twenty_megabytes_is_refused_with_its_number() {
    let text = format!("The pump shall run.\n{}\n", "x".repeat(20 * 1024 * 1024));
    assert!(refusal("a.txt", text.as_bytes()).contains("a.txt:2"));
}

#[test]
fn too_many_requirements_are_refused() {
    let text = "The pump shall run.\n".repeat(MAX_REQUIREMENTS + 1);
    assert!(refusal("a.txt", text.as_bytes()).contains("20001"));
}

#[test]
fn a_duplicate_id_is_named_with_both_lines() {
    let why =
        refusal("a.md", b"- R-1: The pump shall run.\n- R-2: x shall y.\n- R-1: The pump shall stop.\n");
    assert!(why.contains("R-1") && why.contains("line 1") && why.contains("line 3"), "{why}");
}
