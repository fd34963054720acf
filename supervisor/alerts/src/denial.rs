//! What a denial was about.

use audit::Cause;

use crate::kind::Layer;

/// What was reached for.
pub(crate) fn layer(cause: Cause) -> Layer {
    match cause {
        Cause::ToolDisabled
        | Cause::ToolRate
        | Cause::SessionRate
        | Cause::Concurrency
        | Cause::RequestSize
        | Cause::ResponseSize
        | Cause::MessageSize
        | Cause::Timeout
        | Cause::UnknownMethod
        | Cause::ServerRequest
        | Cause::Malformed
        | Cause::Protocol
        | Cause::Scope
        | Cause::Approval
        | Cause::Argument
        | Cause::OutputSchema
        | Cause::Content
        | Cause::Quarantine
        | Cause::Disabled => Layer::Tool,
        Cause::File => Layer::File,
        Cause::Network => Layer::Network,
        Cause::Program => Layer::Exec,
        Cause::Syscall
        | Cause::Resource
        | Cause::Rate
        | Cause::Privilege
        | Cause::Escape
        | Cause::Repeated
        | Cause::Proof
        | Cause::Internal => Layer::System,
    }
}

/// The host of `example.org:443`, `[2001:db8::1]:443`, `2001:db8::1`. Unix sockets and what has blanks in it, such as
/// `family 17`, are no hosts.
pub(crate) fn host(what: &str) -> Option<&str> {
    let host = match what.rsplit_once(':') {
        Some((host, _)) if !host.contains(':') || host.ends_with(']') => host,
        _ => what,
    };
    let host = host.trim_matches(['[', ']']);
    let fits = !host.is_empty() && !host.starts_with(['/', '@']) && !host.contains(' ');
    fits.then_some(host)
}
