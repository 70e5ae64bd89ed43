//! The signs on the screen, and the plain ones for terminals and fonts that need them.

/// One set of signs; each is one cell wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// A step that looked.
    pub looked: &'static str,
    /// A step that changed a file.
    pub changed: &'static str,
    /// A step that runs.
    pub running: &'static str,
    /// It went well.
    pub passed: &'static str,
    /// It failed.
    pub failed: &'static str,
    /// An unfolded heading.
    pub open: &'static str,
    /// A folded heading.
    pub folded: &'static str,
    /// The bar in front of the cursor row.
    pub bar: &'static str,
    /// A rewind.
    pub back: &'static str,
    /// A mark that the user set.
    pub flag: &'static str,
    /// A line that moved.
    pub moved: &'static str,
    /// A line whose white space changed.
    pub spaced: &'static str,
    /// The done part of a progress bar.
    pub full: &'static str,
    /// The rest of it.
    pub empty: &'static str,
}

/// For most terminals.
pub const UNICODE: Marks = Marks {
    looked: "◦",
    changed: "●",
    running: "◌",
    passed: "✓",
    failed: "✗",
    open: "▾",
    folded: "▸",
    bar: "▌",
    back: "↶",
    flag: "⚑",
    moved: "⇅",
    spaced: "␣",
    full: "━",
    empty: "─",
};

/// For terminals and fonts without those.
pub const ASCII: Marks = Marks {
    looked: ".",
    changed: "*",
    running: "o",
    passed: "+",
    failed: "x",
    open: "v",
    folded: ">",
    bar: ">",
    back: "<",
    flag: "#",
    moved: "m",
    spaced: "s",
    full: "=",
    empty: "-",
};
