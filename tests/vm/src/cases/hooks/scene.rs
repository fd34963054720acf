//! What the attacks act on: a tree with secrets in it, and peers on the loopback interface.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::mount::{MntFlags, umount2};

use crate::actor;
use crate::ground::Ground;
use crate::sys::{Argument, descriptors};

/// What must not be read.
pub(crate) const SECRET: &str = "the secret of the scene";

/// Everything may be read; the workspace may be written, but for a file that is there, a file that is not, a directory
/// and a name; programs may run from one directory beside it; one address and one port.
pub(crate) const POLICY: &str = "\
version: 1
name: bench
filesystem:
  read: [/]
  write: [\"${workspace}\", /dev/null]
  deny: [\"${workspace}/secret\", \"${workspace}/box/inner/denied\", \"${workspace}/absent\", \"**/.env\"]
network:
  allowed_cidrs: [127.0.0.1/32]
  allowed_ports: [4000]
  unix_sockets: [\"${workspace}/allowed\"]
execution:
  allowed_programs: [\"${home}/bin\", /opt/vm/init]
";

/// What the policy grants.
pub(crate) const GRANTED: &str = "127.0.0.1:4000";
/// Another address, another port, the other family.
pub(crate) const OTHER: &str = "127.0.0.2:4000";
pub(crate) const OTHER_PORT: &str = "127.0.0.1:4001";
pub(crate) const SIX: &str = "[::1]:4000";
/// [`OTHER`] as an IPv6 address.
pub(crate) const MAPPED: &str = "[::ffff:127.0.0.2]:4000";

/// Abstract sockets of processes outside.
const ABSTRACT_STREAM: &str = "@hooks-stream";
const ABSTRACT_DATAGRAM: &str = "@hooks-datagram";

/// Where a source route leads first: nobody listens there.
const HOP: [u8; 4] = [127, 0, 0, 3];

/// Files that hold the secret.
const SECRETS: &[&str] = &["secret/file", "box/inner/denied", ".env", "deep/.env"];

/// The tree and the peers.
pub(crate) struct Scene {
    place: Place,
    streams: Vec<(&'static str, TcpListener)>,
    datagrams: Vec<(&'static str, UdpSocket)>,
    /// Every IPv4 packet on every interface.
    packets: File,
    _unix: Unix,
    _abstract: (UnixListener, UnixDatagram),
}

/// Sockets in a tree.
type Unix = (UnixListener, UnixListener, UnixDatagram);

/// The same tree beside the workspace, for what is tried without a guard.
pub(crate) struct Double {
    place: Place,
    _unix: Unix,
}

/// The tree, and the directory of programs beside it.
struct Place {
    tree: PathBuf,
    home: PathBuf,
}

impl Scene {
    /// Makes everything.
    pub(crate) fn set(ground: &Ground) -> Result<Self> {
        let place = Place { tree: ground.workspace(), home: ground.directory().to_owned() };
        place.plant()?;
        let (mut streams, mut datagrams) = (Vec::new(), Vec::new());
        for address in [GRANTED, OTHER, OTHER_PORT, SIX] {
            let stream = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
            stream.set_nonblocking(true)?;
            streams.push((address, stream));
            let datagram = UdpSocket::bind(address)?;
            datagram.set_nonblocking(true)?;
            datagrams.push((address, datagram));
        }
        // Datagram sockets of ICMP are for the groups in this range (icmp(7)); by default for none.
        fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0")?;
        let stream = UnixListener::bind_addr(&actor::unix_address(ABSTRACT_STREAM)?)?;
        let datagram = UnixDatagram::bind_addr(&actor::unix_address(ABSTRACT_DATAGRAM)?)?;
        let (_unix, _abstract) = (place.sockets()?, (stream, datagram));
        Ok(Self { place, streams, datagrams, packets: packets()?, _unix, _abstract })
    }

    /// Makes the tree once more, for a bare attack.
    pub(crate) fn double(&self, ground: &Ground) -> Result<Double> {
        let place =
            Place { tree: ground.directory().join("bare"), home: ground.directory().join("bare-home") };
        place.plant()?;
        Ok(Double { _unix: place.sockets()?, place })
    }

    /// The words of an attack: `@name` is a path in the tree.
    pub(crate) fn words(&self, words: &[&str]) -> Vec<String> {
        words.iter().map(|word| self.place.expand(word)).collect()
    }

    /// A path in the tree.
    pub(crate) fn path(&self, name: &str) -> String {
        self.place.tree.join(name).to_string_lossy().into_owned()
    }

    /// A path in the directory of programs.
    pub(crate) fn program(&self, name: &str) -> String {
        self.place.home.join("bin").join(name).to_string_lossy().into_owned()
    }

    /// Whether somebody has connected there.
    pub(crate) fn streamed(&self, at: &str) -> Result<bool> {
        let peer = self.streams.iter().find(|(name, _)| *name == at).context("nobody listens there")?;
        arrived(|| peer.1.accept().map(drop))
    }

    /// Whether a datagram has arrived there.
    pub(crate) fn received(&self, at: &str) -> Result<bool> {
        let peer = self.datagrams.iter().find(|(name, _)| *name == at).context("nobody listens there")?;
        arrived(|| peer.1.recv(&mut [0; 64]).map(drop))
    }

    /// Takes away what arrived anywhere.
    pub(crate) fn forget(&self) {
        for (_, peer) in &self.streams {
            while peer.accept().is_ok() {}
        }
        for (_, peer) in &self.datagrams {
            while peer.recv(&mut [0; 64]).is_ok() {}
        }
        while (&self.packets).read(&mut [0; 64]).is_ok() {}
    }

    /// Whether a packet has gone to the first hop of a source route.
    pub(crate) fn routed(&self) -> Result<bool> {
        let (mut packet, mut found) = ([0; 256], false);
        while arrived(|| (&self.packets).read(&mut packet).map(drop))? {
            // The destination of an IPv4 header (RFC 791).
            found |= packet[16..20] == HOP;
        }
        Ok(found)
    }

    /// Every secret must be where it was, unchanged.
    pub(crate) fn intact(&self) -> Result<()> {
        for name in SECRETS {
            let path = self.place.tree.join(name);
            ensure!(fs::read_to_string(&path).ok().as_deref() == Some(SECRET), "{name} was changed");
            let file = fs::metadata(&path)?;
            let plain = file.uid() == 0 && file.mode() & 0o777 == 0o644 && file.nlink() == 1;
            ensure!(plain, "{name} has another owner or mode now, or another name: {file:?}");
        }
        ensure!(!self.place.tree.join("absent").exists(), "what is denied came into being");
        Ok(())
    }
}

impl Double {
    /// The words of an attack: `@name` is a path in the tree.
    pub(crate) fn words(&self, words: &[&str]) -> Vec<String> {
        words.iter().map(|word| self.place.expand(word)).collect()
    }
}

/// What is sent over the loopback interface is there when the system call returns; a moment more does no harm.
fn arrived(mut take: impl FnMut() -> io::Result<()>) -> Result<bool> {
    std::thread::sleep(Duration::from_millis(20));
    match take() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error).context("cannot listen"),
    }
}

/// A socket that sees every IPv4 packet (packet(7)): `AF_PACKET`, `SOCK_DGRAM | SOCK_NONBLOCK`, `ETH_P_IP`.
fn packets() -> Result<File> {
    let words = [17, 2 | 0x800, u64::from(0x0800_u16.to_be())];
    Ok(File::from(descriptors::make(libc::SYS_socket, &mut words.map(Argument::Number))?))
}

impl Place {
    /// `@name` in a word is a path in the tree, `~name` one beside it; `%word` is something of the outside.
    fn expand(&self, word: &str) -> String {
        if let Some((before, name)) = word.split_once('@') {
            return format!("{before}{}", self.tree.join(name).display());
        }
        if let Some(name) = word.strip_prefix('~') {
            return self.home.join(name).to_string_lossy().into_owned();
        }
        match word {
            "%outsider" => std::process::id().to_string(),
            "%secret" => (SECRET.as_ptr() as u64).to_string(),
            "%length" => SECRET.len().to_string(),
            "%stream" => ABSTRACT_STREAM.to_owned(),
            "%datagram" => ABSTRACT_DATAGRAM.to_owned(),
            _ => word.to_owned(),
        }
    }

    fn sockets(&self) -> Result<Unix> {
        let at = |name: &str| self.tree.join(name);
        let other = UnixListener::bind(at("stream"))?;
        Ok((other, UnixListener::bind(at("allowed"))?, UnixDatagram::bind(at("datagram"))?))
    }

    fn make(&self, act: &str, words: &[&str]) -> Result<()> {
        let words: Vec<String> = words.iter().map(|word| self.expand(word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        actor::perform(act, &words).succeeded().context("cannot make the tree")
    }

    /// Clears everything and makes it.
    fn plant(&self) -> Result<()> {
        for name in ["empty", "mounted", "root/new", "root"] {
            while umount2(&self.tree.join(name), MntFlags::MNT_DETACH).is_ok() {}
        }
        for directory in [&self.tree, &self.home.join("bin")] {
            match fs::remove_dir_all(directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).context("cannot clear the tree");
                }
                _ => fs::create_dir_all(directory)?,
            }
        }
        for name in SECRETS {
            let path = self.tree.join(name);
            fs::create_dir_all(path.parent().context("no directory")?)?;
            fs::write(path, SECRET)?;
        }
        for directory in ["empty", "secret/hollow", "mounted", "root"] {
            fs::create_dir(self.tree.join(directory))?;
        }
        fs::write(self.tree.join("open"), "open")?;
        self.make("program", &["~bin/program", "42"])?;
        self.make("program", &["@program", "42"])?;
        self.make("code", &["~bin/code"])?;
        self.make("code", &["@code"])?;
        self.make("make_deep", &["@secret", "80", "3", "file", SECRET])?;
        self.make("mount_tmpfs", &["@mounted"])?;
        // Where pivot_root(2) works: a root that is a mount, a mount in it, and a directory in that.
        self.make("mount_tmpfs", &["@root"])?;
        self.make("mkdir", &["@root/new"])?;
        self.make("mount_tmpfs", &["@root/new"])?;
        self.make("mkdir", &["@root/new/old"])
    }
}
