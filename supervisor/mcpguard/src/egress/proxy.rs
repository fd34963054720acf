//! The proxy's door: whoever comes through it was led there, and is asked for a name.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_local;

use super::connection::Connection;
use super::doors::Served;
use super::pipes::Pipes;
use super::room::Room;

/// Connections at once. Each needs two descriptors, and two more while bytes are under way.
const AT_ONCE: usize = 16_384;

/// Serves the proxy's sockets; returns only a failure.
pub(super) async fn serve(room: &Room, doors: &Served) -> io::Error {
    let desk =
        Desk { room: room.clone(), places: Arc::new(Semaphore::new(AT_ONCE)), pipes: Pipes::default() };
    let [first, second] = [doors.connections.first(), doors.connections.get(1)];
    tokio::select! {
        error = desk.connections(first) => error,
        error = desk.connections(second) => error,
    }
}

struct Desk {
    room: Room,
    places: Arc<Semaphore>,
    pipes: Pipes,
}

impl Desk {
    async fn connections(&self, listener: Option<&TcpListener>) -> io::Error {
        let Some(listener) = listener else { return pending().await };
        loop {
            // Whoever comes when all places are taken waits in the kernel's queue.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return pending().await };
            let Ok((stream, peer)) = listener.accept().await else {
                // Out of descriptors: those that are open end in time.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            // Nobody of the session: another user of this host has found the port.
            let Some(wanted) = self.room.backend.arrived(peer) else { continue };
            let connection = Connection::new(self.room.clone(), self.pipes.clone(), wanted);
            spawn_local(async move {
                connection.carry(stream).await;
                drop(place);
            });
        }
    }
}
