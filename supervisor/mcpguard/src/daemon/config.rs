//! `/etc/mcpguard/daemon.yaml`: where the host log is written and where metrics are served.
//!
//! Only the front reads it: the privileged process reads no YAML.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, ensure};
use policy::Source;
use serde::Deserialize;
use telemetry::{LogSection, MetricsAddress, MetricsSection};

use crate::trust::{self, Keepers};

/// Where it is. The place is fixed when mcpguard is built, like that of the host's rules.
pub(super) const PLACE: &str = "/etc/mcpguard/daemon.yaml";

/// The socket that the keeper makes; metrics are served there whatever the configuration says.
pub(super) const METRICS: &str = "/run/mcpguard/metrics.sock";

/// Everything that can be set. What is absent is as it usually is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// `log:`
    pub(crate) log: LogSection,
    /// `metrics:`
    pub(crate) metrics: Option<MetricsSection>,
}

impl Config {
    /// Reads the file; without one everything is as it usually is.
    ///
    /// # Errors
    /// It cannot be read, could have been written by others than `keepers`, or has a mistake.
    pub(crate) fn read(place: &Path, keepers: &Keepers) -> anyhow::Result<Self> {
        let what = format!("the daemon's configuration `{}`", place.display());
        let file = match trust::open(place) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read {what}; the daemon's user must be able to"));
            }
        };
        let source = Source::from_bytes(place.display().to_string(), trust::read(&what, file, keepers)?)?;
        Self::parse(&source)
    }

    fn parse(source: &Source) -> anyhow::Result<Self> {
        let value = match policy::plain(source)? {
            serde_json::Value::Null => serde_json::json!({}),
            value => value,
        };
        let config: Self = serde_json::from_value(value)
            .with_context(|| format!("{} is not understood; correct what is named", source.name))?;
        config.check().with_context(|| format!("{} cannot be followed", source.name))?;
        Ok(config)
    }

    /// What is well written and still cannot be.
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.log.path.is_absolute(),
            "`log.path` is not an absolute path; write /var/log/mcpguard/host.jsonl"
        );
        let listen = self.metrics.as_ref().map(|section| &section.listen);
        if let Some(MetricsAddress::Unix(path)) = listen {
            ensure!(
                path == Path::new(METRICS),
                "`metrics.listen` names a socket that the daemon cannot make; write unix:{METRICS}, 127.0.0.1:9464 or [::1]:9464"
            );
        }
        Ok(())
    }

    /// The address at which metrics are served beside the socket.
    pub(crate) fn metrics_address(&self) -> Option<MetricsAddress> {
        let listen = self.metrics.as_ref().map(|section| section.listen.clone());
        listen.filter(|address| matches!(address, MetricsAddress::Tcp(_)))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        let source = Source { name: "daemon.yaml".to_owned(), text: text.to_owned() };
        Config::parse(&source).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_is_set_holds_and_what_is_not_is_as_usual() {
        assert_eq!(parse("# nothing\n"), Ok(Config::default()));
        let config =
            parse("log:\n  max_mebibytes: 2\n  sync: second\nmetrics:\n  listen: 127.0.0.1:9464\n").unwrap();
        assert_eq!((config.log.max_mebibytes, config.log.keep), (2, LogSection::default().keep));
        assert_eq!(config.metrics_address().unwrap().to_string(), "127.0.0.1:9464");
        let own = parse("metrics: { listen: \"unix:/run/mcpguard/metrics.sock\" }").unwrap();
        assert_eq!(own.metrics_address(), None);
    }

    #[test]
    fn what_is_given_out_can_be_read_with_every_option_set() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/etc/daemon.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(parse(&text), Ok(Config::default()));
        let set: String = text
            .lines()
            .filter_map(|line| line.strip_prefix("#| "))
            .map(|line| format!("{line}\n"))
            .collect();
        let config = parse(&set).unwrap();
        assert!(
            config.log.sinks.journald.is_some()
                && config.log.sinks.otlp.is_some()
                && config.metrics.is_some()
        );
    }

    #[test]
    fn mistakes_name_the_file_and_what_would_be_right() {
        for (text, said) in [
            ("log: { pth: /x }", "expected one of `path`"),
            ("lgo: {}", "expected `log` or `metrics`"),
            ("log: { path: host.jsonl }", "write /var/log/mcpguard/host.jsonl"),
            ("metrics: { listen: \"unix:/tmp/m.sock\" }", "write unix:/run/mcpguard/metrics.sock"),
            ("metrics: { listen: 9464 }", "daemon.yaml"),
            ("log: { keep: 1, keep: 2 }", "stands here twice"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("daemon.yaml") && error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_file_that_others_may_write_is_refused_and_none_is_no_mistake() {
        let room = tempfile::tempdir().unwrap();
        let place: PathBuf = room.path().join("daemon.yaml");
        let me = Keepers::Only(nix::unistd::geteuid().as_raw());
        assert_eq!(Config::read(&place, &me).unwrap(), Config::default());
        std::fs::write(&place, "log: { keep: 3 }\n").unwrap();
        assert_eq!(Config::read(&place, &me).unwrap().log.keep, 3);
        std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o666)).unwrap();
        let error = Config::read(&place, &me).unwrap_err().to_string();
        assert!(error.contains("chmod go-w"), "{error}");
    }
}
