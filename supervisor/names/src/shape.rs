//! What a name beneath a wildcard may look like. Whoever serves the zone of a wildcard reads every new name in it, so a
//! name is a message to them: its size is bounded here, and the number of names by a rate.

use crate::Limit;

/// Labels beneath the rule's name.
pub(crate) const MAX_LABELS: usize = 4;
/// Characters of one label.
pub(crate) const MAX_LABEL: usize = 40;
/// Characters beneath the rule's name, dots included.
pub(crate) const MAX_LENGTH: usize = 80;
/// Labels of up to this many characters may look like anything: identifiers are as short.
const SHORT_LABEL: usize = 24;
/// See [`disorder`].
const MAX_DISORDER: f64 = 4.35;

/// Judges what stands in front of the rule's name, without the dot between them.
pub(crate) fn check(beneath: &str) -> Result<(), Limit> {
    if beneath.len() > MAX_LENGTH {
        return Err(Limit::Length);
    }
    if beneath.split('.').count() > MAX_LABELS {
        return Err(Limit::Labels);
    }
    for label in beneath.split('.') {
        if label.len() > MAX_LABEL {
            return Err(Limit::Label);
        }
        if label.len() > SHORT_LABEL && disorder(label.as_bytes()) > MAX_DISORDER {
            return Err(Limit::Entropy);
        }
    }
    Ok(())
}

/// How much a label looks like encoded data: Shannon's entropy of its characters in bits, plus twice the share of
/// neighbours of which one is a letter and the other a digit. Words joined with hyphens have 3.5 to 4.2, 32 random
/// digits of base 16 have 4.6 and of base 32 have 4.8 (the middle of 20,000 tries; one in seven and one in twenty stay
/// below the limit). It is a hurdle and no proof: who encodes data as words passes it, and meets the rate.
fn disorder(label: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    label.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let length = label.len() as f64;
    let share = |count: u32| f64::from(count) / length;
    let entropy: f64 =
        counts.into_iter().filter(|count| *count > 0).map(|count| -share(count) * share(count).log2()).sum();
    let mixed = |pair: &&[u8]| {
        pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic()
            || pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit()
    };
    entropy + 2.0 * label.windows(2).filter(mixed).count() as f64 / (length - 1.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_services_pass() {
        for name in [
            "raw",
            "a.b.c.d",
            "my-long-service-name-prod-eu-west-1",
            "k8s-default-ingress-nginx-controller",
            "github-production-release-asset-2e65be",
            "github-production-repository-file-5c1aeb",
            "the-quick-brown-fox-jumps-over-the-dog",
            "ec2-203-0-113-25.eu-central-1.compute",
            "d111111abcdef8",
            "0123456789abcdef01234567",
        ] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn messages_do_not() {
        let cases = [
            ("a.b.c.d.e".to_owned(), Limit::Labels),
            ("a".repeat(41), Limit::Label),
            (["a"; 41].join("."), Limit::Length),
            ([&"a".repeat(40), "b", &"c".repeat(38)].map(|s: &str| s.to_owned()).join("."), Limit::Length),
            ("5f4dcc3b5aa765d61d8327deb882cf99".to_owned(), Limit::Entropy),
            ("mzxw6ytboi2gk3tdoj4xa5dfmq3da2".to_owned(), Limit::Entropy),
            ("ok.mzxw6ytboi2gk3tdoj4xa5dfmq3da2".to_owned(), Limit::Entropy),
            ("aklj3jdf8sd9fsd0fjk2l4mnv7b6xz5q".to_owned(), Limit::Entropy),
        ];
        for (name, limit) in cases {
            assert_eq!(check(&name), Err(limit), "{name}");
        }
    }
}
