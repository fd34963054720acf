//! What a policy must not say: rules that can never take effect, and things that are surely not meant.

use super::{Order, alerts, domains, duplicates, paths, rates, size, tools};
use crate::document::At;
use crate::document::sections::{Document, Environment, Network};
use crate::document::template::Part;
use crate::problem::Report;

/// Checks one file by itself.
pub(super) fn file(document: &Document, report: &mut Report) {
    duplicates::check(document, report);
    tools::file(document, report);
    alerts::file(document, report);
    if let Some(At { value: environment, .. }) = &document.environment {
        check_environment(environment, report);
    }
}

/// Checks the whole, after merging.
pub(super) fn check(document: &Document, order: &Order, report: &mut Report) {
    if size::check(document, report).is_none() {
        return;
    }
    paths::check(document, order, report);
    tools::check(document, report);
    rates::check(document, report);
    domains::check(document, report);
    check_ports(document, report);
    alerts::check(document, report);
}

fn check_ports(document: &Document, report: &mut Report) {
    let Some(At { value: Network { allowed_ports: Some(ports), .. }, .. }) = &document.network else {
        return;
    };
    if !rates::reaches_out(document) {
        report.error(&ports.origin, "these ports lead nowhere: no domain and no address range is allowed");
    }
}

/// Variables that make an interpreter or the dynamic loader run what they name.
const LOADING: [&str; 17] = [
    "BASH_ENV",
    "BUN_OPTIONS",
    "ENV",
    "GCONV_PATH",
    "GIT_CONFIG_PARAMETERS",
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH_COMMAND",
    "JAVA_TOOL_OPTIONS",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
];

fn check_environment(Environment { pass, set, secrets: _ }: &Environment, report: &mut Report) {
    for item in pass.iter().flat_map(|at| &at.value.0) {
        let name = &item.value.0;
        if name.starts_with("LD_") || LOADING.contains(&&name[..]) {
            let message = format!(
                "whoever sets `{name}` decides which code the server runs; use `set` with the value that is meant"
            );
            report.warn(&item.origin, message);
        }
    }
    for (name, value) in set.iter().flat_map(|at| &at.value.0) {
        let written = value.value.parts().iter().any(|part| matches!(part, Part::Literal(_)));
        if written && sounds_secret(&name.value.0) {
            let message = format!(
                "`{}` sounds like a secret; under `secrets` it is fetched at start and redacted",
                name.value.0
            );
            report.warn(&value.origin, message);
        }
    }
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "PRIVATE_KEY", "CREDENTIAL"]
        .iter()
        .any(|word| name.contains(word))
}
