//! The harness against bare servers: what the other tests rest on.

use anyhow::{Result, ensure};
use harness::{INITIALIZE_REVISIONS, Runtime, Scene, Server, Start};
use serde_json::json;

#[test]
fn puppets_speak_every_handshake_revision() -> Result<()> {
    let scene = Scene::new()?;
    for runtime in Runtime::ALL {
        for revision in INITIALIZE_REVISIONS {
            let mut client = Start::bare(&scene, runtime.puppet()?).client()?;
            ensure!(client.handshake(revision)?["protocolVersion"] == revision);
            ensure!(client.call("echo", json!({ "text": "héllo" }))?.puppet()?["text"] == "héllo");
            ensure!(client.finish()?.code() == Some(0), "{runtime:?}: {}", client.stderr());
        }
    }
    Ok(())
}

#[test]
fn real_servers_are_installed_and_answer() -> Result<()> {
    let scene = Scene::new()?;
    let workspace = scene.workspace();
    for (server, arguments) in [
        (Server::Everything, vec![]),
        (Server::Filesystem, vec![workspace.as_path()]),
        (Server::Filesystem2025_3_28, vec![workspace.as_path()]),
        (Server::Time, vec![]),
    ] {
        let mut client = Start::bare(&scene, server.with(&arguments)?).session()?;
        ensure!(!client.tool_names()?.is_empty(), "{server:?} has no tools");
    }
    Ok(())
}
