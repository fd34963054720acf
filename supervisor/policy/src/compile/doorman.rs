//! `session`, `server_requests`, `responses`, `audit` → what the doorman and the log do.

use super::Compiler;
use crate::document::At;
use crate::document::list::{Item, Subject};
use crate::document::sections::{Audit, Responses, ServerRequests, Session};
use crate::document::words::{OnRateLimit, Permission, Redaction, Word};
use crate::plan::{Ask, AuditPlan, LinksPlan, Origin, ResponsesPlan, RuleId, SessionPlan};

const MESSAGE_BYTES: u64 = 32 << 20;
const CONCURRENT_CALLS: u32 = 1024;
const LOG_BYTES: u64 = 64 << 20;
const LOG_FILES: u32 = 8;

impl Compiler<'_> {
    pub(super) fn session(&mut self, session: Session, requests: ServerRequests) -> SessionPlan {
        let Session {
            max_requests_per_minute,
            on_rate_limit,
            max_message_bytes,
            max_concurrent_calls,
            extra_methods,
        } = session;
        let ServerRequests { sampling, elicitation, roots } = requests;
        let ledger = &mut self.ledger;
        let rate = |n: &crate::document::numbers::PerMinute| n.get().to_string();
        ledger.key("session.max_requests_per_minute", &max_requests_per_minute, rate, Ask::Doorman);
        let word = |what: &OnRateLimit| what.word().to_owned();
        ledger.key("session.on_rate_limit", &on_rate_limit, word, Ask::Doorman);
        ledger.key("session.max_message_bytes", &max_message_bytes, |n| n.0.to_string(), Ask::Doorman);
        ledger.key(
            "session.max_concurrent_calls",
            &max_concurrent_calls,
            |n| n.get().to_string(),
            Ask::Doorman,
        );
        for (key, permission) in [("sampling", &sampling), ("elicitation", &elicitation), ("roots", &roots)] {
            let show = |permission: &Permission| permission.word().to_owned();
            ledger.key(&format!("server_requests.{key}"), permission, show, Ask::Doorman);
        }
        let mut methods = Vec::new();
        for Item { value, reason, origin } in super::network::items(extra_methods) {
            ledger.rule(format!("session.extra_methods: {}", value.show()), &origin, reason, Ask::Doorman);
            methods.push(value.0);
        }
        let allowed =
            |permission: Option<At<Permission>>| permission.is_some_and(|at| at.value == Permission::Allow);
        SessionPlan {
            max_requests_per_minute: max_requests_per_minute.map(|at| at.value.get32()),
            throttle: on_rate_limit.is_some_and(|at| at.value == OnRateLimit::Throttle),
            max_message_bytes: max_message_bytes.map_or(MESSAGE_BYTES, |at| at.value.0),
            max_concurrent_calls: max_concurrent_calls.map_or(CONCURRENT_CALLS, |at| at.value.get32()),
            extra_methods: methods,
            sampling: allowed(sampling),
            elicitation: allowed(elicitation),
            roots: allowed(roots),
        }
    }

    /// Gives also what is to be cut out of answers: that is written as `content`.
    pub(super) fn responses(&mut self, responses: Responses) -> (ResponsesPlan, Vec<At<Redaction>>) {
        let Responses {
            max_bytes,
            max_items,
            max_depth,
            allowed_media_types,
            check_links,
            validate_output_schema,
            redact,
        } = responses;
        let ledger = &mut self.ledger;
        ledger.key("responses.max_bytes", &max_bytes, |n| n.0.to_string(), Ask::Doorman);
        ledger.key("responses.max_items", &max_items, |n| n.get().to_string(), Ask::Doorman);
        ledger.key("responses.max_depth", &max_depth, |n| n.get().to_string(), Ask::Doorman);
        let links = check_links.filter(|at| at.value);
        ledger.key("responses.check_links", &links, bool::to_string, Ask::Doorman);
        let mut media_types: Option<(Vec<String>, RuleId)> = None;
        for Item { value, reason, origin } in super::network::items(allowed_media_types) {
            let text = format!("responses.allowed_media_types: {}", value.show());
            let rule = ledger.rule(text, &origin, reason, Ask::Doorman);
            media_types.get_or_insert((Vec::new(), rule)).0.push(value.0);
        }
        let noted = |origin: &Origin| ledger.noted(origin, &Ask::Doorman);
        let max_items = max_items.map(|at| (at.value.get(), noted(&at.origin)));
        let max_depth = max_depth.map(|at| (at.value.get(), noted(&at.origin)));
        let links = links.map(|at| LinksPlan::to_nothing(noted(&at.origin)));
        let validate = validate_output_schema.filter(|at| at.value);
        ledger.key("responses.validate_output_schema", &validate, bool::to_string, Ask::OutputSchema);
        let responses = ResponsesPlan {
            max_bytes: max_bytes.map(|at| at.value.0),
            max_items,
            max_depth,
            media_types,
            links,
            validate_output_schema: validate.map(|at| ledger.noted(&at.origin, &Ask::OutputSchema)),
        };
        (responses, redact.map(|at| at.value.0).unwrap_or_default())
    }

    pub(super) fn audit(
        &mut self,
        Audit { arguments, on_failure, path, max_bytes, keep }: Audit,
    ) -> AuditPlan {
        let ledger = &mut self.ledger;
        ledger.key("audit.arguments", &arguments, |detail| detail.word().to_owned(), Ask::Audit);
        match &on_failure {
            None => {
                ledger.default_deny("audit.on_failure: stop", Ask::Audit);
            }
            written => {
                ledger.key("audit.on_failure", written, |failure| failure.word().to_owned(), Ask::Audit)
            }
        }
        ledger.key("audit.path", &path, |path| path.raw().to_owned(), Ask::Audit);
        ledger.key("audit.max_bytes", &max_bytes, |n| n.0.to_string(), Ask::Audit);
        ledger.key("audit.keep", &keep, |n| n.get().to_string(), Ask::Audit);
        AuditPlan {
            arguments: arguments.map(|at| at.value).unwrap_or_default(),
            on_failure: on_failure.map(|at| at.value).unwrap_or_default(),
            path: path.and_then(|path| self.single_path(&path)),
            max_bytes: max_bytes.map_or(LOG_BYTES, |at| at.value.0),
            keep: keep.map_or(LOG_FILES, |at| at.value.get32()),
        }
    }
}
