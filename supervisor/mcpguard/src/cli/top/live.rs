//! The live screen: draws, waits for news, draws again.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, raise};

use super::keys::Wish;
use super::model::{Model, Notice};
use super::news::{self, News};
use super::sample::Source;
use super::screen::Theme;
use super::terminal::Screen;
use crate::sessions::Daemon;

/// Shows the sessions until somebody leaves; the number is the exit status.
///
/// # Errors
/// There is no terminal, or it has gone away.
pub(super) fn run(
    model: Model,
    theme: Theme,
    source: Box<dyn Source>,
    daemon: Daemon,
    interval: Duration,
) -> anyhow::Result<u8> {
    let held = news::hold_signals().context("signals cannot be held back")?;
    let screen =
        Screen::enter(theme).context("this terminal cannot be used; `mcpguard top --once` needs none")?;
    let (tell, news) = channel();
    news::signals(held, tell.clone());
    news::keyboard(tell.clone());
    let wake = news::samples(source, interval, tell.clone());
    let mut live = Live { model, screen, daemon, tell, wake, deeds: Vec::new() };
    let left = live.watch(&news);
    let Live { screen, deeds, .. } = live;
    drop(screen);
    finish(deeds, &news);
    left
}

/// What has been begun is done before this process ends, and told if it fails.
fn finish(deeds: Vec<JoinHandle<()>>, news: &Receiver<News>) {
    for deed in deeds {
        // Where it panicked that is told already.
        let _ = deed.join();
    }
    for news in news.try_iter() {
        if let News::Done(Notice { text, is_failure: true }) = news {
            crate::terminal::complaint(&text);
        }
    }
}

struct Live {
    model: Model,
    screen: Screen,
    daemon: Daemon,
    tell: Sender<News>,
    /// Wakes whoever takes samples.
    wake: Sender<()>,
    /// What is being done to sessions.
    deeds: Vec<JoinHandle<()>>,
}

impl Live {
    fn watch(&mut self, news: &Receiver<News>) -> anyhow::Result<u8> {
        loop {
            self.screen.draw(&mut self.model).context("the terminal cannot be written to")?;
            // What has come at the same time is shown together.
            let first = news.recv().context("nothing can come any more")?;
            for news in std::iter::once(first).chain(news.try_iter()) {
                if let Some(status) = self.hear(news)? {
                    return Ok(status);
                }
            }
        }
    }

    /// Takes one piece of news; the exit status if it is the last.
    fn hear(&mut self, news: News) -> anyhow::Result<Option<u8>> {
        match news {
            News::Key(key) => {
                let wish = self.model.key(key);
                return Ok(self.fulfil(wish)?);
            }
            News::Pasted(text) => self.model.paste(&text),
            News::Resized => {}
            News::Sample(Ok(sample)) => self.model.take(sample),
            News::Sample(Err(error)) => self.say(format!("{error:#}"), true),
            News::Done(notice) => self.done(notice),
            News::Signal(Signal::SIGCONT) => self.screen.resume()?,
            News::Signal(signal) => return Ok(Some(128 + signal as u8)),
            News::Deaf(error) => return Err(error).context("keys cannot be read"),
        }
        Ok(None)
    }

    fn fulfil(&mut self, wish: Wish) -> io::Result<Option<u8>> {
        match wish {
            Wish::None => {}
            Wish::Leave => return Ok(Some(0)),
            Wish::Redraw => self.screen.clear()?,
            Wish::Suspend => {
                self.screen.stand_back();
                // Without a shell that could let it go on, the kernel does not stop it (credentials of job control: setpgid(2)).
                raise(Signal::SIGTSTP)?;
                self.screen.resume()?;
            }
            Wish::Act(deed, target) => {
                self.say(format!("{} {} …", deed.doing(), target.shown()), false);
                self.deeds.push(news::deed(deed, target, self.daemon.clone(), self.tell.clone()));
            }
        }
        Ok(None)
    }

    fn done(&mut self, notice: Notice) {
        self.model.notice = Some(notice);
        self.deeds.retain(|deed| !deed.is_finished());
        // Whether it is still there is seen at once.
        let _ = self.wake.send(());
    }

    fn say(&mut self, text: String, is_failure: bool) {
        self.model.notice = Some(Notice { text, is_failure });
    }
}
