//! The meaning of a maximum, said slowly and plainly. Nothing that runs a server uses it: it is what narrowing is tested
//! against, and what a person may read instead.

use std::net::IpAddr;

use super::document::{HostDocument, MaximumNetwork};
use super::roots::Places;
use super::{Caller, HostRules};
use crate::document::At;
use crate::meaning::{Request, is_named, lies_in};
use crate::plan::AbsolutePath;
use crate::problem::Report;

impl HostRules {
    /// Whether any policy could be granted a request: every file allows it.
    pub fn permit(&self, request: &Request, caller: &Caller<'_>) -> bool {
        self.files.iter().all(|file| permits(file, request, caller))
    }
}

fn permits(file: &HostDocument, request: &Request, caller: &Caller<'_>) -> bool {
    let places = Places::of(file, caller, &mut Report::default());
    let path = |path: &AbsolutePath, may: &dyn Fn(&AbsolutePath) -> bool| {
        let real = (caller.real)(path);
        may(&real) && places.closing(path, &real).is_none()
    };
    let empty = MaximumNetwork::default();
    let network = file.maximum.as_ref().and_then(|at| at.value.network.as_ref());
    let network = network.map_or(&empty, |at| &at.value);
    match request {
        Request::Read(asked) => path(asked, &|real| places.may_read(real)),
        Request::Write(asked) => path(asked, &|real| places.may_write(real)),
        Request::Execute(asked) => path(asked, &|real| places.may_execute(real)),
        Request::Connect(name, port) => {
            let domains = network.allowed_domains.as_ref();
            let named = |At { value, .. }: &At<crate::document::list::List<_>>| {
                let items: &Vec<crate::document::list::Item<crate::document::destination::Destination>> =
                    &value.0;
                items.iter().any(|item| is_named(&item.value.domain, name))
            };
            domains.is_none_or(named) && is_open(network, *port)
        }
        Request::ConnectAddress(address, port) => reaches(network, *address) && is_open(network, *port),
    }
}

fn reaches(network: &MaximumNetwork, address: IpAddr) -> bool {
    let Some(At { value: ranges, .. }) = &network.allowed_cidrs else { return true };
    let ranges = ranges.0.iter().flat_map(|item| item.value.ranges());
    ranges.into_iter().any(|range| lies_in(address, range.address, range.prefix))
}

fn is_open(network: &MaximumNetwork, port: u16) -> bool {
    let ports = network.allowed_ports.as_ref();
    ports.is_none_or(|at| at.value.0.iter().any(|item| item.value.0 == port))
}
