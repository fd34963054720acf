//! Who wants to start something: the facts that no policy text can be believed about.

use crate::plan::AbsolutePath;

/// The facts of one start that host rules are compared with.
pub struct Caller<'a> {
    /// What `${home}` means in host rules: the home directory that the host knows of this user, whatever `$HOME` says.
    /// `None` where there is none; then, as with `/`, a rule that speaks of it refuses.
    pub home: Option<AbsolutePath>,
    /// What `${workspace}` means, in host rules and in policies.
    pub workspace: AbsolutePath,
    /// The program that is started as a server, and the interpreters that the kernel executes for it; nothing where
    /// no command is known.
    pub command: Vec<AbsolutePath>,
    /// A path of the plan or the command with the symlinks of its existing part resolved, so that a link is judged by
    /// where it leads. Whoever is told it by the caller must see to it that the rule is enforced there and nowhere else.
    pub real: &'a dyn Fn(&AbsolutePath) -> AbsolutePath,
    /// The same for a path of the host's rules, about which the caller is never asked.
    pub host_real: &'a dyn Fn(&AbsolutePath) -> AbsolutePath,
    /// The same for the workspace, and for what the host's rules name in it: the caller has chosen the place, but is not
    /// asked where it leads. Whoever must not look at a place of the caller's choice takes it as it is written.
    pub workspace_real: &'a dyn Fn(&AbsolutePath) -> AbsolutePath,
}
