//! Composing: fragments that several prompts share, filled in when a prompt is saved.
//!
//! A fragment is a prompt with one message; `{{> name}}` stands for its text. The version is pinned by hash, so that a
//! prompt says the same for ever; a prompt that comes by itself again on the way down is refused.

use std::collections::BTreeMap;

use crate::template::{self, Piece};
use crate::{Error, LATEST, PRODUCTION, Prompt, PromptStore, TemplateMessage, Variable};

/// Deepest nesting of fragments.
pub const FRAGMENT_DEPTH: usize = 8;

/// What a prompt is together with its fragments.
pub(crate) struct Composed {
    /// The prompt, every fragment pinned.
    pub(crate) prompt: Prompt,
    /// The same with the fragments filled in, where there are any.
    pub(crate) whole: Option<Prompt>,
}

/// Pins the fragments of `prompt` and fills them in.
pub(crate) async fn compose(
    store: &dyn PromptStore,
    organisation: &str,
    prompt: Prompt,
) -> Result<Composed, Error> {
    let mut filling = Filling { store, organisation, path: vec![prompt.name.clone()], problems: Vec::new() };
    let mut pinned = prompt;
    let used: Vec<String> = template::fragments(&pinned).into_iter().map(str::to_owned).collect();
    for name in pinned.fragments.keys().filter(|name| !used.contains(name)) {
        filling.problems.push(format!("fragment {name} is pinned but not used"));
    }
    let mut pins = BTreeMap::new();
    for name in &used {
        let wanted = pinned.fragments.get(name).map_or("", String::as_str);
        match filling.pin(name, wanted).await? {
            Some(hash) => _ = pins.insert(name.clone(), hash),
            None if wanted.is_empty() => filling.problems.push(format!("fragment {name} does not exist")),
            None => filling.problems.push(format!("fragment {name} has no version {wanted}")),
        }
    }
    pinned.fragments = pins;
    let whole = if used.is_empty() { None } else { Some(filling.fill(&pinned).await?) };
    if filling.problems.is_empty() {
        Ok(Composed { prompt: pinned, whole })
    } else {
        Err(Error::Invalid { name: pinned.name, problems: filling.problems })
    }
}

struct Filling<'a> {
    store: &'a dyn PromptStore,
    organisation: &'a str,
    /// Names from the prompt down to the fragment that is being filled in.
    path: Vec<String>,
    problems: Vec<String>,
}

impl Filling<'_> {
    /// The hash that `wanted` stands for: a hash itself, the start of one, a label; what is in production, else what
    /// was saved last, where nothing is wanted.
    async fn pin(&self, name: &str, wanted: &str) -> Result<Option<String>, Error> {
        let moves = self.store.label_moves(self.organisation, name).await?;
        let labelled = |label: &str| {
            moves.iter().rev().find(|moved| moved.label == label).map(|moved| moved.hash.clone())
        };
        if wanted.is_empty() {
            return Ok(labelled(PRODUCTION).or_else(|| labelled(LATEST)));
        }
        if let Some(hash) = labelled(wanted) {
            return Ok(Some(hash));
        }
        let versions = self.store.versions(self.organisation, name).await?;
        let mut fits =
            versions.into_iter().map(|version| version.hash).filter(|hash| hash.starts_with(wanted));
        let found = fits.next().filter(|_| wanted.len() >= 8);
        Ok(if fits.next().is_some() { None } else { found })
    }

    /// `prompt` with the fragments of its messages filled in, and their variables declared.
    async fn fill(&mut self, prompt: &Prompt) -> Result<Prompt, Error> {
        let mut whole = Prompt { fragments: BTreeMap::new(), ..prompt.clone() };
        for message in &mut whole.messages {
            let text = std::mem::take(&mut message.text);
            for piece in template::pieces(&text) {
                match piece {
                    Piece::Text(part) => message.text.push_str(part),
                    Piece::Variable(name) => message.text.push_str(&format!("{{{{{name}}}}}")),
                    Piece::Fragment(name) => {
                        let Some(fragment) = self.fragment(name, prompt).await? else { continue };
                        message.text.push_str(&fragment.text);
                        self.declare(name, fragment.variables, &mut whole.variables);
                    }
                }
            }
        }
        Ok(whole)
    }

    async fn fragment(&mut self, name: &str, of: &Prompt) -> Result<Option<Fragment>, Error> {
        let Some(hash) = of.fragments.get(name) else { return Ok(None) };
        if self.path.iter().any(|above| above == name) || self.path.len() > FRAGMENT_DEPTH {
            let way = self.path.join(" → ");
            self.problems.push(if self.path.len() > FRAGMENT_DEPTH {
                format!("fragments are nested more than {FRAGMENT_DEPTH} deep: {way} → {name}")
            } else {
                format!("fragments go in a circle: {way} → {name}")
            });
            return Ok(None);
        }
        let Some(version) = self.store.version(self.organisation, name, hash).await? else {
            self.problems.push(format!("fragment {name} has no version {hash}"));
            return Ok(None);
        };
        self.path.push(name.to_owned());
        let filled = Box::pin(self.fill(&version.prompt)).await;
        self.path.pop();
        let filled = filled?;
        let [TemplateMessage { text, .. }] = filled.messages.as_slice() else {
            self.problems
                .push(format!("fragment {name} has {} messages; a fragment has one", filled.messages.len()));
            return Ok(None);
        };
        Ok(Some(Fragment { text: text.clone(), variables: filled.variables }))
    }

    /// Variables of a fragment are those of the prompt; one of the same name must be of the same type.
    fn declare(&mut self, fragment: &str, found: Vec<Variable>, variables: &mut Vec<Variable>) {
        for variable in found {
            match variables.iter().find(|known| known.name == variable.name) {
                None => variables.push(variable),
                Some(known) if known.kind == variable.kind => {}
                Some(_) => self
                    .problems
                    .push(format!("variable {} is of another type in fragment {fragment}", variable.name)),
            }
        }
    }
}

struct Fragment {
    text: String,
    variables: Vec<Variable>,
}
