//! The protocol revisions, and how a session of each begins.

use serde_json::json;

/// A protocol revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision(pub &'static str);

impl Revision {
    /// Every one, in order.
    pub const ALL: [Self; 5] =
        [Self("2024-11-05"), Self("2025-03-26"), Self("2025-06-18"), Self("2025-11-25"), Self("2026-07-28")];

    /// Whether requests carry the version, and nothing is negotiated before.
    pub fn is_modern(self) -> bool {
        self.0 >= "2026-07-28"
    }

    /// What a request's `_meta` holds.
    pub fn meta(self) -> String {
        let modern = json!({
            "io.modelcontextprotocol/protocolVersion": self.0,
            "io.modelcontextprotocol/clientInfo": { "name": "table", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        format!("\"_meta\":{}", if self.is_modern() { modern } else { json!({}) })
    }

    /// What every result begins with.
    pub fn done(self) -> &'static str {
        if self.is_modern() { r#""resultType":"complete","# } else { "" }
    }

    /// The request and the answer that open a session.
    pub(super) fn opening(self) -> [String; 2] {
        let info = json!({ "name": "table", "version": "1" });
        let (method, params, result) = if self.is_modern() {
            let params = format!("{{{}}}", self.meta());
            let result =
                json!({ "resultType": "complete", "supportedVersions": [self.0], "capabilities": {} });
            ("server/discover", params, result)
        } else {
            let params =
                json!({ "protocolVersion": self.0, "capabilities": {}, "clientInfo": info }).to_string();
            let result = json!({ "protocolVersion": self.0, "capabilities": {}, "serverInfo": info });
            ("initialize", params, result)
        };
        [
            format!(r#"{{"jsonrpc":"2.0","id":"open","method":"{method}","params":{params}}}"#),
            json!({ "jsonrpc": "2.0", "id": "open", "result": result }).to_string(),
        ]
    }
}
