//! A terminal for programs that own the whole screen: a pseudo-terminal whose screen is kept in memory.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::ttyname;
use vt100::{Color, Parser};

use crate::patience::patience;
use crate::processes::eventually;
use crate::run::run;

/// A program on a terminal of its own.
pub struct Terminal {
    child: Child,
    keys: File,
    /// Kept open, so that its settings can be seen when the program has ended.
    far: OwnedFd,
    screen: Arc<Mutex<Parser>>,
    /// Nothing is read from it any more.
    stopped: Arc<AtomicBool>,
}

impl Terminal {
    /// Starts it with the terminal as its controlling one (`setsid` of util-linux), of so many columns and lines.
    pub fn start(command: &Command, columns: u16, lines: u16) -> Result<Self> {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None)?;
        let (keys, far) = (File::from(pair.master), pair.slave);
        let mut started = Command::new("setsid");
        started.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => started.env(name, value),
                None => started.env_remove(name),
            };
        }
        started.stdin(far.try_clone()?).stdout(far.try_clone()?).stderr(far.try_clone()?);
        let child = started.spawn().context("cannot start setsid")?;
        let screen = Arc::new(Mutex::new(Parser::new(side(lines)?, side(columns)?, 0)));
        let stopped = Arc::new(AtomicBool::new(false));
        let (shown, from, is_stopped) = (Arc::clone(&screen), keys.try_clone()?, Arc::clone(&stopped));
        thread::spawn(move || follow(from, &shown, &is_stopped));
        Ok(Self { child, keys, far, screen, stopped })
    }

    fn parser(&self) -> MutexGuard<'_, Parser> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What stands on the screen, line by line.
    pub fn text(&self) -> String {
        let parser = self.parser();
        let (_, columns) = parser.screen().size();
        parser.screen().rows(0, columns.get()).map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// Whether the screen is the program's alone: the alternate one.
    pub fn is_taken(&self) -> bool {
        self.parser().screen().alternate_screen()
    }

    /// How many cells have a colour.
    pub fn coloured(&self) -> usize {
        let parser = self.parser();
        let (lines, columns) = parser.screen().size();
        let cells = (0..lines.get()).flat_map(|line| (0..columns.get()).map(move |column| (line, column)));
        let cells = cells.filter_map(|(line, column)| parser.screen().cell(line, column));
        cells.filter(|cell| (cell.fgcolor(), cell.bgcolor()) != (Color::Default, Color::Default)).count()
    }

    /// Whether a person could go on typing into a shell here: letters are shown, lines are edited, the cursor is there, and
    /// pastes are plain.
    pub fn is_in_order(&self) -> Result<bool> {
        let flags = tcgetattr(self.far.as_fd())?.local_flags;
        let parser = self.parser();
        let screen = parser.screen();
        let is_plain = !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste();
        Ok(is_plain && flags.contains(LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG))
    }

    /// Waits until the screen shows something; what it shows instead is in the error.
    pub fn until(&self, what: &str) -> Result<()> {
        self.until_it(what, |text| text.contains(what))
    }

    /// The same by a condition.
    pub fn until_it(&self, what: &str, is: impl Fn(&str) -> bool) -> Result<()> {
        if !eventually(patience(Duration::from_secs(20)), || is(&self.text())) {
            bail!("the screen never shows {what}:\n{}", self.text());
        }
        Ok(())
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        Ok(self.keys.write_all(keys.as_bytes())?)
    }

    /// Takes nothing from the program any more, as a terminal whose connection hangs.
    pub fn hang(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Gives the terminal another size; the kernel tells the program (`stty` of coreutils).
    pub fn resize(&mut self, columns: u16, lines: u16) -> Result<()> {
        let name = ttyname(self.far.as_fd())?;
        self.parser().set_size(side(lines)?, side(columns)?);
        let mut stty = Command::new("stty");
        stty.arg("-F").arg(name).args(["cols", &columns.to_string(), "rows", &lines.to_string()]);
        let done = run(&mut stty)?;
        ensure!(done.status == Some(0), "{done:?}");
        Ok(())
    }

    /// Waits for the program's end.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let mut status = None;
        let ended = eventually(patience(Duration::from_secs(20)), || {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        ensure!(ended, "it does not end:\n{}", self.text());
        // What it wrote last is still under way.
        eventually(Duration::from_secs(2), || self.is_in_order().unwrap_or(false));
        status.context("it has ended")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn side(length: u16) -> Result<NonZeroU16> {
    NonZeroU16::new(length).context("a terminal has columns and lines")
}

/// Shows what the program writes until the terminal is gone.
fn follow(mut from: File, screen: &Mutex<Parser>, stopped: &AtomicBool) {
    let mut bytes = [0; 4096];
    while !stopped.load(Ordering::Relaxed)
        && let Ok(count @ 1..) = from.read(&mut bytes)
    {
        screen.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..count]);
    }
}
