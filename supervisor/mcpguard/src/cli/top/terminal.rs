//! The terminal: taken over as a whole, and given back as it was, whatever ends this process.

use std::io::{self, Stdout, stdout};
use std::sync::Once;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::model::Model;
use super::screen::{Theme, draw};

/// A terminal that is taken over until this is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    theme: Theme,
}

impl Screen {
    /// Takes it over. A panic gives it back before it is told.
    ///
    /// # Errors
    /// There is no terminal to read keys from, or it cannot be written to; then it is as it was.
    pub(super) fn enter(theme: Theme) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                give_back();
                before(panic);
            }));
        });
        let screen = Self { terminal: Terminal::new(CrosstermBackend::new(stdout()))?, theme };
        take_over()?;
        Ok(screen)
    }

    /// Shows the model as it is.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn draw(&mut self, model: &mut Model) -> io::Result<()> {
        let theme = self.theme;
        self.terminal.draw(|frame| draw(model, theme, frame.area(), frame.buffer_mut())).map(drop)
    }

    /// Draws everything anew at the next time.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // Not by the terminal's own `clear`: it asks for the place of the cursor, and the answer would come as keys.
        self.terminal.swap_buffers();
        execute!(stdout(), Clear(ClearType::All))
    }

    /// Takes the terminal over again, after it was given back or somebody else had it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        take_over()?;
        self.clear()
    }

    /// Gives the terminal back for a while.
    pub(super) fn stand_back(&mut self) {
        give_back();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste).inspect_err(|_| give_back())
}

/// What cannot be given back any more is gone.
fn give_back() {
    let _ = execute!(stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
