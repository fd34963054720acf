//! Denied names, addresses and sockets.

use std::net::IpAddr;

use audit::{Cause, Denial, RuleRef};
use policy::Request;
use policy::plan::{ClassMask, DomainRule, Verify};

use crate::cli::replay::judge::Judge;
use crate::cli::replay::untold::PLACES;
use crate::cli::replay::verdict::Verdict;
use crate::cli::why::Target;

/// How the resolver and the proxy word that nothing names the host, at this moment.
pub(super) const UNNAMED: [&str; 4] = [
    "no rule names it",
    "no call of a tool that may reach it is in flight",
    "no rule names this host",
    "no call of a tool that may reach this host is in flight",
];
const LISTENING: &str = "listen on ";
const REBINDING: &str = "it stands for ";

pub(super) fn verdict(judge: &Judge, denial: &Denial) -> Verdict {
    let active = judge.active(&denial.calls);
    let detail = denial.detail.as_deref().unwrap_or_default();
    match Target::of(&denial.what) {
        Target::Address(_, Some(port)) if detail.starts_with(LISTENING) => listening(judge, port),
        Target::Address(address, port) => addressed(judge, address, port, active),
        Target::Name(name, port) => {
            let of_address = detail.strip_prefix("connect to ").map(Target::of);
            let port = port.or(match of_address {
                Some(Target::Address(_, port)) => port,
                _ => None,
            });
            named(judge, name, port, active, denial.reason.as_deref().unwrap_or_default())
        }
        Target::Path(path) => unix(judge, path),
        // A policy has no word for it.
        Target::Other => denied(None),
    }
}

fn denied(rule: Option<RuleRef>) -> Verdict {
    Verdict::denied(Cause::Network, rule)
}

fn listening(judge: &Judge, port: u16) -> Verdict {
    let listen = &judge.plan.network.listen;
    match listen.contains(&port) || listen.contains(&0) {
        true => Verdict::allowed().by(judge.written("network.listen")),
        false => denied(None),
    }
}

fn unix(judge: &Judge, path: &str) -> Verdict {
    let sockets = &judge.plan.network.unix_sockets;
    let (adrift, known): (Vec<_>, Vec<_>) =
        sockets.iter().partition(|rule| judge.adrift.contains(&rule.from));
    let rule = policy::plan::AbsolutePath::new(path)
        .and_then(|path| known.into_iter().find(|rule| rule.path.covers(&path)));
    match (rule, adrift.first()) {
        (Some(rule), _) => Verdict::allowed().by(judge.rule(rule.from)),
        (None, Some(rule)) => Verdict::unknown(PLACES).by(judge.rule(rule.from)),
        (None, None) => denied(None),
    }
}

/// An address is open for its own sake, or for a name that the log does not hold.
fn addressed(judge: &Judge, address: IpAddr, port: Option<u16>, active: ClassMask) -> Verdict {
    let network = &judge.plan.network;
    let range = network.cidrs.iter().find(|rule| rule.classes.intersects(active) && rule.contains(address));
    let names = network.domains.iter().find(|rule| rule.classes.intersects(active));
    let Some(port) = port else {
        return match (range, names) {
            (None, None) => denied(None),
            _ => Verdict::unknown("the log does not hold the port"),
        };
    };
    if judge.plan.allows(&Request::ConnectAddress(address, port), active) {
        return Verdict::allowed().by(range.and_then(|rule| judge.rule(rule.from)));
    }
    match names.filter(|_| network.ports.contains(&port)) {
        Some(rule) => Verdict::unknown("the log holds the address, and not the name that it may stand for")
            .by(judge.rule(rule.from)),
        None => denied(judge.written("network.allowed_ports").filter(|_| range.is_some())),
    }
}

fn named(judge: &Judge, name: &str, port: Option<u16>, active: ClassMask, reason: &str) -> Verdict {
    let network = &judge.plan.network;
    let name = name.to_ascii_lowercase();
    let matching = |rule: &&DomainRule| rule.classes.intersects(active) && rule.matches(&name);
    let naming: Vec<&DomainRule> = network.domains.iter().filter(matching).collect();
    let first = naming.first().and_then(|rule| judge.rule(rule.from));
    let any = network.any_name.and_then(|rule| judge.rule(rule));
    if first.is_none() && any.is_none() {
        return denied(None);
    }
    if port.is_some_and(|port| !network.ports.contains(&port)) {
        return denied(judge.written("network.allowed_ports"));
    }
    if UNNAMED.contains(&reason) {
        return Verdict::allowed().by(first.or(any));
    }
    if let Some(address) = rebound(reason) {
        return match network.cidrs.iter().find(|rule| rule.contains(address)) {
            Some(range) => Verdict::allowed().by(judge.rule(range.from)),
            None => denied(first),
        };
    }
    let by_address = naming.iter().any(|rule| rule.verify == Verify::AddressOnly);
    match reason.starts_with("records of class ") || reason == "it is no host name" {
        true => denied(first),
        false if by_address && reason.contains("`verify: address-only`") => Verdict::allowed().by(first),
        false => Verdict::unknown("a rule names it, and it was denied for another reason").by(first.or(any)),
    }
}

/// The address that a name stood for.
fn rebound(reason: &str) -> Option<IpAddr> {
    reason.strip_prefix(REBINDING)?.split(|c: char| c == ',' || c.is_whitespace()).next()?.parse().ok()
}
