//! A disk that fills up under a running server: whatever needs room is refused by name, nothing acknowledged is lost,
//! and once there is room again the same server goes on.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::procos::{Place, example};

/// Room for the database and, with what memory wants free, for memory.
const DISK_MB: u32 = 700;
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn a_full_disk_is_named_loses_nothing_and_is_got_over() {
    let place = Place::empty();
    let Some((server, address)) = place.serve_on_a_disk_of(DISK_MB) else {
        eprintln!("not tried: this system does not let us mount a disk of our own");
        return;
    };
    let file = example("light-aircraft/requirements.md");
    let bootstrap = |name: &str, extra: &[&str]| {
        let arguments = ["bootstrap", &file, "--name", name, "--server", &address, "--json"];
        place.procos(&[&arguments[..], extra].concat())
    };
    let built = bootstrap("before", &[]).fine().json();
    eventually("what was built first is remembered", || remembers(&place, &address, "before"));

    // Too little for memory, enough for the database: work goes on, and what is to be remembered waits.
    let ballast = server.sees(&place.path("disk")).join("ballast");
    let mut file_of_ballast = File::create(&ballast).expect("the disk can be written");
    fill(&mut file_of_ballast, 550);
    bootstrap("meanwhile", &[]).fine();
    assert!(!remembers(&place, &address, "meanwhile"), "memory was written on a disk that is nearly full");

    // Nothing left at all: refused with the reason.
    fill(&mut file_of_ballast, DISK_MB);
    drop(file_of_ballast);
    // The database's log may still hold room that is used again.
    let mut attempts = (0..40).map(|attempt| bootstrap(&format!("never-{attempt}"), &[]));
    let refused = attempts.find(|refused| refused.code != 0).expect("a full disk refuses at last");
    let full = ["ENGINE-0012", "ONTO-0011"].iter().any(|code| refused.stderr.contains(code));
    assert!(full && refused.stderr.contains("the disk is full"), "{refused:?}");

    std::fs::remove_file(&ballast).expect("it can be removed");
    let again = bootstrap("before", &[]).fine().json();
    assert_eq!(again["changeSet"], built["changeSet"], "what was acknowledged is still there");
    bootstrap("never", &[]).fine();
    eventually("what waited is remembered", || remembers(&place, &address, "meanwhile"));
    assert_eq!(server.terminate(), Some(0), "the server that met the full disk ends in order");
}

/// Writes so many megabytes; until the disk is full where that comes first.
fn fill(file: &mut File, megabytes: u32) {
    let block = [0_u8; 4096];
    for _ in 0..megabytes * 256 {
        if file.write_all(&block).is_err() {
            return;
        }
    }
}

/// True where memory holds something about this system, asked of the server.
fn remembers(place: &Place, address: &str, system: &str) -> bool {
    let text = format!("processes of {system}");
    let arguments = ["memory", "recall", &text, "--system", system, "--limit", "200", "--json"];
    let recall = place.procos(&[&arguments[..], &["--server", address]].concat()).fine();
    recall.stdout.contains(&format!("p_{system}_"))
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: never");
        std::thread::sleep(Duration::from_millis(200));
    }
}
