//! Links in what a server answers: where a reader that follows one would come to.

use std::path::PathBuf;

use ::url::Url;

use super::{UrlFault, characters, is_plain_uri};
use crate::excerpt::Excerpt;

/// Schemes that run or hold something instead of leading somewhere.
const LIVE: [&str; 5] = ["javascript", "vbscript", "data", "blob", "filesystem"];
/// Schemes that lead to a host.
const WEB: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "ftps"];

/// Where a link leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// To a file of this machine, by its only spelling.
    File(PathBuf),
    /// To a host; [`check_url`](super::check_url) tells whether to one of these.
    Web,
    /// To something that only the server knows (`note://1`).
    Own,
}

/// Reads a link.
///
/// # Errors
/// No absolute URI; one that holds its content or a program (`data:`, `javascript:`); a file on another machine; a path with
/// another spelling.
pub fn link(text: &str) -> Result<Link, UrlFault> {
    characters(text)?;
    let (scheme, _) = text.split_once(':').ok_or(UrlFault::NotAbsolute)?;
    let letter = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.chars().all(letter) {
        return Err(UrlFault::NotAbsolute);
    }
    match &scheme.to_ascii_lowercase()[..] {
        live if LIVE.contains(&live) => Err(UrlFault::Scheme {
            scheme: Excerpt::of(live),
            schemes: Excerpt::list(WEB.map(str::to_owned)),
        }),
        web if WEB.contains(&web) => Ok(Link::Web),
        "file" => file(text),
        _ => Ok(Link::Own),
    }
}

fn file(text: &str) -> Result<Link, UrlFault> {
    let url = Url::parse(text).map_err(|_| UrlFault::Unparsable)?;
    let here = matches!(url.host_str(), None | Some(""));
    if !here || !is_plain_uri(text) || url.query().is_some() {
        return Err(UrlFault::Doubtful);
    }
    url.to_file_path().map(Link::File).map_err(|()| UrlFault::Unparsable)
}

#[cfg(test)]
mod tests {
    use super::{Link, link};

    #[test]
    fn links_lead_where_they_say() {
        let file = |path: &str| Some(Link::File(path.into()));
        let cases = [
            ("file:///srv/a.txt", file("/srv/a.txt")),
            ("file:///srv/a%20b", file("/srv/a b")),
            ("https://example.org/x", Some(Link::Web)),
            ("HTTP://example.org", Some(Link::Web)),
            ("note://1", Some(Link::Own)),
            ("urn:isbn:1", Some(Link::Own)),
            ("file:///srv/../etc/passwd", None),
            ("file:///srv/%2e%2e/etc/passwd", None),
            ("FILE:///etc/passwd", None),
            ("file://other/share", None),
            ("file:/etc/passwd", None),
            ("file:etc/passwd", None),
            ("javascript:alert(1)", None),
            ("JaVaScRiPt:alert(1)", None),
            ("java\tscript:alert(1)", None),
            ("data:text/html,x", None),
            ("/etc/passwd", None),
            ("etc/passwd", None),
            ("1:x", None),
            ("", None),
        ];
        for (text, wanted) in cases {
            assert_eq!(link(text).ok(), wanted, "{text}");
        }
    }
}
