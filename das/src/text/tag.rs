//! Words of a sentence with their part of speech: a lexicon first, then position rules for what it leaves open.

mod condition_end;
mod decide;
mod guess;
mod openings;

use condition_end::close_conditions;
use decide::decide;
use guess::{first_guess, join_prepositions, open_with_mark, strip};
use openings::close_openings;

use super::lexicon::{self, Form, Mark, PHRASES};
use crate::tree::Span;

/// Part of speech, as coarse as the clause parser needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Determiner,
    Pronoun,
    Modal,
    Be,
    Have,
    Do,
    To,
    Preposition,
    And,
    Or,
    But,
    Relative,
    That,
    Adverb,
    Not,
    Number,
    Noun,
    Adjective,
    Verb(Form),
    Mark(Mark),
    Comma,
    Stop,
}

/// A word.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) lower: String,
    pub(super) span: Span,
    pub(super) tag: Tag,
    /// Base form for verbs, else the word.
    pub(super) lemma: String,
}

/// Most words read of one sentence; the rest is left out.
const MAX_TOKENS: usize = 400;

/// The words of a sentence that starts at byte `offset` of the text; what stands in brackets is left out.
pub(super) fn tokens(sentence: &str, offset: usize) -> Vec<Token> {
    let mut found = words(sentence, offset);
    expand(&mut found);
    join_phrases(&mut found);
    for token in &mut found {
        first_guess(token);
    }
    join_prepositions(&mut found);
    open_with_mark(&mut found);
    close_openings(&mut found);
    close_conditions(&mut found);
    for place in 0..found.len() {
        let tag = decide(&found, place);
        if let Some(token) = found.get_mut(place) {
            token.tag = tag;
            if let Tag::Verb(form) = tag {
                let readings = lexicon::verb(&token.lower);
                let reading = readings.iter().find(|reading| reading.form == form).or(readings.first());
                token.lemma =
                    reading.map_or_else(|| strip(&token.lower, form), |reading| reading.base.clone());
            }
        }
    }
    found
}

/// Puts a comma that was left out before the word at `place`.
fn comma_at(tokens: &mut Vec<Token>, place: usize) {
    let at = tokens.get(place).map_or(0, |token| token.span.start);
    let comma = Token {
        text: ",".to_owned(),
        lower: ",".to_owned(),
        lemma: ",".to_owned(),
        span: Span { start: at, end: at },
        tag: Tag::Comma,
    };
    tokens.insert(place.min(tokens.len()), comma);
}

fn words(sentence: &str, offset: usize) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::new();
    let mut depth = 0_usize;
    let mut word_start: Option<usize> = None;
    let push = |from: usize, to: usize, tag: Tag, found: &mut Vec<Token>| {
        let Some(text) = sentence.get(from..to) else { return };
        let lower = text.to_lowercase().replace('’', "'");
        found.push(Token {
            text: text.to_owned(),
            lemma: lower.clone(),
            lower,
            span: Span { start: offset + from, end: offset + to },
            tag,
        });
    };
    let letters: Vec<(usize, char)> = sentence.char_indices().collect();
    for (index, &(place, c)) in letters.iter().enumerate() {
        let next = letters.get(index + 1).map(|&(_, next)| next);
        let inner = matches!(c, '\'' | '’' | '-' | '/' | '_')
            || (matches!(c, '.' | ',') && next.is_some_and(|n| n.is_ascii_digit()))
            || (c == '.' && next.is_some_and(char::is_alphabetic));
        let joins = word_start.is_some() && inner && next.is_some_and(char::is_alphanumeric);
        if c.is_alphanumeric() || matches!(c, '%' | '$' | '€' | '£' | '&' | '°') || joins {
            word_start.get_or_insert(place);
            continue;
        }
        if let Some(start) = word_start.take()
            && depth == 0
        {
            push(start, place, Tag::Noun, &mut found);
        }
        let end = place + c.len_utf8();
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => push(place, end, Tag::Comma, &mut found),
            ';' | ':' | '–' | '—' if depth == 0 => push(place, end, Tag::Stop, &mut found),
            '<' | '>' if depth == 0 && compares(&letters, index) => {
                let equal = next == Some('=');
                push(place, end + usize::from(equal), Tag::Noun, &mut found);
            }
            '→' | '>' if depth == 0 => push(place, end, Tag::Stop, &mut found),
            _ => {}
        }
        if found.len() >= MAX_TOKENS {
            return found;
        }
    }
    if let Some(start) = word_start.filter(|_| depth == 0) {
        push(start, sentence.len(), Tag::Noun, &mut found);
    }
    found
}

/// "accuracy > 95 %", "mass <= 600 kg": a comparison, not an arrow.
fn compares(letters: &[(usize, char)], index: usize) -> bool {
    let arrow =
        index.checked_sub(1).and_then(|at| letters.get(at)).is_some_and(|&(_, c)| c == '-' || c == '=');
    let mut behind = letters.iter().skip(index + 1).map(|&(_, c)| c).skip_while(|c| matches!(c, '=' | ' '));
    !arrow && behind.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '$' | '€' | '£'))
}

/// "it's" is "it is".
fn expand(tokens: &mut Vec<Token>) {
    let mut place = 0;
    while let Some(token) = tokens.get_mut(place) {
        let short = ["it's", "that's", "there's", "he's", "she's", "they're", "we're"]
            .contains(&token.lower.as_str());
        if short && let Some((front, _)) = token.text.split_once(['\'', '’']) {
            let middle = token.span.start + front.len();
            let front = front.to_owned();
            let verb = if token.lower.ends_with("re") { "are" } else { "is" };
            let rest = Span { start: middle, end: token.span.end };
            token.span.end = middle;
            token.lower = front.to_lowercase();
            token.lemma.clone_from(&token.lower);
            token.text = front;
            let (text, lower, lemma) = (verb.to_owned(), verb.to_owned(), verb.to_owned());
            tokens.insert(place + 1, Token { text, lower, lemma, span: rest, tag: Tag::Noun });
        }
        place += 1;
    }
}

fn join_phrases(tokens: &mut Vec<Token>) {
    let mut place = 0;
    while place < tokens.len() {
        let hit = PHRASES.iter().find_map(|(phrase, mark)| {
            let words = phrase.split(' ').count();
            let window = tokens.get(place..place + words)?;
            window
                .iter()
                .map(|token| token.lower.as_str())
                .eq(phrase.split(' '))
                .then_some((words, *mark, *phrase))
        });
        let hit = hit.or_else(|| says_no(tokens, place).then_some((2, Mark::Otherwise, "if no")));
        if let Some((words, mark, phrase)) = hit {
            let end = tokens.get(place + words - 1).map_or(0, |token| token.span.end);
            if let Some(token) = tokens.get_mut(place) {
                token.lower = phrase.to_owned();
                token.span.end = end;
                token.tag = Tag::Mark(mark);
            }
            tokens.drain(place + 1..place + words);
        }
        place += 1;
    }
}

/// "if no, we tell the customer"; not "if no part is missing".
fn says_no(tokens: &[Token], place: usize) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.lower.as_str());
    let answered = ["", ",", "we", "i", "he", "she", "they", "you", "the", "then"].contains(&word(place + 2));
    word(place) == "if" && word(place + 1) == "no" && answered
}
