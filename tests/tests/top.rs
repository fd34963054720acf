//! `mcpguard top`: what runs is seen live, and ends or stands still from there.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{Client, Runtime, Scene, Start, Terminal, alive, eventually, mcpguard, records, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

/// A session of one tool that may be called and one that may not.
fn session(scene: &Scene, name: &str) -> Result<Client> {
    let text = Runtime::Python.policy("tools: { kill: { enabled: false } }\n")?;
    let policy = scene.policy(name, &text.replace("name: puppet", &format!("name: {name}")))?;
    Start::guarded(scene, policy, Runtime::Python.puppet()?).session()
}

/// Two calls, one of them refused.
fn use_it(client: &mut Client) -> Result<()> {
    client.call("descriptors", json!({}))?;
    client.call("kill", json!({ "pid": 1, "number": 0 }))?;
    Ok(())
}

fn is_root() -> Result<bool> {
    Ok(std::fs::metadata("/proc/self")?.uid() == 0)
}

fn top(words: &[&str]) -> Result<Command> {
    let mut command = Command::new(mcpguard()?);
    command.arg("top").args(words).env_remove("NO_COLOR").env_remove("COLUMNS").env_remove("LINES");
    Ok(command)
}

/// The screen of a person who looks at the sessions of this name only.
fn screen_of(name: &str) -> Result<Terminal> {
    let mut terminal = Terminal::start(&top(&["--interval", "0.2"])?, 80, 24)?;
    terminal.until("q quit")?;
    terminal.press(&format!("/{name}\r"))?;
    terminal.until(&format!("[/{name}]"))?;
    terminal.until_it("the session", |text| row(text, name).is_some())?;
    Ok(terminal)
}

/// The line of the table that is chosen, if it is the session's of this name.
fn row(text: &str, name: &str) -> Option<String> {
    text.lines().find(|line| line.starts_with('>') && line.contains(name)).map(str::to_owned)
}

#[test]
fn one_frame_is_printed_where_no_terminal_is() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, "framed")?;
    use_it(&mut client)?;
    for (words, lines, wide) in [
        (&["--once", "--filter", "framed", "--size", "80x24"][..], 24, false),
        (&["--interval", "0.2", "--filter", "framed", "--size", "200x50"], 50, true),
    ] {
        let told = run(&mut top(words)?)?;
        ensure!(told.status == Some(0) && told.stderr.is_empty(), "{told:?}");
        ensure!(told.stdout.lines().count() == lines && !told.stdout.contains('\u{1b}'), "{told:?}");
        let line = told.stdout.lines().find(|line| line.contains("framed")).context("it is not listed")?;
        let cells: Vec<&str> = line.split_whitespace().collect();
        let state = cells.iter().position(|cell| *cell == "running").context("no state")?;
        ensure!(cells[state + 1] == "2" && cells[state + 2] == "0.0", "two calls, none now: {line}");
        ensure!(line.contains("puppet.py") == wide, "{line}");
        let columns = if wide { 200 } else { 80 };
        ensure!(told.stdout.lines().all(|line| line.chars().count() <= columns), "{}", told.stdout);
    }
    let told = run(top(&["--interval", "0.2"])?.env("COLUMNS", "120").env("LINES", "10"))?;
    ensure!(told.stdout.lines().count() == 10, "{told:?}");
    client.finish()?;
    Ok(())
}

#[test]
fn samples_are_printed_as_json_until_nobody_reads() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, "counted")?;
    use_it(&mut client)?;
    let once = run(&mut top(&["--json", "--once", "--interval", "0.2"])?)?;
    ensure!(once.status == Some(0) && once.stdout.lines().count() == 1, "{once:?}");
    let mut command = top(&["--json", "--interval", "0.2"])?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
    let pid = client.pid();
    let mut next = || -> Result<Value> {
        let sample: Value = serde_json::from_str(&lines.next().context("no more samples")??)?;
        let rows = sample["sessions"].as_array().context("no list")?;
        Ok(rows.iter().find(|row| row["pid"] == pid).context("it is not listed")?.clone())
    };
    let before = next()?;
    ensure!((&before["calls"], &before["denials"]) == (&json!(2), &json!(1)), "{before}");
    ensure!(before["cpu_percent"].is_number() && before["memory_bytes"].as_u64() > Some(1 << 20), "{before}");
    use_it(&mut client)?;
    // Each call is in one difference of two samples, whenever that is.
    let (mut calls, mut rates) = (2, 0.0);
    for _ in 0..50 {
        let row = next()?;
        calls = row["calls"].as_u64().context("no calls")?;
        rates += row["calls_per_second"].as_f64().context("no rate")?;
        if calls == 4 {
            break;
        }
    }
    ensure!(calls == 4 && rates > 0.0, "{calls} calls, {rates}");
    drop(lines);
    let mut status = None;
    ensure!(
        eventually(Duration::from_secs(5), || {
            status = child.try_wait().ok().flatten();
            status.is_some()
        }),
        "it goes on although nobody reads"
    );
    ensure!(status.is_some_and(|status| status.success()), "{status:?}");
    Ok(())
}

#[test]
fn a_session_is_killed_from_the_screen() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, "doomed")?;
    use_it(&mut client)?;
    let mut terminal = screen_of("doomed")?;
    terminal.until("tool_disabled")?;
    terminal.press("k")?;
    terminal.until("kill? y/n: ")?;
    ensure!(terminal.text().contains(&format!("pid {}, ", client.pid())), "{}", terminal.text());
    terminal.press("n")?;
    terminal.until("q quit")?;
    ensure!(alive(client.pid()), "n is no");
    terminal.press("ky")?;
    terminal.until("(doomed)")?;
    terminal.until("ended: ")?;
    ensure!(
        eventually(Duration::from_secs(5), || client.wait(Duration::from_millis(10)).is_ok()),
        "the supervisor lives"
    );
    let last = records(&scene.audit())?.pop().context("no records")?;
    ensure!(last.event() == "session_end" && last.0["reason"] == "signal", "{last:?}");
    terminal.until("no session is what the filter says")?;
    terminal.press("q")?;
    ensure!(terminal.wait()?.code() == Some(0) && terminal.is_in_order()?, "{}", terminal.text());
    Ok(())
}

#[test]
fn a_session_is_frozen_and_thawed_from_the_screen_or_it_says_why_not() -> Result<()> {
    let scene = Scene::new()?;
    let client = session(&scene, "still")?;
    let mut terminal = screen_of("still")?;
    terminal.press("f")?;
    if is_root()? {
        terminal.until("frozen: ")?;
        terminal.until_it("frozen", |text| row(text, "still").is_some_and(|row| row.contains(" frozen ")))?;
        terminal.press("t")?;
        terminal.until("thawed: ")?;
        terminal
            .until_it("running", |text| row(text, "still").is_some_and(|row| row.contains(" running ")))?;
    } else {
        terminal.until("not frozen: ")?;
        terminal.until("it has no control group")?;
    }
    ensure!(alive(client.pid()), "{}", terminal.text());
    Ok(())
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() -> Result<()> {
    let scene = Scene::new()?;
    let _client = session(&scene, "sized")?;
    let mut terminal = screen_of("sized")?;
    ensure!(!terminal.text().contains("COMMAND"), "{}", terminal.text());
    terminal.resize(200, 50)?;
    terminal.until("COMMAND")?;
    terminal.until_it("the keys on the last line", |text| {
        text.lines().nth(49).is_some_and(|line| line.contains("q quit"))
    })?;
    // Ctrl-L: everything is drawn anew, not only what the next samples change.
    terminal.press("\u{c}")?;
    std::thread::sleep(Duration::from_millis(800));
    ensure!(
        row(&terminal.text(), "sized").is_some() && terminal.text().contains("COMMAND"),
        "{}",
        terminal.text()
    );
    terminal.resize(30, 8)?;
    terminal.until_it("the keys on the eighth line", |text| {
        text.lines().nth(7).is_some_and(|line| line.contains("q quit")) && row(text, "sized").is_some()
    })?;
    Ok(())
}

#[test]
fn whatever_ends_it_leaves_the_terminal_in_order() -> Result<()> {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
        let mut terminal = Terminal::start(&top(&[])?, 80, 24)?;
        terminal.until("q quit")?;
        ensure!(terminal.is_taken() && !terminal.is_in_order()?, "{signal}: it has not taken the screen");
        kill(Pid::from_raw(terminal.pid().cast_signed()), signal)?;
        ensure!(terminal.wait()?.code() == Some(128 + signal as i32), "{signal}");
        ensure!(terminal.is_in_order()?, "{signal}:\n{}", terminal.text());
    }
    for key in ["q", "\u{1b}", "\u{3}"] {
        let mut terminal = Terminal::start(&top(&[])?, 80, 24)?;
        terminal.until("q quit")?;
        terminal.press(key)?;
        ensure!(
            terminal.wait()?.code() == Some(0) && terminal.is_in_order()?,
            "{key:?}:\n{}",
            terminal.text()
        );
    }
    Ok(())
}

#[test]
fn a_terminal_that_hangs_does_not_keep_it() -> Result<()> {
    let mut terminal = Terminal::start(&top(&["--interval", "0.2"])?, 200, 50)?;
    terminal.until("q quit")?;
    terminal.hang();
    // Each size is a whole screen, until no more can be written.
    for columns in (150..200).chain(150..200) {
        terminal.resize(columns, 50)?;
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(terminal.pid().cast_signed()), Signal::SIGTERM)?;
    ensure!(!eventually(Duration::from_secs(2), || !alive(terminal.pid())), "the terminal does not hang");
    ensure!(terminal.wait()?.code() == Some(143));
    Ok(())
}

/// Ctrl-Z gives the screen to the shell, and `fg` takes it again.
#[test]
fn it_stands_back_for_the_shell() -> Result<()> {
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "--noediting", "-i"]).env("PS1", "shell> ");
    let mut terminal = Terminal::start(&shell, 80, 24)?;
    terminal.until("shell>")?;
    terminal.press(&format!("{} top --interval 0.2\n", mcpguard()?.display()))?;
    for _ in 0..2 {
        terminal.until("q quit")?;
        terminal.press("\u{1a}")?;
        terminal.until("Stopped")?;
        ensure!(!terminal.is_taken() && terminal.is_in_order()?, "{}", terminal.text());
        terminal.press("fg\n")?;
    }
    terminal.until("q quit")?;
    terminal.press("q")?;
    terminal.until_it("the shell", |text| !text.contains("q quit"))?;
    ensure!(terminal.is_in_order()?, "{}", terminal.text());
    Ok(())
}

#[test]
fn colours_are_for_who_wants_them() -> Result<()> {
    let scene = Scene::new()?;
    let mut client = session(&scene, "coloured")?;
    use_it(&mut client)?;
    for (value, wanted) in [(None, true), (Some(""), true), (Some("1"), false)] {
        let mut command = top(&["--interval", "0.2"])?;
        command.envs(value.map(|value| ("NO_COLOR", value)));
        command.args(["--filter", "coloured"]);
        let terminal = Terminal::start(&command, 80, 24)?;
        terminal.until("tool_disabled")?;
        ensure!((terminal.coloured() > 0) == wanted, "NO_COLOR={value:?}: {} cells", terminal.coloured());
    }
    Ok(())
}

#[test]
fn what_is_wrong_on_the_command_line_is_said() -> Result<()> {
    for (words, why) in [
        (&["--interval", "0"][..], "`0` is no number of seconds from 0.2 to 60"),
        (&["--interval", "61"], "from 0.2 to 60"),
        (&["--interval", "NaN"], "from 0.2 to 60"),
        (&["--size", "80"], "`80` is no size such as 80x24"),
        (&["--json", "--size", "80x24"], "cannot be used with"),
        (&["--sort", "colour"], "possible values"),
    ] {
        let told = run(&mut top(words)?)?;
        ensure!(told.status == Some(125) && told.stderr.contains(why), "{words:?}: {told:?}");
    }
    Ok(())
}
