//! What the server's requests to the client lead to: addresses that the person is to open (MCP 2025-11-25, "Elicitation",
//! "URL Mode"), and the items that a model is to be given (`sampling/createMessage`).

use arguments::check_url;

use super::inputs;
use super::items::{ItemRules, mistakable};
use super::refusal::clipped;
use crate::fact::Replacement;
use crate::message::Message;
use crate::scan::Slot;
use crate::value;

/// Members of the parameters of an elicitation that say what it is.
const WORDS: [&str; 2] = ["mode", "url"];

impl ItemRules {
    /// Why a request of the server with these parameters may not go to the client.
    pub(super) fn objection_to_request(&self, params: &[u8]) -> Option<Replacement> {
        self.objection_to_address(params).or_else(|| self.objection_in(params))
    }

    /// The same for all requests that a message holds, and for those of an error that wants addresses to be opened first.
    pub(super) fn objection_to_embedded(&self, message: &Message<'_>) -> Option<Replacement> {
        let requests = inputs::embedded(message).into_iter().flat_map(value::members);
        let params = requests.filter_map(|(_, request)| value::member(request, "params"));
        let of_error = required(message).into_iter().flat_map(value::elements);
        params.chain(of_error).find_map(|params| self.objection_to_request(params))
    }

    fn objection_to_address(&self, params: &[u8]) -> Option<Replacement> {
        let plan = self.links()?;
        if let Some(word) = mistakable(params, &WORDS) {
            let what = format!("a member that could be mistaken for `{word}`");
            return Some(Replacement::Content { what, rule: plan.from });
        }
        let url = value::string(value::member(params, "url")?).unwrap_or_default();
        let why = check_url(&url, &plan.schemes, &plan.hosts).err()?.to_string();
        let what = format!("a request to open `{}`, which {}", clipped(&url), clipped(&why));
        Some(Replacement::Content { what, rule: plan.from })
    }
}

/// `error.data.elicitations` (MCP 2025-11-25, "URL Elicitation Required Error").
fn required<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    let error = message.raw(Slot::Error).filter(|raw| value::is_object(raw))?;
    let data = value::member(error, "data").filter(|raw| value::is_object(raw))?;
    value::member(data, "elicitations").filter(|raw| value::is_array(raw))
}
