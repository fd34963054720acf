//! A daemon that says whatever a test wants: frames by hand, so that it can lie. (`supervisor/control`, "The bytes")

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

/// What it does with a connection.
pub type Manners = fn(&mut Heard) -> std::io::Result<()>;

/// One connection.
pub struct Heard {
    stream: UnixStream,
}

impl Heard {
    /// The next frame's payload; an error at the end.
    pub fn read(&mut self) -> std::io::Result<Value> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok(serde_json::from_slice(&payload)?)
    }

    /// One frame.
    pub fn say(&mut self, value: &Value) -> std::io::Result<()> {
        let payload = value.to_string();
        let mut frame = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        frame.push(0);
        frame.extend(payload.as_bytes());
        self.raw(&frame)
    }

    /// Any bytes.
    pub fn raw(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Hears the hello and says its own, of these versions.
    pub fn greet(&mut self, oldest: u32, newest: u32) -> std::io::Result<()> {
        self.read()?;
        self.say(
            &json!({ "magic": "mcpguard-control", "oldest": oldest, "newest": newest, "build": "9.9.9" }),
        )
    }

    /// Answers an offer as a daemon does that enforces everything; `true` if it was asked for one.
    pub fn offer(&mut self) -> std::io::Result<bool> {
        let asked = self.read()?;
        let is_offer = asked["request"] == "offer";
        if is_offer {
            let offered = json!({ "hooks": "lsm", "network": true, "group": true, "memory": true, "cpu": true, "processes": true });
            self.say(&json!({ "answer": { "id": 1, "answer": { "offered": offered } } }))?;
        }
        Ok(is_offer)
    }
}

/// Listens in a directory until the test's process ends.
///
/// # Errors
/// The socket cannot be made.
pub fn daemon(directory: &Path, manners: Manners) -> Result<PathBuf> {
    let path = directory.join("control.sock");
    let listener = UnixListener::bind(&path)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever has heard enough goes.
            std::thread::spawn(move || manners(&mut Heard { stream }));
        }
    });
    Ok(path)
}
