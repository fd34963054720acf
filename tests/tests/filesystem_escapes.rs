//! `@modelcontextprotocol/server-filesystem@2025.3.28` compares path prefixes as text (CVE-2025-53110) and follows
//! symlinks (CVE-2025-53109). Without the guard both ways lead out; under our preset neither does.

use std::os::unix::fs::symlink;

use anyhow::{Result, ensure};
use harness::{Client, Scene, Server, Start};
use serde_json::json;

/// One way out: what is read, and what is written.
struct Escape {
    name: &'static str,
    read: String,
    write: String,
}

fn scene_with_escapes() -> Result<(Scene, Vec<Escape>)> {
    let scene = Scene::new()?;
    let (workspace, evil) = (scene.workspace(), scene.workspace_evil());
    // The server resolves links before it compares, but compares the result as text: a link to a place that shares
    // the prefix passes, and so does the place itself.
    symlink(&evil, workspace.join("link"))?;
    symlink(scene.outside(), evil.join("further"))?;
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    let escapes = vec![
        Escape { name: "prefix", read: text(evil.join("secret.txt")), write: text(evil.join("prefix.txt")) },
        Escape {
            name: "symlink",
            read: text(workspace.join("link/secret.txt")),
            write: text(workspace.join("link/symlink.txt")),
        },
    ];
    Ok((scene, escapes))
}

fn reads(client: &mut Client, path: &str) -> Result<bool> {
    let answer = client.call("read_file", json!({ "path": path }))?;
    Ok(!answer.is_refusal() && answer.text()?.contains("evil"))
}

fn writes(client: &mut Client, path: &str) -> Result<bool> {
    let answer = client.call("write_file", json!({ "path": path, "content": "escaped" }))?;
    Ok(!answer.is_refusal() && std::fs::read_to_string(path).is_ok_and(|text| text == "escaped"))
}

#[test]
fn without_the_guard_the_old_server_leads_out() -> Result<()> {
    let (scene, escapes) = scene_with_escapes()?;
    let server = Server::Filesystem2025_3_28.with(&[&scene.workspace()])?;
    let mut client = Start::bare(&scene, server).session()?;
    for Escape { name, read, write } in &escapes {
        ensure!(reads(&mut client, read)?, "{name}: the hole is gone, the test proves nothing");
        ensure!(writes(&mut client, write)?, "{name}: the hole is gone, the test proves nothing");
    }
    Ok(())
}

#[test]
fn under_the_preset_the_old_server_stays_inside() -> Result<()> {
    let (scene, escapes) = scene_with_escapes()?;
    let server = Server::Filesystem2025_3_28.with(&[&scene.workspace()])?;
    let mut client = Start::guarded(&scene, "filesystem", server).session()?;
    for Escape { name, read, write } in &escapes {
        ensure!(!reads(&mut client, read)?, "{name}: read outside of the workspace");
        ensure!(!writes(&mut client, write)?, "{name}: wrote outside of the workspace");
        ensure!(!std::path::Path::new(write).exists(), "{name}: left a file outside of the workspace");
    }
    // The wall is not simply closed: the workspace is open.
    let inside = scene.workspace().join("inside.txt").to_string_lossy().into_owned();
    ensure!(client.call("read_file", json!({ "path": inside }))?.text()?.contains("inside"));
    let fresh = scene.workspace().join("fresh.txt").to_string_lossy().into_owned();
    ensure!(writes(&mut client, &fresh)?, "the workspace cannot be written");
    Ok(())
}
