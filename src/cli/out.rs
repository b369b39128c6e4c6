//! What a command prints: standard output that may be closed while it is written to.
//!
//! Whoever reads a part of it and goes (`| head`) ends the command as any filter is ended: quietly,
//! with what it holds let go of and no word about it. Nothing said beside it, on standard error,
//! ever ends a command.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, StdoutLock, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::ExitCode;

/// What a shell tells of a filter whose reader has gone (128 and the number of SIGPIPE).
const CLOSED: u8 = 141;

/// The reader has gone.
struct Gone;

/// `print!`, as commands use it.
macro_rules! print {
    ($($said:tt)*) => { $crate::cli::out::say(format_args!($($said)*)) };
}

/// `println!`, as commands use it.
macro_rules! println {
    () => { $crate::cli::out::say(format_args!("\n")) };
    ($said:literal $($more:tt)*) => {
        $crate::cli::out::say(format_args!("{}\n", format_args!($said $($more)*)))
    };
}

/// `eprintln!`, as commands use it: nobody need hear it.
macro_rules! eprintln {
    ($($said:tt)*) => { $crate::cli::out::aside(format_args!($($said)*)) };
}

/// Standard output as a writer.
pub struct Out(StdoutLock<'static>);

impl Out {
    /// All of it, until it is dropped.
    pub fn new() -> Out {
        Out(io::stdout().lock())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        heard(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        heard(self.0.flush())
    }
}

/// Writes to standard output.
pub fn say(said: Arguments<'_>) {
    if let Err(error) = Out::new().write_fmt(said) {
        aside(format_args!("kinbridge: standard output: {error}"));
    }
}

/// Writes a line to standard error.
pub fn aside(said: Arguments<'_>) {
    drop(writeln!(io::stderr(), "{said}"));
}

/// Ends the command where nobody reads what it writes.
fn heard<T>(result: io::Result<T>) -> io::Result<T> {
    let gone = matches!(&result, Err(error) if error.kind() == ErrorKind::BrokenPipe);
    if gone && !std::thread::panicking() {
        // No panic: no message, and everything held is let go of on the way.
        resume_unwind(Box::new(Gone));
    }
    result
}

/// Runs a command to its end, or to where its reader has gone.
pub fn until_gone(command: impl FnOnce() -> ExitCode) -> ExitCode {
    match catch_unwind(AssertUnwindSafe(command)) {
        Ok(code) => code,
        Err(cause) if cause.is::<Gone>() => ExitCode::from(CLOSED),
        Err(cause) => resume_unwind(cause),
    }
}
