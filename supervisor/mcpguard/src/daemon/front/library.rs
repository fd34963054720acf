//! The texts of a policy as a client sent them. One that is named like a shipped preset must be that preset.

use control::message::{self, Code, Refusal, Sources};
use policy::{HostRules, Library, Source};

use super::refusal::refusal;
use crate::policies::{is_file_name, shipped};

/// Names that `mcpguard` gives to policies that it writes itself. They extend others, and are extended by none.
const WRITTEN_BY_MCPGUARD: [&str; 2] = ["built-in", "install"];

/// What `extends` means among the texts of one policy.
pub(super) struct Texts<'a> {
    pub(super) sources: &'a Sources,
    pub(super) rules: Option<&'a HostRules>,
}

impl Texts<'_> {
    /// The policy itself.
    ///
    /// # Errors
    /// It is named like a preset and is none, or is one that the host's rules do not admit.
    pub(super) fn policy(&self) -> Result<Source, Refusal> {
        let policy = self.sources.policy();
        let written = WRITTEN_BY_MCPGUARD.contains(&policy.name.as_str());
        if !written && !is_file_name(&policy.name) {
            self.preset(policy).map_err(|why| refusal(Code::Policy, why))?;
        }
        Ok(source(policy))
    }

    /// Presets are compared with what is shipped here, so that the name of one is never another text.
    fn preset(&self, text: &message::Source) -> Result<(), String> {
        let name = &text.name;
        match shipped(name) {
            None => Err(format!("there is no preset `{name}`; a file is named with its `.yaml`")),
            Some(shipped) if shipped != text.text => Err(format!(
                "the text named `{name}` is not the preset that the daemon was shipped with; upgrade whichever of \
                 mcpguard and its daemon is older, or copy the preset into a file of another name"
            )),
            Some(_) => self.rules.map_or(Ok(()), |rules| rules.admit_preset(name)),
        }
    }
}

impl Library for Texts<'_> {
    fn read(&self, reference: &str, from: &str) -> Result<Source, String> {
        let text = self.sources.extended(reference, from);
        let text = text.ok_or_else(|| format!("its text was not sent with `{from}`"))?;
        match is_file_name(reference) {
            true if is_file_name(&text.name) => {}
            true => return Err(format!("it is a file, and `{}` is none", text.name)),
            false if text.name == reference => self.preset(text)?,
            false => return Err(format!("it is a preset, and `{}` is not its name", text.name)),
        }
        Ok(source(text))
    }
}

fn source(message::Source { name, text }: &message::Source) -> Source {
    Source { name: name.clone(), text: text.clone() }
}

#[cfg(test)]
mod tests {
    use control::message::Link;

    use super::*;

    fn sources(texts: &[(&str, &str)], links: &[(&str, &str, &str)]) -> Sources {
        let text =
            |(name, text): &(&str, &str)| message::Source { name: (*name).into(), text: (*text).into() };
        let link = |(from, reference, to): &(&str, &str, &str)| Link {
            from: (*from).into(),
            reference: (*reference).into(),
            to: (*to).into(),
        };
        Sources::new(texts.iter().map(text).collect(), links.iter().map(link).collect()).unwrap()
    }

    fn rules(text: &str) -> HostRules {
        policy::host::load(&[Source { name: "host.yaml".into(), text: text.into() }]).unwrap()
    }

    #[test]
    fn a_preset_is_the_shipped_one_or_nothing() {
        let node = shipped("runtime/node").unwrap();
        let read = |text: &str, rules: Option<&HostRules>| {
            let sources = sources(
                &[("p.yaml", ""), ("runtime/node", text)],
                &[("p.yaml", "runtime/node", "runtime/node")],
            );
            Texts { sources: &sources, rules }.read("runtime/node", "p.yaml").map(|source| source.text)
        };
        assert_eq!(read(node, None).as_deref(), Ok(node));
        let other = format!("{node}\n# and more\n");
        assert!(read(&other, None).unwrap_err().contains("not the preset"));
        let rules = rules("version: 1\npresets: { allow: [github] }\n");
        assert!(read(node, Some(&rules)).unwrap_err().contains("may not be used on this host"));
    }

    #[test]
    fn a_file_is_no_preset_and_a_preset_no_file() {
        let sources = sources(
            &[("p.yaml", ""), ("./q.yaml", "version: 1\n"), ("github", "x")],
            &[("p.yaml", "github", "./q.yaml"), ("p.yaml", "./r.yaml", "github")],
        );
        let texts = Texts { sources: &sources, rules: None };
        assert!(texts.read("github", "p.yaml").unwrap_err().contains("not its name"));
        assert!(texts.read("./r.yaml", "p.yaml").unwrap_err().contains("is none"));
        assert!(texts.read("./s.yaml", "p.yaml").unwrap_err().contains("was not sent"));
        assert!(texts.policy().is_ok());
    }

    #[test]
    fn the_policy_itself_may_be_a_preset_or_mcpguards_own() {
        let entry = |name: &str, text: &str| {
            let sources = sources(&[(name, text)], &[]);
            Texts { sources: &sources, rules: None }.policy().map(|source| source.name)
        };
        assert!(entry("github", shipped("github").unwrap()).is_ok());
        assert!(entry("github", "version: 1\n").is_err());
        assert!(entry("gitub", "version: 1\n").is_err());
        assert!(entry("built-in", "version: 1\n").is_ok());
        assert!(entry("/home/me/github.yaml", "version: 1\n").is_ok());
    }
}
