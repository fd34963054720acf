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
        let mut params = requests.filter_map(|(_, request)| value::member(request, "params"));
        let of_error = || self.objection_to_error(message.raw(Slot::Error)?);
        params.find_map(|params| self.objection_to_request(params)).or_else(of_error)
    }

    /// `error.data.elicitations` (MCP 2025-11-25, "URL Elicitation Required Error").
    fn objection_to_error(&self, error: &[u8]) -> Option<Replacement> {
        let data = value::member(error, "data").unwrap_or_default();
        let all = value::member(data, "elicitations").unwrap_or_default();
        self.mistaken(error, &["data"])
            .or_else(|| self.mistaken(data, &["elicitations"]))
            .or_else(|| value::elements(all).find_map(|params| self.objection_to_request(params)))
    }

    /// A member that some reader takes for a word that leads somewhere.
    fn mistaken(&self, object: &[u8], words: &[&'static str]) -> Option<Replacement> {
        let rule = self.links()?.from;
        let word = mistakable(object, words)?;
        Some(Replacement::Content { what: format!("a member that could be mistaken for `{word}`"), rule })
    }

    fn objection_to_address(&self, params: &[u8]) -> Option<Replacement> {
        let plan = self.links()?;
        if let Some(objection) = self.mistaken(params, &WORDS) {
            return Some(objection);
        }
        let url = value::string(value::member(params, "url")?).unwrap_or_default();
        let why = check_url(&url, &plan.schemes, &plan.hosts).err()?.to_string();
        let what = format!("a request to open `{}`, which {}", clipped(&url), clipped(&why));
        Some(Replacement::Content { what, rule: plan.from })
    }
}
