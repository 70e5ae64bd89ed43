use super::fixture::*;
use super::*;
#[test]
fn see() {
    for w in [120, 69, 40] {
        let s = Screen::new(built(&[retry()]), w, 22).highlighted();
        eprintln!("{}\n=====", s.text());
        let s = Screen::new(
            built(&[retry(), change("a.txt", FileContent::Absent, text("x\ny"))]),
            w,
            30,
        )
        .highlighted();
        eprintln!("{}\n=====", s.text());
    }
    let mut s = Screen::new(built(&[retry()]), 120, 22).highlighted();
    s.act(&[Action::SideBySide]);
    eprintln!("{}\n=====", s.text());
}
