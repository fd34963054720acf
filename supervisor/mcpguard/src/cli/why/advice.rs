//! From the cause of a refusal to the one line that would allow it, or to the reason why there is none.

use audit::{Cause, RuleRef};

use super::evidence::{Evidence, Refused};
use super::{lines, place};
use crate::host_rules;

/// The answer to `why`.
pub(super) struct Advice {
    /// The rule that decided, as it was written.
    pub(super) rule: Option<RuleRef>,
    /// What a reader should know before changing anything.
    pub(super) notes: Vec<String>,
    /// What would allow it; `None` if no policy can.
    pub(super) change: Option<Change>,
}

/// What to write, and where.
pub(super) struct Change {
    /// `change github.yaml:31:16 to`, `add to github.yaml`.
    pub(super) where_to: String,
    /// The lines.
    pub(super) yaml: String,
}

/// The session's policy when none was named; see `compose`.
const BUILT_IN: &str = "built-in";

impl Advice {
    /// The answer for a record; `None` if it is no refusal.
    pub(super) fn of(evidence: &Evidence<'_>) -> Option<Self> {
        let refused = evidence.refused()?;
        let mut advice = Self { rule: refused.rule.cloned(), notes: Vec::new(), change: None };
        match refused.rule.filter(|rule| host_rules::holds(&rule.source)) {
            Some(rule) => advice.of_the_host(rule),
            None => advice.decide(evidence, &refused),
        }
        Some(advice)
    }

    fn decide(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        match refused.cause {
            Cause::ToolDisabled => self.disabled(evidence, refused),
            Cause::ToolRate => {
                let value = more(refused.limit, evidence.calls_within_a_minute(refused.tool));
                self.tool_limit(evidence, refused, "max_requests_per_minute", &value.to_string());
            }
            Cause::SessionRate => {
                let value = more(refused.limit, evidence.calls_within_a_minute(None));
                self.key(evidence, "session", "max_requests_per_minute", &value.to_string());
            }
            Cause::Concurrency => self.concurrency(evidence, refused),
            Cause::RequestSize => {
                // The envelope around the arguments: method, id, name, `_meta`.
                let value = more(refused.limit, refused.bytes.unwrap_or(0) + 4096);
                self.tool_limit(evidence, refused, "max_request_bytes", &lines::size(value));
            }
            Cause::ResponseSize => self.response_size(evidence, refused),
            Cause::MessageSize => self.message_size(evidence, refused),
            Cause::Timeout => self.timeout(evidence, refused),
            Cause::UnknownMethod => self.method(evidence, refused),
            Cause::ServerRequest => self.server_request(evidence, refused),
            Cause::Syscall => self.syscall(evidence, refused),
            Cause::File => self.file(evidence, refused),
            Cause::Network => self.network(evidence, refused),
            Cause::Program => self.key(evidence, "execution", "allowed_programs", &lines::one(refused.what)),
            Cause::Malformed | Cause::Protocol => {
                self.note(
                    "the message breaks the protocol or can be read in two ways; the fault is its sender's",
                );
            }
            Cause::Content if self.rule.as_ref().is_some_and(|rule| rule.text.starts_with("responses.")) => self.rule_itself(),
            Cause::Content => self.note(
                "the `findings` record before it names the rule that found something; if it is harmless, add \
                 `content: { allowed: [{ rule: NAME, until: DATE, reason: … }] }`, or another treatment in `content`",
            ),
            Cause::Disabled => self.rule_itself(),
            Cause::Quarantine => self.note("the server has changed; `mcpguard pin diff` shows what, and `mcpguard pin accept` accepts it"),
            Cause::OutputSchema => {
                self.note("the answer does not fit the tool's own output schema; the fault is the server's");
            }
            Cause::Internal => self.note("mcpguard itself failed, and errors deny; this is a bug to report"),
            Cause::Rate if self.name_rate(evidence, refused) => {}
            Cause::Rate => self.rate(evidence, refused),
            Cause::Privilege => {
                self.note("no policy grants it: it reaches past the session's own processes and files");
            }
            Cause::Escape => {
                self.note("a process left the session's control group, or came into it from outside; that is an attack");
            }
            Cause::Proof => {
                self.note("the guard was not seen to deny what it must, so the session was stopped")
            }
            Cause::Scope
            | Cause::Approval
            | Cause::Argument
            | Cause::Resource
            | Cause::Repeated => self.rule_itself(),
        }
    }

    /// No policy can say otherwise, so that no line is told.
    fn of_the_host(&mut self, rule: &RuleRef) {
        self.note(format!(
            "this is a rule of the host, which no policy exceeds; its administrator can change it at {}",
            place(rule)
        ));
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// A rule whose meaning is to refuse just this: only its author can say what else it should say.
    fn rule_itself(&mut self) {
        let note = match &self.rule {
            Some(rule) => format!(
                "the rule at {} refuses just this; it must say something else to allow it",
                place(rule)
            ),
            None => "the record names no rule".to_owned(),
        };
        self.note(note);
    }

    /// The lines belong to the policy of the session.
    pub(super) fn add(&mut self, evidence: &Evidence<'_>, yaml: String) {
        self.change = Some(match evidence.source() {
            Some(BUILT_IN) => Change {
                where_to: "write a policy of your own and pass it with --policy".to_owned(),
                yaml: beside_built_in(evidence, yaml),
            },
            Some(file) if is_file(file) => Change { where_to: format!("add to {file}"), yaml },
            Some(preset) => Change {
                where_to: format!(
                    "write a policy of your own that extends `{preset}` and pass it with --policy"
                ),
                yaml: format!("version: 1\nextends: [{preset}]\n{yaml}"),
            },
            None => Change { where_to: "add to the policy".to_owned(), yaml },
        });
    }

    /// The lines stand in place of what is written already, if that is in the session's own policy file.
    pub(super) fn replace(&mut self, evidence: &Evidence<'_>, written: &RuleRef, yaml: String) {
        self.rule = Some(written.clone());
        if written.line > 0 && is_file(&written.source) && evidence.source() == Some(&written.source) {
            self.change = Some(Change { where_to: format!("change {} to", place(written)), yaml });
        } else {
            self.add(evidence, yaml);
        }
    }

    /// A key of a section, written or not.
    pub(super) fn key(&mut self, evidence: &Evidence<'_>, section: &str, key: &str, value: &str) {
        let yaml = lines::section(section, key, value);
        match evidence.written(&format!("{section}.{key}")) {
            Some((written, _)) if !value.starts_with('[') => self.replace(evidence, written, yaml),
            _ => self.add(evidence, yaml),
        }
    }

    fn disabled(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        let Some(tool) = refused.tool else {
            self.note("the server offered tools that the policy disables; the client does not see them");
            let names =
                refused.detail.unwrap_or_default().split(", ").filter(|name| lines::is_tool_name(name));
            let entries: String =
                names.map(|name| format!("  {}: {{ enabled: true }}\n", lines::text(name))).collect();
            if !entries.is_empty() {
                self.note("each of the lines shows one of them; take only those that are wanted");
                self.add(evidence, format!("tools:\n{entries}"));
            }
            return;
        };
        if !lines::is_tool_name(tool) {
            return self
                .note("a policy cannot name this tool exactly: its name has blanks, wildcards or brackets");
        }
        let yaml = lines::tool(tool, "enabled", "true");
        match (refused.rule, tool_key(refused.rule)) {
            (Some(rule), Some(key)) if key == tool => self.replace(evidence, rule, yaml),
            (_, key) => {
                if let Some(key) = key.filter(|key| *key != "defaults") {
                    self.note(format!("the other keys of `{key}` do not hold for a tool with an entry of its own; copy those that should"));
                }
                self.add(evidence, yaml);
            }
        }
    }

    /// A limit of a tool: changed where it is written, or written for the narrowest entry that holds for the tool.
    fn tool_limit(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>, field: &str, value: &str) {
        let (Some(tool), Some(key)) = (refused.tool, tool_key(refused.rule)) else {
            return self.note("the record does not name the entry under `tools` that holds for it");
        };
        if key.contains(['*', '?']) {
            self.note(format!(
                "`{key}` holds for every tool that it matches and that has no entry of its own"
            ));
        }
        // An own entry takes the place of a glob and would lose its other keys; beside `defaults` it loses nothing.
        let entry = if key == "defaults" && lines::is_tool_name(tool) { tool } else { key };
        let yaml = lines::tool(entry, field, value);
        let inherited = evidence.written(&format!("tools.defaults.{field}"));
        match evidence.written(&format!("tools.{entry}.{field}")) {
            Some((written, _)) => self.replace(evidence, written, yaml),
            None => {
                self.rule = inherited.map(|(written, _)| written.clone()).or(self.rule.take());
                self.add(evidence, yaml);
            }
        }
    }

    fn concurrency(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        match refused.limit {
            Some(limit) => self.key(evidence, "session", "max_concurrent_calls", &(limit + 1).to_string()),
            None => self.note("calls that wait for one with `exclusive: true` hold too many bytes; call again when it has ended"),
        }
    }

    fn response_size(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        let value = match refused.bytes {
            Some(bytes) => lines::size(more(refused.limit, bytes)),
            None => {
                self.note("the record does not tell how large the answer was; this is twice the limit");
                lines::size(refused.limit.unwrap_or(512).saturating_mul(2))
            }
        };
        let of_all =
            evidence.written("responses.max_bytes").filter(|(_, text)| digits(text) == refused.limit);
        match of_all {
            Some(_) => {
                self.note("`responses.max_bytes` holds for the answers of every tool");
                self.key(evidence, "responses", "max_bytes", &value);
            }
            None if refused.tool.is_some() => {
                self.tool_limit(evidence, refused, "max_response_bytes", &value)
            }
            None => self.key(evidence, "session", "max_message_bytes", &value),
        }
    }

    fn message_size(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        self.note("the record does not always tell how large the message was; this is twice the limit");
        let value = lines::size(refused.limit.unwrap_or(16 << 20).saturating_mul(2));
        self.key(evidence, "session", "max_message_bytes", &value);
    }

    fn timeout(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        let key = tool_key(refused.rule).unwrap_or("defaults");
        let written = evidence.written(&format!("tools.{key}.timeout_seconds"));
        let written = written.or_else(|| evidence.written("tools.defaults.timeout_seconds"));
        let Some(seconds) = written.and_then(|(_, text)| digits(text)) else {
            return self.note("the policy sets no timeout that this session's log knows of");
        };
        self.note("how long the call would have taken is not known; this is twice the limit");
        self.tool_limit(
            evidence,
            refused,
            "timeout_seconds",
            &seconds.saturating_mul(2).min(86_400).to_string(),
        );
    }

    fn method(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        match lines::is_method(refused.what) {
            true => self.key(evidence, "session", "extra_methods", &lines::one(refused.what)),
            false => self.note("`session.extra_methods` cannot name this method"),
        }
    }

    fn server_request(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        // Of a call's withheld answer only the reason names the method.
        let told = [refused.what, refused.reason.unwrap_or_default()].join(" ");
        let known = [
            ("sampling/createMessage", "sampling"),
            ("elicitation/create", "elicitation"),
            ("roots/list", "roots"),
        ];
        match known.into_iter().find(|(method, _)| told.contains(method)) {
            Some((_, key)) => self.key(evidence, "server_requests", key, "allow"),
            None => self.note("no key of `server_requests` is about this request"),
        }
    }

    /// Twice the limit, in the line that sets it.
    fn rate(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        let written = self.rule.as_ref().and_then(|rule| rule.text.split_once(':'));
        let key = written.and_then(|(key, _)| key.split_once('.'));
        match (key.map(|(section, key)| (section.to_owned(), key.to_owned())), refused.limit) {
            (Some((section, key)), Some(limit)) => {
                self.key(evidence, &section, &key, &more(Some(limit), limit * 2).to_string());
            }
            _ => self.rule_itself(),
        }
    }

    fn file(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        // A grant beside a deny of the same path is an error, and none opens a denied name.
        if self.rule.as_ref().is_some_and(|rule| rule.text.starts_with("filesystem.deny")) {
            return self.rule_itself();
        }
        let writes = refused.detail.is_some_and(|detail| detail.contains("write"));
        self.key(evidence, "filesystem", if writes { "write" } else { "read" }, &lines::one(refused.what));
    }

    fn syscall(&mut self, evidence: &Evidence<'_>, refused: &Refused<'_>) {
        let arguments = refused.detail.map(hex_numbers).unwrap_or_default();
        let strict = evidence.written("execution.seccomp").is_some_and(|(_, profile)| profile == "strict");
        match (refused.what, refused.reason) {
            ("socket", _) => self.socket(evidence, &arguments),
            // Sockets as a whole: the profile gives this reason only where the policy grants no network.
            (_, Some("the policy grants no network")) => self.some_host(evidence),
            (call, reason) if strict && starts_programs(call, reason, &arguments) => {
                self.note("under `default` the server may start the programs that `execution.allowed_programs` names");
                self.key(evidence, "execution", "seccomp", "default");
            }
            (_, Some(reason)) => self.note(format!("refused under every profile: {reason}")),
            (_, None) => {
                self.note("refused under every profile: it is not among the calls that servers need")
            }
        }
    }

    /// `socket(family, type, protocol)`, by the numbers of Linux.
    fn socket(&mut self, evidence: &Evidence<'_>, arguments: &[u64]) {
        let kind = arguments.get(1).map(|kind| kind & 0xf);
        match (arguments.first(), kind, arguments.get(2)) {
            (Some(2 | 10), Some(1), Some(0 | 6)) | (Some(2 | 10), Some(2), Some(0 | 17)) => {
                self.some_host(evidence)
            }
            (Some(16), _, Some(0)) => {
                self.note("programs ask the kernel for its addresses this way before they use the network");
                self.some_host(evidence);
            }
            (Some(1), Some(1), _) => {
                self.note("the system call does not tell which socket; put its path in place of SOCKET");
                self.key(evidence, "network", "unix_sockets", "[SOCKET]");
            }
            (Some(2 | 10), _, Some(262)) => {
                self.note("MPTCP passes by Landlock; programs fall back to TCP by themselves")
            }
            _ => self.note(
                "sockets of this family, type or protocol pass by Landlock and never exist under mcpguard",
            ),
        }
    }
}

/// Enough for what was tried, and more than the limit.
pub(super) fn more(limit: Option<u64>, needed: u64) -> u64 {
    limit.map_or(needed, |limit| needed.max(limit.saturating_add(1)))
}

/// The key under `tools` that a rule is about: `delete_*` of `tools.delete_*.enabled: false`.
fn tool_key(rule: Option<&RuleRef>) -> Option<&str> {
    let key = rule?.text.strip_prefix("tools.")?;
    Some(key.strip_suffix(".enabled: false").or_else(|| key.strip_suffix(".enabled: true")).unwrap_or(key))
}

/// A name with an ending is a file, everything else a preset.
fn is_file(source: &str) -> bool {
    source.ends_with(".yaml") || source.ends_with(".yml") || source.starts_with(['.', '/'])
}

/// What the built-in policy says, with the lines.
fn beside_built_in(evidence: &Evidence<'_>, yaml: String) -> String {
    let runtimes = ["runtime/node", "runtime/python"];
    let runtime = runtimes.into_iter().find(|runtime| evidence.uses(runtime)).unwrap_or("runtime/native");
    let workspace = "read: [\"${workspace}\"";
    let files = match yaml.strip_prefix("filesystem:\n  read: [") {
        Some(rest) => format!("filesystem:\n  {workspace}, {rest}"),
        None if yaml.starts_with("filesystem:") => format!("{yaml}  {workspace}]\n"),
        None => format!("filesystem:\n  {workspace}]\n{yaml}"),
    };
    format!("version: 1\nextends: [{runtime}]\n{files}")
}

/// The first number in a text.
pub(super) fn digits(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty())?.parse().ok()
}

/// The numbers of `(0x2, 0x80801, …) = errno 1`.
fn hex_numbers(detail: &str) -> Vec<u64> {
    let numbers =
        detail.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.strip_prefix("0x"));
    numbers.filter_map(|digits| u64::from_str_radix(digits, 16).ok()).collect()
}

/// Whether only the profile `strict` refuses the call: it starts a process, in no new namespace and for no one else.
fn starts_programs(call: &str, reason: Option<&str>, arguments: &[u64]) -> bool {
    const NAMESPACES_AND_PARENT: u64 = 0x7e02_8000;
    match call {
        "clone" => arguments.first().is_some_and(|flags| flags & NAMESPACES_AND_PARENT == 0),
        _ => reason.is_some_and(|reason| reason.starts_with("the profile `strict`")),
    }
}
