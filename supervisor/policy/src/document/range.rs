//! Address ranges as they stand in a policy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::json_schema;

use super::decode::{FromText, text};
use super::list::Subject;
use super::words::scalar;
use crate::problem::Complaint;

/// A range of addresses; host bits are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Range {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

/// Addresses: a range, or `public` for all that are reachable from everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cidr {
    Public,
    Range(Range),
}

impl Cidr {
    /// The ranges that are meant.
    pub(crate) fn ranges(self) -> Vec<Range> {
        match self {
            Self::Public => super::public::ranges(),
            Self::Range(range) => vec![range],
        }
    }
}

impl FromText for Cidr {
    const WHAT: &str = "an address range or `public`";
    fn from_text(text: &str) -> Result<Self, Complaint> {
        match text {
            "public" => Ok(Self::Public),
            "Public" | "PUBLIC" | "internet" | "any" | "all" | "*" => {
                let message = format!("`{text}` is not an address range; `public` is every public address");
                Err(Complaint::new(message))
            }
            text => range(text).map(Self::Range),
        }
    }
}

fn range(text: &str) -> Result<Range, Complaint> {
    let wrong =
        || Complaint::new(format!("`{text}` is not an address range such as `10.0.0.0/8` or `fd00::/8`"));
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => widest,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| wrong())?,
        Some(_) => return Err(wrong()),
    };
    if prefix > widest {
        return Err(Complaint::new(format!("the prefix of `{text}` is at most {widest}")));
    }
    if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        return Err(mapped(address, prefix, wrong()));
    }
    let network = network(address, prefix);
    match network == address {
        true => Ok(Range { address, prefix }),
        false => {
            let message = format!("`{text}` has bits beyond its prefix");
            Err(Complaint::new(message).instead(format!("{network}/{prefix}")))
        }
    }
}

fn mapped(address: IpAddr, prefix: u8, complaint: Complaint) -> Complaint {
    match (address.to_canonical(), prefix.checked_sub(96)) {
        (IpAddr::V4(v4), Some(prefix)) => {
            complaint.instead(format!("{}/{prefix}", network(v4.into(), prefix)))
        }
        _ => complaint,
    }
}

/// The address with every bit beyond the prefix cleared.
fn network(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

impl Subject for Cidr {
    const KEY: &str = "cidr";
    type Options = ();
    fn show(&self) -> String {
        match self {
            Self::Public => "public".to_owned(),
            Self::Range(Range { address, prefix }) => format!("{address}/{prefix}"),
        }
    }
}

scalar! {
    Cidr: text, json_schema!({ "type": "string", "pattern": "^(public|[0-9A-Fa-f:.]+(/[0-9]{1,3})?)$" });
}

#[cfg(test)]
mod tests {
    use super::{Cidr, FromText, Subject};

    #[test]
    fn ranges_have_no_host_bits() {
        for text in ["10.0.0.0/8", "192.0.2.7/32", "0.0.0.0/0", "fd00::/8", "::1/128", "::/0"] {
            assert_eq!(Cidr::from_text(text).map(|cidr| cidr.show()).as_deref(), Ok(text));
        }
        assert_eq!(Cidr::from_text("10.1.2.3").map(|cidr| cidr.show()).as_deref(), Ok("10.1.2.3/32"));
        let cases = [
            ("10.1.2.3/8", Some("10.0.0.0/8")),
            ("fd00::1/8", Some("fd00::/8")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.0/20", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0.0/+8", None),
            ("010.0.0.0/8", None),
            ("example.org", None),
        ];
        for (text, instead) in cases {
            assert_eq!(Cidr::from_text(text).expect_err(text).suggestion.as_deref(), instead, "{text}");
        }
    }
}
