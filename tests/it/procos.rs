//! The `procos` binary as a person uses it: started with arguments, its output and exit code read.

use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace").to_owned()
}

/// A file of the examples.
pub(crate) fn example(path: &str) -> String {
    root().join("examples").join(path).display().to_string()
}

/// A folder to work in that is gone afterwards.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file; gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("the file can be written");
        path.display().to_string()
    }

    /// `procos` in this folder, without the configuration of whoever runs the tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `procos` to its end.
    pub(crate) fn procos(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("procos starts");
        Ended::of(arguments, &output)
    }

    /// Starts `procos` and reads its output line by line.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::of(self.command(arguments).stderr(Stdio::null()).spawn().expect("procos starts"))
    }

    /// Starts a server of the folder `data` on a free port; gives it with its address when it is ready.
    pub(crate) fn serve(&self) -> (Running, String) {
        self.serve_with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn serve_with(&self, more: &[&str]) -> (Running, String) {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"];
        Self::ready(self.start(&[&serve[..], more].concat()))
    }

    /// The same on a disk of its own, of so many megabytes; none where the system does not let us make one.
    pub(crate) fn serve_on_a_disk_of(&self, megabytes: u32) -> Option<(Running, String)> {
        std::fs::create_dir_all(self.path("disk")).expect("a folder");
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs disk && exec \"$0\" serve --listen 127.0.0.1:0 --data-dir disk/data"
        );
        let in_namespace = |script: &str| {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(binary());
            command.current_dir(self.folder.path()).stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::null());
            command
        };
        let possible =
            in_namespace("mount -t tmpfs tmpfs disk").status().is_ok_and(|status| status.success());
        possible.then(|| Self::ready(Running::of(in_namespace(&script).spawn().expect("it starts"))))
    }

    fn ready(mut server: Running) -> (Running, String) {
        let line = server.line(|line| line.contains("http://")).expect("it says where it is");
        let address = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        (server, address.trim_end_matches('/').to_owned())
    }
}

/// The binary beside this test: `target/debug/procos`.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/…/deps");
    let binary = folder.join(format!("procos{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.exists(), "{} is missing: cargo build -p server", binary.display());
    binary
}

/// A `procos` that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    arguments: String,
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(arguments: &[&str], output: &Output) -> Self {
        Self {
            arguments: arguments.join(" "),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The same, where it did its work.
    #[track_caller]
    pub(crate) fn fine(self) -> Self {
        assert_eq!(self.code, 0, "procos {}\n{}\n{}", self.arguments, self.stdout, self.stderr);
        self
    }

    /// Every line of its output as JSON: nothing else is there.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("procos {}: {error} in {line}", self.arguments))
        };
        self.stdout.lines().map(parse).collect()
    }

    /// The last line of its output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        self.json_lines()
            .pop()
            .unwrap_or_else(|| panic!("procos {} printed nothing: {}", self.arguments, self.stderr))
    }

    /// The code of the failure it reports, by the line `error[CODE]: …` or in JSON.
    #[track_caller]
    pub(crate) fn error_code(&self) -> String {
        let line = self.stderr.lines().find_map(|line| line.strip_prefix("error["));
        let code = line.and_then(|line| line.split_once("]: ")).map(|(code, _)| code.to_owned());
        let in_json = || {
            let said: Value = serde_json::from_str(&self.stderr).ok()?;
            said["error"]["code"].as_str().map(str::to_owned)
        };
        code.or_else(in_json)
            .unwrap_or_else(|| panic!("procos {} named no error: {}", self.arguments, self.stderr))
    }
}

/// A `procos` that runs; killed at the latest when the test is over.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn of(mut child: Child) -> Self {
        let lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        Self { child, lines }
    }

    /// A path as the process itself sees it, whose mounts may be its own.
    pub(crate) fn sees(&self, path: &Path) -> PathBuf {
        let inside = path.strip_prefix("/").expect("an absolute path");
        Path::new("/proc").join(self.child.id().to_string()).join("root").join(inside)
    }

    /// The next line that satisfies `wanted`; none where the output ends first.
    pub(crate) fn line(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.lines.by_ref().map_while(Result::ok).find(|line| wanted(line))
    }

    /// Ends it without giving it a chance to tidy up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Asks it to end, and gives its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().expect("kill is there");
        assert!(asked.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
