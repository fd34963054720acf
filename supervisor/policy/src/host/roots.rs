//! The paths of a host file on this host: what they mean for a caller, and whether another path lies beneath.

use std::collections::BTreeMap;

use super::Caller;
use super::desk::Allowed;
use super::document::{HostDocument, Maximum, MaximumExecution, MaximumFilesystem, MaximumNetwork};
use super::rules::HostRule;
use super::words::{HostDenied, HostPath};
use crate::compile::{Context, Programs, expand_path};
use crate::document::At;
use crate::document::list::{Item, List, Subject};
use crate::plan::{AbsolutePath, NamePattern, Origin};
use crate::problem::{Complaint, Report};

/// One list of paths.
pub(super) struct Roots {
    key: &'static str,
    origin: Origin,
    /// What stands there, and what it means; nothing for a workspace that lies where none may.
    items: Vec<(String, Option<AbsolutePath>)>,
}

impl Roots {
    /// Whether a path, its symlinks resolved, is one of these or lies beneath.
    pub(super) fn hold(&self, real: &AbsolutePath) -> bool {
        self.items.iter().filter_map(|(_, root)| root.as_ref()).any(|root| root.covers(real))
    }
}

/// What stays closed.
pub(super) struct Closed {
    pub(super) rule: HostRule,
    pub(super) what: Shut,
}

/// A path or a name that stays closed.
pub(super) enum Shut {
    Path { written: AbsolutePath, real: AbsolutePath },
    Name(NamePattern),
}

/// Every path of one host file.
#[derive(Default)]
pub(super) struct Places {
    pub(super) read: Option<Roots>,
    pub(super) write: Option<Roots>,
    pub(super) programs: Option<Roots>,
    pub(super) sockets: Option<Roots>,
    pub(super) deny: Vec<Closed>,
}

impl Places {
    /// Expands the paths of a file. One that means nothing here is noted, at its place in the host file.
    pub(super) fn of(file: &HostDocument, caller: &Caller<'_>, report: &mut Report) -> Self {
        let Some(At { value: Maximum { filesystem, network, execution, environment: _ }, .. }) =
            &file.maximum
        else {
            return Self::default();
        };
        let empty = MaximumFilesystem::default();
        let MaximumFilesystem { workspaces, read, write, deny, max_opens_per_minute: _ } =
            filesystem.as_ref().map_or(&empty, |at| &at.value);
        let mut expand = Expansion { caller, workspace: true, report };
        let allowed = expand.roots("maximum.filesystem.workspaces", workspaces);
        expand.workspace =
            allowed.is_none_or(|roots| roots.hold(&(caller.workspace_real)(&caller.workspace)));
        let sockets: Option<&At<List<Item<HostPath>>>> = network.as_ref().and_then(|at| {
            let MaximumNetwork { unix_sockets, .. } = &at.value;
            unix_sockets.as_ref()
        });
        let programs = execution.as_ref().and_then(|at| {
            let MaximumExecution { allowed_programs, .. } = &at.value;
            allowed_programs.as_ref()
        });
        Self {
            read: expand.roots("maximum.filesystem.read", read),
            write: expand.roots("maximum.filesystem.write", write),
            programs: expand.roots("maximum.execution.allowed_programs", &programs.cloned()),
            sockets: expand.roots("maximum.network.unix_sockets", &sockets.cloned()),
            deny: deny.iter().flat_map(|at| &at.value.0).filter_map(|item| expand.closed(item)).collect(),
        }
    }

    /// What may be read: where reading is bounded, also what may be written and executed.
    pub(super) fn may_read(&self, real: &AbsolutePath) -> bool {
        let more = [&self.write, &self.programs].into_iter().flatten();
        self.read
            .as_ref()
            .is_none_or(|read| read.hold(real) || more.into_iter().any(|roots| roots.hold(real)))
    }

    /// What may be written.
    pub(super) fn may_write(&self, real: &AbsolutePath) -> bool {
        self.write.as_ref().is_none_or(|roots| roots.hold(real))
    }

    /// What may be executed.
    pub(super) fn may_execute(&self, real: &AbsolutePath) -> bool {
        self.programs.as_ref().is_none_or(|roots| roots.hold(real))
    }

    /// The rule that closes a path, as it is written or where it leads.
    pub(super) fn closing(&self, path: &AbsolutePath, real: &AbsolutePath) -> Option<&HostRule> {
        let closed = |closed: &&Closed| match &closed.what {
            Shut::Path { written, real: shut } => shut.covers(real) || written.covers(path),
            Shut::Name(pattern) => {
                [path, real].iter().any(|it| it.as_path().iter().any(|part| pattern.matches(part)))
            }
        };
        self.deny.iter().find(closed).map(|closed| &closed.rule)
    }
}

/// What a message says about a list.
pub(super) fn allowed<'a>(roots: &'a Roots, more: &[&'a Option<Roots>]) -> Allowed<'a> {
    let lists = std::iter::once(roots).chain(more.iter().filter_map(|more| more.as_ref()));
    let shown = |(text, root): &(String, Option<AbsolutePath>)| match root {
        Some(_) => text.clone(),
        None => format!("{text} (not here: this workspace is in none of `maximum.filesystem.workspaces`)"),
    };
    let items = lists.flat_map(|roots| roots.items.iter().map(shown)).collect();
    Allowed { key: roots.key, origin: &roots.origin, items }
}

/// The path that a host path means for a caller, symlinks not resolved.
pub(super) fn expand(path: &HostPath, caller: &Caller<'_>) -> Result<AbsolutePath, Complaint> {
    let no_home =
        || Complaint::new(format!("`{}`: this user has no home directory that the host knows", path.show()));
    let speaks_of_home = path.show().starts_with("${home}");
    // Where a system user's home is `/`, `${home}` would be everything.
    let known = caller.home.as_ref().filter(|home| home.as_path().parent().is_some());
    let home = match (known, speaks_of_home) {
        (Some(home), _) => home.clone(),
        (None, false) => caller.workspace.clone(),
        (None, true) => return Err(no_home()),
    };
    let context = Context {
        workspace: caller.workspace.clone(),
        config_home: home.clone(),
        cache_home: home.clone(),
        home,
        runtime_dir: None,
        server: Vec::new(),
        environment: &BTreeMap::new(),
        programs: &NoPrograms,
    };
    expand_path(&path.0, &context)?.pop().ok_or_else(no_home)
}

struct Expansion<'a> {
    caller: &'a Caller<'a>,
    /// Whether the workspace lies where one may.
    workspace: bool,
    report: &'a mut Report,
}

impl Expansion<'_> {
    fn roots(&mut self, key: &'static str, list: &Option<At<List<Item<HostPath>>>>) -> Option<Roots> {
        let At { value: List(items), origin } = list.as_ref()?;
        let items = items.iter().map(|item| (item.value.show(), self.root(item))).collect();
        Some(Roots { key, origin: origin.clone(), items })
    }

    fn root(&mut self, Item { value, origin, .. }: &Item<HostPath>) -> Option<AbsolutePath> {
        match value.is_in_workspace() && !self.workspace {
            true => None,
            false => self.path(value, origin).map(|path| self.real(value, &path)),
        }
    }

    fn closed(&mut self, item: &Item<HostDenied>) -> Option<Closed> {
        let what = match &item.value {
            HostDenied::Name { pattern, .. } => Shut::Name(pattern.clone()),
            HostDenied::Path(path) => {
                let written = self.path(path, &item.origin)?;
                Shut::Path { real: self.real(path, &written), written }
            }
        };
        Some(Closed { rule: HostRule::item("maximum.filesystem.deny", item), what })
    }

    fn real(&self, path: &HostPath, expanded: &AbsolutePath) -> AbsolutePath {
        let Caller { host_real, workspace_real, .. } = self.caller;
        if path.is_in_workspace() { workspace_real(expanded) } else { host_real(expanded) }
    }

    fn path(&mut self, path: &HostPath, origin: &Origin) -> Option<AbsolutePath> {
        let expanded = expand(path, self.caller);
        expanded.map_err(|complaint| self.report.complain(origin, complaint)).ok()
    }
}

/// Host rules name programs by their paths.
struct NoPrograms;

impl Programs for NoPrograms {
    fn find(&self, name: &str) -> Result<AbsolutePath, String> {
        Err(format!("`{name}` is no path"))
    }
}
