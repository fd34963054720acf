//! The proxy's door: whoever comes through it was led there, and is asked for a name.

use std::future::pending;
use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::connection::Connection;
use super::doors::{Served, accept};
use super::room::Room;

/// Serves the proxy's sockets; returns only a failure.
pub(super) async fn serve(room: &Room, doors: &Served) -> io::Error {
    let [first, second] = [doors.connections.first(), doors.connections.get(1)];
    tokio::select! {
        error = connections(room, first) => error,
        error = connections(room, second) => error,
    }
}

async fn connections(room: &Room, listener: Option<&TcpListener>) -> io::Error {
    let Some(listener) = listener else { return pending().await };
    loop {
        let (stream, peer) = match accept(listener).await {
            Ok(accepted) => accepted,
            Err(error) => return error,
        };
        // The first who finds no place waits here, and the others in the kernel's queue.
        let Ok(place) = Arc::clone(&room.places).acquire_owned().await else { return pending().await };
        // Nobody of the session: another user of this host has found the port.
        let Some(wanted) = room.backend.arrived(peer) else { continue };
        let connection = Connection::new(room.clone(), wanted);
        spawn_local(async move {
            connection.carry(stream).await;
            drop(place);
        });
    }
}
