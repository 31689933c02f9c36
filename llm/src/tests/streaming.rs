//! Streamed answers: heard part by part, put together, cut, broken off, refused.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

use super::{ask, colour, quick, status};
use crate::scripted::{After, Reply, ScriptedServer};
use crate::{Config, Content, Error, Listener, Model, ModelClient};

/// A listener and what it has heard.
fn ear() -> (Listener, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&heard);
    (Arc::new(move |text: &str| into.lock().push(text.to_owned())), heard)
}

async fn streaming(replies: Vec<Reply>) -> (ScriptedServer, ModelClient) {
    let server = ScriptedServer::replying(replies).await.unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    (server, client)
}

#[tokio::test]
async fn an_answer_is_heard_while_it_is_written_and_comes_whole_in_the_end() {
    let events = Reply::pieces(&["It is ", "gr\u{fc}n", "."], "stop");
    let (server, client) = streaming(vec![Reply::Events(events, After::Done)]).await;
    let (listener, heard) = ear();
    let answer = client.chat_heard(ask(), listener).await.unwrap();
    assert_eq!(*heard.lock(), ["It is ", "gr\u{fc}n", "."]);
    assert_eq!(answer.samples[0].content, Content::Text { text: "It is gr\u{fc}n.".to_owned() });
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (100, 10));
    let sent = &server.received()[0].json;
    assert_eq!((&sent["stream"], &sent["stream_options"]), (&json!(true), &json!({"include_usage": true})));
}

#[tokio::test]
async fn an_endpoint_that_does_not_stream_is_heard_at_the_end_and_remembered() {
    let server = ScriptedServer::start(|received| {
        if received.json["stream"] == true {
            return status(400, &[], r#"{"error":{"message":"streaming is not supported","code":400}}"#);
        }
        Reply::Text("whole".to_owned())
    })
    .await
    .unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    for _ in 0..2 {
        let (listener, heard) = ear();
        client.chat_heard(ask(), listener).await.unwrap();
        assert_eq!(*heard.lock(), ["whole"]);
    }
    assert!(!client.capabilities().stream);
    assert_eq!(server.received().len(), 3);
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_limit_and_kept() {
    let events = vec![json!({"choices": [{"delta": {"content": "and so on, "}}]})];
    let server = ScriptedServer::replying(vec![Reply::Events(events, After::Again)]).await.unwrap();
    let config =
        Config { answer_limit_bytes: 10_000, stream: true, attempt_timeout_ms: 60_000, ..quick(&server) };
    let answer = ModelClient::new(config).unwrap().chat(ask()).await.unwrap();
    let Content::Length { text } = &answer.samples[0].content else { panic!("{:?}", answer.samples) };
    assert!((10_000..100_000).contains(&text.len()), "{} bytes", text.len());
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_tried_again_unless_it_was_heard() {
    let cut = || Reply::Events(vec![json!({"choices": [{"delta": {"content": "It "}}]})], After::Close);
    let whole = || Reply::Events(Reply::pieces(&["done"], "stop"), After::Done);
    let server = ScriptedServer::replying(vec![cut(), whole()]).await.unwrap();
    let client = ModelClient::new(Config { stream: true, ..quick(&server) }).unwrap();
    assert_eq!(client.chat(ask()).await.unwrap().requests, 2);
    let (server, client) = streaming(vec![cut(), whole()]).await;
    let (listener, heard) = ear();
    let error = client.chat_heard(ask(), listener).await.unwrap_err();
    assert!(matches!(&error, Error::Malformed { message, .. } if message.contains("broke off")), "{error}");
    assert_eq!((heard.lock().len(), server.received().len()), (1, 1));
}

#[tokio::test]
async fn a_stream_that_falls_silent_is_given_up_after_the_idle_time() {
    let silent = Reply::Events(Reply::pieces(&["It "], "stop").drain(..2).collect(), After::Silence);
    let whole = Reply::Events(Reply::pieces(&["done"], "stop"), After::Done);
    let server = ScriptedServer::replying(vec![silent, whole]).await.unwrap();
    let client =
        ModelClient::new(Config { stream: true, attempt_timeout_ms: 60_000, ..quick(&server) }).unwrap();
    assert_eq!(client.chat(ask()).await.unwrap().samples[0].content.text(), "done");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_told_in_the_words_of_the_endpoint() {
    let events = vec![json!({"error": {"message": "CUDA out of memory", "code": 500}})];
    let server = ScriptedServer::replying(vec![Reply::Events(events, After::Close)]).await.unwrap();
    let client = ModelClient::new(Config { stream: true, retries: 1, ..quick(&server) }).unwrap();
    let error = client.chat(ask()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable { attempts: 2, message, .. } if message.contains("CUDA")),
        "{error}"
    );
}

#[tokio::test]
async fn a_repair_is_not_heard() {
    let draft = Reply::Events(Reply::pieces(&["{\"colour\":", "\"blue\"}"], "stop"), After::Done);
    let (server, client) = streaming(vec![draft, Reply::Text(r#"{"colour":"red"}"#.to_owned())]).await;
    let (listener, heard) = ear();
    let answer = client.chat_heard(ask().with_schema("colour", colour()), listener).await.unwrap();
    assert_eq!(answer.samples[0].content.value(), Some(&json!({"colour": "red"})));
    assert_eq!(heard.lock().concat(), r#"{"colour":"blue"}"#);
    assert_eq!(server.received()[1].json["stream"], false);
}
