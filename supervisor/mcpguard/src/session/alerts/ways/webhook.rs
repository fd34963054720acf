//! A server that is told by HTTP.

use std::time::Duration;

use policy::plan::Webhook;

use super::super::found::Message;
use super::Way;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that is told.
pub(in crate::session::alerts) struct Server(Webhook);

impl Server {
    pub(in crate::session::alerts) fn new(webhook: Webhook) -> Self {
        Self(webhook)
    }
}

impl Way for Server {
    fn tell(&mut self, message: &Message, missed: u64) -> anyhow::Result<()> {
        let Webhook { authority, path, .. } = &self.0;
        match telemetry::post_json(authority, path, message.json(missed)?, PATIENCE)? {
            200..=299 => Ok(()),
            status => anyhow::bail!("http://{authority}/… answered with status {status}"),
        }
    }
}
