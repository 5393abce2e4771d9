use std::path::Path;

use super::Finding;

const CHECK: &str = "installation";

/// Says how this program came here.
pub(super) fn look() -> Finding {
    match std::env::current_exe() {
        Ok(program) => {
            let named = program.ancestors().nth(2).map(|prefix| prefix.join("share/evertoken/installed-from"));
            let named = named.and_then(|file| std::fs::read_to_string(file).ok());
            Finding::ok(CHECK, sentence(&program, named.as_deref()))
        }
        Err(error) => Finding::ok(CHECK, format!("The location of this program cannot be determined: {error}.")),
    }
}

/// `named`: what the package says of itself.
fn sentence(program: &Path, named: Option<&str>) -> String {
    let shown = program.display();
    let lies_in = |folder: &str| program.to_string_lossy().contains(folder);
    match named {
        Some(package) => format!("Installed from {} ({shown}).", package.trim()),
        None if lies_in("/.cargo/bin/") => format!("Installed with cargo ({shown})."),
        None if lies_in("/nix/store/") => format!("Installed with Nix ({shown})."),
        None if lies_in("/target/debug/") || lies_in("/target/release/") => format!("Built from source ({shown})."),
        None => format!("Installed by hand ({shown})."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_where_an_update_comes_from() {
        let says = |program: &str, named| sentence(Path::new(program), named);
        let of_deb = says("/usr/bin/evertoken", Some("the Debian package\n"));
        assert_eq!(of_deb, "Installed from the Debian package (/usr/bin/evertoken).");
        assert!(says("/home/ada/.cargo/bin/evertoken", None).starts_with("Installed with cargo"));
        assert!(says("/nix/store/x-evertoken/bin/evertoken", None).starts_with("Installed with Nix"));
        assert!(says("/src/target/release/evertoken", None).starts_with("Built from source"));
        assert!(says("/opt/evertoken/evertoken", None).starts_with("Installed by hand"));
    }
}
