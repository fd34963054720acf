//! Lists and texts with a most: what is above it is refused while it is read, before it takes memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A list of `LEAST` to `MOST` elements.
pub(crate) fn list<'de, D, T, const LEAST: usize, const MOST: usize>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_seq(List::<T, LEAST, MOST>(PhantomData))
}

/// A text of at most so many bytes.
pub(crate) fn text<'de, D: Deserializer<'de>, const MOST: usize>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.len() > MOST {
        return Err(D::Error::custom(format_args!(
            "the text has {} bytes; at most {MOST} are read",
            text.len()
        )));
    }
    Ok(text)
}

/// A whole number from `LEAST` to `MOST`, which may be absent.
pub(crate) fn number<'de, D, T, const LEAST: u64, const MOST: u64>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let number = u64::deserialize(from)?;
    let within = Some(number).filter(|number| (LEAST..=MOST).contains(number));
    match within.and_then(|number| T::try_from(number).ok()) {
        Some(number) => Ok(Some(number)),
        None => Err(D::Error::custom(format_args!("{number} is no number from {LEAST} to {MOST}"))),
    }
}

struct List<T, const LEAST: usize, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const LEAST: usize, const MOST: usize> Visitor<'de> for List<T, LEAST, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {LEAST} to {MOST} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            if list.len() == MOST {
                return Err(A::Error::custom(format_args!("the list has more than {MOST} elements")));
            }
            list.push(element);
        }
        if list.len() < LEAST {
            return Err(A::Error::invalid_length(list.len(), &self));
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Deserializer;

    #[test]
    fn a_list_has_a_least_and_a_most() {
        let list =
            |text| super::list::<_, u8, 1, 2>(&mut Deserializer::from_str(text)).map_err(|e| e.to_string());
        assert_eq!(list("[1,2]"), Ok(vec![1, 2]));
        assert!(list("[1,2,3]").unwrap_err().contains("more than 2"));
        assert!(list("[]").unwrap_err().contains("1 to 2"));
    }

    #[test]
    fn a_number_has_both() {
        let number = |text| {
            super::number::<_, u32, 1, 9>(&mut Deserializer::from_str(text)).map_err(|e| e.to_string())
        };
        assert_eq!((number("1"), number("9")), (Ok(Some(1)), Ok(Some(9))));
        for text in ["0", "10", "4294967297", "18446744073709551615"] {
            assert!(number(text).unwrap_err().contains("from 1 to 9"), "{text}");
        }
        for text in ["-1", "1.0", "\"1\"", "null", "18446744073709551616"] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_has_a_most() {
        let text = |text| super::text::<_, 3>(&mut Deserializer::from_str(text)).map_err(|e| e.to_string());
        assert_eq!(text("\"abc\"").as_deref(), Ok("abc"));
        assert!(text("\"abcd\"").unwrap_err().contains("at most 3"));
    }
}
