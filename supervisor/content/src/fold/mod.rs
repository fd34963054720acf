//! Texts as a model reads them: one case, plain letters, single spaces.

mod ascii;

use std::ops::Range;

use ascii::Blocks;
use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use crate::bytes;
use crate::map::Map;

/// A changed text and the way back.
pub(crate) struct View {
    pub(crate) text: String,
    pub(crate) map: Map,
}

/// A folded text and the way back.
pub(crate) struct Folded<'t> {
    pub(crate) text: String,
    way: Way<'t>,
}

enum Way<'t> {
    /// ASCII, and the text that was folded.
    Blocks(&'t str, Blocks),
    Pieces(Map),
}

/// The folded text: compatibility forms (NFKD) without marks in lower case, look-alikes of Latin letters in Latin words,
/// plain quotes and dashes, no asterisks or backticks, and one space wherever there is white space.
pub(crate) fn folded(source: &str) -> Folded<'_> {
    if source.is_ascii() {
        let (text, blocks) = ascii::fold(source);
        Folded { text, way: Way::Blocks(source, blocks) }
    } else {
        let View { text, map } = Folding::new(source).run();
        Folded { text, way: Way::Pieces(map) }
    }
}

/// A phrase of a rule, folded as texts are.
pub(crate) fn phrase(text: &str) -> String {
    folded(text).text
}

/// A pattern with its letters folded and its syntax untouched.
pub(crate) fn pattern(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| if c.is_ascii() { out.push(c) } else { fold(c, |folded| out.push(folded)) });
    out
}

impl Folded<'_> {
    /// The bytes of the source from which a range of the folded text was made.
    pub(crate) fn source(&self, range: &Range<usize>) -> Range<usize> {
        match &self.way {
            Way::Blocks(source, blocks) => blocks.source(source, &self.text, range),
            Way::Pieces(map) => map.source(range),
        }
    }
}

/// Folding of any text, character by character.
struct Folding<'t> {
    text: &'t str,
    view: View,
    /// Where the last word that was looked at ends, and whether it has Latin letters.
    word_end: usize,
    is_latin: bool,
    /// Whether the word that a letter would go on with has Latin letters already.
    begins_latin: bool,
    /// Whether the view goes on byte by byte.
    steady: bool,
    after_space: bool,
}

impl<'t> Folding<'t> {
    fn new(text: &'t str) -> Self {
        let view = View { text: String::with_capacity(text.len()), map: Map::from(0) };
        Self {
            text,
            view,
            word_end: 0,
            is_latin: false,
            begins_latin: false,
            steady: true,
            after_space: false,
        }
    }

    fn run(mut self) -> View {
        let mut at = 0;
        while let Some(place) = bytes::next(self.text.as_bytes(), at, |byte| byte >= 0x80) {
            self.stretch(at..place);
            at = place;
            for c in self.text[place..].chars().take_while(|c| !c.is_ascii()) {
                self.look_at_word(at, c);
                self.step(at, c);
                at += c.len_utf8();
            }
        }
        self.stretch(at..self.text.len());
        self.view
    }

    /// Bytes of ASCII, which are folded whatever is around them.
    fn stretch(&mut self, range: Range<usize>) {
        let bytes = &self.text.as_bytes()[range.clone()];
        let letters = bytes.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        self.begins_latin = letters > 0 || (bytes.is_empty() && self.begins_latin);
        for (index, block) in bytes.chunks(ascii::BLOCK).enumerate() {
            let place = range.start + index * ascii::BLOCK;
            match ascii::whole(block).filter(|out| !(self.after_space && out[0] == b' ')) {
                Some(out) => {
                    self.resume(place);
                    self.view.text.push_str(str::from_utf8(&out).unwrap_or_default());
                    self.after_space = out[ascii::BLOCK - 1] == b' ';
                }
                None => self.bytes(place, block),
            }
        }
    }

    fn bytes(&mut self, begin: usize, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            let folded = ascii::byte(*byte).filter(|folded| !(*folded == b' ' && self.after_space));
            let Some(folded) = folded else {
                self.steady = false;
                continue;
            };
            self.resume(begin + offset);
            self.view.text.push(char::from(folded));
            self.after_space = folded == b' ';
        }
    }

    /// From here on the view goes on byte by byte.
    fn resume(&mut self, place: usize) {
        if !std::mem::replace(&mut self.steady, true) {
            self.view.map.resume(self.view.text.len(), place);
        }
    }

    /// Once a word: words that mix Latin letters with look-alikes are disguised, words of one script are not.
    fn look_at_word(&mut self, place: usize, c: char) {
        if place < self.word_end {
            return;
        }
        if !c.is_alphabetic() {
            self.begins_latin &= is_combining_mark(c);
            return;
        }
        let word =
            self.text[place..].char_indices().take_while(|(_, c)| c.is_alphabetic() || is_combining_mark(*c));
        self.is_latin = self.begins_latin;
        for (offset, c) in word {
            self.word_end = place + offset + c.len_utf8();
            self.is_latin |= is_latin(c);
        }
    }

    fn step(&mut self, place: usize, c: char) {
        let before = self.view.text.len();
        let latin = self.is_latin && place < self.word_end;
        let out = &mut self.view.text;
        fold(c, |folded| out.push(if latin { look_alike(folded) } else { folded }));
        self.space(before);
        self.note(place, c.len_utf8(), before);
    }

    /// Drops the space that was just written if there is one before it.
    fn space(&mut self, before: usize) {
        match &self.view.text[before..] {
            "" => {}
            " " if self.after_space => self.view.text.truncate(before),
            written => self.after_space = written == " ",
        }
    }

    fn note(&mut self, place: usize, length: usize, before: usize) {
        let written = self.view.text.len() - before;
        if written == length {
            if !self.steady {
                self.view.map.resume(before, place);
            }
            self.steady = true;
            return;
        }
        self.steady = false;
        if written > 0 {
            self.view.map.replace(before, place, length);
        }
    }
}

/// What one character is folded to: nothing, one or several characters.
fn fold(c: char, mut emit: impl FnMut(char)) {
    match c {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2032}' => return emit('\''),
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{ab}' | '\u{bb}' => return emit('"'),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => return emit('-'),
        'ß' => return "ss".chars().for_each(emit),
        'ı' => return emit('i'),
        '\u{2800}' => return emit(' '),
        // Han and Hangul have no case and few other forms.
        '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => return emit(c),
        _ if c.is_whitespace() => return emit(' '),
        _ => {}
    }
    decompose_compatible(c, |part| {
        if is_mark(part) {
            return;
        }
        if part.is_whitespace() {
            emit(' ');
        } else {
            part.to_lowercase().filter(|lower| !is_mark(*lower)).for_each(&mut emit);
        }
    });
}

/// Marks that are put on letters of European scripts; other scripts' marks carry meaning.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
        || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2100}'..='\u{214f}' | '\u{249c}'..='\u{24e9}'
            | '\u{ff21}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}')
}

/// The Latin letter that a lower-case Cyrillic, Greek or Armenian letter looks like (from Unicode's confusables.txt).
fn look_alike(c: char) -> char {
    match c {
        'а' | 'α' | 'ɑ' => 'a',
        'в' | 'β' | 'ь' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' | 'ժ' => 'd',
        'е' | 'є' | 'ε' | 'ҽ' => 'e',
        'ց' | 'ɡ' => 'g',
        'һ' | 'н' | 'η' => 'h',
        'і' | 'ι' | 'ɩ' | 'ӏ' => 'i',
        'ј' | 'ϳ' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' | 'σ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' | 'ʀ' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' | 'ш' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ү' => 'y',
        'ᴢ' | 'ζ' => 'z',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn disguises_fall() {
        let cases = [
            ("Ignore  ALL\n\tprevious", "ignore all previous"),
            ("**Ignore** `all`", "ignore all"),
            ("Ｉｇｎｏｒｅ ａｌｌ", "ignore all"),
            ("𝐢𝐠𝐧𝐨𝐫𝐞 𝒶𝓁𝓁 ⓟrevious", "ignore all previous"),
            ("іgnоrе аll", "ignore all"),
            ("ιgnοre", "ignore"),
            ("i̶g̶n̶o̶r̶e̶", "ignore"),
            ("i\u{338}gn\u{43e}\u{338}r\u{435} x\u{43e}", "ignore xo"),
            ("a \u{43e} \u{338}\u{43e}", "a \u{43e} \u{43e}"),
            ("Précédentes STRASSE Straße", "precedentes strasse strasse"),
            ("Игнорируй сор", "игнорируи сор"),
            ("don’t – “x”", "don't - \"x\""),
            ("a\u{a0}\u{3000} b", "a b"),
            ("忽略之前的", "忽略之前的"),
        ];
        for (text, plain) in cases {
            assert_eq!(folded(text).text, plain);
        }
    }

    #[test]
    fn places_lead_back() {
        for text in ["The  **secret**\n\n word", "Ünï  ｓｅｃｒｅｔ  wörd", "İ ﬁ secret Straße"]
        {
            let view = folded(text);
            for word in view.text.split(' ') {
                let begin = word.as_ptr() as usize - view.text.as_ptr() as usize;
                let source = view.source(&(begin..begin + word.len()));
                assert_eq!(folded(&text[source]).text.trim(), word);
            }
        }
    }
}
