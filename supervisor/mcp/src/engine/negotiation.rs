//! The protocol revision of the session, as far as the doorman has to know it.
//!
//! Handshake era: the answer to `initialize` names it. Modern era: each request names it in its `_meta`. Both can
//! happen in one session, because clients probe: what was last answered with success holds.

use super::flight::Open;
use super::methods;
use super::refusal::clipped;
use crate::fact::{Era, Fact, Peer};
use crate::message::Message;
use crate::scan::Slot;
use crate::value;

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Session {
    agreed: Option<(Era, String)>,
}

impl Session {
    pub(super) fn is_modern(&self) -> bool {
        matches!(self.agreed, Some((Era::Modern, _)))
    }

    pub(super) fn has_batches(&self) -> bool {
        matches!(&self.agreed, Some((Era::Handshake, version)) if version == methods::WITH_BATCHES)
    }

    /// A request was answered with a result: is something new agreed on?
    pub(super) fn answered(&mut self, open: &Open, message: &Message<'_>) -> Option<Fact> {
        let (era, version, server) = match (&*open.method, &open.version) {
            ("initialize", _) => {
                let version = message.string(Slot::ResultProtocolVersion).unwrap_or_default();
                (Era::Handshake, clipped(&version), message.raw(Slot::ResultServerInfo))
            }
            (_, Some(version)) => {
                let meta = message.raw(Slot::ResultMeta).filter(|raw| value::is_object(raw));
                (
                    Era::Modern,
                    version.clone(),
                    meta.and_then(|meta| value::member(meta, methods::META_SERVER)),
                )
            }
            _ => return None,
        };
        let agreed = Some((era, version.clone()));
        if self.agreed == agreed {
            return None;
        }
        self.agreed = agreed;
        let client = open.client.clone().unwrap_or_default();
        Some(Fact::SessionNegotiated { era, version, client, server: peer(server) })
    }
}

/// The protocol version that a request names itself, if it is a modern one.
pub(super) fn version(message: &Message<'_>) -> Option<String> {
    let version = meta(message, methods::META_VERSION).and_then(value::string)?;
    (version.as_str() >= methods::MODERN).then(|| clipped(&version))
}

/// What the client says about itself in a request that opens a session or may be the first of one.
pub(super) fn client(message: &Message<'_>) -> Option<Peer> {
    message
        .raw(Slot::ParamsClientInfo)
        .or_else(|| meta(message, methods::META_CLIENT))
        .map(|info| peer(Some(info)))
}

pub(super) fn meta<'a>(message: &Message<'a>, key: &str) -> Option<&'a [u8]> {
    let meta = message.raw(Slot::ParamsMeta).filter(|raw| value::is_object(raw))?;
    value::member(meta, key)
}

fn peer(info: Option<&[u8]>) -> Peer {
    let info = info.filter(|raw| value::is_object(raw));
    let read = |key| info.and_then(|info| value::member(info, key)).and_then(value::string);
    let field = |key| read(key).map(|text| clipped(&text)).unwrap_or_default();
    Peer { name: field("name"), version: field("version") }
}
