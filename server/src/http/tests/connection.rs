//! The accept loop: slow callers, full houses, stopping.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{house, house_with, soon};
use crate::http::Limits;

async fn connect(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end, too.
    let _ =
        timeout(soon(), stream.read_to_end(&mut text)).await.expect("the server keeps the connection open");
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn who_never_finishes_the_headers_is_let_go() {
    let limits = Limits { header_time: Duration::from_millis(200), ..Limits::default() };
    let address = house_with(limits, false).await.open().await;
    let starts: [&[u8]; 4] =
        [b"", b"P", b"GET /livez HTTP/1.1\r\nHost: loc", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    for start in starts {
        let mut stream = connect(address, start).await;
        let text = rest(&mut stream).await;
        assert!(!text.contains("200 OK"), "{text}");
    }
}

#[tokio::test]
async fn who_never_finishes_the_body_is_told_so() {
    let limits = Limits { body_time: Duration::from_millis(100), ..Limits::default() };
    let address = house_with(limits, false).await.open().await;
    let start = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                  Content-Length: 100\r\nConnection: close\r\n\r\n{";
    let text = rest(&mut connect(address, start).await).await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("HTTP-0004"), "{text}");
}

#[tokio::test]
async fn a_full_house_takes_the_next_caller_once_there_is_room() {
    let limits = Limits { connections: 2, header_time: Duration::from_millis(300), ..Limits::default() };
    let address = house_with(limits, false).await.open().await;
    let idle = [connect(address, b"").await, connect(address, b"").await];
    let mut third =
        connect(address, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(rest(&mut third).await.starts_with("HTTP/1.1 200"));
    drop(idle);
}

#[tokio::test]
async fn stopping_ends_streams_and_idle_connections_and_takes_no_new_ones() {
    let house = house().await;
    let stop = house.site.stop.clone();
    let address = house.open().await;
    let body = r#"{"query": "subscription { endless }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: text/event-stream\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = connect(address, head.as_bytes()).await;
    let mut first = [0; 15];
    timeout(soon(), stream.read_exact(&mut first)).await.unwrap().unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    stop.cancel();
    assert!(rest(&mut stream).await.contains("event: complete"));
    let refused = async { while TcpStream::connect(address).await.is_ok() {} };
    timeout(soon(), refused).await.unwrap();
}
