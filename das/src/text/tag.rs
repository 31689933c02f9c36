//! Words of a sentence with their part of speech: a lexicon first, then position rules for what it leaves open.

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
    join_phrases(&mut found);
    for token in &mut found {
        first_guess(token);
    }
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
        if c.is_alphanumeric() || matches!(c, '%' | '$' | '€' | '£' | '&') || joins {
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

fn first_guess(token: &mut Token) {
    if matches!(token.tag, Tag::Mark(_) | Tag::Comma | Tag::Stop) {
        return;
    }
    token.tag = match token.lower.as_str() {
        "the" | "a" | "an" | "this" | "these" | "those" | "each" | "every" | "all" | "any" | "some"
        | "no" | "both" | "its" | "their" | "his" | "her" | "my" | "our" | "your" | "another" | "several"
        | "many" | "few" | "such" | "whose" | "which"
            if is_determiner(&token.lower) =>
        {
            Tag::Determiner
        }
        "it" | "he" | "she" | "they" | "them" | "him" | "we" | "i" | "you" | "us" | "one" | "itself"
        | "themselves" | "everyone" | "there" => Tag::Pronoun,
        "must" | "can" | "may" | "might" | "shall" | "should" | "will" | "would" | "could" | "cannot" => {
            Tag::Modal
        }
        "is" | "are" | "was" | "were" | "be" | "been" | "being" | "am" | "gets" | "isn't" | "aren't" => {
            Tag::Be
        }
        "has" | "have" | "had" => Tag::Have,
        "do" | "does" | "did" | "doesn't" | "don't" | "didn't" => Tag::Do,
        "to" => Tag::To,
        "of" | "in" | "on" | "at" | "by" | "for" | "with" | "from" | "into" | "onto" | "about"
        | "against" | "between" | "through" | "within" | "without" | "under" | "over" | "via" | "per"
        | "during" | "regarding" | "among" | "as" | "than" | "out" | "up" | "down" | "off" | "back"
        | "around" | "towards" | "toward" | "along" | "concerning" | "including" | "using" | "like" => {
            Tag::Preposition
        }
        "and" | "&" | "plus" => Tag::And,
        "or" => Tag::Or,
        "but" => Tag::But,
        "who" | "which" => Tag::Relative,
        "that" => Tag::That,
        "not" | "never" => Tag::Not,
        "also" | "either" | "neither" | "just" | "again" | "immediately" | "directly" | "manually"
        | "automatically" | "usually" | "only" | "already" | "still" | "now" | "so" | "therefore"
        | "however" | "always" | "often" | "eventually" | "very" | "thus" | "hence" | "please"
        | "additionally" | "furthermore" | "moreover" | "later" | "early" | "together" | "instead"
        | "even" | "too" | "further" | "yet" | "soon" | "besides" | "once more" => Tag::Adverb,
        word => match lexicon::mark(word) {
            Some(mark) => Tag::Mark(mark),
            None => by_ending(word),
        },
    };
}

fn is_determiner(word: &str) -> bool {
    word != "which"
}

fn by_ending(word: &str) -> Tag {
    const ADJECTIVES: [&str; 50] = [
        "new",
        "responsible",
        "available",
        "ready",
        "complete",
        "correct",
        "incorrect",
        "valid",
        "invalid",
        "successful",
        "necessary",
        "possible",
        "final",
        "full",
        "empty",
        "good",
        "bad",
        "big",
        "small",
        "high",
        "low",
        "old",
        "large",
        "other",
        "same",
        "own",
        "due",
        "able",
        "unable",
        "free",
        "important",
        "positive",
        "negative",
        "different",
        "next",
        "second",
        "internal",
        "external",
        "sufficient",
        "insufficient",
        "missing",
        "okay",
        "ok",
        "raw",
        "true",
        "false",
        "urgent",
        "relevant",
        "faulty",
        "whole",
    ];
    if word.starts_with(|c: char| c.is_ascii_digit() || "$€£".contains(c)) {
        return Tag::Number;
    }
    if ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twice"].contains(&word) {
        return Tag::Number;
    }
    if ADJECTIVES.contains(&word) {
        return Tag::Adjective;
    }
    if let Some(reading) = lexicon::verb(word).first() {
        return Tag::Verb(reading.form);
    }
    if word.len() > 4
        && word.ends_with("ly")
        && !["supply", "reply", "assembly", "family", "anomaly"].contains(&word)
    {
        return Tag::Adverb;
    }
    let long = word.len() > 5;
    if long && word.ends_with("ing") && !["building", "pricing", "engineering"].contains(&word) {
        return Tag::Verb(Form::Gerund);
    }
    if long && word.ends_with("ed") {
        return Tag::Verb(Form::Past);
    }
    if long
        && ["ize", "ise", "ify"].iter().any(|end| word.ends_with(end))
        && !["franchise", "exercise"].contains(&word)
    {
        return Tag::Verb(Form::Base);
    }
    if long && ["izes", "ises", "ifies"].iter().any(|end| word.ends_with(end)) && word != "premises" {
        return Tag::Verb(Form::Third);
    }
    if long && ["able", "ible", "ful", "ous", "ive", "ical"].iter().any(|end| word.ends_with(end)) {
        return Tag::Adjective;
    }
    Tag::Noun
}

fn strip(word: &str, form: Form) -> String {
    let cut = match form {
        Form::Base => 0,
        Form::Third => 1,
        Form::Past => 1,
        Form::Gerund => 3,
    };
    let stem = word.get(..word.len().saturating_sub(cut)).unwrap_or(word);
    match form {
        Form::Past if !stem.ends_with("te") && !stem.ends_with("ze") && !stem.ends_with("se") => {
            stem.strip_suffix('e').unwrap_or(stem).to_owned()
        }
        Form::Gerund if stem.ends_with("iz") || stem.ends_with("at") => format!("{stem}e"),
        _ => stem.to_owned(),
    }
}

/// Position rules: whether a word that can be a verb is one here.
fn decide(tokens: &[Token], place: usize) -> Tag {
    let Some(token) = tokens.get(place) else { return Tag::Noun };
    let tag_at = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|token| token.tag);
    let previous = tag_at(place.checked_sub(1));
    let before = previous_content(tokens, place);
    let next = tag_at(Some(place + 1));
    // "Preheat the oven": an unknown word that opens a sentence before a determiner is an instruction.
    if token.tag == Tag::Noun
        && place == 0
        && next == Some(Tag::Determiner)
        && token.lower.chars().all(char::is_alphabetic)
    {
        return Tag::Verb(Form::Base);
    }
    // "the next job"
    if matches!(token.tag, Tag::Mark(Mark::Then | Mark::After)) && previous == Some(Tag::Determiner) {
        return Tag::Adjective;
    }
    let Tag::Verb(form) = token.tag else { return token.tag };
    let noun_too = lexicon::verb(&token.lower).iter().any(|reading| reading.noun_too);
    let starts_object = matches!(
        next,
        Some(
            Tag::Determiner | Tag::Pronoun | Tag::Number | Tag::That | Tag::Mark(Mark::Whether | Mark::Each)
        )
    );
    match form {
        Form::Gerund => {
            if matches!(previous, Some(Tag::Determiner | Tag::Adjective)) {
                Tag::Noun
            } else {
                token.tag
            }
        }
        Form::Past => {
            // "the approved order", but "the order approved by" and "is approved".
            let modifies =
                matches!(previous, Some(Tag::Determiner | Tag::Adjective | Tag::Preposition | Tag::Number))
                    && matches!(next, Some(Tag::Noun | Tag::Adjective | Tag::Verb(_)));
            if modifies { Tag::Adjective } else { token.tag }
        }
        Form::Base | Form::Third => {
            if matches!(previous, Some(Tag::Modal | Tag::To | Tag::Do)) && form == Form::Base {
                // "to order" is a verb, "according to order number" is rare enough.
                return token.tag;
            }
            if matches!(previous, Some(Tag::Determiner | Tag::Adjective | Tag::Number | Tag::Preposition)) {
                return Tag::Noun;
            }
            if matches!(previous, Some(Tag::To)) && form == Form::Third {
                return Tag::Noun;
            }
            if !noun_too || starts_object {
                return verb_unless_subject(tokens, place, token.tag);
            }
            if matches!(next, Some(Tag::Be | Tag::Modal | Tag::Have)) {
                return Tag::Noun;
            }
            match before {
                // First word of a sentence or item, or right after a mark: an instruction if a thing follows.
                None | Some(Tag::Stop) if form == Form::Base => imperative(tokens, place, token.tag),
                Some(Tag::Mark(_)) if form == Form::Base => imperative(tokens, place, token.tag),
                Some(Tag::And | Tag::Or | Tag::Comma) => coordinated(tokens, place, form, token.tag),
                Some(Tag::Pronoun | Tag::Relative) => token.tag,
                Some(Tag::Verb(_)) => Tag::Noun,
                Some(Tag::Noun) if form == Form::Third => third_after_noun(tokens, place, next, token.tag),
                Some(Tag::Noun) => {
                    let plural = previous_word(tokens, place).is_some_and(|word| word.ends_with('s'));
                    let objects = matches!(next, Some(Tag::Determiner | Tag::Pronoun));
                    if plural && objects { token.tag } else { Tag::Noun }
                }
                _ => Tag::Noun,
            }
        }
    }
}

/// The tag before, adverbs skipped.
fn previous_content(tokens: &[Token], place: usize) -> Option<Tag> {
    tokens
        .get(..place)?
        .iter()
        .rev()
        .map(|token| token.tag)
        .find(|tag| !matches!(tag, Tag::Adverb | Tag::Not))
}

fn previous_word(tokens: &[Token], place: usize) -> Option<&str> {
    place.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.lower.as_str())
}

/// "the goods receipt slip": a clear verb after a determiner and nouns stays one; right after a determiner it is none.
fn verb_unless_subject(tokens: &[Token], place: usize, tag: Tag) -> Tag {
    match place.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.tag) {
        Some(Tag::Determiner | Tag::Adjective | Tag::Preposition) => Tag::Noun,
        _ => tag,
    }
}

fn imperative(tokens: &[Token], place: usize, tag: Tag) -> Tag {
    let Some(rest) = tokens.get(place + 1..) else { return tag };
    // "Order processing starts": another finite verb before the next boundary makes it a noun.
    let until = rest
        .iter()
        .position(|token| {
            matches!(token.tag, Tag::Comma | Tag::Stop | Tag::And | Tag::Or | Tag::Mark(_) | Tag::Relative)
        })
        .unwrap_or(rest.len());
    let finite = rest.get(..until).is_some_and(|tokens| {
        tokens
            .iter()
            .any(|token| matches!(token.tag, Tag::Be | Tag::Modal | Tag::Have | Tag::Verb(Form::Third)))
    });
    if finite { Tag::Noun } else { tag }
}

/// "checks and approves", "ingest data, clean it": the same form as a verb before it.
fn coordinated(tokens: &[Token], place: usize, form: Form, tag: Tag) -> Tag {
    let earlier = tokens.get(..place).unwrap_or_default();
    let same = earlier.iter().rev().find_map(|token| match token.tag {
        Tag::Verb(earlier) => Some(earlier == form),
        _ => None,
    });
    let after_modal =
        form == Form::Base && earlier.iter().any(|token| matches!(token.tag, Tag::Modal | Tag::To));
    // "the data and train schedule" has a noun behind it as well; a verb before it decides.
    if same.unwrap_or(false)
        || after_modal
        || (earlier.iter().all(|t| !matches!(t.tag, Tag::Verb(_))) && form == Form::Base)
    {
        tag
    } else {
        Tag::Noun
    }
}

fn third_after_noun(tokens: &[Token], place: usize, next: Option<Tag>, tag: Tag) -> Tag {
    let finite_later = tokens.get(place + 1..).unwrap_or_default().iter().take_while(|token| {
        !matches!(token.tag, Tag::Comma | Tag::Stop | Tag::And | Tag::Mark(_) | Tag::Relative | Tag::That)
    });
    let finite_later =
        finite_later.clone().any(|token| matches!(token.tag, Tag::Be | Tag::Modal | Tag::Have));
    let subject = previous_word(tokens, place).is_some_and(|word| lexicon::actor(word).is_some());
    let open = matches!(
        next,
        None | Some(
            Tag::Preposition
                | Tag::To
                | Tag::And
                | Tag::Comma
                | Tag::Stop
                | Tag::Adverb
                | Tag::Mark(_)
                | Tag::That
        )
    );
    if !finite_later && (subject || open || !matches!(next, Some(Tag::Verb(_)))) { tag } else { Tag::Noun }
}
