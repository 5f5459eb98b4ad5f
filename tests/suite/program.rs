//! The real program as a child process.

use crate::app::{Backend, PATIENCE, Place};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What it says when it is ready.
const READY: &str = "Clickledger serves on ";

/// The program with the settings of a place and none of this machine's.
pub fn command(place: &Place) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_clickledger"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CLICKLEDGER_")
            || text.starts_with("DATABASE_URL")
            || text.starts_with("RUST_LOG")
        {
            command.env_remove(&name);
        }
    }
    command.env("CLICKLEDGER_DATA_DIR", place.folder.path()).env("DATABASE_URL", &place.url);
    command.env("CLICKLEDGER_LISTEN", "127.0.0.1:0").env("CLICKLEDGER_WORKERS", "2").env("RUST_LOG", "warn");
    command
}

/// Runs a command to its end, with a line for its standard input. It may not take longer than a minute.
pub fn run(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let fed = child.stdin.take().unwrap().write_all(input.as_bytes());
    // One that asks for nothing may have ended already.
    let _unread = fed;
    let (id, (done, ended)) = (child.id(), channel::<()>());
    let guard = std::thread::spawn(move || {
        if ended.recv_timeout(Duration::from_secs(60)).is_err() {
            let _killed = Command::new("kill").args(["-KILL", &id.to_string()]).status();
        }
    });
    let output = child.wait_with_output().unwrap();
    let _told = done.send(());
    guard.join().unwrap();
    output
}

/// Kills a process when this one is gone, however it goes: then nobody holds the guard's standard input open.
const GUARD: &str = "cat >/dev/null; kill -KILL \"$1\"";

/// A served program, killed with the value.
pub struct Program {
    child: Child,
    guard: Child,
    lines: Receiver<String>,
    /// Where it serves: `http://127.0.0.1:1234`.
    pub base: String,
    /// What it said before and after it was ready.
    pub said: Vec<String>,
}

impl Program {
    /// Starts it and waits until it serves.
    pub fn start(place: &Place) -> Self {
        Self::from(command(place))
    }

    /// Starts it with settings of one's own.
    pub fn from(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard", &child.id().to_string()]).stdin(Stdio::piped());
        let guard = guard.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut program = Self { child, guard, lines, base: String::new(), said: Vec::new() };
        let begun = Instant::now();
        while program.base.is_empty() {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            let line = program.lines.recv_timeout(left).expect("the program did not say that it serves");
            if let Some(base) = line.strip_prefix(READY) {
                program.base = base.to_owned();
            }
            program.said.push(line);
        }
        program
    }

    /// What it says within a moment, all in all.
    pub fn all_it_says(&mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(Duration::from_millis(300)) {
            self.said.push(line);
        }
        self.said.join("\n")
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as a service manager does; whether it ended well, and how long it took.
    pub fn end(mut self) -> (bool, Duration) {
        let begun = Instant::now();
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let status = self.child.wait().unwrap();
        (status.success(), begun.elapsed())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        for process in [&mut self.guard, &mut self.child] {
            let _gone = process.kill();
            let _reaped = process.wait();
        }
    }
}

/// An admin's token, made by the command line.
pub fn token(place: &Place) -> String {
    let mut user = command(place);
    user.args(["user", "create", "--email", "admin@example.com", "--role", "admin", "--password-stdin"]);
    let made = run(user, "a quiet river bends\n");
    assert!(made.status.success(), "{made:?}");
    another_token(place)
}

/// One more token of that admin.
pub fn another_token(place: &Place) -> String {
    let mut token = command(place);
    token.args(["token", "create", "--email", "admin@example.com", "--scope", "write"]);
    let made = run(token, "");
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim_end().to_owned()
}

/// Both databases, where they are to be had.
pub fn on_each(test: impl Fn(Place)) {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        if let Some(place) = Place::new(backend) {
            test(place);
        }
    }
}
