//! Transcripts of coding assistants: what was asked, answered, and what went wrong, taken into memory.
//!
//! | form | a turn is |
//! | --- | --- |
//! | JSON lines | an object with `role` and `content`, or one with them in `message`; `content` is text or a list of parts with a `text` or `content` |
//! | plain text | what follows a line that begins with `User:`, `Assistant:`, `Error:` or a like word |
//!
//! A question becomes an entry of kind `prompt`, an answer one of kind `build` with the question it answers, a turn that
//! tells of an error one of kind `error` with the question before it. What is read is data: nothing in it is followed.

use memory::{BATCH_LIMIT, Entry, Kind, Memory};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::Error;

/// Turns of one transcript; the file is refused beyond, so that nothing is left out unnoticed.
pub const TURNS_LIMIT: usize = 10_000;
/// Bytes of a turn that are kept.
const TEXT_BYTES: usize = 16 * 1024;
/// Characters of a title.
const TITLE: usize = 80;
/// Words that open a turn in plain text, with who speaks.
const SPEAKERS: [(&str, Speaker); 13] = [
    ("user", Speaker::Asks),
    ("human", Speaker::Asks),
    ("you", Speaker::Asks),
    ("prompt", Speaker::Asks),
    ("question", Speaker::Asks),
    ("q", Speaker::Asks),
    ("assistant", Speaker::Answers),
    ("ai", Speaker::Answers),
    ("answer", Speaker::Answers),
    ("a", Speaker::Answers),
    ("model", Speaker::Answers),
    ("error", Speaker::Fails),
    ("tool", Speaker::Tells),
];
/// Beginnings of lines by which the output of a tool tells of an error.
const ERRORS: [&str; 7] =
    ["error", "traceback (most recent call last)", "fatal:", "panicked at", "thread '", "exception", "e: "];

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    Asks,
    Answers,
    /// A tool.
    Tells,
    Fails,
}

/// What of a transcript was new to memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// Questions.
    pub prompts: usize,
    /// Answers.
    pub answers: usize,
    /// Errors.
    pub errors: usize,
}

/// Takes a transcript into memory, less what is there already; `system` is the one it belongs to, and the rest as in
/// [`read`].
///
/// # Errors
/// As [`read`]; where memory fails.
pub async fn remember(
    memory: &dyn Memory,
    name: &str,
    text: &str,
    system: Option<&str>,
    at_ms: i64,
) -> Result<Remembered, Error> {
    let mut fresh = Vec::new();
    for mut entry in read(name, text, at_ms)? {
        if memory.get(&entry.organisation, &entry.id).await?.is_none() {
            entry.system = system.map(str::to_owned);
            fresh.push(entry);
        }
    }
    let of = |kind: Kind| fresh.iter().filter(|entry| entry.kind == kind).count();
    let remembered =
        Remembered { prompts: of(Kind::Prompt), answers: of(Kind::Build), errors: of(Kind::Error) };
    while !fresh.is_empty() {
        let batch = fresh.drain(..fresh.len().min(BATCH_LIMIT)).collect();
        memory.store(batch).await?;
    }
    Ok(remembered)
}

/// Reads a transcript into entries for memory; `name` is where it comes from, `at_ms` when what it does not say happened.
///
/// The same turn of the same transcript has the same id, so that reading it again changes nothing.
///
/// # Errors
/// `DAS-0023` where nothing in it is a turn, or there are more than [`TURNS_LIMIT`].
pub fn read(name: &str, text: &str, at_ms: i64) -> Result<Vec<Entry>, Error> {
    let turns = match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(first) if first.starts_with('{') => of_lines(name, text)?,
        _ => of_text(text),
    };
    let refuse = |why: String| Err(Error::Transcript { file: name.to_owned(), why });
    if turns.len() > TURNS_LIMIT {
        return refuse(format!("it has {} turns, at most {TURNS_LIMIT} are read", turns.len()));
    }
    let mut asked: Option<String> = None;
    let mut entries = Vec::new();
    for (place, (speaker, said)) in turns.into_iter().enumerate() {
        let said = shortened(said.trim());
        let kind = match speaker {
            _ if said.is_empty() => continue,
            Speaker::Asks => Kind::Prompt,
            Speaker::Fails => Kind::Error,
            Speaker::Tells if tells_of_an_error(said) => Kind::Error,
            // What tools say otherwise is long and says little.
            Speaker::Tells => continue,
            Speaker::Answers => Kind::Build,
        };
        entries.push(entry(name, place, kind, said, asked.as_deref(), at_ms));
        if speaker == Speaker::Asks {
            asked = Some(said.to_owned());
        }
    }
    if entries.is_empty() {
        return refuse("nothing in it is a question, an answer or an error".to_owned());
    }
    Ok(entries)
}

fn entry(name: &str, place: usize, kind: Kind, said: &str, asked: Option<&str>, at_ms: i64) -> Entry {
    let hash = hex::encode(Sha256::digest(format!("{name}\n{place}\n{said}").as_bytes()));
    let title: String = said.lines().next().unwrap_or_default().chars().take(TITLE).collect();
    let mut entry = Entry::new(&format!("transcript:{}", &hash[..24]), kind, &title, said, at_ms);
    entry.source = format!("transcript {name}");
    entry.payload = match (kind, asked) {
        (Kind::Prompt, _) | (_, None) => json!({"turn": place}),
        (_, Some(asked)) => json!({"turn": place, "asked": asked}),
    };
    entry
}

fn of_lines(name: &str, text: &str) -> Result<Vec<(Speaker, String)>, Error> {
    let mut turns = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).map_err(|error| Error::Transcript {
            file: name.to_owned(),
            why: format!("line {} is no JSON: {error}", number + 1),
        })?;
        turn(&value, &mut turns);
    }
    Ok(turns)
}

/// The turns of one line; a line that is none (a setting, a summary) says nothing.
fn turn(value: &Value, turns: &mut Vec<(Speaker, String)>) {
    let message = value.get("message").filter(|message| message.is_object()).unwrap_or(value);
    let role = message["role"].as_str().or(value["type"].as_str()).unwrap_or_default();
    let speaker = match role {
        "user" | "human" => Speaker::Asks,
        "assistant" | "model" => Speaker::Answers,
        "tool" | "function" => Speaker::Tells,
        "error" => Speaker::Fails,
        _ => return,
    };
    match &message["content"] {
        Value::String(text) => turns.push((speaker, text.clone())),
        Value::Array(parts) => {
            for part in parts {
                let is_result = part["type"] == "tool_result";
                let speaker = match (is_result, part["is_error"] == true) {
                    (true, true) => Speaker::Fails,
                    (true, false) => Speaker::Tells,
                    (false, _) => speaker,
                };
                if let Some(text) = plain(part) {
                    turns.push((speaker, text));
                }
            }
        }
        _ => {}
    }
}

/// The text of a part: its own, or that of its parts.
fn plain(part: &Value) -> Option<String> {
    if let Some(text) = part.as_str().or(part["text"].as_str()).or(part["content"].as_str()) {
        return Some(text.to_owned());
    }
    let parts = part["content"].as_array()?;
    let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn of_text(text: &str) -> Vec<(Speaker, String)> {
    let mut turns: Vec<(Speaker, String)> = Vec::new();
    for line in text.lines() {
        match (opening(line), turns.last_mut()) {
            (Some((speaker, rest)), _) => turns.push((speaker, rest.to_owned())),
            (None, Some((_, said))) => {
                said.push('\n');
                said.push_str(line);
            }
            (None, None) => {}
        }
    }
    turns
}

/// `User: …`, `**Assistant**: …`, `### Error`.
fn opening(line: &str) -> Option<(Speaker, &str)> {
    let bare = line.trim_start_matches(['#', '*', '>', ' ']);
    let heading = line.starts_with('#');
    let end = bare.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(bare.len());
    let (word, rest) = bare.split_at(end);
    let rest = rest.trim_start_matches('*');
    let rest = match rest.strip_prefix(':') {
        Some(rest) => rest,
        None if heading && rest.trim().is_empty() => rest,
        None => return None,
    };
    let speaker = SPEAKERS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known))?.1;
    Some((speaker, rest.trim_start_matches('*').trim()))
}

fn tells_of_an_error(said: &str) -> bool {
    said.lines().any(|line| {
        let line = line.trim_start().to_lowercase();
        ERRORS.iter().any(|start| line.starts_with(start))
    })
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, String)> {
        read("log", text, 5).unwrap().into_iter().map(|entry| (entry.kind, entry.text)).collect()
    }

    #[test]
    fn json_lines_give_questions_answers_and_errors_with_what_they_belong_to() {
        let text = concat!(
            r#"{"role":"user","content":"make the build green"}"#,
            "\n",
            r#"{"role":"assistant","content":[{"type":"text","text":"I changed Cargo.toml"},{"type":"tool_use","id":"1"}]}"#,
            "\n",
            r#"{"type":"user","message":{"role":"user","content":[{"type":"tool_result","is_error":true,"content":"E0308"}]}}"#,
            "\n",
            r#"{"role":"tool","content":"Compiling a\nerror: cannot find value"}"#,
            "\n",
            r#"{"role":"tool","content":"all is well"}"#,
            "\n",
            r#"{"type":"summary","summary":"nothing"}"#,
        );
        let entries = read("log", text, 5).unwrap();
        let kinds: Vec<Kind> = entries.iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Prompt, Kind::Build, Kind::Error, Kind::Error]);
        assert_eq!(entries[2].text, "E0308");
        assert!(entries[1..].iter().all(|entry| entry.payload["asked"] == "make the build green"));
        assert_eq!(entries, read("log", text, 5).unwrap());
    }

    #[test]
    fn plain_text_is_cut_where_somebody_begins_to_speak() {
        let text = "Some heading\n\nUser: why does it fail?\nIt did work.\n\n**Assistant**: The port is taken.\n\
                    ### Error\naddress in use\nQ: and now?\nNote: this is no speaker";
        assert_eq!(
            kinds(text),
            [
                (Kind::Prompt, "why does it fail?\nIt did work.".to_owned()),
                (Kind::Build, "The port is taken.".to_owned()),
                (Kind::Error, "address in use".to_owned()),
                (Kind::Prompt, "and now?\nNote: this is no speaker".to_owned()),
            ]
        );
    }

    #[test]
    fn what_is_no_transcript_is_refused_with_the_line_and_a_way_out() {
        let broken = read("log", "{\"role\":\"user\",\"content\":\"a\"}\n{broken", 0).unwrap_err();
        assert!(broken.code() == "DAS-0023" && broken.to_string().contains("line 2"), "{broken}");
        assert!(read("log", "a shopping list\n- bread", 0).is_err());
        let many = "User: a\n".repeat(TURNS_LIMIT + 1);
        assert!(read("log", &many, 0).unwrap_err().to_string().contains("10000"));
    }
}
