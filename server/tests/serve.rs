//! `procos serve` as a process of its own: it starts, answers, takes the tour, and stops when told to.

#[cfg(test)]
mod serving {
    use std::io::{BufRead, BufReader, Read};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    struct Server {
        child: Child,
        address: String,
        said: String,
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn procos(data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_procos"));
        command.arg("--data-dir").arg(data).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts a server on a free port and reads what it says up to its address and `last`.
    fn start(data: &Path, options: &[&str], last: &str) -> Server {
        let mut command = procos(data);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(options);
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        while !said.contains(last) {
            assert_ne!(lines.read_line(&mut said).unwrap(), 0, "it ended, saying {said}");
        }
        let address = said.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Server { child, address, said }
    }

    /// Tells it to stop, and gives its exit code.
    fn stop(server: &mut Server) -> Option<i32> {
        let told = Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
        assert!(told.success());
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience {
            if let Some(status) = server.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::yield_now();
        }
        None
    }

    async fn get(server: &Server, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("http://{}{path}", server.address)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn ask(server: &Server, query: &str) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request =
            client.post(format!("http://{}/graphql", server.address)).json(&json!({"query": query}));
        request.send().await.unwrap().json().await.unwrap()
    }

    #[tokio::test]
    async fn it_serves_says_where_and_stops_when_told() {
        let data = tempfile::tempdir().unwrap();
        for start_number in 1..=2 {
            let mut server = start(data.path(), &[], "ProcOS is at");
            assert_eq!(get(&server, "/livez").await.0, 200);
            let (status, checks) = get(&server, "/readyz").await;
            assert_eq!(status, 200, "start {start_number}: {checks}");
            assert_eq!(ask(&server, "{ __typename }").await["data"]["__typename"], "Query");
            assert!(get(&server, "/").await.1.contains("<!doctype html>"));
            let file = data.path().join("server.json");
            let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
            assert_eq!(written, json!({"pid": server.child.id(), "address": server.address}));
            assert_eq!(stop(&mut server), Some(0));
            assert!(!file.exists(), "who looks for the server must not be sent to one that is gone");
        }
    }

    #[test]
    fn a_busy_port_is_named_with_the_way_out() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let data = tempfile::tempdir().unwrap();
        let mut refused = procos(data.path()).args(["serve", "--listen", &address]).spawn().unwrap();
        let mut said = String::new();
        refused.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(refused.wait().unwrap().code(), Some(1));
        let port = taken.local_addr().unwrap().port().to_string();
        assert!(said.contains("SERVER-0006") && said.contains(&port) && said.contains("--listen"), "{said}");
    }

    #[tokio::test]
    async fn the_tour_builds_the_aircraft_sizes_it_and_goes_on_serving() {
        let data = tempfile::tempdir().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/light-aircraft");
        let mut server = start(data.path(), &["--tour", folder.to_str().unwrap()], "Ctrl-C stops it");
        for part in
            ["requirements", "Size a light aircraft: completed", "takeoff_mass_kg = ", "% (", "/graphiql"]
        {
            assert!(server.said.contains(part), "{part} in {}", server.said);
        }
        let (_, scores) = get(&server, "/api/scores?subject=size-aircraft").await;
        let scores: Value = serde_json::from_str(&scores).unwrap();
        assert_eq!(scores["scores"][0]["attempts"], 1, "{scores}");
        let (_, metrics) = get(&server, "/metrics").await;
        assert!(metrics.contains("procos_live_pdos 0\n"), "{metrics}");
        assert_eq!(stop(&mut server), Some(0));
    }
}
