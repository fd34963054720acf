//! A question that some rule allows: the hosts file knows the answer, or the cache, or else an upstream.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_proto::ProtoError;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::Names;
use super::ask::{Asked, Moment, Refusal};
use crate::body::Body;
use crate::deadlines::NEVER;
use crate::pending::Waiting;
use crate::question::Question;
use crate::rules::Permit;
use crate::upstream::Asking;
use crate::{Limit, SECOND, Why, shape};

/// For how long a client may keep what the hosts file says, in seconds.
const HOSTS_LIFE: u32 = 60;
/// A name that was asked for is no new name for so long, in nanoseconds.
const REMEMBERED: u64 = 60 * SECOND;

impl Names {
    pub(super) fn look_up(
        &mut self,
        question: &Question,
        permit: Permit,
        at: Moment,
    ) -> Result<Asked, Refusal> {
        if self.limits.lookups_per_minute.is_some_and(|limit| !self.lookups.take(limit, at.now_ns)) {
            return Err(Refusal::refused(Limit::Lookups));
        }
        if self.hosts.addresses(&question.name).is_some() {
            return self.host_entry(question, &permit, at);
        }
        if let Some(answer) = self.kept_answer(question, at.now_ns) {
            return Ok(Asked::Answer(answer, Vec::new()));
        }
        self.admit(question, &permit, at.now_ns)?;
        self.forward(question, permit, at)
    }

    fn kept_answer(&self, question: &Question, now_ns: u64) -> Option<Vec<u8>> {
        let kept = self.cache.answer(&question.name, question.kind, now_ns)?;
        // A kept answer holds for an hour at most.
        let left = u32::try_from((kept.until_ns - now_ns) / SECOND).unwrap_or(0);
        Some(question.answer(&kept.body, left))
    }

    /// Whether a name that is not at hand may be asked for: the limits against tunnels, and the table's.
    fn admit(&mut self, question: &Question, permit: &Permit, now_ns: u64) -> Result<(), Refusal> {
        if permit.beneath > 0 {
            shape::check(&question.name[..permit.beneath]).map_err(Refusal::refused)?;
        }
        if self.pending.is_full() {
            return Err(Refusal::failed(Limit::Waiting));
        }
        if !self.cache.has_room(&question.name) {
            return Err(Refusal::failed(Limit::Names));
        }
        let is_new = permit.beneath > 0 && !self.cache.knows(&question.name);
        if is_new && !self.new_names.take(self.limits.names_per_minute, now_ns) {
            return Err(Refusal::refused(Limit::NewNames));
        }
        Ok(())
    }

    fn forward(&mut self, question: &Question, permit: Permit, at: Moment) -> Result<Asked, Refusal> {
        let Moment { active, id, now_ns } = at;
        let query = Asking { id, name: wire(&question.name)?, kind: question.kind, edns: question.edns };
        let message = query.message()?;
        let name: Arc<str> = Arc::from(&*question.name);
        self.cache.note(&name, now_ns.saturating_add(REMEMBERED));
        let (question, grants) = (question.clone(), permit.grants);
        let ticket = self.pending.add(Waiting { question, name, query, grants, active, by_tcp: false });
        Ok(Asked::Forward { ticket, message })
    }

    fn host_entry(&mut self, question: &Question, permit: &Permit, at: Moment) -> Result<Asked, Refusal> {
        let known = self.hosts.addresses(&question.name).unwrap_or_default().to_vec();
        let name: Arc<str> = Arc::from(&*question.name);
        let changes =
            self.learn_all(&name, &known, &permit.grants, NEVER, at.now_ns).map_err(Refusal::failed)?;
        let mut records = Vec::with_capacity(known.len());
        let owner = wire(&name)?;
        for address in known {
            if !self.is_reachable(address, &permit.grants) {
                self.facts.add(&name, Why::Rebinding(address), at.active);
            } else if let Some(data) = data(address, question.kind) {
                records.push(Record::from_rdata(owner.clone(), HOSTS_LIFE, data));
            }
        }
        let body = Body::write(ResponseCode::NoError, (&owner, question.kind), &records)?;
        Ok(Asked::Answer(question.answer(&body, HOSTS_LIFE), changes))
    }
}

/// The address as a record of this type.
fn data(address: IpAddr, kind: RecordType) -> Option<RData> {
    match (address, kind) {
        (IpAddr::V4(v4), RecordType::A) => Some(RData::A(A(v4))),
        (IpAddr::V6(v6), RecordType::AAAA) => Some(RData::AAAA(AAAA(v6))),
        _ => None,
    }
}

/// A name (lower case, without a trailing dot) as it stands in messages.
fn wire(name: &str) -> Result<Name, ProtoError> {
    Name::from_labels(name.split('.').map(str::as_bytes))
}
