//! Rust source as tokens: comments, strings and test-only items gone, so that a word in prose is no finding.
//!
//! A scanner, not a parser: it knows literals, nesting and attributes, and that is enough for the checks here.

/// One word or sign of the code, and the line where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// From 1.
    pub(super) line: usize,
}

/// The tokens of a source text, in order, without what only tests compile.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    without_tests(Scanner::new(source).all())
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    line: usize,
    found: Vec<Token>,
}

impl Scanner {
    fn new(source: &str) -> Self {
        Self { chars: source.chars().collect(), at: 0, line: 1, found: Vec::new() }
    }

    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn step(&mut self) -> char {
        let c = self.peek(0);
        self.line += usize::from(c == '\n');
        self.at += 1;
        c
    }

    fn all(mut self) -> Vec<Token> {
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '/') => self.line_comment(),
                ('/', '*') => self.block_comment(),
                ('"', _) => self.string(),
                ('\'', _) => self.character_or_lifetime(),
                (c, _) if c.is_alphabetic() || c == '_' => self.word(),
                (c, _) if c.is_ascii_digit() => self.number(),
                (c, _) if c.is_whitespace() => {
                    self.step();
                }
                _ => self.sign(),
            }
        }
        self.found
    }

    fn line_comment(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.step();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.step();
                    continue;
                }
            }
            self.step();
            self.step();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.step();
        while self.at < self.chars.len() {
            match self.step() {
                '"' => return,
                '\\' => {
                    self.step();
                }
                _ => {}
            }
        }
    }

    /// After `r`: hashes, a quote, anything, a quote and as many hashes.
    fn raw_string(&mut self) {
        let mut hashes = 0;
        while self.peek(0) == '#' {
            self.step();
            hashes += 1;
        }
        self.step();
        while self.at < self.chars.len() {
            if self.step() == '"' && (0..hashes).all(|ahead| self.peek(ahead) == '#') {
                (0..hashes).for_each(|_| {
                    self.step();
                });
                return;
            }
        }
    }

    fn character_or_lifetime(&mut self) {
        self.step();
        let literal = self.peek(0) == '\\' || self.peek(1) == '\'';
        if !literal {
            return; // a lifetime: its name is read as a word, which harms nothing
        }
        while self.at < self.chars.len() {
            match self.step() {
                '\'' => return,
                '\\' => {
                    self.step();
                }
                _ => {}
            }
        }
    }

    fn word(&mut self) {
        let (begin, line) = (self.at, self.line);
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.step();
        }
        let text: String = self.chars[begin..self.at].iter().collect();
        let raw = matches!(text.as_str(), "r" | "br" | "cr");
        match self.peek(0) {
            '"' if matches!(text.as_str(), "b" | "c") => self.string(),
            '"' if raw => self.raw_string(),
            '#' if raw && matches!(self.peek(1), '"' | '#') => self.raw_string(),
            '\'' if text == "b" => self.character_or_lifetime(),
            _ => self.found.push(Token { text, line }),
        }
    }

    fn number(&mut self) {
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.step();
        }
    }

    fn sign(&mut self) {
        let line = self.line;
        let text = match (self.step(), self.peek(0)) {
            (':', ':') => {
                self.step();
                "::".to_owned()
            }
            (c, _) => c.to_string(),
        };
        self.found.push(Token { text, line });
    }
}

/// Leaves out each item behind `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let ahead = tokens[at..].iter().take(MARK.len()).map(|token| token.text.as_str());
        if ahead.eq(MARK) {
            at = end_of_item(&tokens, at + MARK.len());
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// The place after the item that begins at `at`: behind its `;`, or behind the braces that it opens.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.text.as_str() {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.saturating_sub(1),
            "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            ";" if depth == 0 => return at,
            _ => {}
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn prose_and_literals_are_no_code() {
        let source = "// std::fs\n/* a /* b */ unsafe */ let x = \"unsafe \\\" {\"; let y = r#\"a \" unsafe\"#; b\"unsafe\"; 'u'; '\\'';";
        let found = words(source);
        assert!(!found.iter().any(|word| word == "unsafe" || word == "fs"), "{found:?}");
        assert_eq!(found.iter().filter(|word| *word == "let").count(), 2);
    }

    #[test]
    fn lifetimes_do_not_swallow_code() {
        let found = words("fn a<'a>(x: &'a str) { unsafe_word('b') }");
        assert!(found.contains(&"unsafe_word".to_owned()) && found.contains(&"str".to_owned()), "{found:?}");
    }

    #[test]
    fn what_only_tests_compile_is_left_out() {
        let found = words(
            "#[cfg(test)]\n#[rustfmt::skip]\nmod tests { fn f() { fs(); } }\nfn kept() {}\n#[cfg(test)]\nmod x;\nfn also() {}",
        );
        assert_eq!(found.iter().filter(|word| *word == "fn").count(), 2, "{found:?}");
        assert!(!found.contains(&"fs".to_owned()));
    }

    #[test]
    fn lines_are_counted() {
        let found = tokens("\"a\nb\"\n/*\n*/ here");
        assert_eq!((found[0].text.as_str(), found[0].line), ("here", 4));
    }
}
