//! Lines out of bytes, whatever the chunks.

use proptest::prelude::*;

use super::{Frame, FrameError, Frames};
use crate::id::RequestId;
use crate::scan::Fault;

/// A frame that can be kept.
#[derive(Debug, PartialEq)]
enum Kept {
    Message(String, Option<RequestId>),
    Malformed(FrameError, Vec<u8>, u64, Option<RequestId>),
}

fn keep(frame: Frame<'_>) -> Kept {
    match frame {
        Frame::Message(message) => {
            Kept::Message(String::from_utf8(message.line().to_vec()).unwrap(), message.id())
        }
        Frame::Malformed { reason, excerpt, bytes, id } => {
            Kept::Malformed(reason, excerpt.to_vec(), bytes, id)
        }
    }
}

fn read<'a>(limit: u64, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Kept> {
    let mut frames = Frames::new(limit);
    let mut kept = Vec::new();
    for chunk in chunks {
        for part in chunk.chunks(50_000) {
            frames.space()[..part.len()].copy_from_slice(part);
            frames.filled(part.len());
            while let Some(frame) = frames.next() {
                kept.push(keep(frame));
            }
        }
    }
    kept.extend(frames.finish().map(keep));
    assert!(frames.finish().is_none(), "the end is told once");
    kept
}

fn id(number: i64) -> Option<RequestId> {
    Some(RequestId::Number(number))
}

#[test]
fn lines_blank_lines_and_the_end() {
    let kept = read(100, [&b"{\"id\":1}\n\n  \r\n{\"id\":2}\r\n\n{\"id\":"[..], b"3}\n \t"]);
    let message = |line: &str, n| Kept::Message(line.to_owned(), id(n));
    assert_eq!(kept, [message("{\"id\":1}", 1), message("{\"id\":2}\r", 2), message("{\"id\":3}", 3)]);
}

#[test]
fn an_unfinished_line_is_an_error() {
    let kept = read(100, [&b"{\"id\":1}\n{\"id\":2}"[..]]);
    assert_eq!(kept[1], Kept::Malformed(FrameError::Unfinished, b"{\"id\":2}".to_vec(), 8, None));
}

#[test]
fn the_limit_counts_the_line_without_its_newline() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(92));
    assert!(matches!(read(100, [line.as_bytes()])[..], [Kept::Message(..)]));
    let too_long = Kept::Malformed(FrameError::TooLong { limit: 99 }, line[..99].into(), 100, None);
    assert_eq!(read(99, [line.as_bytes()]), [too_long]);
}

#[test]
fn an_overlong_line_is_skipped_and_not_kept() {
    let mut frames = Frames::new(1000);
    let chunk = vec![b'x'; 60_000];
    let mut most = 0;
    frames.space()[..7].copy_from_slice(b"{\"id\":\"");
    frames.filled(7);
    for _ in 0..500 {
        frames.space()[..chunk.len()].copy_from_slice(&chunk);
        frames.filled(chunk.len());
        assert!(frames.next().is_none());
        most = most.max(frames.buffer.capacity());
    }
    assert!(most <= 512 * 1024, "{most}");
    let end = b"\",\"id\" : 42 } \r\n{\"id\":5}\n";
    frames.space()[..end.len()].copy_from_slice(end);
    frames.filled(end.len());
    match frames.next().map(keep) {
        Some(Kept::Malformed(FrameError::TooLong { limit: 1000 }, excerpt, bytes, found)) => {
            assert!(excerpt.starts_with(b"{\"id\":\"xxx") && excerpt.len() == 256);
            assert_eq!((bytes, found), (7 + 500 * 60_000 + 15, id(42)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(frames.next().map(keep), Some(Kept::Message("{\"id\":5}".to_owned(), id(5))));
}

#[test]
fn a_large_buffer_is_kept_for_the_next_large_line_and_given_back_after_a_quiet_time() {
    let mut frames = Frames::new(10_000_000);
    let line = [&b"\""[..], &vec![b'x'; 5_000_000], b"\"\n"].concat();
    for chunk in line.chunks(60_000) {
        frames.space()[..chunk.len()].copy_from_slice(chunk);
        frames.filled(chunk.len());
    }
    assert!(matches!(frames.next(), Some(Frame::Message(message)) if message.line().len() == 5_000_002));
    assert!(frames.next().is_none());
    frames.space();
    assert!(
        frames.buffer.capacity() > 256 * 1024,
        "a row of large lines shall not pay for fresh memory each time"
    );
    for _ in 0..super::QUIET {
        frames.space()[..3].copy_from_slice(b"{}\n");
        frames.filled(3);
        assert!(frames.next().is_some());
    }
    assert!(frames.buffer.capacity() <= 256 * 1024, "{}", frames.buffer.capacity());
}

#[test]
fn the_id_of_a_refused_line() {
    let found = |line: &str| match read(10_000, [format!("{line}\n").as_bytes()]).remove(0) {
        Kept::Malformed(_, _, _, id) => id,
        message => panic!("{message:?}"),
    };
    assert_eq!(found("{\"id\":1,\"x\":{\"a\":1,\"a\":2}}"), id(1));
    assert_eq!(
        found("{\"x\":{\"a\":1,\"a\":2},\"jsonrpc\":\"2.0\",\"id\":\"z\"}"),
        Some(RequestId::Text("z".into()))
    );
    assert_eq!(found("{\"x\":{\"a\":1,\"a\":2},\"y\":\",\\\"id\\\":7}\"}"), None);
    assert_eq!(found("{\"x\":\u{1}, \"id\" : 3 , \"y\":1}"), None);
    assert_eq!(found("{\"x\":{\"a\":1,\"a\":2},\"id\":1.5}"), None);
    assert_eq!(found("garbage \"id\":5}"), None);
}

#[test]
fn the_first_fault_is_told_by_its_place() {
    let kept = read(1000, [&b"{\"a\":nope \xff}\n{\"a\":\"\xff\" nope}\n"[..]]);
    assert!(matches!(kept[0], Kept::Malformed(FrameError::Json(Fault::Grammar(6)), ..)), "{:?}", kept[0]);
    assert!(matches!(kept[1], Kept::Malformed(FrameError::Json(Fault::Utf8(6)), ..)), "{:?}", kept[1]);
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}".to_vec()),
        Just(
            b"{\"result\":{\"tools\":[{\"name\":\"\xc3\xa4\"}]},\"jsonrpc\":\"2.0\",\"id\":\"a\"}\r".to_vec()
        ),
        Just(b" \r".to_vec()),
        (1..3000usize).prop_map(|n| format!("{{\"a\":\"{}\",\"id\":9}}", "x".repeat(n)).into_bytes()),
        (1..300usize).prop_map(|n| format!("{{\"id\":8,\"a\":\"{}\",\"id\":9}}", "é".repeat(n)).into_bytes()),
        prop::collection::vec(any::<u8>(), 0..60),
    ];
    prop::collection::vec((line, prop::sample::select(vec![&b"\n"[..], b"\n", b"\r\n", b""])), 0..8)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_vec()].concat()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn chunks_do_not_matter(bytes in stream(), limit in prop::sample::select(vec![20u64, 90, 400, 1500, 100_000]), size in 1usize..600) {
        prop_assert_eq!(read(limit, [&bytes[..]]), read(limit, bytes.chunks(size)));
    }
}
