//! An answer that comes as a stream of server-sent events, put together into the answer that it would have been whole.

use serde_json::{Map, Value, json};

/// The end of a stream, as the protocol says it.
const DONE: &str = "[DONE]";

/// Puts the events of one stream together.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Bytes of a line that is not whole yet.
    rest: Vec<u8>,
    /// The data of an event that is not whole yet.
    data: String,
    text: String,
    refusal: String,
    finish: Option<String>,
    fields: Map<String, Value>,
    done: bool,
}

/// What a part of a stream brought.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// More text of the answer.
    Text(String),
    /// An error in the middle of it, as the endpoint says it.
    Error(String),
}

impl Stream {
    /// Takes the next bytes and gives what they bring.
    ///
    /// # Errors
    /// What is wrong with an event that cannot be read.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.rest.push(*byte);
                continue;
            }
            let line = String::from_utf8_lossy(&self.rest).trim_end_matches('\r').to_owned();
            self.rest.clear();
            if line.is_empty() {
                self.end_event(&mut parts)?;
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
            // Comments, names and ids of events mean nothing here.
        }
        Ok(parts)
    }

    fn end_event(&mut self, parts: &mut Vec<Part>) -> Result<(), String> {
        let data = std::mem::take(&mut self.data);
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data.trim() == DONE {
            self.done = true;
            return Ok(());
        }
        let event: Value =
            serde_json::from_str(&data).map_err(|error| format!("an event is not JSON: {error}"))?;
        if event.get("error").is_some_and(|error| !error.is_null()) {
            parts.push(Part::Error(data));
            return Ok(());
        }
        for name in ["id", "model", "system_fingerprint", "usage"] {
            if let Some(value) = event.get(name).filter(|value| !value.is_null()) {
                self.fields.insert(name.to_owned(), value.clone());
            }
        }
        // A request for a stream asks for one answer only.
        let Some(choice) = event.pointer("/choices/0") else { return Ok(()) };
        if let Some(text) = choice.pointer("/delta/content").and_then(Value::as_str)
            && !text.is_empty()
        {
            self.text.push_str(text);
            parts.push(Part::Text(text.to_owned()));
        }
        if let Some(refusal) = choice.pointer("/delta/refusal").and_then(Value::as_str) {
            self.refusal.push_str(refusal);
        }
        if let Some(finish) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(finish.to_owned());
        }
        Ok(())
    }

    /// Bytes that are held.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.refusal.len() + self.data.len() + self.rest.len()
    }

    /// True where the endpoint said that the answer ends here.
    pub(crate) fn is_whole(&self) -> bool {
        self.done || self.finish.is_some()
    }

    /// True after the last event.
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// Ends the answer here, as if its token limit had been reached.
    pub(crate) fn cut(&mut self) {
        self.finish = Some("length".to_owned());
    }

    /// The answer as it would have come whole.
    pub(crate) fn answer(self) -> Value {
        let refusal = if self.refusal.is_empty() { Value::Null } else { json!(self.refusal) };
        let mut answer = self.fields;
        answer.insert(
            "choices".to_owned(),
            json!([{
                "index": 0, "finish_reason": self.finish,
                "message": {"role": "assistant", "content": self.text, "refusal": refusal},
            }]),
        );
        answer.insert(STREAMED.to_owned(), Value::Bool(true));
        Value::Object(answer)
    }
}

/// The member by which a put-together answer says that it came as a stream.
pub(crate) const STREAMED: &str = "procos_streamed";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_put_together_however_they_are_cut_and_whatever_stands_between_them() {
        let wire = ": warming up\r\n\r\nevent: x\r\ndata: {\"model\":\"m\",\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\r\n\
                    data: {\"choices\":[{\"delta\":{\"content\":\"gr\u{fc}\"}}],\"usage\":null}\n\n\
                    data: {\"choices\":[{\"delta\":{\"content\":\"n\"},\"finish_reason\":\"stop\"}]}\n\n\
                    data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\ndata: [DONE]\n\n";
        for size in [1, 2, 7, wire.len()] {
            let mut stream = Stream::default();
            let mut heard = String::new();
            for piece in wire.as_bytes().chunks(size) {
                for part in stream.take(piece).unwrap() {
                    if let Part::Text(text) = part {
                        heard.push_str(&text);
                    }
                }
            }
            assert!(stream.is_whole() && stream.is_done());
            let answer = stream.answer();
            assert_eq!(heard, "gr\u{fc}n");
            assert_eq!(answer["choices"][0]["message"]["content"], "gr\u{fc}n");
            assert_eq!((&answer["model"], &answer["usage"]["prompt_tokens"]), (&json!("m"), &json!(3)));
        }
    }

    #[test]
    fn an_error_in_the_middle_is_told_and_nonsense_is_refused() {
        let mut stream = Stream::default();
        let parts =
            stream.take(b"data: {\"error\":{\"message\":\"out of memory\",\"code\":500}}\n\n").unwrap();
        assert!(matches!(&parts[..], [Part::Error(body)] if body.contains("out of memory")));
        assert!(!stream.is_whole());
        assert!(Stream::default().take(b"data: {half\n\n").is_err());
    }
}
