//! Why a call is refused: one sentence for each reason, for the model that made the call.

use crate::choice::EnumFault;
use crate::command::CommandFault;
use crate::excerpt::Excerpt;
use crate::number::NumberFault;
use crate::path::PathFault;
use crate::pattern::PatternFault;
use crate::sql::SqlFault;
use crate::text::TextFault;
use crate::url::UrlFault;

/// An argument that is not what its rule says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("argument `{argument}` is refused: {why}")]
pub struct Violation<R> {
    /// Where it stands, such as `options.paths[3]`. Bounded, and harmless to show.
    pub argument: String,
    /// The rule; none where the argument is refused because no rule names it, or the call has too much of something.
    pub rule: Option<R>,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with an argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Not a path that may be used.
    #[error("the path {0}")]
    Path(#[from] PathFault),
    /// Not a URL that may be used.
    #[error("the URL {0}")]
    Url(#[from] UrlFault),
    /// Not a command that may be run.
    #[error("the command {0}")]
    Command(#[from] CommandFault),
    /// Not a statement that may be run.
    #[error("the SQL {0}")]
    Sql(#[from] SqlFault),
    /// Not a text as it must be.
    #[error("the text {0}")]
    Text(#[from] TextFault),
    /// Not a number as it must be.
    #[error("the number {0}")]
    Number(#[from] NumberFault),
    /// None of the values.
    #[error("the value {0}")]
    Enum(#[from] EnumFault),
    /// The pattern does not match.
    #[error("the text {0}")]
    Pattern(#[from] PatternFault),
    /// Another JSON type than the rule is about.
    #[error("it is {found} and must be {wanted}")]
    Type {
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// No rule names it, and the rules are a list of all there is.
    #[error("this tool's policy knows no such argument; leave it out")]
    Unknown,
    /// Some servers would take it for an argument that a rule names.
    #[error("it could be mistaken for `{ruled}`; write that name exactly")]
    Mistakable {
        /// The name that it resembles.
        ruled: Excerpt,
    },
    /// Some servers cut the name short, or reach another object's members through it.
    #[error("its name holds a control character, or names the prototype of an object; leave it out")]
    Name,
    /// More values than are looked at.
    #[error("the call holds more than {most} values that must be checked; make several calls", most = crate::MAX_VALUES)]
    TooMany,
    /// Deeper than JSON parsers go.
    #[error("it is nested deeper than {most} levels", most = crate::check::MAX_DEPTH)]
    TooDeep,
}
