use super::*;

/// The red, green and blue of a hue, as it looks at a depth.
fn rgb(hue: Hue, depth: ColorDepth) -> [u8; 3] {
    if depth == ColorDepth::True {
        return [(hue.1 >> 16) as u8, (hue.1 >> 8) as u8, hue.1 as u8];
    }
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |by: u8| STEPS[usize::from((hue.0 - 16) / by % 6)];
    match hue.0 {
        232.. => [8 + 10 * (hue.0 - 232); 3],
        _ => [step(36), step(6), step(1)],
    }
}

/// The contrast of two colours, as the guidelines for accessible web content reckon it.
fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
    let light = |rgb: [u8; 3]| {
        let part = |v: u8| match f64::from(v) / 255.0 {
            v if v <= 0.03928 => v / 12.92,
            v => ((v + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2])
    };
    let (a, b) = (light(a), light(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn everything_can_be_read_on_what_it_stands_on() {
    let dark = [0x1e; 3];
    let schemes = [
        (DARK, dark),
        (HIGH_CONTRAST, [0; 3]),
        (DALTONISED, dark),
        (LIGHT, [0xff; 3]),
        (DALTONISED_LIGHT, [0xff; 3]),
    ];
    for (colours, ground) in schemes {
        for depth in [ColorDepth::Palette, ColorDepth::True] {
            let least = |what: &str, on: [u8; 3], hue: Hue, limit: f64| {
                let found = contrast(rgb(hue, depth), on);
                assert!(
                    found >= limit,
                    "{what} {hue:?} at {depth:?} on {on:?}: {found:.2}"
                );
            };
            let named = [
                colours.dim,
                colours.accent,
                colours.add,
                colours.delete,
                colours.fail,
                colours.warn,
            ];
            for hue in named.into_iter().chain(colours.authors).chain(colours.code) {
                least("text", ground, hue, 4.5);
            }
            for hue in colours.code {
                least("code on a line", rgb(colours.tints[0], depth), hue, 4.0);
                least("code on a line", rgb(colours.tints[2], depth), hue, 4.0);
            }
            // White on the tints of words where only that can be read.
            let light = ground == [0xff; 3];
            let words = [colours.tints[1], colours.tints[3]].map(|tint| rgb(tint, depth));
            for word in words {
                match (depth, light) {
                    (ColorDepth::Palette, false) => assert!(contrast([0xff; 3], word) >= 4.5),
                    _ => colours
                        .code
                        .iter()
                        .for_each(|&hue| least("code on a word", word, hue, 3.0)),
                }
            }
        }
    }
}

#[test]
fn the_terminal_decides_where_nobody_chose() {
    let choose = |name, dark| Theme::choose(name, dark, ColorDepth::Palette).scheme();
    assert_eq!(choose(None, Some(true)), Scheme::Dark);
    assert_eq!(choose(None, Some(false)), Scheme::Light);
    assert_eq!(choose(None, None), Scheme::Terminal);
    assert_eq!(
        choose(Some("daltonised"), Some(false)),
        Scheme::DaltonisedLight
    );
    assert_eq!(
        choose(Some("high-contrast"), Some(false)),
        Scheme::HighContrast
    );
    assert_eq!(choose(Some("no such"), Some(false)), Scheme::Light);
    for name in NAMES {
        let theme = Theme::choose(Some(name), Some(true), ColorDepth::True);
        assert_eq!(theme.has_tints(), *name != "terminal");
    }
}

#[test]
fn without_colour_no_style_has_one() {
    let theme = Theme::new(Scheme::Dark, ColorDepth::None);
    let styles = [
        theme.dim(),
        theme.accent(),
        theme.add(),
        theme.delete(),
        theme.fail(),
        theme.warn(),
        theme.author(Author::You),
        theme.selected(),
        theme.matched(),
        theme.add_line(),
        theme.add_word(),
        theme.delete_word(),
        theme.code(Syntax::Keyword),
        theme.foreign(Style::new().fg(Color::Red).bg(Color::Rgb(1, 2, 3))),
    ];
    for style in styles {
        assert_eq!((style.fg, style.bg), (None, None), "{style:?}");
    }
    for style in [
        theme.selected(),
        theme.matched(),
        theme.add_word(),
        theme.delete_word(),
        theme.fail(),
    ] {
        assert!(!style.add_modifier.is_empty());
    }
}
