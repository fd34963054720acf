//! The loopback interface, brought up and given addresses, by one netlink message each.

use std::net::IpAddr;
use std::os::fd::AsRawFd;

use anyhow::{Context, Result, ensure};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// `RTM_NEWLINK`, `NLM_F_REQUEST | NLM_F_ACK` (rtnetlink(7), netlink(7)).
const NEW_LINK: u16 = 16;
const REQUEST_WITH_ANSWER: u16 = 0x5;
/// `RTM_NEWADDR`, `NLM_F_CREATE`, `IFA_F_NODAD`, `IFA_LOCAL`.
const NEW_ADDRESS: u16 = 20;
const CREATE: u16 = 0x400;
const NO_DETECTION: u8 = 2;
const LOCAL: u16 = 2;
/// The kernel's answer, an error number of 0 included.
const ANSWER: u16 = 2;
/// The loopback interface has this index in every network namespace.
const LOOPBACK: i32 = 1;
const UP: u32 = 1;

/// Brings the loopback interface of this network namespace up.
pub(crate) fn up() -> Result<()> {
    ask(&link_message()).context("the loopback interface stays down")
}

/// Gives the loopback interface one more address, so that whoever listens on it is reached there.
pub(crate) fn add(address: IpAddr) -> Result<()> {
    ask(&address_message(address)).with_context(|| format!("the loopback interface does not take {address}"))
}

/// One request, and the kernel's answer to it.
fn ask(message: &[u8]) -> Result<()> {
    let socket =
        socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)
            .context("no netlink socket")?;
    sendto(socket.as_raw_fd(), message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 64];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let error = error_of(&answer[..length]).context("the kernel's answer is no answer")?;
    ensure!(error == 0, "{}", nix::errno::Errno::from_raw(-error));
    Ok(())
}

/// `struct nlmsghdr` and `struct ifinfomsg`.
fn link_message() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(32_u32.to_ne_bytes());
    bytes.extend(NEW_LINK.to_ne_bytes());
    bytes.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    bytes.extend([0; 8]); // sequence number and port
    bytes.extend([0; 4]); // family, padding, hardware type
    bytes.extend(LOOPBACK.to_ne_bytes());
    bytes.extend(UP.to_ne_bytes());
    bytes.extend(UP.to_ne_bytes()); // which flags are changed
    bytes
}

/// `struct nlmsghdr`, `struct ifaddrmsg` and one attribute with the address (`IFA_LOCAL`). An IPv6 address is not asked
/// for whether another host has it (`IFA_F_NODAD`).
fn address_message(address: IpAddr) -> Vec<u8> {
    let (family, octets) = match address {
        IpAddr::V4(four) => (libc::AF_INET, four.octets().to_vec()),
        IpAddr::V6(six) => (libc::AF_INET6, six.octets().to_vec()),
    };
    let bits = octets.len() * 8;
    let attribute = 4 + octets.len();
    let mut bytes = Vec::with_capacity(24 + attribute);
    bytes.extend(((24 + attribute) as u32).to_ne_bytes());
    bytes.extend(NEW_ADDRESS.to_ne_bytes());
    bytes.extend((REQUEST_WITH_ANSWER | CREATE).to_ne_bytes());
    bytes.extend([0; 8]); // sequence number and port
    bytes.extend([family as u8, bits as u8, NO_DETECTION, 0]); // family, prefix length, flags, scope
    bytes.extend(LOOPBACK.to_ne_bytes());
    bytes.extend((attribute as u16).to_ne_bytes());
    bytes.extend(LOCAL.to_ne_bytes());
    bytes.extend(octets);
    bytes
}

/// The negative error number of an answer.
fn error_of(answer: &[u8]) -> Option<i32> {
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    let error = i32::from_ne_bytes(answer.get(16..20)?.try_into().ok()?);
    (kind == ANSWER).then_some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_the_length_that_it_says() {
        assert_eq!(link_message().len(), 32);
        for (address, length) in [("192.0.2.1", 32), ("2001:db8::1", 44)] {
            let message = address_message(address.parse().unwrap());
            assert_eq!((message.len(), usize::from(message[0])), (length, length));
        }
    }

    #[test]
    fn an_error_is_read_from_the_answer() {
        let mut answer = vec![0; 36];
        answer[4] = 2;
        answer[16..20].copy_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(error_of(&answer), Some(-1));
        assert_eq!(error_of(&answer[..10]), None);
    }
}
