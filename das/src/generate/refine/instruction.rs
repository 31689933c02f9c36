//! What an instruction asks for: a few ways to say each change, in any order, several at once.

use super::Request;

/// Most repetitions that may be asked for.
const MAX_RETRIES: u32 = 100;
/// Most changes in one instruction.
const MAX_CHANGES: usize = 20;

/// What is understood, in words, for the error message.
pub(super) const KNOWN: &str = "known are: add X before/after Y, add X at the start/end, add X in parallel with Y, \
    remove X, replace X by Y, rename X to Y, swap X and Y, move X before/after Y, do X in parallel with Y, \
    X may fail, retry N times, only do X if C, skip X if C, repeat X until C, if X takes longer than 2 days, Y";

/// The changes that an instruction asks for; `None` where a part of it is not understood.
pub(super) fn parse(instruction: &str) -> Option<Vec<Request>> {
    let text = instruction.trim().trim_end_matches(['.', '!']);
    // "remove packing and add a check" is two changes, "swap packing and shipping" one.
    for separator in ["; ", ". ", ", then ", " and then ", ", and ", " and "] {
        let parts: Vec<&str> = text.split(separator).filter(|part| !part.trim().is_empty()).collect();
        if parts.len() < 2 || parts.len() > MAX_CHANGES {
            continue;
        }
        if let Some(requests) = parts.iter().map(|part| one(part)).collect::<Option<Vec<_>>>() {
            return Some(requests);
        }
    }
    one(text).map(|request| vec![request])
}

/// An instruction with its lower-case copy, of which parts are cut at the same places.
struct Words<'a> {
    text: &'a str,
    lower: String,
}

impl Words<'_> {
    fn part(&self, from: usize, to: usize) -> Option<String> {
        let part = self.text.get(from..to)?.trim().trim_matches(['"', '\'', ',']).trim();
        (!part.is_empty()).then(|| part.to_owned())
    }

    fn rest(&self, from: usize) -> Option<String> {
        self.part(from, self.text.len())
    }

    /// The two parts around the last `middle` behind `start`.
    fn around(&self, start: usize, middle: &str) -> Option<(String, String)> {
        let at = start + self.lower.get(start..)?.rfind(middle)?;
        Some((self.part(start, at)?, self.rest(at + middle.len())?))
    }

    /// Length of the first of the beginnings that fits, "please" and "then" skipped.
    fn begins(&self, words: &[&str]) -> Option<usize> {
        let polite = ["please ", "then ", "also ", "can you ", "could you "];
        let skipped = polite.iter().find(|word| self.lower.starts_with(*word)).map_or(0, |word| word.len());
        let rest = self.lower.get(skipped..)?;
        words.iter().find(|word| rest.starts_with(*word)).map(|word| skipped + word.len())
    }
}

fn one(text: &str) -> Option<Request> {
    let text = text.trim().trim_end_matches(['.', '!', ',']);
    let lower = text.to_lowercase();
    if lower.len() != text.len() {
        return None;
    }
    let words = Words { text, lower };
    addition(&words)
        .or_else(|| condition(&words))
        .or_else(|| rearrangement(&words))
        .or_else(|| repetition(&words))
        .or_else(|| deadline(&words))
}

fn addition(words: &Words<'_>) -> Option<Request> {
    let start = words.begins(&["add ", "insert ", "put "])?;
    for (ending, first) in [
        (" at the end", false),
        (" as the last step", false),
        (" at the very end", false),
        (" at the start", true),
        (" at the beginning", true),
        (" as the first step", true),
    ] {
        if let Some(at) = words.lower.find(ending).filter(|&at| at > start) {
            return Some(Request::AddAt { what: words.part(start, at)?, first });
        }
    }
    for middle in
        [" in parallel with ", " at the same time as ", " in parallel to ", " beside ", " alongside "]
    {
        if let Some((what, anchor)) = words.around(start, middle) {
            return Some(Request::AddBeside { what, anchor });
        }
    }
    if let Some((what, places)) = words.around(start, " between ") {
        let anchor = places.split(" and ").next()?.to_owned();
        return Some(Request::Add { what, anchor, before: false, user: None });
    }
    if let Some((what, anchor)) = words.around(start, " before ") {
        return Some(Request::Add { what, anchor, before: true, user: None });
    }
    let (what, anchor) = words.around(start, " after ")?;
    Some(Request::Add { what, anchor, before: false, user: None })
}

fn condition(words: &Words<'_>) -> Option<Request> {
    if let Some(start) = words.begins(&["skip ", "leave out ", "omit "])
        && let Some((what, condition)) = words.around(start, " if ").or_else(|| words.around(start, " when "))
    {
        return Some(Request::When { what, condition, skip: true });
    }
    let start = words.begins(&["only do ", "only run ", "do ", "run ", "only "])?;
    let middle = [" only if ", " only when ", " if ", " when ", " unless "];
    let found = middle.iter().find_map(|middle| Some((*middle, words.around(start, middle)?)))?;
    let (middle, (what, condition)) = found;
    Some(Request::When { what, condition, skip: middle == " unless " })
}

fn rearrangement(words: &Words<'_>) -> Option<Request> {
    if let Some(start) = words.begins(&["remove ", "delete ", "drop ", "skip ", "leave out ", "take out "]) {
        return Some(Request::Remove { what: words.rest(start)? });
    }
    if let Some(start) = words.begins(&["rename "]) {
        let (what, name) = words.around(start, " to ").or_else(|| words.around(start, " as "))?;
        return Some(Request::Rename { what, name });
    }
    if let Some(start) = words.begins(&["replace "]) {
        let (what, name) = words.around(start, " by ").or_else(|| words.around(start, " with "))?;
        return Some(Request::Rename { what, name });
    }
    if let Some(start) = words.begins(&["swap ", "exchange "]) {
        let (one, other) = words.around(start, " and ").or_else(|| words.around(start, " with "))?;
        return Some(Request::Swap { one, other });
    }
    if let Some(start) = words.begins(&["move "]) {
        let before = words.around(start, " before ").map(|found| (found, true));
        let ((what, anchor), before) = before.or_else(|| Some((words.around(start, " after ")?, false)))?;
        return Some(Request::Move { what, anchor, before });
    }
    let start = words.begins(&["do ", "run ", "make ", "execute ", "perform "]).unwrap_or(0);
    for middle in [" in parallel with ", " at the same time as ", " in parallel to "] {
        if let Some((one, other)) = words.around(start, middle) {
            return Some(Request::Parallel { one, other });
        }
    }
    let end = words.lower.find(" in parallel").or_else(|| words.lower.find(" at the same time"))?;
    let and = start + words.lower.get(start..end)?.find(" and ")?;
    Some(Request::Parallel { one: words.part(start, and)?, other: words.part(and + 5, end)? })
}

fn repetition(words: &Words<'_>) -> Option<Request> {
    let fails = [" may fail", " can fail", " might fail", " could fail", " sometimes fails"];
    if let Some(at) = fails.iter().find_map(|word| words.lower.find(word)) {
        return Some(Request::Retry { what: words.part(0, at)?, times: times(&words.lower) });
    }
    let start = words.begins(&["retry ", "repeat "])?;
    if let Some((what, condition)) = words.around(start, " until ") {
        return Some(Request::Until { what, condition });
    }
    let counts = [" once", " twice", " three times", " up to ", " at most ", " times"];
    let end = counts.iter().filter_map(|word| words.lower.find(word)).min()?;
    let what = words.part(start, end)?;
    let what = what.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned();
    Some(Request::Retry { what, times: times(&words.lower) })
}

/// "if X takes longer than 2 days, Y", "add a timeout of 2 days to X".
fn deadline(words: &Words<'_>) -> Option<Request> {
    let start = words.begins(&["if "])?;
    let middle =
        [" takes longer than ", " takes more than ", " is not done within ", " is not finished within "];
    let (what, rest) = middle.iter().find_map(|middle| words.around(start, middle))?;
    let (time, then) = rest.split_once(", ")?;
    let duration = crate::text::duration(time)?;
    Some(Request::Deadline {
        what,
        time: time.to_owned(),
        duration,
        then: then.trim_start_matches("then ").to_owned(),
    })
}

fn times(lower: &str) -> u32 {
    let word = |name: &str| lower.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    if word("twice") || word("two") {
        return 2;
    }
    if word("three") {
        return 3;
    }
    let digits: Option<u32> = lower.split(|c: char| !c.is_ascii_digit()).find_map(|part| part.parse().ok());
    digits.unwrap_or(1).clamp(1, MAX_RETRIES)
}
