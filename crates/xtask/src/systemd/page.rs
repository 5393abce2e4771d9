//! The blocks of code of a Markdown page.

/// Each block with a name: its heading in small letters and hyphens, and its number below that heading.
pub(super) fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut heading, mut number) = (String::new(), 0);
    // Where a fence begins a block, and what it holds so far.
    let mut open: Option<(usize, String)> = None;
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match &mut open {
            Some(_) if line.trim() == "```" => {
                number += 1;
                found.extend(open.take().map(|(_, block)| (format!("{heading}-{number}"), block)));
            }
            Some((begin, block)) => {
                block.push_str(line.get(indent.min(*begin)..).unwrap_or_default());
                block.push('\n');
            }
            None if line.trim_start().starts_with("```") => open = Some((indent, String::new())),
            None => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title.to_lowercase().replace(' ', "-");
                    number = 0;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_named_by_their_heading_and_lose_the_indent_of_their_list() {
        let page = "# Page\n## First part\n```sh\na\n  b\n```\n1. List\n   ```\n   c\n     d\n   ```\n## Second\n```\ne\n```\n";
        let blocks: Vec<_> = blocks(page);
        let blocks: Vec<_> = blocks.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(blocks, [("first-part-1", "a\n  b\n"), ("first-part-2", "c\n  d\n"), ("second-1", "e\n")]);
    }
}
