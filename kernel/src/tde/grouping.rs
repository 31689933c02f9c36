//! Open answers of a model as outcomes: which of them mean the same, by words or by the vectors of an embedding model.
//!
//! `procos:task grouping="embeddings" similarity="0.9"` asks the embedding model of the default endpoint, once for each
//! different answer. Where there is none, or it fails, the answers are grouped by words and the notes say so. The trail
//! keeps the groups and the order of the answers (`task.sampled`), from which the same verdict follows again.

use scoring::{GroupedBy, Grouping, INVALID, REFUSED, Spent, Tally};
use serde_json::{Value, json};

use super::Tde;
use crate::Error;

/// The cosine from which on two answers mean the same, where the task does not say.
const SIMILARITY: f64 = 0.9;
/// Different answers that are told in the trail; of more, only how many there were.
const TOLD_ANSWERS: usize = 500;
/// Samples whose order is told in the trail.
const TOLD_SAMPLES: usize = 10_000;

/// The answers so far, and how those that mean the same are found.
pub(super) struct Grouped {
    grouping: Grouping,
    /// All answers in the order in which they came, also invalid ones and refusals.
    answers: Vec<String>,
    /// The model whose vectors were compared.
    model: Option<String>,
}

fn is_answer(label: &str) -> bool {
    label != INVALID && label != REFUSED
}

impl Grouped {
    fn take(&mut self, labels: &[String]) {
        for label in labels {
            if is_answer(label) {
                self.grouping.add(label);
            }
            self.answers.push(label.trim().to_owned());
        }
    }

    /// By what they are grouped.
    pub(super) fn by(&self) -> GroupedBy {
        self.grouping.by()
    }

    /// The outcome of each answer, in the order in which they came.
    fn outcomes(&self) -> Vec<String> {
        let labels = self.grouping.labels();
        self.answers.iter().map(|answer| labels.get(answer).unwrap_or(answer).clone()).collect()
    }

    /// All answers, counted by their groups.
    pub(super) fn tally(&self) -> Result<Tally, scoring::Error> {
        let mut tally = Tally::new([], true)?;
        self.outcomes().iter().try_for_each(|outcome| tally.add(outcome))?;
        Ok(tally)
    }

    /// What the trail keeps: the groups, and for each sample the place of its outcome among `tally`'s labels.
    pub(super) fn told(&self, tally: &Tally) -> Value {
        let mut groups = self.grouping.groups();
        let answers: usize = groups.iter().map(|group| group.answers.len()).sum();
        if answers > TOLD_ANSWERS {
            groups.clear();
        }
        let sequence: Vec<u16> = tally.sequence().iter().copied().take(TOLD_SAMPLES).collect();
        json!({
            "by": self.by(), "similarity": self.grouping.similarity(), "model": self.model, "answers": answers,
            "groups": groups, "outcomes": tally.labels(), "sequence": sequence,
        })
    }
}

impl Tde {
    /// How the task wants its answers grouped.
    pub(super) fn grouping(&self) -> Result<Grouped, Error> {
        let attributes = &self.job.spec.attributes;
        let by_vectors = attributes.get("grouping").is_some_and(|how| how.trim() == "embeddings");
        let said = attributes.get("similarity").map(|text| text.trim().parse::<f64>().unwrap_or(f64::NAN));
        let grouping = match by_vectors {
            true => Grouping::by_embeddings(said.unwrap_or(SIMILARITY)),
            false => Ok(Grouping::by_words()),
        };
        let grouping = grouping.map_err(|error| self.declaration(error.to_string()))?;
        Ok(Grouped { grouping, answers: Vec::new(), model: None })
    }

    /// Takes further answers, and asks for the vectors of those that are new; what that takes counts as spent.
    pub(super) async fn group(
        &mut self,
        grouped: &mut Grouped,
        answers: &[String],
        spent: &mut Spent,
    ) -> Result<(), Error> {
        grouped.take(answers);
        let texts = grouped.grouping.without_vector();
        if texts.is_empty() {
            return Ok(());
        }
        let Some(model) = self.parts.model.clone() else { return Ok(()) };
        let caller = self.caller("grouping of answers");
        let asked = tokio::select! {
            asked = model.embed_for(&texts, &caller) => asked,
            () = self.cancel.cancelled() => {
                return Err(Error::Cancelled { element: self.job.element.clone() });
            }
        };
        let problem = match asked {
            Ok(found) if grouped.model.as_ref().is_none_or(|model| *model == found.model) => {
                for (text, vector) in texts.iter().zip(&found.vectors) {
                    grouped.grouping.place(text, vector);
                }
                spent.tokens += found.usage.input_tokens;
                spent.cost += found.cost;
                grouped.model = Some(found.model);
                return Ok(());
            }
            Ok(_) => "the vectors came from another model than those before".to_owned(),
            Err(llm::Error::Missing(_)) => {
                "no embedding model is configured (model.embedding_model)".to_owned()
            }
            Err(error) => error.to_string(),
        };
        grouped.grouping.leave_vectors();
        self.notes.push(format!("the answers were grouped by their words, not by embeddings: {problem}"));
        Ok(())
    }
}
