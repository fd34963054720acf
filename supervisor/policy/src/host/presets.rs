//! Which shipped presets may be used and extended.

use super::HostRules;
use super::document::HostPresets;
use crate::document::At;
use crate::document::glob;
use crate::document::list::{Item, Subject};

impl HostRules {
    /// Whether a shipped preset may be used or extended on this host. Whoever reads policies asks before each.
    ///
    /// # Errors
    /// A sentence for the user: which rule refuses it, and what it allows.
    pub fn admit_preset(&self, name: &str) -> Result<(), String> {
        for file in &self.files {
            let Some(At { value: HostPresets { allow: Some(allow) }, .. }) = &file.presets else { continue };
            if allow.value.0.iter().any(|Item { value, .. }| glob::matches(&value.0, name)) {
                continue;
            }
            let allowed: Vec<String> =
                allow.value.0.iter().map(|item| format!("`{}`", item.value.show())).collect();
            let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
            return Err(format!(
                "the preset `{name}` may not be used on this host: `presets.allow` ({}) names {allowed}; \
                 use one of these, or have the administrator add it",
                allow.origin
            ));
        }
        Ok(())
    }
}
