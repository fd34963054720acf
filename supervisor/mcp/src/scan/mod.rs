//! The scanner: reads one line as JSON, strictly and only once, while its bytes arrive.
//!
//! It accepts exactly RFC 8259 minus what readers disagree about (see [`Fault`]), and records where the members
//! stand that the doorman judges by. It copies nothing and builds no tree: a megabyte of string costs one pass of
//! UTF-8 validation and one pass that looks for quotes. It can stop at any byte and go on at the next chunk; the
//! outcome does not depend on how the bytes were cut into chunks.

mod fault;
mod keys;
mod number;
mod outline;
mod text;

pub use fault::Fault;
pub(crate) use outline::{Outline, Section, Slot, Span, Whole};

use keys::Keys;
use number::Number;
use text::plain_run;

/// Levels of nesting that are accepted. Real messages need about a dozen; common readers stop between 100 and 1,000,
/// and what two readers treat differently must not pass.
pub const MAX_DEPTH: usize = 64;

#[derive(Clone, Copy, Debug)]
enum State {
    Start,
    Value,
    FirstElement,
    FirstKey,
    Key,
    Colon,
    After,
    Text(Purpose),
    Escape(Purpose),
    Hex(Purpose, u8),
    Literal(&'static [u8]),
    Number(Number),
    /// After a carriage return; only the newline may follow.
    Carriage,
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Key,
    Value,
}

struct Level {
    section: Section,
    object: bool,
    /// Where this object's keys begin in `Keys`.
    keys: u32,
    /// The slot of the member that is being read.
    slot: Option<Slot>,
    /// Where the value that is being read begins.
    value: u32,
}

/// See the module. One scanner serves many lines, one after the other.
pub(crate) struct Scanner {
    state: State,
    /// Bytes of the line that have been read.
    at: usize,
    /// Bytes of the line that are known to be UTF-8.
    valid: usize,
    /// Where the open key begins.
    key: u32,
    levels: Vec<Level>,
    keys: Keys,
    outline: Outline,
}

impl Scanner {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Start,
            at: 0,
            valid: 0,
            key: 0,
            levels: Vec::with_capacity(MAX_DEPTH),
            keys: Keys::default(),
            outline: Outline::default(),
        }
    }

    /// Gets ready for the next line.
    pub(crate) fn reset(&mut self) {
        self.state = State::Start;
        self.at = 0;
        self.valid = 0;
        self.levels.clear();
        self.keys.clear();
        self.outline = Outline::default();
    }

    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Reads a whole line at once. A blank one is truncated: there should have been a value.
    pub(crate) fn whole(&mut self, line: &[u8]) -> Result<Outline, Fault> {
        self.reset();
        self.scan(line)?;
        if self.finish(line)? { Ok(self.outline) } else { Err(Fault::Truncated) }
    }

    /// Reads on. `line` is the line so far, from its start; it may only grow between calls.
    pub(crate) fn scan(&mut self, line: &[u8]) -> Result<(), Fault> {
        let broken = match std::str::from_utf8(&line[self.valid..]) {
            Ok(_) => {
                self.valid = line.len();
                false
            }
            Err(error) => {
                self.valid += error.valid_up_to();
                error.error_len().is_some()
            }
        };
        // Only what is valid UTF-8 is read, so that the first fault is the same for every way of chunking.
        self.read(&line[..self.valid])?;
        if broken { Err(Fault::Utf8(self.valid as u32)) } else { Ok(()) }
    }

    /// The line is complete. `false` for a line of nothing but white space.
    pub(crate) fn finish(&mut self, line: &[u8]) -> Result<bool, Fault> {
        if self.valid < line.len() {
            return Err(Fault::Utf8(self.valid as u32));
        }
        if let State::Number(number) = self.state
            && number.complete()
            && self.levels.is_empty()
        {
            self.state = State::After;
        }
        match self.state {
            State::Start => Ok(false),
            State::After | State::Carriage if self.levels.is_empty() => Ok(!self.blank(line)),
            _ => Err(Fault::Truncated),
        }
    }

    /// Whether nothing but white space was read. Only asked at the end of a complete line.
    fn blank(&self, line: &[u8]) -> bool {
        matches!(self.state, State::Carriage) && line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
    }

    fn read(&mut self, line: &[u8]) -> Result<(), Fault> {
        while let Some(&byte) = line.get(self.at) {
            match self.state {
                State::Text(purpose) => self.text(line, purpose)?,
                State::Escape(purpose) => self.escape(byte, purpose)?,
                State::Hex(purpose, seen) => self.hex(byte, purpose, seen)?,
                State::Literal(rest) => self.literal(byte, rest)?,
                State::Number(number) => self.number(line, number)?,
                State::Carriage => return Err(Fault::CarriageReturn(self.offset() - 1)),
                _ => self.structure(line, byte)?,
            }
        }
        Ok(())
    }

    fn offset(&self) -> u32 {
        self.at as u32
    }

    fn go(&mut self, state: State) -> Result<(), Fault> {
        self.at += 1;
        self.state = state;
        Ok(())
    }

    fn structure(&mut self, line: &[u8], byte: u8) -> Result<(), Fault> {
        match (self.state, byte) {
            (_, b' ' | b'\t') => self.go(self.state),
            (_, b'\r') if self.levels.is_empty() => self.go(State::Carriage),
            (_, b'\r') => Err(Fault::CarriageReturn(self.offset())),
            (_, 0..0x20) => Err(Fault::Control(self.offset())),
            (State::Start, _) if self.at == 0 && line.starts_with(b"\xef\xbb\xbf") => {
                Err(Fault::ByteOrderMark)
            }
            (State::FirstElement, b']') => self.close(line),
            (State::FirstKey, b'}') => self.close(line),
            (State::Start | State::Value | State::FirstElement, _) => self.value(byte),
            (State::FirstKey | State::Key, b'"') => {
                self.key = self.offset() + 1;
                self.go(State::Text(Purpose::Key))
            }
            (State::Colon, b':') => self.go(State::Value),
            (State::After, _) => self.after(line, byte),
            _ => Err(Fault::Grammar(self.offset())),
        }
    }

    fn after(&mut self, line: &[u8], byte: u8) -> Result<(), Fault> {
        match (self.levels.last().map(|level| level.object), byte) {
            (Some(true), b',') => self.go(State::Key),
            (Some(false), b',') => self.go(State::Value),
            (Some(true), b'}') | (Some(false), b']') => self.close(line),
            _ => Err(Fault::Grammar(self.offset())),
        }
    }

    fn value(&mut self, byte: u8) -> Result<(), Fault> {
        let at = self.offset();
        if let Some(level) = self.levels.last_mut() {
            level.value = at;
        }
        match byte {
            b'"' => self.go(State::Text(Purpose::Value)),
            b'{' => self.open(true, State::FirstKey),
            b'[' => self.open(false, State::FirstElement),
            b't' => self.go(State::Literal(b"rue")),
            b'f' => self.go(State::Literal(b"alse")),
            b'n' => self.go(State::Literal(b"ull")),
            _ => match Number::start(byte) {
                Some(number) => self.go(State::Number(number)),
                None => Err(Fault::Grammar(at)),
            },
        }
    }

    fn open(&mut self, object: bool, state: State) -> Result<(), Fault> {
        if self.levels.len() == MAX_DEPTH {
            return Err(Fault::TooDeep(self.offset()));
        }
        let section = match self.levels.last() {
            None if object => Section::Top,
            Some(level) if object => Section::opened_by(level.slot),
            _ => Section::Other,
        };
        if self.levels.is_empty() {
            self.outline.whole = if object { Whole::Object } else { Whole::Array };
        }
        self.levels.push(Level { section, object, keys: self.keys.mark(), slot: None, value: 0 });
        self.go(state)
    }

    fn close(&mut self, line: &[u8]) -> Result<(), Fault> {
        if let Some(level) = self.levels.pop()
            && level.object
            && self.keys.close(line, level.keys)
        {
            return Err(Fault::DuplicateKey(self.offset()));
        }
        self.at += 1;
        self.ended();
        Ok(())
    }

    /// A value has ended before the current byte.
    fn ended(&mut self) {
        let end = self.offset();
        if let Some(level) = self.levels.last_mut()
            && let Some(slot) = level.slot.take()
        {
            self.outline.set(slot, Span { start: level.value, end });
        }
        self.state = State::After;
    }

    fn text(&mut self, line: &[u8], purpose: Purpose) -> Result<(), Fault> {
        self.at += plain_run(&line[self.at..]);
        match (line.get(self.at), purpose) {
            (None, _) => Ok(()),
            (Some(b'"'), Purpose::Key) => self.key_ended(line),
            (Some(b'"'), Purpose::Value) => {
                self.at += 1;
                self.ended();
                Ok(())
            }
            (Some(b'\\'), _) => self.go(State::Escape(purpose)),
            (Some(_), _) => Err(Fault::Control(self.offset())),
        }
    }

    fn key_ended(&mut self, line: &[u8]) -> Result<(), Fault> {
        let raw = Span { start: self.key, end: self.offset() };
        let Some(key) = self.keys.add(line, raw) else {
            return Err(Fault::LoneSurrogate(raw.start));
        };
        if let Some(level) = self.levels.last_mut() {
            level.slot = self.outline.slot(level.section, key);
        }
        self.go(State::Colon)
    }

    fn escape(&mut self, byte: u8, purpose: Purpose) -> Result<(), Fault> {
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.go(State::Text(purpose)),
            b'u' => self.go(State::Hex(purpose, 0)),
            _ => Err(Fault::Grammar(self.offset())),
        }
    }

    fn hex(&mut self, byte: u8, purpose: Purpose, seen: u8) -> Result<(), Fault> {
        match (byte.is_ascii_hexdigit(), seen) {
            (false, _) => Err(Fault::Grammar(self.offset())),
            (true, 3) => self.go(State::Text(purpose)),
            (true, _) => self.go(State::Hex(purpose, seen + 1)),
        }
    }

    fn literal(&mut self, byte: u8, rest: &'static [u8]) -> Result<(), Fault> {
        match rest.split_first() {
            Some((want, rest)) if *want == byte => {
                self.at += 1;
                self.state = State::Literal(rest);
                if rest.is_empty() {
                    self.ended();
                }
                Ok(())
            }
            _ => Err(Fault::Grammar(self.offset())),
        }
    }

    fn number(&mut self, line: &[u8], mut number: Number) -> Result<(), Fault> {
        while let Some(&byte) = line.get(self.at) {
            match number.next(byte) {
                Some(next) => number = next,
                None if number.complete() => {
                    self.ended();
                    return Ok(());
                }
                None => return Err(Fault::Grammar(self.offset())),
            }
            self.at += 1;
        }
        self.state = State::Number(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
