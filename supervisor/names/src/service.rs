//! Service bindings (RFC 9460) without what would lead around the checks: keys that hide the server's name (ECH),
//! addresses that were not learned, and QUIC, which is closed.

use hickory_proto::rr::Name;
use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::svcb::{Alpn, Mandatory, SvcParamKey, SvcParamValue};

/// What stays of a record; `None`: nothing that a client could use. Clients without a record ask for addresses, as those
/// do that know no service bindings (RFC 9460 section 3).
///
/// An alias, and a service on a host that may not be looked up, would send the client to where it may not go.
pub(crate) fn cleaned(record: &SVCB, allowed: impl Fn(&Name) -> bool) -> Option<SVCB> {
    let is_alias = record.svc_priority == 0;
    if is_alias || !(record.target_name.is_root() || allowed(&record.target_name)) {
        return None;
    }
    let mut kept = Vec::with_capacity(record.svc_params.len());
    for (key, value) in &record.svc_params {
        if let Some(value) = param(*key, value)? {
            kept.push((*key, value));
        }
    }
    Some(SVCB::new(record.svc_priority, record.target_name.clone(), kept))
}

/// What stays of a parameter. Outer `None`: without it the record means something else.
fn param(key: SvcParamKey, value: &SvcParamValue) -> Option<Option<SvcParamValue>> {
    match (key, value) {
        (SvcParamKey::Mandatory, SvcParamValue::Mandatory(Mandatory(keys))) => {
            keys.iter().all(|key| stays(*key)).then(|| Some(value.clone()))
        }
        (SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(protocols))) => {
            let kept: Vec<String> = protocols.iter().filter(|id| !is_quic(id)).cloned().collect();
            (!kept.is_empty()).then_some(Some(SvcParamValue::Alpn(Alpn(kept))))
        }
        (key, value) => Some(stays(key).then(|| value.clone())),
    }
}

/// The parameters that lead nowhere else. Whatever is defined later is not known to be one of them.
fn stays(key: SvcParamKey) -> bool {
    use SvcParamKey::{Alpn, Mandatory, NoDefaultAlpn, Port};
    matches!(key, Mandatory | Alpn | NoDefaultAlpn | Port)
}

/// HTTP/3 and its drafts (`h3-29`), and DNS over QUIC (IANA's registry of ALPN protocol ids).
fn is_quic(id: &str) -> bool {
    id == "h3" || id.starts_with("h3-") || id.starts_with("doq")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::rr::rdata::A;
    use hickory_proto::rr::rdata::svcb::{EchConfigList, IpHint, Unknown};

    use super::*;

    fn record(priority: u16, target: &str, params: Vec<(SvcParamKey, SvcParamValue)>) -> SVCB {
        SVCB::new(priority, Name::from_ascii(target).expect(target), params)
    }

    fn alpn(ids: &[&str]) -> (SvcParamKey, SvcParamValue) {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        (SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(ids)))
    }

    fn mandatory(keys: &[SvcParamKey]) -> (SvcParamKey, SvcParamValue) {
        (SvcParamKey::Mandatory, SvcParamValue::Mandatory(Mandatory(keys.to_vec())))
    }

    fn only(name: &Name) -> bool {
        name.to_ascii() == "ok.test."
    }

    #[test]
    fn what_leads_elsewhere_goes() {
        let port = (SvcParamKey::Port, SvcParamValue::Port(8443));
        let hint = SvcParamValue::Ipv4Hint(IpHint(vec![A(Ipv4Addr::new(8, 8, 8, 8))]));
        let dirty = vec![
            alpn(&["h3", "h2", "h3-29"]),
            port.clone(),
            (SvcParamKey::Ipv4Hint, hint),
            (SvcParamKey::EchConfigList, SvcParamValue::EchConfigList(EchConfigList(vec![1, 2]))),
            (SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(vec![]))),
            (SvcParamKey::Unknown(9), SvcParamValue::Unknown(Unknown(vec![1]))),
        ];
        let clean = record(1, ".", vec![alpn(&["h2"]), port]);
        assert_eq!(cleaned(&record(1, ".", dirty), only), Some(clean));
    }

    #[test]
    fn what_means_something_else_goes_as_a_whole() {
        for gone in [
            record(0, "ok.test.", vec![]),
            record(0, ".", vec![]),
            record(1, "evil.test.", vec![alpn(&["h2"])]),
            record(1, ".", vec![alpn(&["h3"])]),
            record(1, ".", vec![mandatory(&[SvcParamKey::EchConfigList]), alpn(&["h2"])]),
            record(1, ".", vec![mandatory(&[SvcParamKey::Unknown(9)])]),
        ] {
            assert_eq!(cleaned(&gone, only), None, "{gone:?}");
        }
        for whole in [
            record(1, "ok.test.", vec![mandatory(&[SvcParamKey::Alpn]), alpn(&["h2", "http/1.1"])]),
            record(3, ".", vec![]),
        ] {
            assert_eq!(cleaned(&whole, only), Some(whole));
        }
    }
}
