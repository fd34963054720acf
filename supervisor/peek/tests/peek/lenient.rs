//! A second opinion: a reader of requests that takes everything as well as it can, as careless servers do.
//!
//! What was passed on must mean the same hosts to it. The fuzz target uses it, too.

/// The hosts of the requests in `bytes`, in lower case; of a request that is cut, too, if its head is whole.
pub(crate) fn hosts(bytes: &[u8]) -> Vec<String> {
    let (mut reader, mut hosts) = (Reader(bytes), Vec::new());
    while let Some((host, body)) = reader.head() {
        hosts.push(host);
        match body {
            Body::Length(length) => reader.skip(length),
            Body::Chunked => reader.chunks(),
        }
    }
    hosts
}

enum Body {
    Length(usize),
    Chunked,
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Up to a line feed; a carriage return before it is not missed.
    fn line(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == b'\n')?;
        let line = String::from_utf8_lossy(&self.0[..end]).trim_end_matches('\r').to_owned();
        self.0 = &self.0[end + 1..];
        Some(line)
    }

    fn skip(&mut self, bytes: usize) {
        self.0 = self.0.get(bytes..).unwrap_or_default();
    }

    fn head(&mut self) -> Option<(String, Body)> {
        let mut first = self.line()?;
        while first.is_empty() {
            first = self.line()?;
        }
        let (mut host, mut body) = (String::new(), Body::Length(0));
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some((host, body));
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.trim().to_ascii_lowercase();
            match name.trim().to_ascii_lowercase().as_str() {
                "host" => host = value,
                "transfer-encoding" if value.contains("chunked") => body = Body::Chunked,
                "content-length" if matches!(body, Body::Length(_)) => {
                    body = Body::Length(number(&value, 10))
                }
                _ => {}
            }
        }
    }

    fn chunks(&mut self) {
        while let Some(line) = self.line() {
            match number(&line, 16) {
                0 => break,
                size => self.skip(size),
            }
            self.line();
        }
        while self.line().is_some_and(|line| !line.is_empty()) {}
    }
}

/// The number that a text begins with, as `strtoul` reads it.
fn number(text: &str, radix: u32) -> usize {
    let digits = text.trim_start().trim_start_matches('+');
    let end = digits.find(|letter: char| !letter.is_digit(radix)).unwrap_or(digits.len());
    usize::from_str_radix(&digits[..end], radix).unwrap_or(0)
}
