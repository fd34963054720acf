//! What looking costs. `cargo bench -p mcpguard-peek`.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use peek::{Expect, Fed, Peek, Peeking, Requests, peek};

fn main() {
    divan::main();
}

/// The hello of curl with OpenSSL, 517 bytes, in one record.
fn curl() -> Vec<u8> {
    let text = include_str!("../tests/hellos/curl.hex");
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap_or_default();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[divan::bench]
fn client_hello_517_bytes(bencher: Bencher<'_, '_>) {
    let bytes = curl();
    assert_eq!(bytes.len(), 517);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        assert!(matches!(black_box(peek(black_box(&bytes), Expect::Tls)), Peek::Tls(_)));
    });
}

/// The same in nine records, which are put together.
#[divan::bench]
fn client_hello_in_9_records(bencher: Bencher<'_, '_>) {
    let bytes: Vec<u8> =
        curl()[5..].chunks(60).flat_map(|part| [&[22, 3, 1, 0, part.len() as u8], part].concat()).collect();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        assert!(matches!(black_box(peek(black_box(&bytes), Expect::Tls)), Peek::Tls(_)));
    });
}

const HEAD: &str = "GET /v1/items?page=3 HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: client/1.0\r\n\
    Accept: application/json\r\nAccept-Encoding: gzip, deflate\r\nAuthorization: Bearer 0123456789abcdef\r\n\r\n";

#[divan::bench]
fn http_head(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        assert!(matches!(black_box(peek(black_box(HEAD.as_bytes()), Expect::Http)), Peek::Http(_)));
    });
}

/// The worst that a client can do: a head of 16 KiB whose bytes come one by one.
#[divan::bench(sample_count = 20)]
fn head_of_16_kib_byte_by_byte(bencher: Bencher<'_, '_>) {
    let bytes = [&HEAD.as_bytes()[..HEAD.len() - 2], b"X: ", &vec![b'x'; 16_000], b"\r\n\r\n"].concat();
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let mut peeking = Peeking::new(Expect::Http);
        let last = (0..=bytes.len()).map(|end| peeking.look(&bytes[..end])).last();
        assert!(matches!(last, Some(Peek::Http(_))));
    });
}

/// A megabyte in a body of known length, fed as it would be read: 64 KiB at a time.
#[divan::bench]
fn body_1_mb(bencher: Bencher<'_, '_>) {
    let head = HEAD.replace("\r\n\r\n", "\r\nContent-Length: 1000000\r\n\r\n");
    follow(bencher, &[head.as_bytes(), &vec![b'x'; 1_000_000]].concat());
}

/// A megabyte in chunks of 4 KiB.
#[divan::bench]
fn chunked_1_mb(bencher: Bencher<'_, '_>) {
    chunked(bencher, 4096);
}

/// A megabyte in chunks of 16 bytes: more framing than anybody sends.
#[divan::bench]
fn chunked_small_1_mb(bencher: Bencher<'_, '_>) {
    chunked(bencher, 16);
}

fn chunked(bencher: Bencher<'_, '_>, size: usize) {
    let head = HEAD.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = [format!("{size:x}\r\n").as_bytes(), &vec![b'x'; size], b"\r\n"].concat();
    follow(bencher, &[head.as_bytes(), &chunk.repeat(1_000_000 / size), b"0\r\n\r\n"].concat());
}

fn follow(bencher: Bencher<'_, '_>, bytes: &[u8]) {
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        let (mut requests, mut passed) = (Requests::new(), 0);
        while passed < bytes.len() {
            let read = &bytes[passed..bytes.len().min(passed + 65_536)];
            passed += match requests.feed(read) {
                Ok(Fed::Pass(count)) => count,
                Ok(Fed::Head(head)) => head.bytes,
                Ok(Fed::More) | Err(_) => unreachable!("the bytes are whole and sound"),
            };
        }
        black_box(&requests);
    });
}
