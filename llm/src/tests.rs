//! The client against a server that speaks the real protocol over HTTP, well and badly.

mod dialects;
mod signature;
mod streaming;

use serde_json::{Value, json};

use crate::scripted::{Reply, ScriptedServer};
use crate::{
    Audio, ChatRequest, Config, Content, Error, Message, Model, ModelClient, Overrides, Prices, Secret,
    Structured, TokenLimit,
};

fn quick(server: &ScriptedServer) -> Config {
    Config {
        base_url: format!("{}/", server.base_url()),
        api_key: Secret::new("sk-very-secret"),
        model: "scripted-1".to_owned(),
        embedding_model: Some("scripted-embedding".to_owned()),
        transcription_model: Some("scripted-ear".to_owned()),
        retry_base_ms: 1,
        retry_cap_ms: 5,
        idle_timeout_ms: 150,
        attempt_timeout_ms: 400,
        total_timeout_ms: 5_000,
        breaker_failures: 0,
        ..Config::default()
    }
}

async fn serving(replies: Vec<Reply>) -> (ScriptedServer, ModelClient) {
    let server = ScriptedServer::replying(replies).await.unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    (server, client)
}

fn ask() -> ChatRequest {
    ChatRequest::new(vec![Message::system("be brief"), Message::user("hello")])
}

fn colour() -> Value {
    json!({"type": "object", "additionalProperties": false, "required": ["colour"],
           "properties": {"colour": {"enum": ["red", "green"]}}})
}

fn status(code: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Reply::Status(code, headers, body.to_owned())
}

fn text() -> Reply {
    Reply::Text("hi".to_owned())
}

#[tokio::test]
async fn a_plain_answer_comes_with_usage_cost_and_what_was_sent() {
    let server = ScriptedServer::replying(vec![text()]).await.unwrap();
    let prices = Prices { input_per_million: 10.0, cached_per_million: 1.0, output_per_million: 100.0 };
    let client = ModelClient::new(Config { prices, ..quick(&server) }).unwrap();
    let request = ChatRequest { temperature: Some(0.7), seed: Some(5), max_tokens: Some(50), ..ask() };
    let answer = client.chat(request).await.unwrap();
    assert_eq!(answer.samples[0].content, Content::Text { text: "hi".to_owned() });
    assert_eq!(
        (answer.usage.input_tokens, answer.usage.cached_tokens, answer.usage.output_tokens),
        (100, 40, 10)
    );
    assert!((answer.cost - (60.0 * 10.0 + 40.0 + 10.0 * 100.0) / 1e6).abs() < 1e-12);
    assert_eq!((answer.requests, answer.fingerprint.as_deref()), (1, Some("fp_1")));
    let sent = &server.received()[0];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/chat/completions"));
    assert_eq!(sent.authorization.as_deref(), Some("Bearer sk-very-secret"));
    assert_eq!(
        sent.json,
        json!({"model": "scripted-1", "stream": false, "temperature": 0.7, "seed": 5, "max_tokens": 50,
               "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]})
    );
}

#[tokio::test]
async fn several_samples_are_parallel_calls_with_seeds_of_their_own() {
    let server = ScriptedServer::start(|r| Reply::Text(r.json["seed"].to_string())).await.unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    let answer = client.chat(ChatRequest { samples: 5, seed: Some(10), ..ask() }).await.unwrap();
    let said: Vec<String> = answer.samples.iter().map(|sample| sample.content.text()).collect();
    assert_eq!(said, ["10", "11", "12", "13", "14"]);
    assert_eq!((answer.requests, answer.usage.output_tokens), (5, 50));
}

#[tokio::test]
async fn an_endpoint_that_can_gives_several_samples_in_one_request() {
    let server =
        ScriptedServer::replying(vec![Reply::Texts(vec!["a".into(), "b".into(), "c".into()])]).await.unwrap();
    let capabilities = Overrides { several: Some(true), ..Overrides::default() };
    let client = ModelClient::new(Config { capabilities, ..quick(&server) }).unwrap();
    let answer = client.chat(ChatRequest { samples: 3, ..ask() }).await.unwrap();
    assert_eq!((answer.samples.len(), answer.requests), (3, 1));
    assert_eq!(server.received()[0].json["n"], 3);
}

#[tokio::test]
async fn every_429_is_tried_again_whatever_its_body() {
    let (server, client) = serving(vec![
        status(429, &[("retry-after", "0")], r#"{"error":{"message":"slow down","code":"rate_limit"}}"#),
        status(429, &[("content-type", "text/html")], "<html><title>Too many</title></html>"),
        status(429, &[], r#"{"error":{"message":"busy","code":429}}"#),
        text(),
    ])
    .await;
    let answer = client.chat(ask()).await.unwrap();
    assert_eq!((answer.requests, server.received().len()), (4, 4));
}

#[tokio::test]
async fn a_wait_that_a_server_asks_for_is_kept() {
    let (_server, client) = serving(vec![status(429, &[("retry-after-ms", "120")], "{}"), text()]).await;
    let answer = client.chat(ask()).await.unwrap();
    assert!(answer.elapsed_ms >= 115, "waited {} ms", answer.elapsed_ms);
}

#[tokio::test]
async fn a_wait_longer_than_the_call_may_take_fails_at_once() {
    let (server, client) = serving(vec![status(503, &[("retry-after", "3600")], "down"), text()]).await;
    let error = client.chat(ask()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Unavailable { attempts: 1, message, .. } if message.contains("3600000 ms"))
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn an_exhausted_quota_and_a_bad_key_are_final() {
    let quota = r#"{"error":{"message":"no money","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    let (server, client) = serving(vec![status(429, &[], quota), text()]).await;
    assert!(matches!(client.chat(ask()).await, Err(Error::Refused { status: 429, .. })));
    assert_eq!(server.received().len(), 1);
    let (_server, client) =
        serving(vec![status(401, &[], r#"{"error":{"message":"bad key sk-very-secret","code":401}}"#)]).await;
    let error = client.chat(ask()).await.unwrap_err();
    assert_eq!(error.code(), "LLM-0003");
    assert!(!error.to_string().contains("sk-very-secret") && error.to_string().contains("bad key ***"));
}

#[tokio::test]
async fn server_errors_and_conflicts_are_tried_again() {
    let (_server, client) = serving(vec![
        status(500, &[], "oops"),
        status(502, &[("content-type", "text/html")], "<html>Bad Gateway</html>"),
        status(408, &[], ""),
        status(409, &[], "{}"),
        status(503, &[], r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#),
        text(),
    ])
    .await;
    assert_eq!(client.chat(ask()).await.unwrap().requests, 6);
}

#[tokio::test]
async fn an_endpoint_that_keeps_failing_is_given_up_after_five_retries() {
    let (server, client) = serving(vec![status(500, &[], "oops")]).await;
    let error = client.chat(ask()).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { attempts: 6, message, .. } if message.contains("oops")));
    assert_eq!(server.received().len(), 6);
}

#[tokio::test]
async fn a_hanging_answer_is_given_up_and_tried_again() {
    let (_server, client) = serving(vec![Reply::Hang, text()]).await;
    assert_eq!(client.chat(ask()).await.unwrap().requests, 2);
}

#[tokio::test]
async fn an_answer_that_falls_silent_or_drips_is_given_up() {
    let (_server, client) = serving(vec![Reply::Stall, Reply::Drip(20), text()]).await;
    assert_eq!(client.chat(ask()).await.unwrap().requests, 3);
}

#[tokio::test]
async fn the_total_time_ends_a_call_however_many_retries_are_left() {
    let server = ScriptedServer::replying(vec![Reply::Hang]).await.unwrap();
    let client = ModelClient::new(Config { total_timeout_ms: 600, ..quick(&server) }).unwrap();
    let error = client.chat(ask()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { limit_ms: 600, .. }), "{error}");
}

#[tokio::test]
async fn a_cut_connection_and_a_truncated_text_are_tried_again() {
    let (_server, client) =
        serving(vec![Reply::Reset, status(200, &[], r#"{"choices":[{"message":{"con"#), text()]).await;
    assert_eq!(client.chat(ask()).await.unwrap().requests, 3);
}

#[tokio::test]
async fn fifty_megabytes_are_not_read() {
    let server = ScriptedServer::replying(vec![Reply::Huge(50 * 1024 * 1024)]).await.unwrap();
    let client = ModelClient::new(Config { attempt_timeout_ms: 4_000, ..quick(&server) }).unwrap();
    let error = client.chat(ask()).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit, .. } if limit == 8 * 1024 * 1024), "{error}");
    assert_eq!(server.received().len(), 1, "it is not asked again");
}

#[tokio::test]
async fn nobody_listening_is_named_with_the_address() {
    let server = ScriptedServer::replying(vec![]).await.unwrap();
    let config = Config { retries: 1, ..quick(&server) };
    drop(server);
    let config = Config { base_url: "http://127.0.0.1:9/v1".to_owned(), ..config };
    let error = ModelClient::new(config).unwrap().chat(ask()).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { attempts: 2, .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:9"));
}

#[tokio::test]
async fn the_breaker_leaves_a_failing_endpoint_alone() {
    let server = ScriptedServer::replying(vec![status(500, &[], "oops")]).await.unwrap();
    let config = Config { breaker_failures: 2, retries: 0, ..quick(&server) };
    let client = ModelClient::new(config).unwrap();
    for _ in 0..2 {
        assert!(matches!(client.chat(ask()).await, Err(Error::Unavailable { .. })));
    }
    assert!(matches!(client.chat(ask()).await, Err(Error::Resting { failures: 2, .. })));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn values_outside_the_protocol_do_not_spoil_an_answer() {
    let odd = json!({
        "created": "yesterday", "object": 7, "service_tier": "platinum", "usage": null,
        "choices": [{"finish_reason": "banana", "message": {"role": "oracle", "reasoning_content": "hm",
                     "content": [{"type": "text", "text": "hi"}, {"type": "text", "text": " you"}]}}],
    });
    let (_server, client) = serving(vec![Reply::Json(odd)]).await;
    let answer = client.chat(ask()).await.unwrap();
    assert_eq!(answer.samples[0].content.text(), "hi you");
    assert_eq!((answer.usage.input_tokens, answer.model.as_str()), (0, "scripted-1"));
}

#[tokio::test]
async fn refusals_cut_answers_and_silence_are_outcomes_of_their_own() {
    let (server, client) = serving(vec![
        Reply::choice(&json!({"content": null, "refusal": "I cannot"}), "stop"),
        Reply::choice(&json!({"content": "half of"}), "length"),
        Reply::choice(&json!({"content": ""}), "stop"),
        Reply::choice(&json!({"content": "x"}), "content_filter"),
    ])
    .await;
    let mut endings = Vec::new();
    for _ in 0..4 {
        let answer = client.chat(ask().with_schema("colour", colour())).await.unwrap();
        endings.push(answer.samples[0].content.ending());
    }
    assert_eq!(endings, ["refusal", "length", "empty", "refusal"]);
    assert_eq!(server.received().len(), 4, "none of them is redrawn");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_repaired_with_the_findings() {
    let blue = r#"{"colour":"blue"}"#.to_owned();
    let red = r#"```json
{"colour":"red"}
```"#;
    let (server, client) = serving(vec![Reply::Text(blue), Reply::Text(red.to_owned())]).await;
    let answer = client.chat(ask().with_schema("colour", colour())).await.unwrap();
    assert_eq!(answer.samples[0].content.value(), Some(&json!({"colour": "red"})));
    assert_eq!((answer.samples[0].repairs, answer.usage.output_tokens), (1, 20));
    let sent = server.received();
    assert_eq!(sent[0].json["response_format"]["json_schema"]["strict"], true);
    let complaint = sent[1].json["messages"][3]["content"].as_str().unwrap();
    assert!(complaint.contains("/colour") && complaint.contains("blue"), "{complaint}");
}

#[tokio::test]
async fn after_two_repairs_the_answer_counts_as_invalid() {
    let (server, client) = serving(vec![Reply::Text("I like blue".to_owned())]).await;
    let answer = client.chat(ask().with_schema("colour", colour())).await.unwrap();
    assert!(matches!(&answer.samples[0].content, Content::Invalid { text, .. } if text == "I like blue"));
    assert_eq!((answer.samples[0].repairs, server.received().len()), (2, 3));
}

#[tokio::test]
async fn a_form_the_endpoint_refuses_is_asked_for_more_loosely_and_remembered() {
    let server = ScriptedServer::start(|r| match r.json["response_format"]["type"].as_str() {
        Some(kind) => {
            status(400, &[], &format!("{{\"message\":\"response_format {kind} unknown\",\"code\":400}}"))
        }
        None => Reply::Text(r#"Here: {"colour":"green"}"#.to_owned()),
    })
    .await
    .unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    for _ in 0..2 {
        let answer = client.chat(ask().with_schema("colour", colour())).await.unwrap();
        assert_eq!(answer.samples[0].content.value(), Some(&json!({"colour": "green"})));
    }
    assert_eq!(client.capabilities().structured, Structured::Prompt);
    let sent = server.received();
    assert_eq!(sent.len(), 4, "three tries the first time, one the second");
    assert!(sent[3].json["messages"][0]["content"].as_str().unwrap().contains("JSON Schema"));
}

#[tokio::test]
async fn the_field_of_the_token_limit_is_learnt() {
    let server = ScriptedServer::start(|r| {
        if r.json.get("max_tokens").is_some() {
            status(400, &[], r#"{"error":{"message":"use 'max_completion_tokens' instead of 'max_tokens'"}}"#)
        } else {
            text()
        }
    })
    .await
    .unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    client.chat(ChatRequest { max_tokens: Some(9), ..ask() }).await.unwrap();
    assert_eq!(client.capabilities().token_limit, TokenLimit::MaxCompletionTokens);
    assert_eq!(server.received()[1].json["max_completion_tokens"], 9);
}

#[tokio::test]
async fn some_samples_are_given_where_others_could_not_be_had() {
    let server = ScriptedServer::start(|r| match r.json["seed"].as_u64() {
        Some(1) => status(400, &[], "no"),
        _ => text(),
    })
    .await
    .unwrap();
    let client = ModelClient::new(quick(&server)).unwrap();
    let answer = client.chat(ChatRequest { samples: 3, seed: Some(0), ..ask() }).await.unwrap();
    assert_eq!((answer.samples.len(), answer.failures.len()), (2, 1));
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_configured() {
    // With a single place the quick second answer has to wait until the hanging first call is given up.
    let server = ScriptedServer::replying(vec![Reply::Hang, text()]).await.unwrap();
    let client = ModelClient::new(Config { concurrency: 1, retries: 0, ..quick(&server) }).unwrap();
    let order = parking_lot::Mutex::new(Vec::new());
    let call = async |name: &'static str| {
        let outcome = client.chat(ask()).await;
        order.lock().push((name, outcome.is_ok()));
    };
    tokio::join!(call("first"), call("second"));
    assert_eq!(*order.lock(), [("first", false), ("second", true)]);
}

#[tokio::test]
async fn requests_beyond_the_rate_limit_of_the_endpoint_are_not_sent() {
    let server = ScriptedServer::replying(vec![text()]).await.unwrap();
    let config = Config { requests_per_minute: 2, total_timeout_ms: 1_000, ..quick(&server) };
    let client = ModelClient::new(config).unwrap();
    for _ in 0..2 {
        client.chat(ask()).await.unwrap();
    }
    let error = client.chat(ask()).await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("LLM-0011", true));
    assert_eq!(server.received().len(), 2);
}

#[tokio::test]
async fn an_answer_whose_first_byte_does_not_come_in_time_is_given_up() {
    let server = ScriptedServer::replying(vec![Reply::Hang, text()]).await.unwrap();
    let config = Config { first_byte_timeout_ms: 60, attempt_timeout_ms: 60_000, ..quick(&server) };
    let answer = ModelClient::new(config).unwrap().chat(ask()).await.unwrap();
    assert_eq!(answer.requests, 2);
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_connection_and_frees_its_place() {
    let server = ScriptedServer::replying(vec![Reply::Hang, text()]).await.unwrap();
    let client = ModelClient::new(Config { concurrency: 1, ..quick(&server) }).unwrap();
    let first = client.chat(ask());
    let arrived = async {
        while server.received().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = first => panic!("it hangs"),
        () = arrived => {}
    }
    assert_eq!(client.chat(ask()).await.unwrap().samples[0].content.text(), "hi");
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts() {
    let shuffled = json!({"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1, 0]}],
                          "usage": {"prompt_tokens": 4}});
    let wrong = json!({"data": [{"index": 0, "embedding": [1, 0]}]});
    let (server, client) = serving(vec![Reply::Json(shuffled), Reply::Json(wrong)]).await;
    let texts = ["a".to_owned(), "b".to_owned()];
    let found = client.embed(&texts).await.unwrap();
    assert_eq!(found.vectors, vec![vec![1.0, 0.0], vec![0.0, 1.0]]);
    assert_eq!(server.received()[0].path, "/embeddings");
    assert!(matches!(client.embed(&texts).await, Err(Error::Malformed { .. })));
}

#[tokio::test]
async fn a_recording_becomes_text() {
    let (server, client) = serving(vec![Reply::Json(json!({"text": " open the valve "}))]).await;
    let audio =
        Audio { file_name: "voice.webm".into(), bytes: bytes::Bytes::from_static(b"RIFF"), language: None };
    assert_eq!(client.transcribe(audio).await.unwrap().text, "open the valve");
    let sent = &server.received()[0];
    assert_eq!(sent.path, "/audio/transcriptions");
    let body = String::from_utf8_lossy(&sent.body);
    assert!(body.contains("voice.webm") && body.contains("scripted-ear") && body.contains("RIFF"));
}

#[tokio::test]
async fn requests_that_cannot_work_are_refused_before_anything_is_sent() {
    let (server, client) = serving(vec![text()]).await;
    let long = "x".repeat(5 * 1024 * 1024);
    for request in [
        ChatRequest::new(vec![]),
        ChatRequest { samples: 0, ..ask() },
        ChatRequest { samples: 129, ..ask() },
        ChatRequest { temperature: Some(f64::NAN), ..ask() },
        ChatRequest::new(vec![Message::user(long)]),
        ask().with_schema("bad", json!({"type": 7})),
    ] {
        assert_eq!(client.chat(request).await.unwrap_err().code(), "LLM-0002");
    }
    assert!(server.received().is_empty());
}

#[test]
fn a_configuration_that_cannot_work_is_refused_and_never_shows_its_key() {
    let config = |base_url: &str, key: &str| Config {
        base_url: base_url.to_owned(),
        api_key: Secret::new(key),
        model: "m".to_owned(),
        ..Config::default()
    };
    for bad in ["", "localhost:8000", "ftp://x/v1", "http://user:pw@x/v1", "http://x/v1?key=1"] {
        assert!(matches!(ModelClient::new(config(bad, "")), Err(Error::Configuration(_))), "{bad}");
    }
    assert!(ModelClient::new(config("http://x/v1", "two\nlines")).is_err());
    assert!(matches!(ModelClient::new(Config::default()), Err(Error::Missing("chat"))));
    let shown = format!("{:?}", config("http://x/v1", "sk-hidden"));
    assert!(!shown.contains("sk-hidden") && shown.contains("***"));
}
