//! Which runtime a command wants, so that a call without a policy gets a fitting strict one.

use std::path::Path;

use super::Lookup;

/// The runtime of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// Node.js: `node`, `npx`, or a script that starts with it.
    Node,
    /// Python: `python3`, `uvx`, or a script that starts with it.
    Python,
    /// A program of its own.
    Native,
}

impl Runtime {
    /// Infers the runtime from the command's name and, for scripts, its first line.
    pub(crate) fn of(command: &Lookup) -> Self {
        let real = command.program.canonicalize().unwrap_or_else(|_| command.program.clone());
        [Self::by_name(&command.program), Self::by_name(&real), Self::by_first_line(&real)]
            .into_iter()
            .flatten()
            .next()
            .unwrap_or(Self::Native)
    }

    /// The preset to extend; a native program needs what every runtime's preset shares.
    pub(crate) fn preset(self) -> &'static str {
        match self {
            Self::Node => "runtime/node",
            Self::Python => "runtime/python",
            Self::Native => "runtime/native",
        }
    }

    /// Whether the program runs the script that its first argument names.
    pub(super) fn is_interpreter(program: &Path) -> bool {
        let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        matches!(bare, "node" | "nodejs" | "python" | "pypy")
    }

    fn by_name(program: &Path) -> Option<Self> {
        let name = program.file_name()?.to_str()?;
        let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        match bare {
            "node" | "nodejs" | "npx" | "npm" => Some(Self::Node),
            "python" | "pypy" | "uv" | "uvx" | "pipx" => Some(Self::Python),
            _ if name.ends_with(".js") || name.ends_with(".mjs") || name.ends_with(".cjs") => {
                Some(Self::Node)
            }
            _ if name.ends_with(".py") => Some(Self::Python),
            _ => None,
        }
    }

    fn by_first_line(program: &Path) -> Option<Self> {
        let interpreter = super::shebang::interpreter(program)?;
        Self::by_name(&interpreter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_versions_are_known() {
        assert_eq!(Runtime::by_name(Path::new("/usr/bin/python3.11")), Some(Runtime::Python));
        assert_eq!(Runtime::by_name(Path::new("/usr/bin/node")), Some(Runtime::Node));
        assert_eq!(Runtime::by_name(Path::new("/usr/bin/nodemon")), None);
    }
}
