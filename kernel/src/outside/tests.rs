//! Requests to a real server on loopback, and attempts to reach what is not declared.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each path its own way; gives its port.
async fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut buffer = vec![0; 16 * 1024];
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                let path = request.split_whitespace().nth(1).unwrap_or("/").to_owned();
                let redirect =
                    |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
                let answer = match path.as_str() {
                    "/json" => {
                        let body = json!({"method": request.split(' ').next()}).to_string();
                        format!(
                            "HTTP/1.1 200 OK\r\nx-kind: test\r\ncontent-length: {}\r\n\r\n{body}",
                            body.len()
                        )
                    }
                    "/missing" => "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone".to_owned(),
                    "/near" => redirect("/json"),
                    "/far" => redirect("http://127.0.0.2:1/"),
                    "/metadata" => redirect("http://169.254.169.254/latest/meta-data"),
                    "/round" => redirect("/round"),
                    "/big" => {
                        format!("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{}", "x".repeat(100_000))
                    }
                    "/slow" => std::future::pending().await,
                    _ => String::new(),
                };
                let _gone = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    port
}

/// Gives up on answers that are too large; on slow ones only after a time that a busy machine does not need.
fn outside(private_hosts: &[String]) -> Outside {
    patient(private_hosts, Duration::from_secs(60))
}

fn patient(private_hosts: &[String], total: Duration) -> Outside {
    let limits = OutsideLimits { total, answer_bytes: 10_000, ..OutsideLimits::default() };
    Outside::new(&["localhost:1".to_owned()], private_hosts, limits).unwrap()
}

fn get(url: String) -> Request {
    Request { method: "GET".to_owned(), url, headers: Vec::new(), body: None }
}

#[tokio::test]
async fn a_declared_host_answers_and_a_redirect_on_it_is_followed() {
    let port = server().await;
    let outside = outside(&[format!("http://127.0.0.1:{port}")]);
    let answer = outside.request(&get(format!("http://127.0.0.1:{port}/near"))).await.unwrap();
    assert_eq!((answer.status, &answer.headers["x-kind"]), (200, &json!("test")));
    assert_eq!(answer.body, json!({"method": "GET"}));
    let missing = outside.request(&get(format!("http://127.0.0.1:{port}/missing"))).await.unwrap();
    assert_eq!((missing.status, missing.body), (404, json!("none")));
    let post = Request {
        method: "POST".to_owned(),
        body: Some(json!({"a": 1})),
        ..get(format!("http://127.0.0.1:{port}/json"))
    };
    assert_eq!(outside.request(&post).await.unwrap().body, json!({"method": "POST"}));
}

#[tokio::test]
async fn whatever_is_not_declared_is_refused_in_every_spelling() {
    let port = server().await;
    let outside = outside(&[format!("http://127.0.0.1:{port}")]);
    for url in [
        format!("http://127.0.0.2:{port}/json"),
        "http://127.0.0.1:1/json".to_owned(),
        format!("https://127.0.0.1:{port}/json"),
        format!("http://user:password@127.0.0.1:{port}/json"),
        format!("http://[::1]:{port}/json"),
        format!("http://[::ffff:127.0.0.1]:{port}/json"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
        format!("http://127.0.0.1:{port}/far"),
        format!("http://127.0.0.1:{port}/metadata"),
        format!("http://127.0.0.1:{port}/round"),
    ] {
        let ended = outside.request(&get(url.clone())).await;
        assert!(matches!(ended, Err(Unreached::Refused(_))), "{url}: {ended:?}");
    }
    // The same machine spelt as one number is the same declared host, not a way around it.
    let number = outside.request(&get(format!("http://2130706433:{port}/json"))).await;
    assert_eq!(number.unwrap().status, 200);
}

#[tokio::test]
async fn a_name_declared_as_public_that_leads_inside_is_refused() {
    let outside = outside(&[]);
    let ended = outside.request(&get("https://localhost:1/".to_owned())).await.unwrap_err();
    assert!(ended.to_string().contains("not public"), "{ended}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_or_too_slow_is_given_up() {
    let port = server().await;
    let hosts = [format!("http://127.0.0.1:{port}")];
    let (calm, hasty) = (outside(&hosts), patient(&hosts, Duration::from_millis(500)));
    for (outside, path, says) in [
        (&calm, "big", "more than 10000 bytes"),
        (&hasty, "slow", "no whole answer after 0.5 s"),
        (&calm, "", ""),
    ] {
        let ended = outside.request(&get(format!("http://127.0.0.1:{port}/{path}"))).await.unwrap_err();
        assert!(matches!(&ended, Unreached::Failed(why) if why.contains(says)), "{path}: {ended}");
    }
}

#[test]
fn a_private_address_is_declared_as_such_or_not_at_all() {
    let limits = OutsideLimits::default();
    for wrong in ["10.0.0.1", "http://127.0.0.1:80", "ftp://a.example", "a.example/path", "u@a.example"] {
        assert!(Outside::new(&[wrong.to_owned()], &[], limits).is_err(), "{wrong}");
    }
    assert!(Outside::new(&["a.example".to_owned()], &["10.0.0.1:8443".to_owned()], limits).is_ok());
}
