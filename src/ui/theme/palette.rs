//! The colours of the schemes, by number: in the palette of 256 and as 24 bits.
//!
//! The tests measure the contrast of every pair that can meet on the screen.

/// A colour in the palette of 256 and as 24 bits.
pub type Hue = (u8, u32);

/// The colours of one scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colours {
    /// Secondary text.
    pub dim: Hue,
    /// Focus, selection.
    pub accent: Hue,
    /// Added.
    pub add: Hue,
    /// Removed.
    pub delete: Hue,
    /// Failed.
    pub fail: Hue,
    /// Deserves a look.
    pub warn: Hue,
    /// Agent, you, tool.
    pub authors: [Hue; 3],
    /// Background of the cursor row.
    pub row: Hue,
    /// Background of a line added, a word added, a line removed, a word removed.
    pub tints: [Hue; 4],
    /// Comment (on a tint; elsewhere comments are dim), keyword, function, type, string, constant, property, punctuation.
    pub code: [Hue; 8],
}

/// For dark backgrounds.
pub const DARK: Colours = Colours {
    dim: (245, 0x8a8a8a),
    accent: (75, 0x5fafff),
    add: (114, 0x87d787),
    delete: (210, 0xff8787),
    fail: (203, 0xff5f5f),
    warn: (221, 0xffd75f),
    authors: [(141, 0xaf87ff), (80, 0x5fd7d7), (180, 0xd7af87)],
    row: (237, 0x32363d),
    tints: [
        (22, 0x12301c),
        (28, 0x1f5c33),
        (52, 0x3a1518),
        (88, 0x72252b),
    ],
    code: [
        (250, 0xb4bcc6),
        (218, 0xe597bd),
        (117, 0x87b7ff),
        (116, 0x87d7d7),
        (150, 0xafd787),
        (223, 0xffbf97),
        (152, 0xafd7d7),
        (252, 0xbcbcbc),
    ],
};

/// For light ones.
pub const LIGHT: Colours = Colours {
    dim: (242, 0x6c6c6c),
    accent: (25, 0x005faf),
    add: (22, 0x116329),
    delete: (124, 0xa40e26),
    fail: (160, 0xcf222e),
    warn: (94, 0x7d4e00),
    authors: [(91, 0x8700af), (24, 0x005f87), (94, 0x875f00)],
    row: (254, 0xe8ebf0),
    tints: [
        (194, 0xdafbe1),
        (151, 0xaceebb),
        (224, 0xffe4e1),
        (217, 0xffbdb8),
    ],
    code: [
        (240, 0x57606a),
        (125, 0xa0306a),
        (25, 0x0550ae),
        (24, 0x0a5a72),
        (22, 0x0a5430),
        (94, 0x953800),
        (60, 0x4f4f87),
        (240, 0x585858),
    ],
};

/// The strongest contrast, on black.
pub const HIGH_CONTRAST: Colours = Colours {
    dim: (252, 0xd0d0d0),
    accent: (51, 0x00ffff),
    add: (46, 0x00ff00),
    delete: (217, 0xffafaf),
    fail: (210, 0xff8787),
    warn: (226, 0xffff00),
    authors: [(219, 0xffafff), (51, 0x00ffff), (229, 0xffffaf)],
    row: (238, 0x444444),
    tints: [
        (22, 0x003a00),
        (28, 0x007000),
        (52, 0x4a0000),
        (88, 0x8a0000),
    ],
    code: [
        (252, 0xd0d0d0),
        (219, 0xffafff),
        (123, 0x87ffff),
        (123, 0x87ffff),
        (157, 0xafffaf),
        (229, 0xffffaf),
        (195, 0xd7ffff),
        (231, 0xffffff),
    ],
};

/// Blue and orange, on dark.
pub const DALTONISED: Colours = Colours {
    add: (75, 0x6cb6ff),
    delete: (215, 0xffaf5f),
    fail: (208, 0xff8700),
    warn: (228, 0xffff87),
    tints: [
        (17, 0x0f2544),
        (25, 0x1a4f8f),
        (52, 0x3d2a08),
        (94, 0x7a4f0a),
    ],
    ..DARK
};

/// Blue and orange, on light.
pub const DALTONISED_LIGHT: Colours = Colours {
    add: (25, 0x0550ae),
    delete: (130, 0x953800),
    fail: (130, 0xa84300),
    warn: (94, 0x6f5500),
    tints: [
        (189, 0xddf0ff),
        (153, 0xa9d8ff),
        (223, 0xffefd9),
        (215, 0xffcf9a),
    ],
    ..LIGHT
};
