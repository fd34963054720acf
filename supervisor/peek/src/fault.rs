//! Why a connection is refused: one sentence for each reason, for the person who reads the record.

use std::fmt;

use crate::MAX_HEAD;

/// Why a connection does not say, beyond doubt, whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Neither a ClientHello nor a head is complete after [`MAX_HEAD`] bytes.
    #[error("the connection does not name its host within its first {MAX_HEAD} bytes")]
    TooLong,
    /// Something else than TLS on a port where TLS is spoken.
    #[error(
        "this port is for TLS and the connection begins otherwise; speak TLS, or set `verify: address-only` for the domain"
    )]
    NotTls,
    /// Neither HTTP/1 nor TLS on a port where HTTP is spoken.
    #[error(
        "this port is for HTTP and the connection begins with neither HTTP/1 nor TLS; set `verify: address-only` for the domain if that is wanted"
    )]
    NotHttp,
    /// The hello of SSL 2.
    #[error("the connection begins with a hello of SSL 2, which names no server; use TLS")]
    Ssl2,
    /// A TLS record that is no handshake comes first.
    #[error(
        "the connection begins with a TLS record of type {kind} where the ClientHello must stand (type 22)"
    )]
    RecordType {
        /// The content type of the record (RFC 8446 section 5.1).
        kind: u8,
    },
    /// The version of a record is no version of TLS.
    #[error("a TLS record has a version that no TLS has")]
    RecordVersion,
    /// A record with a length of 0 or above 2¹⁴ + 256.
    #[error("a TLS record is empty or longer than 16,640 bytes")]
    RecordLength,
    /// More records than any client needs.
    #[error("the ClientHello is cut into more than {most} records", most = crate::tls::MAX_RECORDS)]
    TooManyRecords,
    /// The first handshake message is no ClientHello.
    #[error(
        "the TLS handshake begins with a message of type {kind} where the ClientHello must stand (type 1)"
    )]
    HandshakeType {
        /// The type of the message (RFC 8446 section 4).
        kind: u8,
    },
    /// Bytes after the ClientHello in its record.
    #[error("the record of the ClientHello holds something after it")]
    AfterHello,
    /// The ClientHello's parts do not fill it, or reach beyond it.
    #[error("the lengths in the ClientHello contradict each other")]
    HelloLengths,
    /// The version in the ClientHello is none of TLS.
    #[error("the ClientHello is for a protocol that is not TLS")]
    HelloVersion,
    /// More than one `server_name` extension, or more than one name in it, or a name of another kind.
    #[error("the ClientHello must hold one server name, and holds several or one that is no host name")]
    ServerNames,
    /// More than one `encrypted_client_hello` extension.
    #[error("the ClientHello holds `encrypted_client_hello` more than once")]
    EncryptedTwice,
    /// The ClientHello after a HelloRetryRequest names another server, or another handshake message came instead.
    #[error("after the server asked for it once more, the ClientHello does not name the same server again")]
    OtherName,
    /// A name or authority that is not one.
    #[error("the {speaker} {why}")]
    Name {
        /// Where the name stands.
        speaker: Speaker,
        /// What is wrong with it.
        why: NameFault,
    },
    /// HTTP/2 without TLS.
    #[error("the connection speaks HTTP/2 without TLS; use HTTP/1.1 or TLS")]
    Http2,
    /// `CONNECT`.
    #[error(
        "the request asks for a tunnel (CONNECT), whose end cannot be checked; connect to the host itself"
    )]
    Connect,
    /// The request line is not `method SP target SP HTTP/1.x`.
    #[error("the request line is not `METHOD target HTTP/1.1`")]
    RequestLine,
    /// Neither HTTP/1.0 nor HTTP/1.1.
    #[error("the request is neither HTTP/1.1 nor HTTP/1.0")]
    HttpVersion,
    /// Neither origin-form, nor absolute-form with `http:`, nor `OPTIONS *`.
    #[error("the request target is neither a path nor an `http:` URL")]
    Target,
    /// The URL in the request line is for another host or port than `Host`.
    #[error("the URL in the request line is for another host than the `Host` field")]
    OtherHost,
    /// No `Host` field.
    #[error("the request has no `Host` field, so nobody can say whom it is for")]
    NoHost,
    /// A field that must stand once stands again.
    #[error("the request has more than one `{field}` field")]
    Repeated {
        /// The field's name.
        field: &'static str,
    },
    /// An empty line where a request must begin.
    #[error("an empty line stands where a request must begin")]
    EmptyLine,
    /// A line that ends with a line feed alone.
    #[error("a line ends with a line feed alone; lines of HTTP end with CR LF")]
    BareLineFeed,
    /// A carriage return within a line.
    #[error("a carriage return stands within a line")]
    BareCarriageReturn,
    /// A NUL byte.
    #[error("a line holds a NUL byte")]
    Nul,
    /// A field that goes on in the next line (obs-fold, RFC 9112 section 5.2).
    #[error("a field goes on in the next line, which servers read in different ways")]
    Folded,
    /// White space between a field's name and the colon.
    #[error("white space stands between a field's name and the colon")]
    SpaceBeforeColon,
    /// A line that is no field.
    #[error("a line of the head is no field: `name: value` is wanted")]
    Field,
    /// More fields than are read.
    #[error("the head has more than {most} fields", most = crate::http::MAX_FIELDS)]
    TooManyFields,
    /// A `Content-Length` that is no number, or one that readers read differently.
    #[error("`Content-Length` is not one decimal number without sign or leading zeros")]
    ContentLength,
    /// Anything but `chunked` alone, or with HTTP/1.0.
    #[error("`Transfer-Encoding` is not `chunked` alone, in a request of HTTP/1.1")]
    TransferEncoding,
    /// Both ways to say how long the body is.
    #[error("the request has both `Content-Length` and `Transfer-Encoding`, so its end is doubtful")]
    TwoLengths,
    /// `Connection` names a field that says whom the request is for or where it ends.
    #[error("`Connection` asks the next hop to drop `{field}`")]
    DroppedField {
        /// The field's name.
        field: &'static str,
    },
    /// An `Expect` other than `100-continue`.
    #[error("`Expect` is something else than `100-continue`")]
    Expectation,
    /// A chunk size that is no hexadecimal number of at most 16 digits, or its line is not as it must be.
    #[error("a chunk does not begin with a line of its size in hexadecimal digits")]
    ChunkSize,
    /// A chunk's extensions are longer than is read.
    #[error("the extensions of a chunk are longer than {most} bytes", most = crate::http::MAX_EXTENSION)]
    ChunkExtension,
    /// A chunk does not end where its size says.
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    /// A trailer that says whom the request is for or where it ends.
    #[error("a trailer holds `{field}`, which belongs into the head")]
    Trailer {
        /// The field's name.
        field: &'static str,
    },
    /// A switch of protocols that was not asked for, or to a protocol in which hosts are named anew.
    #[error(
        "the server changes the protocol; only a connection's first request may, and only to WebSocket, because nothing can be checked after it"
    )]
    Switch,
    /// The caller passed on more bytes unseen than it may. A mistake of the caller.
    #[error("more bytes of a body were passed on than it has")]
    Overrun,
}

/// Where a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The `server_name` extension of a ClientHello (RFC 6066 section 3).
    ServerName,
    /// The `Host` field (RFC 9112 section 3.2).
    HostField,
    /// The authority of the URL in a request line (RFC 9112 section 3.2.2).
    RequestLine,
}

impl fmt::Display for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerName => "server name of the ClientHello",
            Self::HostField => "`Host` field",
            Self::RequestLine => "URL in the request line",
        })
    }
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// There is none.
    #[error("names nobody")]
    Empty,
    /// More than 253 bytes.
    #[error("is longer than any host name")]
    TooLong,
    /// A label that is empty or longer than 63 bytes.
    #[error("has an empty part between dots or one of more than 63 characters")]
    Label,
    /// Something else than ASCII letters, digits, `-`, `_` and `.`.
    #[error("has a character that no host name has")]
    Character,
    /// An IP address, or what some resolvers read as one (`127.1`, `0x7f000001`).
    #[error("is an address or is read as one; a host name is wanted")]
    Address,
    /// A user name before the host.
    #[error("has a user name in front of the host")]
    User,
    /// A port that is no number from 1 to 65535.
    #[error("has a port that is no number from 1 to 65535")]
    Port,
    /// Brackets that hold no IPv6 address.
    #[error("has brackets that hold no IPv6 address")]
    Brackets,
}
