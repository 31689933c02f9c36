//! A TCP proxy before Camunda that goes away, or cuts a connection at a given call.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What is done with a call whose head holds a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It does not reach Camunda.
    Call(&'static str),
    /// It does, and nobody hears the answer.
    Answer(&'static str),
}

pub(super) struct Proxy {
    /// Host and port of Camunda.
    target: String,
    port: u16,
    path: String,
    cut: Arc<Mutex<Option<Cut>>>,
    serving: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy before the REST API at `url`.
    pub(super) async fn before(url: &str) -> Self {
        let url = reqwest::Url::parse(url).unwrap();
        let target = format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap());
        let path = url.path().to_owned();
        let mut proxy = Self { target, port: 0, path, cut: Arc::default(), serving: None };
        proxy.open().await;
        proxy
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }

    /// Cuts such calls from now on.
    pub(super) fn cut(&self, cut: Cut) {
        *self.cut.lock().unwrap() = Some(cut);
    }

    pub(super) async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (target, cut) = (self.target.clone(), self.cut.clone());
        self.serving = Some(tokio::spawn(async move {
            // Ends with the listener.
            let mut connections = JoinSet::new();
            while let Ok((caller, _)) = listener.accept().await {
                connections.spawn(pass(caller, target.clone(), cut.clone()));
            }
        }));
    }

    /// Refuses connections and cuts those that are open.
    pub(super) async fn close(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _aborted = serving.await;
        }
    }
}

async fn pass(mut caller: TcpStream, target: String, cut: Arc<Mutex<Option<Cut>>>) {
    let Ok(mut camunda) = TcpStream::connect(target).await else { return };
    let (mut asked, mut said) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = caller.read(&mut asked) => {
                let Some(length) = read.ok().filter(|length| *length > 0) else { return };
                let holds = |text: &str| asked[..length].windows(text.len()).any(|part| part == text.as_bytes());
                let cut = *cut.lock().unwrap();
                if matches!(cut, Some(Cut::Call(text)) if holds(text)) {
                    return;
                }
                if camunda.write_all(&asked[..length]).await.is_err() {
                    return;
                }
                if matches!(cut, Some(Cut::Answer(text)) if holds(text)) {
                    let _unheard = camunda.read(&mut said).await;
                    return;
                }
            }
            read = camunda.read(&mut said) => {
                let Some(length) = read.ok().filter(|length| *length > 0) else { return };
                if caller.write_all(&said[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
