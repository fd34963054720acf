//! Raising the internet: files, namespaces, addresses, servers; and entering it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::debian::Debian;
use super::hosts::{EVIL, GATEWAY, RESOLVER, addresses};
use super::namespace::Namespace;
use super::texts::Secrets;
use super::{certificates, crowd, servers, zones};
use crate::patience::{patience, seconds};
use crate::processes::eventually;
use crate::run;
use crate::servers::checkout;

/// The user who has no rights at all; nobody else has this number.
pub(super) const USER: u32 = 47_110;
/// A port that only a server which may listen can open.
pub(super) const OFFERED: u16 = 4000;
/// The soft limit of open files of whatever is run on the near side.
pub const SOFT_LIMIT: u64 = 1024;
/// The near end of the wire.
const HERE: &[&str] = &["172.17.0.2", "fd00:17::2"];
/// What is configured before anything is plugged in: no address is probed for, which would take seconds.
const QUIET: &str = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad; echo 0 > /proc/sys/net/ipv6/conf/all/accept_dad; \
                     echo 3 > /proc/sys/net/ipv4/tcp_fastopen; echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range";

/// How the two sides are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// By a pair of interfaces: packets really leave.
    Pair,
    /// Not at all: both are one namespace, for kernels without pairs.
    Loopback,
}

/// As whom something is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A user without any capability.
    User,
    /// Root with all of them.
    Root,
}

/// A raised internet. It is gone when this is dropped, and when this process ends in any other way.
pub struct Internet {
    pub(super) here: Namespace,
    out: Namespace,
    wire: Wire,
    pub(super) secrets: Secrets,
    pub(super) debian: Debian,
    place: TempDir,
}

impl Internet {
    /// Raises one; by a pair of interfaces where the kernel has them.
    pub fn raise() -> Result<Self> {
        match Self::by(Wire::Pair) {
            Err(error) if format!("{error:#}").contains("Unknown device type") => Self::by(Wire::Loopback),
            raised => raised,
        }
    }

    /// Raises one that is connected in a certain way.
    pub fn by(wire: Wire) -> Result<Self> {
        let place = tempfile::Builder::new().prefix("mcpguard-internet-").tempdir()?;
        let out = Namespace::new()?;
        let here = if wire == Wire::Pair { Namespace::new() } else { Namespace::within(&out) }?;
        let (secrets, debian) = (Secrets::new()?, Debian::find()?);
        let mut internet = Self { here, out, wire, secrets, debian, place };
        internet.write().context("the files of the test internet")?;
        internet.plug().context("the wire of the test internet")?;
        internet.furnish().context("the near side of the test internet")?;
        internet.serve().context("the servers of the test internet")?;
        Ok(internet)
    }

    /// The secret of a host, which its page shows.
    pub fn secret(&self, host: &str) -> String {
        self.secrets.of(host)
    }

    /// How many repositories the stand-in of GitHub's API finds, whatever is searched for.
    pub fn repositories(&self) -> u32 {
        self.secrets.number()
    }

    /// Where its files are.
    pub(super) fn place(&self) -> &Path {
        self.place.path()
    }

    /// How it is connected.
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// Where the friend listens who hands out connections.
    pub(super) fn friend(&self) -> PathBuf {
        self.place().join("friend")
    }

    /// The words before a command that is to run on the near side, in a directory.
    pub fn enter(&self, who: Who, directory: &Path) -> Vec<OsString> {
        let mut words = self.here.enter();
        // As most systems start their programs: whoever needs more raises it.
        words.extend(["prlimit".into(), format!("--nofile={SOFT_LIMIT}:").into(), "--".into()]);
        words.extend(["env".into(), "--chdir".into(), directory.into()]);
        if who == Who::User {
            let user = USER.to_string();
            let less = ["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", "--inh-caps=-all"];
            words.extend(less.iter().chain(&["--bounding-set=-all", "--"]).map(OsString::from));
        }
        words
    }

    fn write(&self) -> Result<()> {
        let place = self.place();
        fs::set_permissions(place, fs::Permissions::from_mode(0o755))?;
        certificates::make(&self.debian, place, &self.secrets)?;
        for (name, text) in zones::zones(&self.secrets) {
            fs::write(place.join(name), text)?;
        }
        fs::write(place.join("unbound.conf"), zones::configuration(place))?;
        fs::write(place.join("nginx.conf"), servers::configuration(place, &self.secrets))?;
        fs::write(
            place.join("resolv.conf"),
            format!("nameserver {RESOLVER}\noptions timeout:{} attempts:1\n", seconds(1)),
        )?;
        fs::write(
            place.join("hosts"),
            "127.0.0.1 localhost\n::1 localhost\n93.184.216.15 pinned.shop.example\n",
        )?;
        // Longer than what is buffered anywhere on the way; what counts is its end.
        fs::write(place.join("bulk"), "x".repeat(8 << 20) + &self.secrets.of("bulk"))?;
        fs::write(place.join("nsswitch.conf"), "passwd: files\nhosts: files dns\nnetworks: files\n")?;
        self.repository()
    }

    /// A repository with one commit, as a web server gives it out file by file.
    fn repository(&self) -> Result<()> {
        let place = self.place().join("repositories/project.git");
        fs::create_dir_all(&place)?;
        let readme = self.place().join("README");
        fs::write(&readme, self.secrets.of("git.shop.example"))?;
        self.git(&["init", "--quiet", "--bare", "--initial-branch=main", "."])?;
        let blob = self.git(&["hash-object", "-w", &readme.display().to_string()])?;
        fs::write(self.place().join("tree"), format!("100644 blob {blob}\tREADME\n"))?;
        let tree = self.here.shell(&format!(
            "{} --git-dir {} mktree < {}",
            shell_words(&self.debian.server("usr/bin/git")),
            place.display(),
            self.place().join("tree").display()
        ))?;
        let commit = self.git(&["commit-tree", "-m", "first", tree.trim()])?;
        self.git(&["update-ref", "refs/heads/main", &commit])?;
        self.git(&["update-server-info"]).map(drop)
    }

    fn git(&self, words: &[&str]) -> Result<String> {
        let place = self.place().join("repositories/project.git");
        let mut command = self.debian.command("usr/bin/git");
        command.arg("--git-dir").arg(&place).args(words).current_dir(&place).env_clear();
        for who in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{who}_NAME"), "nobody")
                .env(format!("GIT_{who}_EMAIL"), "nobody@shop.example");
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TEMPLATE_DIR", "/nonexistent");
        let finished = run(&mut command)?;
        ensure!(finished.status == Some(0), "git {words:?}: {}", finished.stderr);
        Ok(finished.stdout.trim().to_owned())
    }

    fn ip(&self, side: &Namespace, line: &str) -> Result<()> {
        let mut words = self.debian.server("bin/ip");
        words.extend(line.split(' ').map(OsString::from));
        side.run(&words).map(drop)
    }

    fn plug(&self) -> Result<()> {
        self.here.shell(QUIET)?;
        self.out.shell(QUIET)?;
        self.ip(&self.out, "link set lo up")?;
        if self.wire == Wire::Pair {
            self.pair()?;
        } else {
            self.addresses(&self.out, HERE, "lo")?;
        }
        self.addresses(&self.out, &addresses(), "lo")?;
        self.ip(&self.out, &format!("route add local {} dev lo", crowd::RANGE))
    }

    /// A pair of interfaces, and the way over it as the only one.
    fn pair(&self) -> Result<()> {
        let here = self.here.process();
        self.ip(&self.out, &format!("link add wire type veth peer name eth0 netns {here}"))?;
        self.ip(&self.here, "link set lo up")?;
        for (side, device, own, local) in
            [(&self.out, "wire", GATEWAY, "fe80::1"), (&self.here, "eth0", HERE, "fe80::2")]
        {
            self.ip(side, &format!("link set {device} addrgenmode none up"))?;
            self.ip(side, &format!("addr add {}/16 dev {device}", own[0]))?;
            self.ip(side, &format!("-6 addr add {}/64 dev {device} nodad", own[1]))?;
            self.ip(side, &format!("-6 addr add {local}/64 dev {device} nodad"))?;
        }
        self.ip(&self.here, &format!("link set eth0 alias {}", self.secrets.of("alias")))?;
        self.ip(&self.here, &format!("route add default via {}", GATEWAY[0]))?;
        self.ip(&self.here, &format!("-6 route add default via {}", GATEWAY[1]))
    }

    fn addresses(&self, side: &Namespace, all: &[&str], device: &str) -> Result<()> {
        let batch = self.place().join("addresses");
        let gateway = if self.wire == Wire::Pair { GATEWAY } else { &[] };
        let lines = all.iter().filter(|address| !gateway.contains(address)).map(|address| {
            match address.contains(':') {
                true => format!("addr add {address}/128 dev {device} nodad\n"),
                false => format!("addr add {address}/32 dev {device}\n"),
            }
        });
        fs::write(&batch, lines.collect::<String>())?;
        self.ip(side, &format!("-batch {}", batch.display()))
    }

    /// Names and authorities of their own, for these mount namespaces alone.
    fn furnish(&self) -> Result<()> {
        for (file, at) in [
            ("resolv.conf", "/etc/resolv.conf"),
            ("hosts", "/etc/hosts"),
            ("nsswitch.conf", "/etc/nsswitch.conf"),
        ] {
            // A dangling link, as some containers have it, is no place to bind to.
            let target =
                fs::canonicalize(at).with_context(|| format!("{at} is needed to put another over it"))?;
            self.bind(&self.here, file, &target)?;
            // The relay on the far side resolves names, too.
            self.bind(&self.out, file, &target)?;
        }
        self.bind(&self.here, "certs", Path::new("/etc/ssl/certs"))
    }

    fn bind(&self, side: &Namespace, what: &str, at: &Path) -> Result<()> {
        let words = ["mount".into(), "--bind".into(), self.place().join(what).into(), at.into()];
        side.run(&words).map(drop)
    }

    fn serve(&mut self) -> Result<()> {
        let place = self.place().to_path_buf();
        let scripts = checkout().join("tests/internet/servers");
        for (program, file) in [("usr/sbin/unbound", "unbound.conf"), ("usr/sbin/nginx", "nginx.conf")] {
            let mut words = self.debian.server(program);
            words.extend(["-c".into(), place.join(file).into()]);
            let log = place.join(format!("{file}.log"));
            self.out.serve(&words, &log)?;
        }
        fs::write(place.join("collector.json"), self.collector().to_string())?;
        fs::write(place.join("neighbour.json"), self.neighbour().to_string())?;
        fs::write(place.join("relay.json"), self.relay().to_string())?;
        let python = |script: &str, settings: &str| -> Vec<OsString> {
            vec!["/usr/bin/python3".into(), scripts.join(script).into(), place.join(settings).into()]
        };
        self.out.serve(&python("collector.py", "collector.json"), &place.join("collector.err"))?;
        fs::write(place.join("crowd.json"), self.crowd().to_string())?;
        self.out.serve(&python("crowd.py", "crowd.json"), &place.join("crowd.err"))?;
        self.here.serve(&python("neighbour.py", "neighbour.json"), &place.join("neighbour.err"))?;
        self.here.serve(&python("collector.py", "relay.json"), &place.join("relay.err"))?;
        self.ready()
    }

    fn collector(&self) -> serde_json::Value {
        let (evil, evil6) = (EVIL[0], EVIL[1]);
        let everywhere = [evil, evil6, "10.0.0.5", GATEWAY[0]];
        let ports = [22, 25, 53, 853, 4444];
        let mut streams: Vec<_> =
            everywhere.iter().flat_map(|host| ports.map(|port| json!([host, port]))).collect();
        if self.wire == Wire::Pair {
            streams.push(json!(["fe80::1%wire", 4444]));
        }
        let datagrams: Vec<_> =
            [evil, evil6].iter().flat_map(|host| [53, 443, 4444].map(|port| json!([host, port]))).collect();
        let interface = if self.wire == Wire::Pair { "wire" } else { "lo" };
        json!({
            "interface": interface, "wire": self.place().join("wire.log"), "log": self.place().join("arrived.log"),
            "streams": streams, "datagrams": datagrams, "relays": [["93.184.216.40", 8080]],
            "databases": [[[evil, 5432], "evil-database"], [["93.184.216.32", 5432], "database"]],
            "callers": [[[HERE[0], OFFERED], GATEWAY[0]]],
            "secrets": self.named(&["stream", "datagram", "evil-database", "database"]),
        })
    }

    /// The collector on the near side: a relay on loopback, and nothing else.
    fn relay(&self) -> serde_json::Value {
        json!({
            "interface": "", "wire": "", "log": self.place().join("relay.log"), "streams": [], "datagrams": [],
            "relays": [["127.0.0.1", 3128]], "databases": [], "callers": [], "secrets": {},
        })
    }

    fn neighbour(&self) -> serde_json::Value {
        json!({
            "page": [["127.0.0.1", 80], ["::1", 80], ["127.0.0.1", 8500], ["127.0.0.1", 443]],
            "friend": self.friend(), "evil": [EVIL[0], 4444], "log": self.place().join("neighbour.log"),
            "secrets": self.named(&["loopback"]),
        })
    }

    fn named(&self, names: &[&str]) -> serde_json::Value {
        names
            .iter()
            .map(|name| ((*name).to_owned(), json!(self.secrets.of(name))))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// Waits until every server has answered once.
    fn ready(&self) -> Result<()> {
        let told = |file: &str, word: &str| {
            fs::read_to_string(self.place().join(file)).is_ok_and(|text| text.contains(word))
        };
        let up = || {
            told("arrived.log", "listening")
                && told("wire.log", "tapped")
                && told(crowd::LOG, "listening")
                && told("neighbour.log", "listening")
                && told("relay.log", "listening")
                && self.answers()
        };
        if !eventually(patience(Duration::from_secs(20)), up) {
            bail!("they do not come up:\n{}", self.complaints());
        }
        Ok(())
    }

    /// Whether a page can be had by its name, which needs everything.
    fn answers(&self) -> bool {
        let attacks = checkout().join("tests/internet/attacks").display().to_string();
        let follow = format!(
            "/usr/bin/python3 -B {attacks} dns.system api.shop.example && \
             /usr/bin/python3 -B {attacks} http1.ask 93.184.216.10 80 api.shop.example"
        );
        self.here.shell(&follow).is_ok_and(|text| text.contains(&self.secrets.of("api.shop.example")))
    }

    /// What the servers complain about.
    fn complaints(&self) -> String {
        let files = [
            "unbound.conf.log",
            "queries.log",
            "nginx.conf.log",
            "nginx.err",
            "collector.err",
            "crowd.err",
            "neighbour.err",
        ];
        let texts = files.map(|file| {
            let text = fs::read_to_string(self.place().join(file)).unwrap_or_default();
            format!("{file}: {}\n", text.lines().take(20).collect::<Vec<_>>().join("\n  "))
        });
        texts.concat()
    }
}

fn shell_words(words: &[OsString]) -> String {
    words.iter().map(|word| format!("'{}'", word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}
