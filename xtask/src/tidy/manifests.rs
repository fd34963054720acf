//! Every dependency says why: a comment on its line in the root manifest, and versions nowhere else.

use super::Finding;

/// Findings in one `Cargo.toml`.
pub(super) fn check(file: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut section = "";
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
        } else if is_entry(line) && section.ends_with("dependencies") {
            found.extend(judge(section, line).map(|text| Finding::at(file, number, text)));
        }
    }
    found
}

fn is_entry(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_alphanumeric()) && line.contains('=')
}

fn judge(section: &str, line: &str) -> Option<String> {
    let name = line.split(['=', '.', ' ']).next().unwrap_or(line);
    if section == "workspace.dependencies" {
        let why = line.split_once('#').is_some_and(|(_, why)| why.trim().contains(' '));
        return (!why && !line.contains("path =")).then(|| format!("`{name}` does not say why it is needed"));
    }
    // A workspace of its own (the fuzz targets) has versions of its own, and says why there.
    let versioned = !line.contains("workspace = true") && !line.contains("path =") && !line.contains('#');
    versioned.then(|| {
        format!("`{name}` has a version of its own and does not say why; versions stand in the root manifest")
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_dependency_says_why() {
        let text = "[workspace.dependencies]\na = { path = \"a\" }\nb = \"1\" # parses the wire format\nc = \"1\"\nd = \"1\" # \n";
        let lines: Vec<usize> = check("Cargo.toml", text).into_iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [4, 5]);
    }

    #[test]
    fn versions_stand_in_one_place() {
        let text = "[package]\nversion = \"1\"\n[dependencies]\na.workspace = true\nb = { workspace = true }\nc = \"1\"\n[dev-dependencies]\nd = { version = \"1\" }\n";
        let lines: Vec<usize> = check("x/Cargo.toml", text).into_iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [6, 8]);
    }
}
