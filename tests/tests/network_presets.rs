//! The shipped presets that reach out, with the real servers, against stand-ins of the hosts that they are for.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;

use anyhow::{Result, ensure};
use harness::internet::{Internet, Who};
use harness::{Client, Scene, Server, Start, skip};
use serde_json::json;

/// Where the near side has its authority, for those who bring their own.
const AUTHORITY: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Somebody, and what guards them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guarded {
    Bare,
    ByUser,
    ByRoot,
}

impl Guarded {
    const ALL: [Self; 3] = [Self::Bare, Self::ByUser, Self::ByRoot];

    fn who(self) -> Who {
        if self == Self::ByRoot { Who::Root } else { Who::User }
    }
}

/// A session, or the reason why this host cannot enforce the preset.
fn session(
    internet: &Internet,
    scene: &Scene,
    server: Server,
    options: &[&str],
    how: Guarded,
) -> Result<Result<Client, String>> {
    let mut command = server.command()?;
    command.extend(options.iter().map(OsString::from));
    let start = match how {
        Guarded::Bare => Start::bare(scene, command),
        _ => Start::guarded(scene, server.preset(), command),
    };
    let start = start
        .variable("GITHUB_PERSONAL_ACCESS_TOKEN", "not-a-token")
        .variable("NODE_EXTRA_CA_CERTS", AUTHORITY)
        .variable("SSL_CERT_FILE", AUTHORITY);
    match internet.session(how.who(), scene, start) {
        Ok(client) => Ok(Ok(client)),
        Err(error) => {
            let text = format!("{error:#}");
            ensure!(text.contains("cannot be enforced on this host"), "{text}");
            Ok(Err(text))
        }
    }
}

fn each(server: Server, check: impl Fn(&Internet, &mut Client) -> Result<()>) -> Result<()> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    for how in Guarded::ALL {
        let scene = Scene::new()?;
        match session(&internet, &scene, server, &[], how)? {
            Ok(mut client) => {
                check(&internet, &mut client).map_err(|error| error.context(format!("{how:?}")))?
            }
            Err(_) => skip(&format!("the network rules of {} {how:?}", server.preset())),
        }
    }
    Ok(())
}

#[test]
fn github_reaches_its_api() -> Result<()> {
    each(Server::Github, |internet, client| {
        let answer = client.call("search_repositories", json!({ "query": "mcpguard" }))?;
        let found = internet.repositories().to_string();
        ensure!(answer.text()?.contains(&found), "{}; {}", answer.0, client.stderr());
        Ok(())
    })
}

#[test]
fn fetch_reaches_public_pages_and_no_others() -> Result<()> {
    each(Server::Fetch, |internet, client| {
        let page = client.call("fetch", json!({ "url": "https://evil.example/" }))?;
        ensure!(page.text()?.contains(&internet.secret("evil.example")), "{}; {}", page.0, client.stderr());
        Ok(())
    })
}

/// The preset is for public pages; metadata, private addresses and loopback are none, by whatever name.
#[test]
fn fetch_reaches_nothing_inside() -> Result<()> {
    let inside = [
        ("http://169.254.169.254/", "metadata"),
        ("http://metadata.rebind.example/", "metadata"),
        ("http://private.rebind.example/", "private"),
        ("http://loopback.rebind.example/", "loopback"),
        ("http://127.0.0.1/", "loopback"),
        ("http://host.docker.internal/", "gateway"),
    ];
    let reached = |internet: &Internet, client: &mut Client| -> Result<usize> {
        let mut count = 0;
        for (url, host) in inside {
            let answer = client.call("fetch", json!({ "url": url }))?;
            count += usize::from(answer.0.to_string().contains(&internet.secret(host)));
        }
        Ok(count)
    };
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        skip("root, who can make network namespaces");
        return Ok(());
    }
    let internet = Internet::raise()?;
    // The server has a guard of its own since 2026, which is not what is tried here.
    let options = ["--allow-private-ips"];
    for (how, expected) in [(Guarded::Bare, inside.len()), (Guarded::ByUser, 0), (Guarded::ByRoot, 0)] {
        let scene = Scene::new()?;
        match session(&internet, &scene, Server::Fetch, &options, how)? {
            Ok(mut client) => {
                let count = reached(&internet, &mut client)?;
                ensure!(count == expected, "{how:?}: {count} instead of {expected}");
            }
            Err(_) => skip(&format!("the network rules of fetch {how:?}")),
        }
    }
    Ok(())
}
