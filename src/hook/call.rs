//! The hook itself: read the event, leave it in the spool, see to a snapshot, end. The agent waits for this.
//!
//! Whatever is wrong, it gives up quietly: an event less is better than an agent that stops. It opens no database,
//! reads no settings and writes nothing to stdout, which agents read as an answer. It does read all of stdin: to an
//! agent that is still writing, a reader that goes away is an error.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::scan::Scan;
use super::spool::Spool;
use super::{Event, Host, Shot, payload, settle};
use crate::model::Time;
use crate::store::place::Surroundings;

/// How long one waits for an agent that has the other end of the pipe and says nothing. On a busy machine it may not have
/// come to it yet, and to go away would be an error to it; that wait is its own. Where nobody can write, one does not wait.
const SILENCE: Duration = Duration::from_secs(1);
/// The same, after a whole event: one that closes its end, as agents do, is not waited for at all.
const AFTERWARDS: Duration = Duration::from_millis(15);
/// How long one listens to an agent that goes on and on.
const LONGEST: Duration = Duration::from_secs(4);
const CHUNK: usize = 256 << 10;

/// Takes the event on stdin. `now` is when the hook was started, `folder` where.
pub fn call(host: Host, now: Time, folder: &Path, around: &Surroundings) -> io::Result<()> {
    let Some(event) = payload::event(host, &listen()?, now, folder) else {
        return Ok(());
    };
    take(event, around)
}

/// Reads stdin to its end, whoever it is from; for a call that cannot be understood.
pub fn swallow() -> io::Result<()> {
    listen().map(|_| ())
}

fn take(mut event: Event, around: &Surroundings) -> io::Result<()> {
    let spool = Spool::of(&event.cwd, around).ok_or(io::ErrorKind::NotFound)?;
    event.root = spool.root().to_owned();
    let shot = settle::may_look(&spool) && payload::deserves_a_look(&event);
    event.shot = match shot {
        false => Shot::None,
        true if spool.is_watched() => Shot::Watcher,
        true => Shot::Child,
    };
    spool.put(&event)?;
    if event.shot == Shot::Child && !settle::is_awaited(&spool) {
        start(&spool)?;
    }
    Ok(())
}

/// What stdin says.
fn listen() -> io::Result<Scan> {
    let mut scan = Scan::new(payload::FIELDS);
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(scan);
    }
    let started = Instant::now();
    let mut buffer = vec![0; CHUNK];
    while started.elapsed() < LONGEST {
        let silence = match scan.is_over() {
            true => AFTERWARDS,
            false => SILENCE,
        };
        let wait = Timespec {
            tv_sec: i64::try_from(silence.as_secs()).unwrap_or(1),
            tv_nsec: i64::from(silence.subsec_nanos()),
        };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait)) {
            Ok(0) => break,
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        }
        match rustix::io::read(&stdin, buffer.as_mut_slice()) {
            Ok(0) => break,
            Ok(n) => scan.feed(&buffer[..n]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            // What was understood so far counts.
            Err(_) => break,
        }
    }
    Ok(scan)
}

/// Starts the child that looks at the disk. It has nothing of the agent's: no stream that the agent might wait for, not
/// its process group, not its folder.
fn start(spool: &Spool) -> io::Result<()> {
    use std::os::unix::process::CommandExt;
    Command::new(program()?)
        .args(["hook", settle::WORD])
        .arg(spool.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn()
        .map(|_| ())
}

/// This very program, even while another version of it is being installed.
fn program() -> io::Result<std::path::PathBuf> {
    let own = Path::new("/proc/self/exe");
    match File::open(own) {
        Ok(_) => Ok(own.to_owned()),
        Err(_) => std::env::current_exe(),
    }
}
