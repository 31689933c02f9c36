//! Attacks on the isolation of tools, through the real binary: each is denied, and nothing is left after a second.

#[cfg(test)]
mod attacks {
    use std::path::PathBuf;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use kernel::isolation::ToolLimits;
    use kernel::{Error, Launcher, Level, Tool, ToolResult, Tools};
    use serde_json::{Map, Value, json};
    use tokio_util::sync::CancellationToken;

    /// The rungs that keep files and network out.
    const CONFINED: [Level; 2] = [Level::Landlock, Level::Namespaces];
    /// What every attack runs under unless it says otherwise.
    const LIMITS: ToolLimits = ToolLimits {
        cpu_s: 5,
        wall_ms: 5_000,
        memory_mib: 256,
        output_kib: 64,
        disk_mib: 8,
        open_files: 64,
        processes: 24,
    };
    /// Longest time in which everything must be gone.
    const GONE: Duration = Duration::from_secs(1);

    struct Bed {
        tools: Tools,
        folder: tempfile::TempDir,
    }

    impl Bed {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let launcher = Launcher::new(PathBuf::from(env!("CARGO_BIN_EXE_procos")));
            Self { tools: Tools::load(launcher, folder.path().join("scratch"), None), folder }
        }

        async fn run(
            &self,
            tool: &Tool,
            script: &str,
            inputs: Value,
            level: Level,
        ) -> Result<ToolResult, Error> {
            let inputs: Map<String, Value> = serde_json::from_value(inputs).unwrap();
            self.tools.run("work", tool, Some(script), &inputs, level, &CancellationToken::new()).await
        }

        /// Runs a Python script that leaves in `result` what it managed to do.
        async fn attack(&self, script: &str, limits: ToolLimits, level: Level) -> Result<Value, Error> {
            let (tool, marker) = marked(&self.tools, limits);
            let ended = self.run(&tool, script, json!({}), level).await;
            let asked = Instant::now();
            while !living(&marker).is_empty() {
                assert!(asked.elapsed() < GONE, "{level}: {} processes live on", living(&marker).len());
                tokio::task::yield_now().await;
            }
            let left: Vec<_> = std::fs::read_dir(self.folder.path().join("scratch")).unwrap().collect();
            assert!(left.is_empty(), "{left:?}");
            ended.map(|result| Value::Object(result.outputs))
        }
    }

    /// The Python tool with these limits, and an argument by which its processes are found.
    fn marked(tools: &Tools, limits: ToolLimits) -> (Tool, String) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let marker = format!("attack-{}-{number}-of-isolation", std::process::id());
        let mut tool = Arc::unwrap_or_clone(tools.get("python").unwrap());
        tool.limits = limits;
        tool.command.push(marker.clone());
        (tool, marker)
    }

    /// Processes with the marker among their arguments.
    fn living(marker: &str) -> Vec<String> {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let named = processes.filter(|entry| {
            let arguments = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).contains(marker)
        });
        named.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn code(ended: Result<Value, Error>) -> &'static str {
        match ended {
            Err(Error::Tool { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_fork_bomb_ends_at_the_deadline_with_all_it_started() {
        let bed = Bed::new();
        let script = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass";
        for level in [Level::Limits, Level::Landlock, Level::Namespaces] {
            let limits = ToolLimits { wall_ms: 700, ..LIMITS };
            assert_eq!(code(bed.attack(script, limits, level).await), "tool.timeout", "{level}");
        }
    }

    #[tokio::test]
    async fn more_memory_than_allowed_is_refused_to_one_process_and_to_many() {
        let bed = Bed::new();
        for level in CONFINED {
            assert_eq!(code(bed.attack("x = bytearray(1 << 30)", LIMITS, level).await), "tool.failed");
            let many = "import os, time\nfor i in range(8):\n  if os.fork() == 0: break\n\
                    x = bytearray(os.urandom(1 << 20)) * 100\ntime.sleep(60)";
            assert_eq!(code(bed.attack(many, LIMITS, level).await), "tool.limit");
        }
    }

    #[tokio::test]
    async fn a_flood_of_output_ends_the_tool() {
        let bed = Bed::new();
        for stream in ["stdout", "stderr"] {
            let script = format!("import sys\nwhile True: sys.{stream}.write('x' * 1000)");
            assert_eq!(code(bed.attack(&script, LIMITS, Level::Landlock).await), "tool.limit", "{stream}");
        }
    }

    #[tokio::test]
    async fn a_full_disk_ends_the_tool_whether_by_one_file_or_by_many() {
        let bed = Bed::new();
        let one = "with open('big', 'wb') as f:\n  while True: f.write(b'x' * 65536)";
        assert_eq!(code(bed.attack(one, LIMITS, Level::Landlock).await), "tool.failed");
        let many = "i = 0\nwhile True:\n  i += 1\n  with open(str(i), 'wb') as f: f.write(b'x' * 65536)";
        assert_eq!(code(bed.attack(many, LIMITS, Level::Landlock).await), "tool.limit");
    }

    #[tokio::test]
    async fn no_socket_of_any_family_can_be_made() {
        let bed = Bed::new();
        let script = "import socket\nresult = []\n\
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET):\n\
        \x20 for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):\n\
        \x20   try: socket.socket(family, kind); result.append([int(family), int(kind)])\n\
        \x20   except OSError: pass";
        for level in CONFINED {
            assert_eq!(bed.attack(script, LIMITS, level).await.unwrap(), json!({"result": []}), "{level}");
        }
    }

    #[tokio::test]
    async fn files_outside_the_scratch_directory_can_neither_be_read_nor_written() {
        let bed = Bed::new();
        let secret = bed.folder.path().join("of-another-task");
        std::fs::write(&secret, "secret").unwrap();
        let script = format!(
            "import os\nresult = []\nfor path in ['/etc/shadow', '/etc/passwd', '/proc/1/environ', '/proc/self/maps',\n\
         \x20 '/dev/mem', '/tmp', '/root', '/home', '/dev/shm', '..', {secret:?}]:\n\
         \x20 try: os.listdir(path) if os.path.isdir(path) else open(path).read(); result.append(path)\n\
         \x20 except OSError: pass\n\
         for path in ['/tmp/attack', '/dev/shm/attack', '/var/tmp/attack', '../attack', '/usr/attack', {secret:?}]:\n\
         \x20 try: open(path, 'w'); result.append(path)\n\
         \x20 except OSError: pass\n\
         os.symlink('/etc/shadow', 'link')\n\
         try: open('link').read(); result.append('link')\n\
         except OSError: pass\n\
         open('own', 'w').write('fine'); assert open('own').read() == 'fine'"
        );
        for level in CONFINED {
            assert_eq!(bed.attack(&script, LIMITS, level).await.unwrap(), json!({"result": []}), "{level}");
        }
        assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
    }

    #[tokio::test]
    async fn a_result_that_is_a_link_to_elsewhere_is_not_followed() {
        let bed = Bed::new();
        let script = "import os\nos.symlink('/etc/passwd', 'output.json')";
        assert_eq!(code(bed.attack(script, LIMITS, Level::Landlock).await), "tool.output");
    }

    #[tokio::test]
    async fn system_calls_that_reach_out_are_not_permitted() {
        let bed = Bed::new();
        let script = "import ctypes, os, signal\nlibc = ctypes.CDLL(None, use_errno=True)\nresult = []\n\
        calls = {'ptrace': (101, 16, os.getppid(), 0, 0), 'unshare': (272, 0x10000000), 'mount': (165, 0, 0, 0, 0, 0),\n\
        \x20 'keyctl': (250, 0, -1, 0), 'bpf': (321, 0, 0, 0), 'io_uring_setup': (425, 8, 0), 'setns': (308, 0, 0),\n\
        \x20 'memfd_create': (319, b'x', 0), 'shmget': (29, 0, 4096, 0o1600), 'perf_event_open': (298, 0, 0, -1, -1, 0),\n\
        \x20 'process_vm_readv': (310, os.getppid(), 0, 0, 0, 0, 0), 'x32 socket': (0x40000000 + 41, 2, 2, 0),\n\
        \x20 'clone to a user namespace': (56, 0x10000000 | 17, 0, 0, 0, 0), 'personality': (135, 0xffffffff)}\n\
        for name, (number, *rest) in calls.items():\n\
        \x20 if libc.syscall(ctypes.c_long(number), *[r if isinstance(r, bytes) else ctypes.c_long(r) for r in rest]) != -1 \
             or ctypes.get_errno() != 1: result.append([name, ctypes.get_errno()])\n\
        for pid in (os.getppid(), 1):\n\
        \x20 if pid not in (0, os.getpid()):\n\
        \x20   try: os.kill(pid, signal.SIGCONT); result.append(['kill', pid])\n\
        \x20   except OSError: pass";
        if cfg!(target_arch = "x86_64") {
            for level in CONFINED {
                assert_eq!(
                    bed.attack(script, LIMITS, level).await.unwrap(),
                    json!({"result": []}),
                    "{level}"
                );
            }
        }
    }

    #[tokio::test]
    async fn a_daemon_that_forks_twice_is_ended_with_the_tool() {
        let bed = Bed::new();
        let script = "import os, time, sys\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n    \
                  os.close(1); os.close(2); time.sleep(600)\n  os._exit(0)\nresult = 'went on'";
        for level in [Level::Limits, Level::Landlock, Level::Namespaces] {
            let ended = bed.attack(script, LIMITS, level).await.unwrap();
            assert_eq!(ended, json!({"result": "went on"}), "{level}");
        }
    }

    #[tokio::test]
    async fn ignoring_every_signal_does_not_save_from_the_deadline() {
        let bed = Bed::new();
        let script = "import signal\nfor s in range(1, 64):\n  try: signal.signal(s, signal.SIG_IGN)\n  \
                  except (OSError, ValueError): pass\nwhile True: signal.pause()";
        for level in CONFINED {
            let limits = ToolLimits { wall_ms: 500, ..LIMITS };
            assert_eq!(code(bed.attack(script, limits, level).await), "tool.timeout", "{level}");
        }
    }

    #[tokio::test]
    async fn a_tool_whose_asker_goes_away_or_cancels_is_ended() {
        let bed = Bed::new();
        for drop_it in [true, false] {
            let (tool, marker) = marked(&bed.tools, ToolLimits { wall_ms: 60_000, ..LIMITS });
            let (tools, cancel) = (bed.tools.clone(), CancellationToken::new());
            let token = cancel.clone();
            let running = tokio::spawn(async move {
                tools.run("work", &tool, Some("while True: pass"), &Map::new(), Level::Landlock, &token).await
            });
            let begun = Instant::now();
            while living(&marker).len() < 2 {
                assert!(begun.elapsed() < Duration::from_secs(20), "it never started");
                tokio::task::yield_now().await;
            }
            let ended = Instant::now();
            if drop_it {
                running.abort();
            } else {
                cancel.cancel();
                assert!(matches!(running.await.unwrap(), Err(Error::Cancelled { .. })));
            }
            while !living(&marker).is_empty() {
                assert!(ended.elapsed() < 2 * GONE, "{} processes live on", living(&marker).len());
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn every_installed_interpreter_computes_with_its_inputs() {
        let bed = Bed::new();
        let scripts = [
            ("python", "result = {'y': x * 2}", json!({"y": 42})),
            ("shell", "echo \"{\\\"y\\\": $((IN_x * 2))}\"", json!({"y": 42})),
            ("octave", "result.y = x * 2;", json!({"y": 42})),
            ("scilab", "x = strtod(getenv('IN_x')); mprintf('{\"\"y\"\": %d}\\n', x * 2);", json!({"y": 42})),
        ];
        let mut ran = Vec::new();
        for (tool, _) in bed.tools.all().into_iter().filter(|(_, program)| program.is_some()) {
            let (_, script, expected) = scripts.iter().find(|(name, ..)| *name == tool.name).unwrap();
            let ended = bed.run(&tool, script, json!({"x": 21}), tool.isolation).await.unwrap();
            assert_eq!(Value::Object(ended.outputs), *expected, "{}", tool.name);
            assert!(ended.note.contains("isolation landlock"), "{}", ended.note);
            ran.push(tool.name.clone());
        }
        let wanted = std::env::var_os("PROCOS_TEST_TOOLS").unwrap_or_else(|| "python,shell".into());
        for tool in wanted.to_str().unwrap().split(',') {
            assert!(ran.contains(&tool.to_owned()), "{tool} did not run, only {ran:?}");
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_the_schemas_is_refused_before_and_after() {
        let bed = Bed::new();
        let mut tool = Arc::unwrap_or_clone(bed.tools.get("python").unwrap());
        tool.input = Some(json!({"required": ["x"], "properties": {"x": {"type": "number"}}}));
        tool.output = Some(json!({"type": "object", "required": ["y"]}));
        let run = async |script: &str, inputs: Value| {
            let ended = bed.run(&tool, script, inputs, Level::Landlock).await;
            code(ended.map(|result| Value::Object(result.outputs)))
        };
        assert_eq!(run("result = {'y': 1}", json!({"x": "one"})).await, "tool.input");
        assert_eq!(run("result = {'z': 1}", json!({"x": 1})).await, "tool.output");
        assert_eq!(run("raise ValueError('so')", json!({"x": 1})).await, "tool.failed");
    }

    #[tokio::test]
    async fn a_rung_that_is_not_there_refuses_the_task_and_says_the_way_out() {
        let bed = Bed::new();
        let mut tool = Arc::unwrap_or_clone(bed.tools.get("python").unwrap());
        tool.image = Some("debian".to_owned());
        let refused = bed.run(&tool, "result = 1", json!({}), Level::Container).await.unwrap_err();
        let text = refused.to_string();
        assert!(
            text.starts_with("ISOLATION_UNAVAILABLE") && text.contains("it offers limits, landlock"),
            "{text}"
        );
        assert_eq!(refused.code(), "KERNEL-0015");
    }
}
