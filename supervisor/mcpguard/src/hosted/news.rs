//! What the daemon told and the doorman has not taken yet. Only denials can be too many: what is beyond is counted.

use std::collections::VecDeque;

use enforce::KernelEvent;

/// Denials that nobody has taken; more are only counted.
const MOST: usize = 65_536;

/// Something that the daemon told.
#[derive(Debug)]
pub(crate) enum News {
    /// The kernel denied something.
    Denied(Box<KernelEvent>),
    /// So many denials were not told, and will not be.
    Missed(u64),
    /// The session is over; why.
    Ended(String),
    /// Somebody stopped it; who and why.
    Frozen(String),
    /// Somebody let it go on; who and why.
    Thawed(String),
    /// Somebody changed what it may use; who and how.
    Limited(String),
    /// The daemon is gone: nothing is learned until it is back.
    Lost(String),
    /// It is back.
    Regained,
}

/// News in the order in which they came; what was missed comes last.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    news: VecDeque<News>,
    missed: u64,
}

impl Waiting {
    /// Adds news. A count is added to the others, and a denial for which there is no room to them.
    pub(super) fn push(&mut self, news: News) {
        match news {
            News::Missed(count) => self.missed += count,
            News::Denied(_) if self.news.len() >= MOST => self.missed += 1,
            news => self.news.push_back(news),
        }
    }

    /// The next, if there is any.
    pub(super) fn next(&mut self) -> Option<News> {
        self.news.pop_front().or_else(|| {
            let missed = std::mem::take(&mut self.missed);
            (missed > 0).then_some(News::Missed(missed))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::told;

    fn denied(sequence: u64) -> News {
        let text = format!(
            r#"{{"sequence":{sequence},"at_ns":2,"active":1,"call":0,"process":3,"thread":3,"name":"x","kind":"exec","action":"denied","reason":"rate","access":0}}"#
        );
        let event = told::event(&serde_json::from_str(&text).unwrap(), 7).unwrap();
        News::Denied(Box::new(event))
    }

    /// What was told, with denials only counted.
    fn all(waiting: &mut Waiting) -> (u64, Vec<News>) {
        let (mut denials, mut others) = (0, Vec::new());
        while let Some(news) = waiting.next() {
            match news {
                News::Denied(_) => denials += 1,
                other => others.push(other),
            }
        }
        (denials, others)
    }

    #[test]
    fn nothing_but_denials_is_dropped_and_those_are_counted() {
        let (mut waiting, more) = (Waiting::default(), 7);
        let denials = MOST as u64 + more;
        (0..denials).for_each(|number| waiting.push(denied(number)));
        waiting.push(News::Missed(1_000_000));
        waiting.push(News::Lost("gone".to_owned()));
        waiting.push(News::Regained);
        let (told, others) = all(&mut waiting);
        assert_eq!(told, MOST as u64);
        assert!(
            matches!(&others[..], [News::Lost(_), News::Regained, News::Missed(missed)] if *missed == 1_000_000 + more),
            "{others:?}"
        );
        assert!(waiting.next().is_none(), "each count is told once");
    }
}
