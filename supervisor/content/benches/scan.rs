//! What scanning costs. `cargo bench -p mcpguard-content`.

use std::hint::black_box;

use content::{Classes, Scanner, invisible};
use divan::Bencher;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

const MEGABYTE: usize = 1 << 20;

/// Prose, code and data in which nothing is to be found.
const CLEAN: &str = "The parser reads a line, splits it at commas and keeps what it has seen so far. If a field is quoted,\n\
    the quotes are removed; a doubled quote stands for itself.\n\n    fn field(&mut self) -> Option<&str> {\n        \
    let end = self.rest.find(',')?;\n        Some(&self.rest[..end])\n    }\n\n\
    {\"id\": 4711, \"name\": \"pen\", \"price\": 1.25, \"tags\": [\"office\", \"blue\"], \"stock\": true}\n";

const CHINESE: &str =
    "解析器读取一行,在逗号处分割,并保留到目前为止所看到的内容。如果字段带有引号,则删除引号。";

fn text(pattern: &str, length: usize) -> String {
    let mut text = pattern.repeat(length / pattern.len() + 1);
    text.truncate(text.floor_char_boundary(length));
    text
}

fn scan(bencher: Bencher<'_, '_>, text: &str, wanted: Classes) {
    let scanner = Scanner::new().expect("the packs can be read");
    _ = scanner.scan(text, wanted); // Patterns are compiled when they are first needed.
    let bencher = bencher.counter(BytesCount::new(text.len()));
    bencher.bench_local(|| black_box(scanner.scan(black_box(text), wanted)));
}

#[divan::bench]
fn make_a_scanner() -> Option<Scanner> {
    Scanner::new().ok()
}

#[divan::bench]
fn invisible_clean_megabyte(bencher: Bencher<'_, '_>) {
    let text = text(CLEAN, MEGABYTE);
    bencher
        .counter(BytesCount::new(text.len()))
        .bench_local(|| black_box(invisible::find(black_box(&text)).count()));
}

#[divan::bench]
fn clean_10_kilobytes(bencher: Bencher<'_, '_>) {
    scan(bencher, &text(CLEAN, 10 * 1024), Classes::ALL);
}

#[divan::bench]
fn clean_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text(CLEAN, MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn clean_megabyte_secrets_only(bencher: Bencher<'_, '_>) {
    scan(bencher, &text(CLEAN, MEGABYTE), Classes::SECRET);
}

#[divan::bench]
fn chinese_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text(CHINESE, MEGABYTE), Classes::ALL);
}

/// Every keyword of every rule, over and over: the search is cut short.
#[divan::bench]
fn worst_keywords_megabyte(bencher: Bencher<'_, '_>) {
    let scanner = Scanner::new().expect("the packs can be read");
    let words: String =
        scanner.rules().flat_map(|rule| rule.matches()).map(|text| format!("{text} ")).collect();
    scan(bencher, &text(&words, MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn worst_escapes_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text("%61&#98;\\u0063", MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn worst_base64_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text("VGhlIHBhcnNlciByZWFkcyBhIGxpbmUu ", MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn worst_invisible_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text("a\u{200b}", MEGABYTE), Classes::ALL);
}

/// The same words, each in pieces that nobody sees, and none behind a space.
#[divan::bench]
fn worst_marks_megabyte(bencher: Bencher<'_, '_>) {
    let scanner = Scanner::new().expect("the packs can be read");
    let words: String = scanner
        .rules()
        .flat_map(|rule| rule.matches())
        .map(|text| text.replace(['e', ' '], "\u{200b}e"))
        .collect();
    scan(bencher, &text(&words, MEGABYTE), Classes::ALL);
}

/// Soft hyphens in prose, as from a book.
#[divan::bench]
fn hyphenated_megabyte(bencher: Bencher<'_, '_>) {
    let hyphenated = CLEAN.replace("ed", "\u{ad}ed");
    scan(bencher, &text(&hyphenated, MEGABYTE), Classes::ALL);
}

/// A line of a coloured log is read twice: as a terminal shows it, and as it stands there.
#[divan::bench]
fn coloured_megabyte(bencher: Bencher<'_, '_>) {
    let coloured = CLEAN.replace("the ", "\u{1b}[1mthe\u{1b}[0m ");
    scan(bencher, &text(&coloured, MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn worst_terminal_escapes_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text("a\u{1b}Pb\u{7}", MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn worst_worded_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text("[INST] ", MEGABYTE), Classes::ALL);
}

#[divan::bench]
fn worst_emails_megabyte(bencher: Bencher<'_, '_>) {
    scan(bencher, &text("a@b.example ", MEGABYTE), Classes::ALL);
}
