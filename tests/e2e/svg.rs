//! A terminal's screen as an SVG picture. Lines and blocks are drawn, not written, so that frames are whole in any font;
//! every piece of text says how long it is, so that columns stay columns.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

/// The size of a cell, for a font of 14 pixels.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: &str = "ui-monospace,'SF Mono',SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Noto Sans Mono CJK JP',monospace";
const MARGIN: f64 = 14.0;
const BAR: f64 = 30.0;

/// The colours of the window around the program, which is the terminal's matter and not the program's.
pub struct Window {
    pub title: &'static str,
    foreground: &'static str,
    background: &'static str,
    bar: &'static str,
    sixteen: [&'static str; 16],
}

impl Window {
    pub fn dark(title: &'static str) -> Window {
        Window {
            title,
            foreground: "#d0d4dc",
            background: "#12151b",
            bar: "#1d222b",
            sixteen: [
                "#12151b", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2",
                "#c8ccd4", "#6b7280", "#ef8891", "#b1d89a", "#f0d399", "#82c4ff", "#d99bec",
                "#77cfda", "#ffffff",
            ],
        }
    }

    pub fn light(title: &'static str) -> Window {
        Window {
            title,
            foreground: "#24292f",
            background: "#fdfdfb",
            bar: "#e9e9e4",
            sixteen: [
                "#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83",
                "#6e7781", "#57606a", "#a40e26", "#1a7f37", "#633c01", "#218bff", "#a475f9",
                "#3192aa", "#8c959f",
            ],
        }
    }

    fn colour(&self, colour: vt100::Color, default: &str) -> String {
        match colour {
            vt100::Color::Default => default.to_owned(),
            vt100::Color::Idx(n @ 0..16) => self.sixteen[usize::from(n)].to_owned(),
            vt100::Color::Idx(n @ 16..232) => {
                let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
                let n = n - 16;
                format!(
                    "#{:02x}{:02x}{:02x}",
                    level(n / 36),
                    level(n / 6 % 6),
                    level(n % 6)
                )
            }
            vt100::Color::Idx(n) => {
                let grey = 8 + 10 * (n - 232);
                format!("#{grey:02x}{grey:02x}{grey:02x}")
            }
            vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        }
    }
}

/// How a cell looks.
#[derive(Clone, PartialEq)]
struct Look {
    foreground: String,
    background: String,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
}

struct Cell {
    text: String,
    columns: u16,
    look: Look,
}

fn cell(screen: &vt100::Screen, row: u16, column: u16, window: &Window) -> Option<Cell> {
    let cell = screen.cell(row, column)?;
    if cell.is_wide_continuation() {
        return None;
    }
    let mut look = Look {
        foreground: window.colour(cell.fgcolor(), window.foreground),
        background: window.colour(cell.bgcolor(), window.background),
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
    };
    if cell.inverse() {
        std::mem::swap(&mut look.foreground, &mut look.background);
    }
    let text = if cell.has_contents() {
        cell.contents()
    } else {
        " "
    };
    Some(Cell {
        text: text.to_owned(),
        columns: if cell.is_wide() { 2 } else { 1 },
        look,
    })
}

/// Draws a screen.
pub fn picture(screen: &vt100::Screen, window: &Window) -> String {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + BAR + MARGIN;
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="14">"#
    );
    let _ = writeln!(
        out,
        r#"<rect x="0.5" y="0.5" width="{}" height="{}" rx="9" fill="{}" stroke="{}"/>"#,
        width - 1.0,
        height - 1.0,
        window.background,
        window.bar
    );
    let _ = writeln!(
        out,
        r#"<path d="M0.5 {BAR}V9.5a9 9 0 0 1 9-9h{}a9 9 0 0 1 9 9V{BAR}z" fill="{}"/>"#,
        width - 19.0,
        window.bar
    );
    for (i, fill) in ["#ff5f57", "#febc2e", "#28c840"].iter().enumerate() {
        let _ = writeln!(
            out,
            r#"<circle cx="{}" cy="15" r="5.5" fill="{fill}"/>"#,
            18 + 19 * i
        );
    }
    let _ = writeln!(
        out,
        r#"<text x="{}" y="20" text-anchor="middle" fill="{}" opacity="0.7" font-size="13">{}</text>"#,
        width / 2.0,
        window.foreground,
        escape(window.title)
    );
    for row in 0..rows {
        draw_row(screen, row, columns, window, &mut out);
    }
    out.push_str("</svg>\n");
    out
}

fn draw_row(screen: &vt100::Screen, row: u16, columns: u16, window: &Window, out: &mut String) {
    let cells: Vec<(u16, Cell)> = (0..columns)
        .filter_map(|c| Some((c, cell(screen, row, c, window)?)))
        .collect();
    let top = BAR + f64::from(row) * CELL.1;
    let mut i = 0;
    while i < cells.len() {
        let look = &cells[i].1.look;
        let run = cells[i..]
            .iter()
            .take_while(|(_, c)| c.look.background == look.background)
            .count();
        if look.background != window.background {
            let from = cells[i].0;
            let until = cells.get(i + run).map_or(columns, |(c, _)| *c);
            rectangle(
                f64::from(from),
                f64::from(until - from),
                0.0,
                1.0,
                top,
                &look.background,
                out,
            );
        }
        i += run;
    }
    let mut i = 0;
    while i < cells.len() {
        let run = run_of(&cells[i..]);
        draw_run(&cells[i..i + run], top, out);
        i += run;
    }
}

/// How many cells from here are written in one piece: plain ASCII of one look, up to a gap.
fn run_of(cells: &[(u16, Cell)]) -> usize {
    let first = &cells[0].1;
    if !first.text.is_ascii() || first.columns > 1 {
        return 1;
    }
    let same = |(_, c): &&(u16, Cell)| c.look == first.look && c.text.is_ascii() && c.columns == 1;
    let mut run = cells.iter().take_while(same).count();
    let gap = |w: &[(u16, Cell)]| w.iter().all(|(_, c)| c.text == " ");
    let blank = first.text == " ";
    for at in 1..run {
        let stop = match blank {
            true => cells[at].1.text != " ",
            false => gap(&cells[at..(at + 2).min(run)]),
        };
        if stop {
            run = at;
            break;
        }
    }
    run
}

fn draw_run(cells: &[(u16, Cell)], top: f64, out: &mut String) {
    let (column, first) = &cells[0];
    let look = &first.look;
    let columns: u16 = cells.iter().map(|(_, c)| c.columns).sum();
    let x = MARGIN + f64::from(*column) * CELL.0;
    let width = f64::from(columns) * CELL.0;
    if look.underline {
        let y = top + CELL.1 - 3.5;
        let _ = writeln!(
            out,
            r#"<path d="M{x:.1} {y:.1}h{width:.1}" stroke="{}"/>"#,
            look.foreground
        );
    }
    let text: String = cells.iter().map(|(_, c)| c.text.as_str()).collect();
    if text.trim().is_empty()
        || draw_line(&text, x, top, look, out)
        || draw_block(&text, *column, top, look, out)
    {
        return;
    }
    let mut style = String::new();
    for (on, attribute) in [
        (look.bold, r#" font-weight="700""#),
        (look.italic, r#" font-style="italic""#),
        (look.dim, r#" opacity="0.6""#),
    ] {
        style.push_str(if on { attribute } else { "" });
    }
    // A glyph from another font must not push the rest aside, nor be torn to the length of a cell.
    let length = match text.is_ascii() || text.width() > 1 {
        true => format!(r#" textLength="{width:.1}""#),
        false => String::new(),
    };
    let _ = writeln!(
        out,
        r#"<text xml:space="preserve" x="{x:.1}" y="{:.1}"{length} fill="{}"{style}>{}</text>"#,
        top + 13.5,
        look.foreground,
        escape(&text)
    );
}

/// Frames: which of the four arms (left, right, up, down) a character has, and whether they bend.
fn draw_line(text: &str, x: f64, top: f64, look: &Look, out: &mut String) -> bool {
    let (w, h) = CELL;
    let (left, right, up, down) = match text {
        "─" => (true, true, false, false),
        "│" => (false, false, true, true),
        "├" => (false, true, true, true),
        "┤" => (true, false, true, true),
        "┬" => (true, true, false, true),
        "┴" => (true, true, true, false),
        "┼" => (true, true, true, true),
        "┌" => (false, true, false, true),
        "┐" => (true, false, false, true),
        "└" => (false, true, true, false),
        "┘" => (true, false, true, false),
        _ => return draw_bend(text, x, top, look, out),
    };
    let (cx, cy) = (x + w / 2.0, top + h / 2.0);
    let mut path = String::new();
    for (on, arm) in [
        (left, format!("M{x:.1} {cy:.1}H{cx:.1}")),
        (right, format!("M{cx:.1} {cy:.1}H{:.1}", x + w)),
        (up, format!("M{cx:.1} {top:.1}V{cy:.1}")),
        (down, format!("M{cx:.1} {cy:.1}V{:.1}", top + h)),
    ] {
        path.push_str(if on { &arm } else { "" });
    }
    stroke(&path, look, out);
    true
}

fn draw_bend(text: &str, x: f64, top: f64, look: &Look, out: &mut String) -> bool {
    let (w, h) = CELL;
    let (cx, cy) = (x + w / 2.0, top + h / 2.0);
    let (side, end) = match text {
        "╭" => (x + w, top + h),
        "╮" => (x, top + h),
        "╰" => (x + w, top),
        "╯" => (x, top),
        _ => return false,
    };
    stroke(
        &format!("M{side:.1} {cy:.1}Q{cx:.1} {cy:.1} {cx:.1} {end:.1}"),
        look,
        out,
    );
    true
}

fn stroke(path: &str, look: &Look, out: &mut String) {
    let dim = if look.dim { r#" opacity="0.6""# } else { "" };
    let _ = writeln!(
        out,
        r#"<path d="{path}" fill="none" stroke="{}"{dim}/>"#,
        look.foreground
    );
}

/// Blocks: the part of a cell that is filled.
fn draw_block(text: &str, column: u16, top: f64, look: &Look, out: &mut String) -> bool {
    let (from, columns, above, high) = match text {
        "█" => (0.0, 1.0, 0.0, 1.0),
        "▌" => (0.0, 0.5, 0.0, 1.0),
        "▐" => (0.5, 0.5, 0.0, 1.0),
        "▍" => (0.0, 0.375, 0.0, 1.0),
        "▎" => (0.0, 0.25, 0.0, 1.0),
        "▏" => (0.0, 0.125, 0.0, 1.0),
        "▕" => (0.875, 0.125, 0.0, 1.0),
        "▀" => (0.0, 1.0, 0.0, 0.5),
        "▄" => (0.0, 1.0, 0.5, 0.5),
        _ => return false,
    };
    rectangle(
        f64::from(column) + from,
        columns,
        above,
        high,
        top,
        &look.foreground,
        out,
    );
    true
}

fn rectangle(
    column: f64,
    columns: f64,
    above: f64,
    high: f64,
    top: f64,
    fill: &str,
    out: &mut String,
) {
    let _ = writeln!(
        out,
        r#"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="{fill}" shape-rendering="crispEdges"/>"#,
        MARGIN + column * CELL.0,
        top + above * CELL.1,
        columns * CELL.0,
        high * CELL.1
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
