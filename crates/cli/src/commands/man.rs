use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::Man as Page;
use evertoken_core::api::problem::{Problem, ProblemKind};

use crate::Arguments;
use crate::failure::Failure;

/// Print a manual page
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  evertoken man | man -l -
  evertoken man token | man -l -
  evertoken man --dir /usr/share/man/man1      one page for each command, for packages")]
pub(crate) struct Man {
    /// The page of this command, such as `token` or `account rename`
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write one page for each command into this folder instead
    #[arg(long, value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut root = Arguments::command().disable_help_subcommand(true);
        root.build();
        if let Some(folder) = self.dir {
            return write_all(&root, &folder).map_err(|error| {
                let detail = format!("The pages cannot be written to {}: {}.", folder.display(), error.kind());
                Problem::new(ProblemKind::Failed, detail, "Name a folder that you may write to.").into()
            });
        }
        let page = page(command_named(&root, &self.command)?)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&page)?;
        Ok(stdout.flush()?)
    }
}

fn command_named<'a>(root: &'a Command, words: &[String]) -> Result<&'a Command, Problem> {
    words.iter().try_fold(root, |command, word| command.find_subcommand(word)).ok_or_else(|| {
        let detail = format!("There is no command {:?}.", words.join(" "));
        Problem::new(ProblemKind::InvalidInput, detail, "See: evertoken --help")
    })
}

fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{}.1", title(command))), page(command)?)?;
    command.get_subcommands().try_for_each(|command| write_all(command, folder))
}

fn title(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let page = Page::new(command.clone())
        .title(title(command))
        .source(concat!("evertoken ", env!("CARGO_PKG_VERSION")))
        .manual("Evertoken");
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    text.extend_from_slice(synopsis(command).as_bytes());
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    if let Some(help) = command.get_after_help() {
        text.extend_from_slice(notes(&help.to_string()).as_bytes());
    }
    Ok(text)
}

/// As `--help` has it: clap_mangen's own leaves out `--` and what may be repeated.
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let lines: String = usage.trim_start_matches("Usage:").lines().map(|usage| line(usage.trim())).collect();
    format!(".SH SYNOPSIS\n.nf\n{lines}.fi\n")
}

/// A line as it is: roff takes a backslash for an escape, a hyphen for a dash, and `.` or `'` at the begin for a request.
fn line(text: &str) -> String {
    format!("\\&{}\n", text.replace('\\', "\\e").replace('-', "\\-"))
}

/// What stands below the options, line by line as it is: its columns mean something.
fn notes(help: &str) -> String {
    let (heading, lines) = match help.split_once('\n') {
        Some(("Examples:" | "Example:", lines)) => ("EXAMPLES", lines),
        Some(_) | None => ("NOTES", help),
    };
    let lines: String = lines.lines().map(line).collect();
    format!(".SH {heading}\n.nf\n{lines}.fi\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    use super::*;

    fn root() -> Command {
        let mut root = Arguments::command().disable_help_subcommand(true);
        root.build();
        root
    }

    #[test]
    fn a_page_is_found_by_what_a_person_types() {
        let root = root();
        let name = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            command_named(&root, &words).map(title)
        };
        assert_eq!(name(&[]).unwrap(), "evertoken");
        assert_eq!(name(&["token"]).unwrap(), "evertoken-token");
        assert_eq!(name(&["account", "rename"]).unwrap(), "evertoken-account-rename");
        assert_eq!(name(&["tokn"]).unwrap_err().kind.exit_code() as u8, 2);
    }

    #[test]
    fn a_packager_gets_a_page_for_every_command() {
        let folder = tempfile::tempdir().unwrap();
        write_all(&root(), folder.path()).unwrap();
        let page = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page("evertoken.1").contains("evertoken\\-exec(1)"));
        assert!(page("evertoken-exec.1").contains("evertoken exec [OPTIONS] [ACCOUNT] \\-\\- <COMMAND>..."));
        assert!(page("evertoken-account-list.1").contains(".SH NAME"));
    }

    #[test]
    fn examples_keep_their_lines_and_characters() {
        assert_eq!(notes("Examples:\n  a -b\n.c \\d"), ".SH EXAMPLES\n.nf\n\\&  a \\-b\n\\&.c \\ed\n.fi\n");
    }
}
