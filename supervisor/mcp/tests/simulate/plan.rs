//! The set-up lines of a script: a plan by hand.
//!
//! ```text
//! defaults disabled rate=60
//! tool get_* class=1 rate=2 throttle timeout=30s exclusive request=100 response=200 disabled because=no-way
//! session rate=3 calls=2 message=1000 sampling elicitation roots extra=acme/do
//! answers max=1000 items=3 depth=9 media=image/png,text/* links=/srv/data,example.org:443
//! roles reader=get_*,search_* writer=create_*
//! caller reader write
//! content answers.secrets=redact arguments.secrets=block
//! allowed email 2026-12-31
//! approvals timeout=60s ask
//! prompt deploy_* scope=admin
//! resource file:///etc/* disabled
//! pins quarantine refuse
//! pinned tool {"name":"add"}
//! pinned told name instructions
//! kill
//! ```
//! Of a tool, `scope=write` wants that scope, `path=file:/srv/data` wants the argument `file` to be a path within that
//! directory, `approve=2` wants two approvers, `text=title:9` a text of at most 9 characters, `known` no other arguments, `schema` and `no-schema` the check
//! against the tool's own schema always and never; `answers schema` checks structured answers. No file is a link, but
//! `/srv/data/link`, which leads to `/etc`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use mcp::{Caller, Engine, Judgement, Orders, Pinning, Secrets, Surroundings};
use pins::{Identity, List, Lock, Surface, Told, Tool};
use policy::plan::{
    AbsolutePath, AccessPlan, AccessRule, AllowedFinding, Approval, ApprovalsPlan, ArgumentKind,
    ArgumentRule, Ask, ClassId, ClassMask, ContentPlan, FirstUse, LinksPlan, OnChange, OnViolation, Origin,
    PathRule, PinsPlan, ResponsesPlan, Roles, Rule, RuleId, SchemaCheck, SessionPlan, ToolRule, ToolsPlan,
    Treatment,
};

pub(crate) struct Setup {
    pub(crate) session: SessionPlan,
    tools: ToolsPlan,
    access: AccessPlan,
    approvals: ApprovalsPlan,
    responses: ResponsesPlan,
    content: ContentPlan,
    pins: Option<PinsPlan>,
    shown: Surface,
    on_refusal: OnViolation,
    rules: Vec<Rule>,
    caller: Caller,
}

impl Default for Setup {
    fn default() -> Self {
        let mut setup = Self {
            session: SessionPlan {
                max_requests_per_minute: None,
                throttle: false,
                max_message_bytes: 100_000,
                max_concurrent_calls: 256,
                extra_methods: Vec::new(),
                sampling: false,
                elicitation: false,
                roots: false,
            },
            tools: ToolsPlan {
                default: blank("defaults", 0),
                exact: BTreeMap::new(),
                globs: Vec::new(),
                roles: None,
            },
            access: AccessPlan::default(),
            approvals: ApprovalsPlan { timeout: Duration::from_secs(300), command: None, ask_client: false },
            responses: ResponsesPlan::default(),
            content: ContentPlan::default(),
            pins: None,
            shown: Surface::default(),
            on_refusal: OnViolation::Deny,
            rules: Vec::new(),
            caller: Caller::default(),
        };
        setup.rules.push(rule("tools.defaults", 1));
        setup
    }
}

fn blank(key: &str, from: u32) -> ToolRule {
    ToolRule {
        key: key.to_owned(),
        enabled: true,
        scope: None,
        approval: None,
        arguments: Vec::new(),
        unknown_arguments: None,
        schema: policy::plan::SchemaCheck::Known,
        max_requests_per_minute: None,
        throttle: false,
        timeout: None,
        exclusive: false,
        max_request_bytes: None,
        max_response_bytes: None,
        class: ClassId::ALWAYS,
        reason: None,
        from: RuleId(from),
    }
}

fn rule(text: &str, line: u32) -> Rule {
    let origin = Origin { source: "test.yaml".to_owned(), line, column: 3 };
    Rule { text: text.to_owned(), origin, reason: None, ask: Ask::Doorman }
}

impl Setup {
    /// Whether the line is one of the set-up.
    pub(crate) fn read(&mut self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("defaults") => self.tools.default = tool("defaults", 0, words),
            Some("tool") => self.tool(words.next().unwrap(), words),
            Some("session") => words.for_each(|word| self.session_word(word)),
            Some("answers") => words.for_each(|word| self.answers_word(word)),
            Some("content") => words.for_each(|word| self.content_word(word)),
            Some("allowed") => self.allowed(words),
            Some("approvals") => words.for_each(|word| match word.strip_prefix("timeout=") {
                Some(time) => self.approvals.timeout = super::duration(time),
                None => self.approvals.ask_client = true,
            }),
            Some("pins") => self.pins(words),
            Some("pinned") => self.pinned(line.trim_start().strip_prefix("pinned ").unwrap()),
            Some(kind @ ("prompt" | "resource")) => self.access(kind, words),
            Some("roles") => self.roles(words),
            Some("caller") => self.caller.scopes = words.map(str::to_owned).collect(),
            Some("kill") => self.on_refusal = OnViolation::Kill,
            _ => return false,
        }
        true
    }

    /// Makes the engine judge by it. What it says of the calls at the server before is what holds then.
    pub(crate) fn revise(self, engine: &mut Engine, now: Instant) -> Result<Judgement, String> {
        // Who calls stays who it was.
        let Self {
            session,
            tools,
            access,
            approvals,
            responses,
            content,
            pins,
            shown: _,
            on_refusal,
            rules,
            caller: _,
        } = self;
        let foreseen = engine.active_under(&tools);
        let orders = Orders { tools, access, approvals, session, responses, content, pins, on_refusal };
        let judgement = engine.revise(orders, &rules, now);
        // A call that waited may have got its turn.
        match judgement.to_server.is_empty() && engine.active() != foreseen {
            true => Err(format!("{foreseen:?} was foreseen, {:?} is active", engine.active())),
            false => Ok(judgement),
        }
    }

    fn tool<'a>(&mut self, key: &str, words: impl Iterator<Item = &'a str>) {
        let from = self.rules.len() as u32;
        self.rules.push(rule(&format!("tools.{key}"), from + 10));
        let mut rule = tool(key, from, words);
        if let Some((scope, rule)) = &mut rule.scope {
            *rule = self.note(&format!("tools.{key}.require_scope: {scope}"));
        }
        self.number_rules(key, &mut rule);
        if key.contains(['*', '?']) {
            self.tools.globs.push((key.to_owned(), rule));
            self.tools.globs.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
        } else {
            self.tools.exact.insert(key.to_owned(), rule);
        }
    }

    fn note(&mut self, text: &str) -> RuleId {
        let from = self.rules.len() as u32;
        self.rules.push(rule(text, from + 10));
        RuleId(from)
    }

    fn roles<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        let from = self.note("roles");
        let mut each = Vec::new();
        for (role, tools) in words.filter_map(|word| word.split_once('=')) {
            let tools = tools.split(',').map(str::to_owned).collect();
            each.push((role.to_owned(), tools, self.note(&format!("roles.{role}"))));
        }
        self.tools.roles = Some(Roles { each, from });
    }

    fn answers_word(&mut self, word: &str) {
        match word {
            "schema" => {
                self.responses.validate_output_schema =
                    Some(self.note("responses.validate_output_schema: true"));
            }
            word => match word.split_once('=').unwrap() {
                ("items", most) => {
                    self.responses.max_items =
                        Some((most.parse().unwrap(), self.note("responses.max_items")));
                }
                ("depth", most) => {
                    self.responses.max_depth =
                        Some((most.parse().unwrap(), self.note("responses.max_depth")));
                }
                ("media", types) => {
                    let types = types.split(',').map(str::to_owned).collect();
                    self.responses.media_types = Some((types, self.note("responses.allowed_media_types")));
                }
                ("links", to) => self.responses.links = Some(self.links(to)),
                _ => self.responses.max_bytes = Some(number(word, "max=")),
            },
        }
    }

    /// Files in one directory, and hosts: `/srv/data,example.org:443`.
    fn links(&mut self, to: &str) -> LinksPlan {
        let mut plan = LinksPlan::to_nothing(self.note("responses.check_links: true"));
        let (directory, hosts) = to.split_once(',').unwrap();
        plan.files.rules.push(PathRule {
            path: AbsolutePath::new(directory).unwrap(),
            read: ClassMask::ALWAYS,
            write: ClassMask::NONE,
            execute: ClassMask::NONE,
            code: false,
            from: Vec::new(),
        });
        plan.schemes.push("https".to_owned());
        plan.hosts.extend(hosts.split(',').map(str::to_owned));
        plan
    }

    fn access<'a>(&mut self, kind: &str, mut words: impl Iterator<Item = &'a str>) {
        let name = words.next().unwrap().to_owned();
        let from = self.note(&format!("{kind}s.{name}"));
        let mut rule = AccessRule { disabled: None, scope: None, reason: None };
        for word in words {
            match word.strip_prefix("scope=") {
                Some(scope) => rule.scope = Some((scope.to_owned(), from)),
                None => rule.disabled = Some(from),
            }
        }
        let rules = if kind == "prompt" { &mut self.access.prompts } else { &mut self.access.resources };
        match name.as_str() {
            "defaults" => rules.default = Some(rule),
            _ => rules.named.push((name, rule)),
        }
    }

    fn pins<'a>(&mut self, words: impl Iterator<Item = &'a str>) {
        let from = self.note("pins.on_change");
        let (mut on_change, mut first_use) = (OnChange::default(), FirstUse::default());
        for word in words {
            match word {
                "flag" => on_change = OnChange::Flag,
                "block" => on_change = OnChange::Block,
                "refuse" => first_use = FirstUse::Refuse,
                _ => {}
            }
        }
        self.pins = Some(PinsPlan { lock: None, first_use, on_change, from });
    }

    fn pinned(&mut self, line: &str) {
        let (kind, rest) = line.split_once(' ').unwrap();
        match (kind, rest.split_once(' ')) {
            ("tool", _) => {
                self.shown.add_tool(Tool::read(serde_json::from_str(rest).unwrap()).unwrap()).unwrap();
                self.shown.complete(List::Tools);
            }
            (_, Some((name, instructions))) => {
                let [name, instructions] = [name, instructions].map(|text| Some(text.to_owned()));
                self.shown.set_told(Told { name, version: None, instructions }).unwrap();
            }
            _ => panic!("no such pin: {line}"),
        }
    }

    fn content_word(&mut self, word: &str) {
        let from = self.note(&format!("content.{}", word.replace('=', ": ")));
        let (place, treatment) = word.split_once('=').unwrap();
        let (whose, kind) = place.split_once('.').unwrap();
        let treatments = match whose {
            "answers" => &mut self.content.answers,
            "arguments" => &mut self.content.arguments,
            _ => &mut self.content.stderr,
        };
        let treatment = match treatment {
            "flag" => Treatment::Flag,
            "redact" => Treatment::Redact,
            _ => Treatment::Block,
        };
        let place = match kind {
            "secrets" => &mut treatments.secrets,
            "personal" => &mut treatments.personal_data,
            "instructions" => &mut treatments.hidden_instructions,
            "exfiltration" => &mut treatments.exfiltration,
            _ => &mut treatments.invisible_characters,
        };
        *place = Some((treatment, from));
    }

    fn allowed<'a>(&mut self, mut words: impl Iterator<Item = &'a str>) {
        let rule = words.next().unwrap().to_owned();
        let until = words.next().map(|day| day.parse().unwrap());
        let from = self.note(&format!("content.allowed: {rule}"));
        self.content.allowed.push(AllowedFinding { rule, text: None, until, from });
    }

    /// The rules of what is checked in calls of a tool get numbers of their own.
    fn number_rules(&mut self, key: &str, rule: &mut ToolRule) {
        for argument in &mut rule.arguments {
            argument.from = self.note(&format!("tools.{key}.arguments.{}", argument.name));
            self.rules[argument.from.0 as usize].reason = Some("as the test says".to_owned());
        }
        if let Some(from) = &mut rule.unknown_arguments {
            *from = self.note(&format!("tools.{key}.unknown_arguments: deny"));
        }
        if let SchemaCheck::Always(from) = &mut rule.schema {
            *from = self.note(&format!("tools.{key}.validate_arguments: true"));
        }
    }

    fn session_word(&mut self, word: &str) {
        let session = &mut self.session;
        match word.split_once('=').unwrap_or((word, "")) {
            ("sampling", _) => session.sampling = true,
            ("elicitation", _) => session.elicitation = true,
            ("roots", _) => session.roots = true,
            ("rate", value) => session.max_requests_per_minute = Some(value.parse().unwrap()),
            ("throttle", _) => session.throttle = true,
            ("calls", value) => session.max_concurrent_calls = value.parse().unwrap(),
            ("message", value) => session.max_message_bytes = value.parse().unwrap(),
            ("extra", value) => session.extra_methods.push(value.to_owned()),
            _ => panic!("no such word: {word}"),
        }
    }

    /// What its `pinned` lines say.
    pub(crate) fn lock(&self) -> Lock {
        locked(&self.shown)
    }

    pub(crate) fn engine(self) -> Engine {
        let Self {
            session,
            tools,
            access,
            approvals,
            responses,
            content,
            pins,
            shown,
            on_refusal,
            rules,
            caller,
        } = self;
        let pinning =
            Some(Pinning { name: "s".to_owned(), lock: locked(&shown), identity: Identity::default() });
        let orders = Orders { tools, access, approvals, session, responses, content, pins, on_refusal };
        let today = || "2026-11-27".parse().unwrap();
        let surroundings = Surroundings { tree: Rc::new(Links), secrets: Rc::new(Own), today, pinning };
        Engine::new(orders, &rules, caller, &surroundings)
    }
}

fn tool<'a>(key: &str, from: u32, words: impl Iterator<Item = &'a str>) -> ToolRule {
    let mut rule = blank(key, from);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("disabled", _) => rule.enabled = false,
            ("path" | "text", value) => rule.arguments.push(argument(word, value, from)),
            ("known", _) => rule.unknown_arguments = Some(RuleId(from)),
            ("schema", _) => rule.schema = SchemaCheck::Always(RuleId(from)),
            ("no-schema", _) => rule.schema = SchemaCheck::Never,
            ("scope", value) => rule.scope = Some((value.to_owned(), RuleId(from))),
            ("approve", value) => {
                rule.approval = Some(Approval { approvers: value.parse().unwrap(), from: RuleId(from) });
            }
            ("exclusive", _) => rule.exclusive = true,
            ("class", value) => rule.class = ClassId::new(value.parse().unwrap()).unwrap(),
            ("rate", value) => rule.max_requests_per_minute = Some(value.parse().unwrap()),
            ("throttle", _) => rule.throttle = true,
            ("timeout", value) => rule.timeout = Some(super::duration(value)),
            ("request", value) => rule.max_request_bytes = Some(value.parse().unwrap()),
            ("response", value) => rule.max_response_bytes = Some(value.parse().unwrap()),
            ("because", value) => rule.reason = Some(value.to_owned()),
            _ => panic!("no such word: {word}"),
        }
    }
    rule
}

fn argument(word: &str, value: &str, from: u32) -> ArgumentRule {
    let (name, what) = value.split_once(':').unwrap();
    let kind = match word.starts_with("path") {
        true => ArgumentKind::Path { within: vec![AbsolutePath::new(what).unwrap()] },
        false => ArgumentKind::Text { max_length: what.parse().unwrap() },
    };
    ArgumentRule { name: name.to_owned(), kind, from: RuleId(from) }
}

/// A tree with one link.
pub(crate) struct Links;

impl arguments::Tree for Links {
    fn real(&self, path: &Path) -> Result<PathBuf, arguments::TreeError> {
        Ok(path.strip_prefix("/srv/data/link").map_or(path.to_owned(), |rest| Path::new("/etc").join(rest)))
    }

    fn current_directory(&self) -> &Path {
        Path::new("/srv/data")
    }
}

/// A lock file in which the server is `s`; an empty one if nothing is pinned.
pub(crate) fn locked(shown: &Surface) -> Lock {
    let mut lock = Lock::default();
    if *shown != Surface::default() {
        lock.accept("s", shown).unwrap();
    }
    lock
}

/// One secret of the session's own.
struct Own;

impl Secrets for Own {
    fn find(&self, text: &str) -> Vec<(std::ops::Range<usize>, String)> {
        let found = text.match_indices("s3cr3t-0f-ours");
        found.map(|(at, found)| (at..at + found.len(), "TOKEN".to_owned())).collect()
    }
}

fn number(word: &str, prefix: &str) -> u64 {
    word.strip_prefix(prefix).unwrap().parse().unwrap()
}
