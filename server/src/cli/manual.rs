//! The page `docs/cli.md`: the help of every command, as the command line itself gives it.

use clap::CommandFactory;

use super::Arguments;

const INTRODUCTION: &str = "\
# The command line

This page is what `procos COMMAND --help` says. After a change of the command line, write it again with
`UPDATE_EXPECT=1 cargo test -p server manual`.

Every command takes `--json` (one JSON value, or one a line, on stdout and nothing else there) and `--data-dir`.
Failures go to stderr as `error[CODE]: what happened` and `hint: the way out`; each code has a page in
[errors](errors/). Settings are in [configuration](configuration.md).

- **One process at a time holds a data directory.** Where a server holds it, commands go through the server by the
  address in its `server.json`; what cannot go through says so.
- **`run` without `--data-dir`** works in memory and leaves nothing behind but the files that the process writes into
  `./procos-workspace`. With `--data-dir` the definition, the instance, its trail and scores are kept. Where a file
  holds several processes, the first executable one is started. The trace shows the instance and those it calls.
- **`run --json`** ends with `{\"state\", \"variables\"}`; with `--trace` it is preceded by one line for each event.
";

fn manual() -> String {
    let mut root = Arguments::command();
    root.build();
    let mut page = INTRODUCTION.to_owned();
    section(&mut page, root, 0);
    page
}

fn section(page: &mut String, mut command: clap::Command, depth: usize) {
    let name = command.get_bin_name().unwrap_or("procos").to_owned();
    if depth > 0 {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        page.push_str(&format!(
            "\n{} `{name}`\n\n```text\n{}\n```\n",
            "#".repeat(depth + 1),
            lines.join("\n")
        ));
    }
    let inner: Vec<clap::Command> = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help" && !inner.is_hide_set())
        .cloned()
        .collect();
    for command in inner {
        section(page, command, depth + 1);
    }
}

#[test]
fn the_page_on_the_command_line_is_what_the_command_line_says() {
    Arguments::command().debug_assert();
    expect_test::expect_file!["../../../docs/cli.md"].assert_eq(&manual());
}
