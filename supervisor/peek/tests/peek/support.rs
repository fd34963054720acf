//! Hellos of real clients, and hellos made by hand that lie.

use std::path::Path;

/// A recorded hello.
pub(crate) struct Recorded {
    /// The file's stem.
    pub(crate) name: String,
    /// The server name in it.
    pub(crate) server: Option<&'static str>,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Every recorded hello and the name that it was made to say.
pub(crate) fn recorded() -> Vec<Recorded> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hellos");
    let files = std::fs::read_dir(directory).expect("tests/hellos");
    let files = files.map(|file| file.expect("a file").path());
    files.filter(|file| file.extension().is_some_and(|kind| kind == "hex")).map(|file| read(&file)).collect()
}

/// One recorded hello.
pub(crate) fn hello(name: &str) -> Vec<u8> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hellos");
    read(&directory.join(format!("{name}.hex"))).bytes
}

fn read(file: &Path) -> Recorded {
    let text = std::fs::read_to_string(file).expect("text");
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
    let server = match name.as_str() {
        "openssl-no-name" => None,
        "wget" | "cargo" => Some("localhost"),
        _ => Some("files.example.com"),
    };
    Recorded { name, server, bytes: (0..digits.len()).step_by(2).map(byte).collect() }
}

/// The handshake message in records.
pub(crate) fn message(records: &[u8]) -> Vec<u8> {
    let (mut rest, mut message) = (records, Vec::new());
    while let [_, _, _, high, low, content @ ..] = rest {
        let (fragment, next) = content.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        message.extend_from_slice(fragment);
        rest = next;
    }
    message
}

/// Content in handshake records of at most `size` bytes.
pub(crate) fn records(content: &[u8], size: usize) -> Vec<u8> {
    content.chunks(size).flat_map(|fragment| record(22, fragment)).collect()
}

/// One record.
pub(crate) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a record").to_be_bytes();
    [&[kind, 3, 1, length[0], length[1]], content].concat()
}

/// Bytes behind their length in two bytes.
pub(crate) fn long(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat()
}

/// An extension.
pub(crate) fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &long(data)].concat()
}

/// A `server_name` extension of names with their types.
pub(crate) fn names(names: &[(u8, &[u8])]) -> Vec<u8> {
    let list: Vec<u8> = names.iter().flat_map(|(kind, name)| [&[*kind], &long(name)[..]].concat()).collect();
    extension(0, &long(&list))
}

/// A `server_name` extension as it should be.
pub(crate) fn server_name(name: &str) -> Vec<u8> {
    names(&[(0, name.as_bytes())])
}

/// A handshake message.
pub(crate) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&[kind, length[1], length[2], length[3]], body].concat()
}

/// A ClientHello's body that ends with `end`, where the extensions stand with their length.
pub(crate) fn body(end: &[u8]) -> Vec<u8> {
    [&[3, 3][..], &[7; 32], &[0], &long(&[0x13, 0x01, 0x0a, 0x0a]), &[1, 0], end].concat()
}

/// A ClientHello with these extensions, in one record.
pub(crate) fn with(extensions: &[Vec<u8>]) -> Vec<u8> {
    record(22, &handshake(1, &body(&long(&extensions.concat()))))
}
