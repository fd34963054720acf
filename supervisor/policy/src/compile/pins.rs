//! `pins` → what the server is compared with.

use super::Compiler;
use crate::document::At;
use crate::document::sections::Pins;
use crate::document::words::Word;
use crate::plan::{Ask, PinsPlan};

impl Compiler<'_> {
    pub(super) fn pins(&mut self, pins: Option<At<Pins>>) -> Option<PinsPlan> {
        let At { value: Pins { lock, first_use, on_change }, origin } = pins?;
        let ledger = &mut self.ledger;
        ledger.key("pins.lock", &lock, |path| path.raw().to_owned(), Ask::Pins);
        ledger.key("pins.first_use", &first_use, |first| first.word().to_owned(), Ask::Pins);
        let place = on_change.as_ref().map_or(&origin, |at| &at.origin);
        let on_change = on_change.as_ref().map(|at| at.value).unwrap_or_default();
        let from = ledger.rule(format!("pins.on_change: {}", on_change.word()), place, None, Ask::Pins);
        Some(PinsPlan {
            lock: lock.and_then(|path| self.single_path(&path)),
            first_use: first_use.map(|at| at.value).unwrap_or_default(),
            on_change,
            from,
        })
    }
}
