//! Asks the terminal for its background. A question that every terminal answers stands behind it as a fence, so that one
//! that does not know its background is not waited for; what comes later than the patience is swallowed by `input`.

use std::io::Write;
use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdin;

use super::key::KeyPress;
use super::options::Environment;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(150);
/// The question for the background, then the one for the terminal's kind.
const QUESTION: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";

/// Whether the background is dark; `None` if neither the terminal nor `COLORFGBG` says. The terminal must be raw, and
/// nobody else may read it. Keys that were pressed meanwhile come along: they are the user's.
pub fn background(environment: &Environment) -> (Option<bool>, Vec<KeyPress>) {
    if environment.no_color {
        return (None, Vec::new());
    }
    let mut heard = Vec::new();
    let dark = asked(&mut heard).or_else(|| of_colorfgbg(environment.colorfgbg.as_deref()?));
    (dark, typed(&heard))
}

fn asked(heard: &mut Vec<u8>) -> Option<bool> {
    let mut out = std::io::stdout();
    out.write_all(QUESTION).ok()?;
    out.flush().ok()?;
    let start = Instant::now();
    while !is_fence(heard) {
        let left = PATIENCE.checked_sub(start.elapsed())?;
        let tty = stdin();
        let mut fds = [PollFd::new(&tty, PollFlags::IN)];
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut fds, Some(&wait)) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return None,
        }
        let mut piece = [0; 256];
        match rustix::io::read(tty, &mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(n) => heard.extend_from_slice(&piece[..n]),
        }
    }
    is_dark(heard)
}

/// The keys among what was heard: what belongs to no answer, as far as single bytes tell. Longer sequences (arrows,
/// mouse) are left out.
fn typed(heard: &[u8]) -> Vec<KeyPress> {
    let mut keys = Vec::new();
    let mut rest = heard;
    while let Some((first, behind)) = rest.split_first() {
        rest = match (first, behind.first()) {
            // An answer that is a string ends with BEL or ESC \; one that is not ends with a letter.
            (0x1b, Some(b']' | b'P')) => {
                let end = behind.iter().position(|b| *b == 0x07 || *b == b'\\');
                &behind[end.map_or(behind.len(), |at| at + 1)..]
            }
            (0x1b, Some(b'[' | b'O')) => {
                let end = behind[1..].iter().position(|b| (0x40..0x7f).contains(b));
                &behind[end.map_or(behind.len(), |at| at + 2)..]
            }
            (0x1b, _) => {
                keys.push(KeyPress::plain(KeyCode::Esc));
                behind
            }
            (b'\r', _) => {
                keys.push(KeyPress::plain(KeyCode::Enter));
                behind
            }
            (b'\t', _) => {
                keys.push(KeyPress::plain(KeyCode::Tab));
                behind
            }
            (byte @ 0x20..0x7f, _) => {
                keys.push(KeyPress::plain(KeyCode::Char(char::from(*byte))));
                behind
            }
            (byte @ 1..=26, _) => {
                keys.push(KeyPress {
                    code: KeyCode::Char(char::from(byte - 1 + b'a')),
                    control: true,
                });
                behind
            }
            _ => behind,
        };
    }
    keys
}

/// Whether the answer to the second question is complete: `ESC [ ? ... c`.
fn is_fence(heard: &[u8]) -> bool {
    let at = heard.windows(3).position(|w| w == b"\x1b[?");
    at.is_some_and(|at| heard[at..].contains(&b'c'))
}

/// Reads `rgb:RRRR/GGGG/BBBB` with one to four digits each.
fn is_dark(heard: &[u8]) -> Option<bool> {
    let text = String::from_utf8_lossy(heard);
    let (_, colours) = text.split_once("rgb:")?;
    let mut parts = colours.splitn(3, '/').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_hexdigit).collect();
        let value = u32::from_str_radix(digits.get(..4).unwrap_or(&digits), 16).ok()?;
        let most = 16u32.pow(digits.len().min(4) as u32) - 1;
        Some(f64::from(value) / f64::from(most.max(1)))
    });
    let (r, g, b) = (parts.next()??, parts.next()??, parts.next()??);
    // Perceived lightness, good enough to tell paper from night.
    Some(0.2126 * r + 0.7152 * g + 0.0722 * b < 0.5)
}

/// `15;0`: the last number is the background among the sixteen colours.
fn of_colorfgbg(value: &str) -> Option<bool> {
    let background: u8 = value.rsplit(';').next()?.parse().ok()?;
    Some(!matches!(background, 7 | 9..=15))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let dark = b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;22c";
        assert_eq!((is_fence(dark), is_dark(dark)), (true, Some(true)));
        let light = b"\x1b]11;rgb:ff/fa/f0\x07\x1b[?6c";
        assert_eq!((is_fence(light), is_dark(light)), (true, Some(false)));
        let silent = b"\x1b[?1;2c";
        assert_eq!((is_fence(silent), is_dark(silent)), (true, None));
        assert!(!is_fence(b"\x1b]11;rgb:1e1e"));
        assert_eq!(is_dark(b"rgb:zz/1/1"), None);
    }

    #[test]
    fn keys_pressed_meanwhile_are_kept() {
        let show = |heard: &[u8]| -> Vec<KeyCode> { typed(heard).iter().map(|k| k.code).collect() };
        let heard = b"j\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\Q\x1b[?62;22c\r";
        assert_eq!(
            show(heard),
            [KeyCode::Char('j'), KeyCode::Char('Q'), KeyCode::Enter]
        );
        assert_eq!(show(b"\x1b"), [KeyCode::Esc]);
        assert_eq!(show(b"\x1b[A\x1b[?6c\x1b]11;rgb:1/1/1\x07"), []);
        assert!(typed(b"\x03")[0].control);
    }

    #[test]
    fn the_variable_is_read() {
        assert_eq!(of_colorfgbg("15;0"), Some(true));
        assert_eq!(of_colorfgbg("0;default;15"), Some(false));
        assert_eq!(of_colorfgbg("0;default"), None);
    }
}
