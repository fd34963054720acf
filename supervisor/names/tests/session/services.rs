//! Service bindings, services and texts (RFC 9460, RFC 2782).

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::svcb::{Alpn, EchConfigList, IpHint, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, HTTPS, SRV, SVCB, TXT};
use hickory_proto::rr::{RData, Record, RecordType};
use policy::plan::{NetworkPlan, Records};

use crate::world::*;

const API: &str = "api.example.org";

fn binding(target: &str, ids: &[&str], more: bool) -> SVCB {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let mut params = vec![(SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(ids)))];
    if more {
        let hint = SvcParamValue::Ipv4Hint(IpHint(vec![A([9, 9, 9, 9].into())]));
        params.push((SvcParamKey::Ipv4Hint, hint));
        params
            .push((SvcParamKey::EchConfigList, SvcParamValue::EchConfigList(EchConfigList(vec![0xec; 32]))));
    }
    SVCB::new(1, domain(target), params)
}

fn record(data: RData) -> Record {
    Record::from_rdata(domain(API), 300, data)
}

#[test]
fn bindings_lose_what_leads_around_the_checks() {
    for kind in [RecordType::HTTPS, RecordType::SVCB] {
        let wrap = |binding| match kind {
            RecordType::HTTPS => record(RData::HTTPS(HTTPS(binding))),
            _ => record(RData::SVCB(binding)),
        };
        let mut session = Session::new(plan());
        let sent = session.forwarded(API, kind);
        let reply = sent.reply(&[
            wrap(binding(".", &["h2", "h3"], true)),
            wrap(binding(".", &["h3"], true)),
            wrap(binding("evil.test.", &["h2"], false)),
            wrap(binding("x.wild.test.", &["h2"], false)),
        ]);
        assert!(reply.windows(8).any(|window| window == [0xec; 8]));
        let (answer, changes) = session.reply(sent.ticket, &reply);
        let clean = [wrap(binding(".", &["h2"], false)), wrap(binding("x.wild.test.", &["h2"], false))];
        assert_eq!((&answer.answers[..], changes.len()), (&clean[..], 0));
        // Kept, and given again with the time that is left.
        session.now += 100 * SECOND;
        let again = session.answer(API, kind);
        assert_eq!(again.answers.iter().map(|record| record.ttl).collect::<Vec<_>>(), [200, 200]);
        assert!(session.names.may_speak(API, ip("9.9.9.9"), ALWAYS, session.now).is_err());
    }
}

#[test]
fn a_binding_of_which_nothing_is_left_is_no_record() {
    let mut session = Session::new(plan());
    let records = [record(RData::HTTPS(HTTPS(binding(".", &["h3"], true))))];
    let (answer, _) = session.resolve(API, RecordType::HTTPS, &records);
    assert_eq!((answer.response_code, answer.answers.len()), (ResponseCode::NoError, 0));
}

#[test]
fn services_and_texts_only_where_a_rule_says_so() {
    let mut db = rule("db.test", 0);
    db.records = Records { srv: true, txt: true };
    let mut session = Session::new(NetworkPlan { domains: vec![db, rule(API, 0)], ..plan() });
    let service = "_mongodb._tcp.db.test";
    let srv = RData::SRV(SRV::new(1, 2, 27017, domain("shard-0.db.test")));
    let records = [Record::from_rdata(domain(service), 60, srv)];
    let sent = session.forwarded(service, RecordType::SRV);
    let reply = sent.reply_with(|message| {
        message.answers = records.to_vec();
        message.additionals.push(address("shard-0.db.test", 60, "9.9.9.9"));
    });
    let (answer, changes) = session.reply(sent.ticket, &reply);
    assert_eq!((&answer.answers[..], changes.len(), answer.additionals.len()), (&records[..], 0, 0));
    let text =
        Record::from_rdata(domain("db.test"), 60, RData::TXT(TXT::new(vec!["authSource=admin".into()])));
    let (answer, changes) = session.resolve("db.test", RecordType::TXT, std::slice::from_ref(&text));
    assert_eq!((&answer.answers[..], changes.len()), (&[text][..], 0));
    for (name, kind) in [(API, RecordType::TXT), ("_http._tcp.api.example.org", RecordType::SRV)] {
        assert_eq!(session.answer(name, kind).response_code, ResponseCode::Refused);
    }
}

#[test]
fn what_is_large_is_given_but_not_kept() {
    let mut db = rule("db.test", 0);
    db.records.txt = true;
    let mut session = Session::new(NetworkPlan { domains: vec![db], ..plan() });
    session.transport = names::Transport::Tcp;
    let text = TXT::new(vec!["x".repeat(250); 200]);
    let records = [Record::from_rdata(domain("db.test"), 60, RData::TXT(text))];
    for _ in 0..2 {
        let (answer, _) = session.resolve("db.test", RecordType::TXT, &records);
        assert_eq!(answer.answers, records);
    }
}
