//! Of what somebody is to be told, and how.

use schemars::json_schema;

use super::alert_words::{AlertGlob, AlertName, Always, WebhookUrl};
use super::list::Filled;
use super::names::Sentence;
use super::numbers::Whole;
use super::path::PathText;
use super::section::section;
use super::table::Table;
use super::template::Template;
use super::tool::Seconds;
use super::words::scalar;
use crate::document::{At, text};
use crate::plan::{AlertEvent, AlertField, AlertGroup, AlertOutcome, AlertPack, AlertSeverity, AlertSubject};

section! {
    /// Of what somebody is to be told: rules over what is written down, and who is told.
    Alerts requires [] {
        /// Shipped rules.
        packs: Filled<At<AlertPack>>,
        /// Rules by name. One with the name of a shipped rule holds in its place.
        rules: Table<AlertName, AlertRule>,
        /// Who is told; at least one.
        to: AlertTargets,
    }
}

section! {
    /// When somebody is to be told. Each list that is there must have something that fits the event.
    AlertRule requires [] {
        /// What has happened; by default anything.
        events: Filled<At<AlertEvent>>,
        /// How it went.
        outcomes: Filled<At<AlertOutcome>>,
        /// What it reached for.
        about: Filled<At<AlertSubject>>,
        /// The tool, by name or glob (`*`), in either case; of a denial, any tool of which a call was in flight.
        tools: Filled<At<AlertGlob>>,
        /// The host's name or address, or a glob of it.
        hosts: Filled<At<AlertGlob>>,
        /// Directories in which the denied path lies.
        paths: Filled<At<PathText>>,
        /// `any`: each such event is worth an alert.
        when: Always,
        /// More than so many such events, in the time that `within_seconds` says, are worth an alert.
        more_than: Whole<1, 4096>,
        /// The time for `more_than`.
        within_seconds: Seconds,
        /// An event with a value that was not there before in this session is worth an alert.
        first_seen: AlertField,
        /// Which events are counted together; by default all of the session.
        by: AlertGroup,
        /// How much it matters; by default `warning`.
        severity: AlertSeverity,
        /// For how long the same is not told again; what happens meanwhile is counted. By default 60, and 0 with `first_seen`.
        quiet_seconds: Whole<0, 86_400>,
        /// Why it matters; whoever is told reads it.
        reason: Sentence,
    }
}

section! {
    /// Who is told.
    AlertTargets requires [] {
        /// A line on mcpguard's stderr.
        stderr: bool,
        /// A program with its arguments, that gets the alert as one line of JSON on its stdin.
        command: Filled<At<Template>>,
        /// A server that gets the alert as JSON by HTTP POST: `http://host:port/path`.
        webhook: WebhookUrl,
        /// The host's syslog.
        syslog: bool,
    }
}

scalar! {
    AlertName: text, json_schema!({ "type": "string", "pattern": AlertName::PATTERN });
    AlertGlob: text, json_schema!({ "type": "string", "minLength": 1, "maxLength": 256 });
    Always: text, json_schema!({ "const": "any" });
    WebhookUrl: text, json_schema!({ "type": "string", "pattern": "^http://" });
}
