//! The first guess at a part of speech: by the word alone, by its ending, and by how a sentence opens.

use super::{Tag, Token};
use crate::text::lexicon::{self, Form, Mark};

/// "Based on the report", "according to plan": prepositions of two words; "gets the laptop" is no passive.
pub(super) fn join_prepositions(tokens: &mut [Token]) {
    for place in 0..tokens.len() {
        let next = tokens.get(place + 1).map(|next| (next.lower.clone(), next.tag));
        let Some(token) = tokens.get_mut(place) else { continue };
        match (token.lower.as_str(), next) {
            ("based", Some((word, _))) if word == "on" || word == "upon" => token.tag = Tag::Preposition,
            ("according", Some((word, _))) if word == "to" => token.tag = Tag::Preposition,
            ("gets", next) if !matches!(next, Some((_, Tag::Verb(Form::Past) | Tag::Adverb))) => {
                token.tag = Tag::Verb(Form::Third);
            }
            _ => {}
        }
    }
}

/// "On error, …" is a condition, "As fills arrive, …" a time.
pub(super) fn open_with_mark(tokens: &mut [Token]) {
    const CASES: [&str; 8] =
        ["error", "failure", "errors", "timeout", "rejection", "approval", "success", "exception"];
    for place in 0..tokens.len() {
        let opens = place.checked_sub(1).and_then(|at| tokens.get(at)).is_none_or(|t| t.tag == Tag::Stop);
        let next = tokens.get(place + 1);
        let case = next.is_some_and(|next| CASES.contains(&next.lower.as_str()));
        let thing = next.is_some_and(|next| {
            matches!(next.tag, Tag::Noun | Tag::Determiner | Tag::Verb(Form::Third))
                && !matches!(next.lower.as_str(), "a" | "an")
        });
        let verb = tokens.get(place + 2..).unwrap_or_default().iter();
        let verb = verb.take_while(|t| t.tag != Tag::Comma).any(|t| matches!(t.tag, Tag::Verb(_) | Tag::Be));
        let Some(token) = tokens.get_mut(place).filter(|_| opens) else { continue };
        match token.lower.as_str() {
            "on" | "upon" if case => token.tag = Tag::Mark(Mark::If),
            "as" if thing && verb => token.tag = Tag::Mark(Mark::When),
            _ => {}
        }
    }
}

pub(super) fn first_guess(token: &mut Token) {
    if matches!(token.tag, Tag::Mark(_) | Tag::Comma | Tag::Stop) || token.text == "IT" {
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
        | "additionally" | "furthermore" | "moreover" | "later" | "early" | "instead" | "even" | "too"
        | "further" | "yet" | "soon" | "besides" | "once more" => Tag::Adverb,
        word => match lexicon::mark(word) {
            Some(mark) => Tag::Mark(mark),
            None => by_ending(word),
        },
    };
}

fn is_determiner(word: &str) -> bool {
    word != "which"
}

/// Adjectives that no ending shows.
const ADJECTIVES: &str = "\
    incoming outgoing pending remaining ongoing existing upcoming following critical simple complex \
    minor new responsible available ready complete correct incorrect valid invalid successful \
    necessary possible final full empty good bad big small high low old large other same own due \
    able unable free important positive negative different next second internal external sufficient \
    insufficient missing okay ok raw true false urgent relevant faulty whole";

/// Nouns that end like a gerund.
const NOUNS_IN_ING: &str = "morning evening nothing something anything everything ceiling string spring";

fn by_ending(word: &str) -> Tag {
    if NOUNS_IN_ING.split(' ').any(|noun| noun == word) {
        return Tag::Noun;
    }
    if word.starts_with(|c: char| c.is_ascii_digit() || "$€£".contains(c)) {
        return Tag::Number;
    }
    if ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twice"].contains(&word) {
        return Tag::Number;
    }
    if ADJECTIVES.split(' ').any(|adjective| adjective == word) {
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

/// The base form of a verb that the lexicon does not know.
pub(super) fn strip(word: &str, form: Form) -> String {
    let cut = match form {
        Form::Base => return word.to_owned(),
        Form::Third => return word.strip_suffix('s').unwrap_or(word).to_owned(),
        Form::Past => 2,
        Form::Gerund => 3,
    };
    let stem = word.get(..word.len().saturating_sub(cut)).unwrap_or(word);
    let vowel = |c: Option<char>| c.is_some_and(|c| "aeiou".contains(c));
    let mut back = stem.chars().rev();
    let (last, second, third) = (back.next(), back.next(), back.next());
    // "scrapped" → "scrap"
    if last == second && !matches!(last, Some('l' | 's' | 'z')) && stem.len() > 3 {
        return stem.get(..stem.len() - 1).unwrap_or(stem).to_owned();
    }
    let silent = match last {
        Some('c' | 'g' | 'v' | 'u' | 'z') => !stem.ends_with("ng"),
        Some('s') => vowel(second),
        Some('t') => matches!(second, Some('a' | 'u')) && !vowel(third),
        Some('n') => second == Some('i') && !vowel(third),
        Some('r') => matches!(second, Some('i' | 'u')) && !vowel(third),
        Some('d') => second == Some('a') && !vowel(third),
        _ => false,
    };
    if silent { format!("{stem}e") } else { stem.to_owned() }
}
