//! Audit records: what happened, in one vocabulary, redacted, chained and written to a sink.

#![forbid(unsafe_code)]
