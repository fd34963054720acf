//! Checks that a pattern cannot do: sums of digits, signatures of formats, how random a text is.

use serde::Deserialize;

use crate::encoded::decode_base64;

/// A named check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    /// The last six characters are the CRC-32 of the characters between the first `_` and them, in base 62. GitHub
    /// (<https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>) and npm.
    Crc32Base62,
    /// The Luhn sum (ISO/IEC 7812-1 annex B).
    Luhn,
    /// The country's length and the remainder 1 of 97 (ISO 13616, ISO 7064).
    Iban,
    /// The first part decodes to a JSON object with `alg` (RFC 7515 section 4.1.1).
    Jwt,
    /// No word that stands for a password in examples.
    Password,
    /// Seven to fifteen digits (ITU-T E.164).
    Phone,
    /// At least 3 bits a character, letters and digits, nothing that says it is an example.
    Entropy,
}

impl Check {
    /// How many bytes of what a pattern found are proved.
    pub(crate) fn proved(self, found: &str) -> Option<usize> {
        let whole = |proof: bool| proof.then_some(found.len());
        match self {
            Self::Crc32Base62 => whole(has_crc(found)),
            Self::Luhn => whole(has_luhn(found)),
            Self::Iban => iban(found),
            Self::Jwt => whole(is_jwt(found)),
            Self::Password => whole(is_own(found)),
            Self::Phone => whole((7..=15).contains(&found.bytes().filter(u8::is_ascii_digit).count())),
            Self::Entropy => whole(is_random(found)),
        }
    }
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn has_crc(token: &str) -> bool {
    let Some((_, body)) = token.split_once('_') else { return false };
    let Some((payload, sum)) = body.len().checked_sub(6).and_then(|at| body.split_at_checked(at)) else {
        return false;
    };
    let mut rest = crc32fast::hash(payload.as_bytes());
    sum.bytes().rev().all(|digit| {
        let wanted = BASE62[(rest % 62) as usize];
        rest /= 62;
        digit == wanted
    })
}

fn has_luhn(number: &str) -> bool {
    let digits = number.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits.enumerate().map(|(index, digit)| luhn_share(index, digit)).sum();
    sum.is_multiple_of(10) && !is_monotone(number)
}

fn luhn_share(index: usize, digit: u32) -> u32 {
    match index % 2 {
        0 => digit,
        _ if digit > 4 => 2 * digit - 9,
        _ => 2 * digit,
    }
}

/// `0000 0000 …` passes the sum and is nobody's card.
fn is_monotone(number: &str) -> bool {
    let mut digits = number.bytes().filter(u8::is_ascii_digit);
    let first = digits.next();
    digits.all(|digit| Some(digit) == first)
}

/// Lengths from the IBAN registry of SWIFT, release 99.
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 \
    EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 \
    LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 \
    SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20";

fn iban(found: &str) -> Option<usize> {
    let country = found.get(..2)?;
    let length: usize =
        IBAN_LENGTHS.split(' ').find_map(|entry| entry.strip_prefix(country))?.parse().ok()?;
    let signs = found.char_indices().filter(|(_, c)| *c != ' ');
    let (end, _) = signs.clone().nth(length - 1)?;
    if signs.clone().nth(length).is_some_and(|(next, _)| next == end + 1) {
        return None;
    }
    let signs: Vec<char> = signs.take(length).map(|(_, c)| c).collect();
    let turned = signs[4..].iter().chain(&signs[..4]);
    let remainder = turned.filter_map(|c| c.to_digit(36)).fold(0, |rest, value| match value {
        0..=9 => (rest * 10 + value) % 97,
        _ => (rest * 100 + value) % 97,
    });
    (remainder == 1).then_some(end + 1)
}

fn is_jwt(token: &str) -> bool {
    let header = token.split('.').next().and_then(|part| decode_base64(part.as_bytes()));
    let header = header.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    header.is_some_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}

/// What people write where a password would stand.
const NO_PASSWORDS: &[&str] = &[
    "pass",
    "password",
    "passwd",
    "pwd",
    "pw",
    "secret",
    "secret123",
    "password123",
    "pass123",
    "token",
    "changeme",
    "example",
    "postgres",
    "mysql",
    "root",
    "guest",
    "admin",
    "test",
    "user",
    "your-password",
    "your_password",
    "yourpassword",
    "mypassword",
];

/// Words that stand beside them.
const NO_WORDS: &[&str] = &["", "a", "the", "my", "your", "some", "db"];

fn is_own(password: &str) -> bool {
    let lower = password.to_ascii_lowercase();
    let spaced = lower.replace("%20", " ");
    let is_example = |word: &str| NO_WORDS.contains(&word) || NO_PASSWORDS.contains(&word);
    !NO_PASSWORDS.contains(&lower.as_str())
        && !spaced.split([' ', '-', '_']).all(is_example)
        && lower.bytes().any(|byte| !matches!(byte, b'x' | b'.' | b'*' | b'-'))
}

/// What people write instead of a secret.
const EXAMPLES: &[&str] = &[
    "example",
    "xxxx",
    "your",
    "change",
    "placeholder",
    "dummy",
    "test",
    "sample",
    "secret",
    "passw",
    "1234",
];

fn is_random(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let mixed = value.bytes().any(|b| b.is_ascii_digit()) && value.bytes().any(|b| b.is_ascii_alphabetic());
    mixed && !EXAMPLES.iter().any(|word| lower.contains(word)) && entropy(value.as_bytes()) >= 3.0
}

/// Shannon's entropy in bits a byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let all = bytes.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / all);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn sums_are_checked() {
        let cases = [
            // Published by GitHub's users as revoked; its sum is right.
            (Check::Crc32Base62, "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", Some(40)),
            (Check::Crc32Base62, "ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18", None),
            (Check::Crc32Base62, "ghp_", None),
            (Check::Luhn, "4111 1111 1111 1111", Some(19)),
            (Check::Luhn, "4111 1111 1111 1112", None),
            (Check::Luhn, "0000000000000000", None),
            (Check::Iban, "DE89 3704 0044 0532 0130 00 EUR 5", Some(27)),
            (Check::Iban, "GB82WEST12345698765432", Some(22)),
            (Check::Iban, "GB82WEST123456987654321", None),
            (Check::Iban, "DE88370400440532013000", None),
            (Check::Jwt, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", Some(29)),
            (Check::Jwt, "eyJ0eXAiOiJKV1QifQ.e30.c2ln", None),
            (Check::Password, "n0t-a-secret", Some(12)),
            (Check::Password, "PASSWORD", None),
            (Check::Password, "a%20secret", None),
            (Check::Password, "my-db-password", None),
            (Check::Password, "my-cat-password", Some(15)),
            (Check::Password, "xxxx", None),
            (Check::Phone, "+49 30 1234567", Some(14)),
            (Check::Phone, "+1 234", None),
            (Check::Entropy, "a8Kq0zPw4LmX", Some(12)),
            (Check::Entropy, "aaaaaaaaaaa1", None),
            (Check::Entropy, "your-key-here-8Kq0z", None),
        ];
        for (check, found, proved) in cases {
            assert_eq!(check.proved(found), proved, "{found}");
        }
    }
}
