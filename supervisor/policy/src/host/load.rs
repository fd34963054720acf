//! Texts → `HostRules`. All problems of all files come at once.

use sha2::{Digest, Sha256};

use super::{HostDocument, HostRules, check};
use crate::document::Decode;
use crate::policy::Source;
use crate::problem::{Problems, Report};
use crate::yaml;

/// How many files there may be.
const MAX_FILES: usize = 64;

/// Reads the rules of a host: its main file and those beside it, in the order in which they narrow.
///
/// # Errors
/// Every mistake of every text.
pub fn load(sources: &[Source]) -> Result<HostRules, Problems> {
    let (mut report, mut digest, mut files) = (Report::default(), Sha256::new(), Vec::new());
    for Source { name, text } in sources {
        let tree = yaml::parse(name, text, &mut report);
        files.extend(tree.and_then(|tree| HostDocument::decode(&tree, &mut report)));
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    if let Some(Source { name, .. }) = sources.get(MAX_FILES) {
        let origin = crate::plan::Origin { source: name.clone(), line: 1, column: 1 };
        report.error(
            &origin,
            format!("these are more than {MAX_FILES} files of host rules; put them together"),
        );
    }
    check::check(&files, &mut report);
    if report.has_error() {
        return Err(report.into_problems());
    }
    let revision = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(HostRules { files, sources: sources.iter().map(|source| source.name.clone()).collect(), revision })
}
