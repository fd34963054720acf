//! Who may depend on whom. What is not in the table is not allowed.

use anyhow::{Context, Result};
use serde_json::Value;

use super::Finding;

/// Each package and the members of the workspace that it may depend on.
const TABLE: &[(&str, &[&str])] = &[
    (
        "mcpguard",
        &[
            "mcpguard-enforce",
            "mcpguard-mcp",
            "mcpguard-names",
            "mcpguard-peek",
            "mcpguard-policy",
            "mcpguard-audit",
            "mcpguard-telemetry",
            "mcpguard-abi",
            "mcpguard-control",
            "mcpguard-arguments",
            "mcpguard-content",
            "mcpguard-pins",
            "mcpguard-alerts",
        ],
    ),
    ("mcpguard-telemetry", &["mcpguard-audit"]),
    ("mcpguard-enforce", &["mcpguard-policy", "mcpguard-abi", "mcpguard-verdict"]),
    ("mcpguard-abi", &[]),
    ("mcpguard-verdict", &["mcpguard-abi"]),
    ("mcpguard-mcp", &["mcpguard-policy", "mcpguard-arguments", "mcpguard-content", "mcpguard-pins"]),
    ("mcpguard-arguments", &[]),
    ("mcpguard-content", &[]),
    ("mcpguard-pins", &[]),
    ("mcpguard-names", &["mcpguard-policy", "mcpguard-abi"]),
    ("mcpguard-peek", &[]),
    ("mcpguard-control", &[]),
    ("mcpguard-alerts", &["mcpguard-audit"]),
    ("mcpguard-audit", &[]),
    ("mcpguard-policy", &["mcpguard-content"]),
    ("mcpguard-tests", &[]),
    (
        "mcpguard-vm",
        &["mcpguard-abi", "mcpguard-enforce", "mcpguard-policy", "mcpguard-audit", "mcpguard-tests"],
    ),
    ("xtask", &["mcpguard-policy"]),
];

/// Outside packages that a pure crate may not even link.
const IMPURE: &[&str] = &["tokio", "nix", "libc", "landlock", "seccompiler", "caps", "tempfile", "jiff"];
const PURE: &[&str] = &[
    "mcpguard-policy",
    "mcpguard-mcp",
    "mcpguard-arguments",
    "mcpguard-content",
    "mcpguard-pins",
    "mcpguard-names",
    "mcpguard-peek",
    "mcpguard-control",
];

/// Findings in the output of `cargo metadata --no-deps`.
pub(super) fn check(metadata: &str) -> Result<Vec<Finding>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut found = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or("");
        let Some((_, allowed)) = TABLE.iter().find(|(known, _)| *known == name) else {
            found.push(Finding::at(
                "Cargo.toml",
                1,
                format!("`{name}` is not in the table of dependencies of tidy"),
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or("");
            // Tests of a pure crate may use more; what is built into others may not.
            let built = dependency["kind"] != "dev";
            if names.contains(&on) && !allowed.contains(&on) {
                found.push(Finding::at("Cargo.toml", 1, format!("`{name}` may not depend on `{on}`")));
            } else if built && PURE.contains(&name) && IMPURE.contains(&on) {
                found.push(Finding::at(
                    "Cargo.toml",
                    1,
                    format!("`{name}` is pure and may not depend on `{on}`"),
                ));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;

    fn package(name: &str, on: &[(&str, Value)]) -> Value {
        let dependencies: Vec<Value> =
            on.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        json!({ "name": name, "dependencies": dependencies })
    }

    #[test]
    fn the_table_holds() {
        let metadata = json!({ "packages": [
            package("mcpguard", &[("mcpguard-enforce", Value::Null), ("tokio", Value::Null)]),
            package("mcpguard-enforce", &[("mcpguard-audit", Value::Null)]),
            package("mcpguard-audit", &[]),
            package("mcpguard-policy", &[("libc", Value::Null), ("tempfile", json!("dev"))]),
            package("mcpguard-mcp", &[("mcpguard-policy", Value::Null), ("tokio", json!("build"))]),
            package("stranger", &[]),
        ] });
        let found = check(&metadata.to_string()).unwrap();
        let texts: Vec<&str> = found.iter().map(|finding| finding.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "`mcpguard-enforce` may not depend on `mcpguard-audit`",
                "`mcpguard-policy` is pure and may not depend on `libc`",
                "`mcpguard-mcp` is pure and may not depend on `tokio`",
                "`stranger` is not in the table of dependencies of tidy",
            ]
        );
    }
}
