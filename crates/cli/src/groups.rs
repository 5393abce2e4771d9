//! The list of commands in the help, grouped by what a person wants.

use clap::Command;

/// Every command that the help lists, once.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Log in", &["login", "logout", "whoami", "account"]),
    ("Use the token", &["token", "header", "exec", "proxy", "copy"]),
    ("See how it is", &["status", "history", "access", "doctor", "open"]),
    ("More", &["refresh", "approve", "agent", "completions", "man", "help"]),
];

/// The command with its list of commands in groups.
pub(crate) fn grouped(command: Command) -> Command {
    let list: String = GROUPS.iter().map(|(title, names)| group(&command, title, names)).collect();
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}"
    ))
}

fn group(command: &Command, title: &str, names: &[&str]) -> String {
    let about = |name| match command.find_subcommand(name).and_then(Command::get_about) {
        Some(about) => about.to_string(),
        // The one that clap adds.
        None => "Print this, or the help of a command".to_owned(),
    };
    let lines: String = names.iter().map(|name| format!("  {name:<11}  {}\n", about(name))).collect();
    format!("{title}:\n{lines}\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::Arguments;

    #[test]
    fn the_help_lists_every_command_once() {
        let command = Arguments::command();
        let mut there: BTreeSet<&str> = command.get_subcommands().map(Command::get_name).collect();
        there.insert("help");
        let listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), there);
        assert_eq!(listed.len(), there.len(), "each once");
        let help = grouped(Arguments::command()).render_help().to_string();
        let parts = [
            "Usage: evertoken",
            "Use the token:\n  token        Print a valid access token\n",
            "Exit codes:",
            "--version",
        ];
        assert!(parts.iter().all(|part| help.contains(part)), "{help}");
    }
}
