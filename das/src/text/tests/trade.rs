//! Archetypes and words of packs: they help, they are bounded, and what is wrong is named with its line.

use super::*;

const WORDS: &str = "# brewing\n[verbs]\nsparge lauter\n[irregular]\nbrew brewed brewn\n[machines]\nlauter-tun\n\
    [people]\nmaltster\n[nouns]\nmash\n";

const ARCHETYPE: &str = r#"{
 "name": "brew",
 "title": "Brew beer",
 "keywords": {"beer": 5, "brew": 4},
 "core": ["boil", "mash_in"], "also": {"boil": ["brew"]},
 "table": {"root": "root", "nodes": [
  {"id": "root", "op": "sequence", "children": ["mash_in", "boil"]},
  {"id": "mash_in", "op": "manual", "label": "Mash in"},
  {"id": "boil", "op": "activity", "label": "Boil the wort"}
 ]}
}"#;

fn taught() -> Arc<Trade> {
    let mut trade = Trade::default();
    trade.add_words(WORDS).unwrap();
    trade.add_archetype(ARCHETYPE).unwrap();
    Arc::new(trade)
}

#[test]
fn the_words_of_a_trade_are_read_only_with_it() {
    let trade = taught();
    let text = "The maltster sparges the grain, then lauters the wort.";
    let with = leaf_labels(&read_with(text, Some(&trade)).unwrap().tree);
    assert!(
        with.contains(&"Sparge grain".to_owned()) && with.contains(&"Lauter wort".to_owned()),
        "{with:?}"
    );
    assert_eq!(
        read(text).map(|reading| leaf_labels(&reading.tree)).ok(),
        read_with(text, None).map(|r| leaf_labels(&r.tree)).ok()
    );
    let tree = read_with("The lauter-tun drains. The maltster checks the mash.", Some(&trade)).unwrap().tree;
    let actors: Vec<Option<String>> = tree.activities().iter().map(|step| step.actor.clone()).collect();
    assert!(actors.iter().flatten().any(|actor| actor == "Maltster"), "{actors:?}");
}

#[test]
fn an_archetype_of_a_pack_completes_a_prompt() {
    let reading = read_with("Build a process to brew beer", Some(&taught())).unwrap();
    assert_eq!(reading.archetype.as_deref(), Some("brew"));
    // "Brew" means the step "boil"; the rest of the core is assumed.
    assert_eq!(leaf_labels(&reading.tree), ["Mash in", "Brew beer"]);
    assert!(read("Build a process to brew beer").is_err(), "without the pack nobody knows the word");
}

#[test]
fn what_is_wrong_with_words_is_named_with_its_line() {
    for (text, line, word) in [
        ("sparge\n", 1, "before the first section"),
        ("[verbs]\n[verb]\n", 2, "none of"),
        ("[verbs]\nsparge\nSparge\n", 3, "lower case"),
        ("[irregular]\n\ngo went\n", 3, "three forms"),
    ] {
        let mut trade = Trade::default();
        let mistake = trade.add_words(text).unwrap_err();
        assert_eq!(mistake.line, line, "{mistake}");
        assert!(mistake.why.contains(word), "{mistake}");
        assert!(trade.is_empty(), "nothing is taken in");
    }
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    let many: String = (0..WORDS_LIMIT + 1)
        .map(|n| format!("w{}{}{}{} ", letter(n), letter(n / 26), letter(n / 676), letter(n / 17_576)))
        .collect();
    let mistake = Trade::default().add_words(&format!("[things]\n{many}")).unwrap_err();
    assert!(mistake.why.contains("WORDS_LIMIT"), "{mistake}");
}

#[test]
fn what_is_wrong_with_an_archetype_is_named_with_its_line() {
    for (from, to, line, word) in [
        ("\"title\"", "title", 3, ""),
        ("\"brew\",\n", "\"no name\",\n", 2, "letters, digits"),
        ("{\"beer\": 5", "{\"Beer\": 5", 4, "lower case"),
        ("[\"boil\", \"mash_in\"]", "[\"bake\"]", 5, "there is no node 'bake'"),
        ("\"op\": \"activity\"", "\"op\": \"choice\"", 9, ""),
        ("[\"mash_in\", \"boil\"]", "[\"mash_in\", \"boil\", \"cool\"]", 7, "cool"),
    ] {
        assert!(ARCHETYPE.contains(from), "{from}");
        let mistake = Trade::default().add_archetype(&ARCHETYPE.replacen(from, to, 1)).unwrap_err();
        assert_eq!(mistake.line, line, "{from}: {mistake}");
        assert!(mistake.why.contains(word), "{mistake}");
    }
}

#[test]
fn the_examples_of_the_documentation_can_be_loaded() {
    let page = include_str!("../../../../docs/packs.md");
    let block =
        |opens: &str| page.split_once(opens).and_then(|(_, rest)| rest.split_once("\n```")).unwrap().0;
    let mut trade = Trade::default();
    trade.add_archetype(block("```json\n")).unwrap();
    trade.add_words(block("## Words\n\n```\n")).unwrap();
    let trade = Arc::new(trade);
    let reading = read_with("Build a process to overhaul a pump", Some(&trade)).unwrap();
    assert_eq!(reading.archetype.as_deref(), Some("overhaul"));
}
