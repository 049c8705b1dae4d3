//! What the program says of itself: help, completion scripts, manual pages.

use crate::rig::Program;

#[test]
fn the_help_of_a_command_shows_its_own_options_and_where_the_others_are() {
    let program = Program::new();
    let all = program.run(&["--help"]).succeeded().out;
    assert!(all.contains("--database-url") && all.contains("--json"), "{all}");
    for command in [&["backfill"][..], &["connector", "refresh"], &["user", "token"], &["quota"]] {
        let help = program.run(&[command, &["--help"]].concat()).succeeded().out;
        assert!(!help.contains("--listen") && !help.contains("LEADSYNC_"), "{help}");
        assert!(help.contains("see `leadsync --help`"), "{help}");
    }
    let help = program.run(&["serve", "--help"]).succeeded().out;
    assert!(help.contains("--listen"), "those are its own: {help}");
    // They are taken anyway, before the command and behind it.
    let settings = ["--database-url", "sqlite://other.db", "--json"];
    for arguments in [[&settings[..], &["connector", "list"]], [&["connector", "list"], &settings]]
    {
        let ran = program.run(&arguments.concat());
        ran.failed(1, &["other.db"]);
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    let program = Program::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = program.run(&["completions", shell]).succeeded().out;
        assert!(script.contains("backfill") && script.contains("plan"), "{shell}");
    }
    // Bad settings are not in the way.
    program.write("leadsync.toml", "nonsense = 1\n");
    program.run(&["completions", "bash"]).succeeded();
    program.run(&["man", "pages/man1"]).succeeded();
    let page = |name: &str| {
        let path = program.path().join("pages/man1").join(name);
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert!(page("leadsync-backfill.1").contains("\\-\\-since"));
    assert!(page("leadsync-connector-wire.1").contains("\\-\\-check"));
    assert!(page("leadsync.1").contains("leadsync\\-backfill(1)"));
}
