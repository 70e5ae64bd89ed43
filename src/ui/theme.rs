//! The only place that names a colour: here by its use, in `palette` by its number.
//!
//! A theme is chosen once from three things: the name in the configuration, whether the terminal is dark, and how many
//! colours it has. Everything else asks for a style by what it is for (`theme.add()`, `theme.selected()`). 256 colours
//! are the main path: 24-bit colours only refine them, 16 colours are the terminal's own without tints, and without
//! colour bold, dim, underline and reverse must do. Nothing may rely on colour alone: signs and words say the same.
//! Backgrounds stay the terminal's own, but for the tints of a diff.

use ratatui::style::{Color, Modifier, Style};

use self::palette::{Colours, DALTONISED, DALTONISED_LIGHT, DARK, HIGH_CONTRAST, Hue, LIGHT};

mod palette;
#[cfg(test)]
mod tests;

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColorDepth {
    /// `NO_COLOR`, or a terminal without any.
    None,
    /// The sixteen that the terminal's user chose.
    Sixteen,
    /// The palette of 256.
    Palette,
    /// 24 bits.
    True,
}

/// The themes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// For dark backgrounds.
    Dark,
    /// For light backgrounds.
    Light,
    /// Dark, with the strongest contrast.
    HighContrast,
    /// Blue and orange instead of green and red, for a dark background.
    Daltonised,
    /// The same for a light background.
    DaltonisedLight,
    /// The sixteen colours of the terminal, no tints: where nothing is known of the background.
    Terminal,
}

/// Who wrote something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// The coding agent.
    Agent,
    /// The person.
    You,
    /// A program or another tool.
    Tool,
}

/// What a piece of code is, as far as the screen tells things apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Anything else.
    Plain,
    /// Remarks.
    Comment,
    /// Words of the language.
    Keyword,
    /// Names of functions.
    Function,
    /// Names of types, tags, classes.
    Type,
    /// Strings.
    String,
    /// Numbers and constants.
    Constant,
    /// Fields, attributes, keys.
    Property,
    /// Operators and brackets.
    Punctuation,
}

/// The styles of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    scheme: Scheme,
    depth: ColorDepth,
    colours: &'static Colours,
}

/// The names that [`Theme::choose`] knows, for help and completion.
pub const NAMES: &[&str] = &["dark", "light", "high-contrast", "daltonised", "terminal"];

impl Theme {
    /// The theme for a terminal. `name` as configured (an unknown one counts as none: the configuration reports it);
    /// `dark` as the terminal answered. Where neither is known, the sixteen colours of the terminal.
    pub fn choose(name: Option<&str>, dark: Option<bool>, depth: ColorDepth) -> Theme {
        let scheme = match (name, dark) {
            (Some("dark"), _) => Scheme::Dark,
            (Some("light"), _) => Scheme::Light,
            (Some("high-contrast"), _) => Scheme::HighContrast,
            (Some("daltonised"), Some(false)) => Scheme::DaltonisedLight,
            (Some("daltonised"), _) => Scheme::Daltonised,
            (Some("terminal"), _) | (_, None) => Scheme::Terminal,
            (_, Some(true)) => Scheme::Dark,
            (_, Some(false)) => Scheme::Light,
        };
        Theme::new(scheme, depth)
    }

    /// The theme of a scheme.
    pub fn new(scheme: Scheme, depth: ColorDepth) -> Theme {
        let colours = match scheme {
            Scheme::Dark | Scheme::Terminal => &DARK,
            Scheme::Light => &LIGHT,
            Scheme::HighContrast => &HIGH_CONTRAST,
            Scheme::Daltonised => &DALTONISED,
            Scheme::DaltonisedLight => &DALTONISED_LIGHT,
        };
        // The terminal's own sixteen are all that this scheme ever uses.
        let depth = if scheme == Scheme::Terminal && depth != ColorDepth::None {
            ColorDepth::Sixteen
        } else {
            depth
        };
        Theme {
            scheme,
            depth,
            colours,
        }
    }

    /// Which one it is.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// How many colours it uses.
    pub fn depth(&self) -> ColorDepth {
        self.depth
    }

    /// Whether lines of a diff have a background.
    pub fn has_tints(&self) -> bool {
        matches!(self.depth, ColorDepth::Palette | ColorDepth::True)
    }

    fn is_daltonised(&self) -> bool {
        matches!(self.scheme, Scheme::Daltonised | Scheme::DaltonisedLight)
    }

    fn hue(&self, hue: Hue, sixteen: Color) -> Option<Color> {
        match self.depth {
            ColorDepth::None => None,
            ColorDepth::Sixteen => Some(sixteen),
            ColorDepth::Palette => Some(Color::Indexed(hue.0)),
            ColorDepth::True => Some(Color::from_u32(hue.1)),
        }
    }

    fn fg(&self, hue: Hue, sixteen: Color, without: Modifier) -> Style {
        match self.hue(hue, sixteen) {
            Some(colour) => Style::new().fg(colour),
            None => Style::new().add_modifier(without),
        }
    }

    fn tint(&self, which: usize, without: Modifier) -> Style {
        match self
            .has_tints()
            .then(|| self.hue(self.colours.tints[which], Color::Reset))
            .flatten()
        {
            Some(colour) => Style::new().bg(colour),
            None => Style::new().add_modifier(without),
        }
    }

    /// Ordinary text.
    pub fn text(&self) -> Style {
        Style::new()
    }

    /// Secondary text: times, folders, line numbers.
    pub fn dim(&self) -> Style {
        match self.depth {
            ColorDepth::None | ColorDepth::Sixteen => Style::new().add_modifier(Modifier::DIM),
            _ => self.fg(self.colours.dim, Color::DarkGray, Modifier::DIM),
        }
    }

    /// Focus, selection, tips.
    pub fn accent(&self) -> Style {
        self.fg(self.colours.accent, Color::Blue, Modifier::BOLD)
    }

    /// Added lines and their numbers.
    pub fn add(&self) -> Style {
        let sixteen = if self.is_daltonised() {
            Color::Blue
        } else {
            Color::Green
        };
        self.fg(self.colours.add, sixteen, Modifier::empty())
    }

    /// Removed lines and their numbers.
    pub fn delete(&self) -> Style {
        let sixteen = if self.is_daltonised() {
            Color::Yellow
        } else {
            Color::Red
        };
        self.fg(self.colours.delete, sixteen, Modifier::DIM)
    }

    /// What failed.
    pub fn fail(&self) -> Style {
        self.fg(self.colours.fail, Color::Red, Modifier::BOLD)
            .add_modifier(Modifier::BOLD)
    }

    /// What deserves a look.
    pub fn warn(&self) -> Style {
        self.fg(self.colours.warn, Color::Yellow, Modifier::BOLD)
    }

    /// Success: the same hue as what was added.
    pub fn ok(&self) -> Style {
        self.add()
    }

    /// The hue of an author.
    pub fn author(&self, author: Author) -> Style {
        let (which, sixteen) = match author {
            Author::Agent => (0, Color::Magenta),
            Author::You => (1, Color::Cyan),
            Author::Tool => (2, Color::Yellow),
        };
        self.fg(self.colours.authors[which], sixteen, Modifier::empty())
    }

    /// A heading.
    pub fn heading(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Emphasis within text.
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The frame of a pane.
    pub fn border(&self, focused: bool) -> Style {
        if focused { self.accent() } else { self.dim() }
    }

    /// The title of a pane.
    pub fn title(&self, focused: bool) -> Style {
        let style = if focused { self.accent() } else { self.text() };
        if focused {
            style.add_modifier(Modifier::BOLD)
        } else {
            style
        }
    }

    /// The cursor row of the focused pane: patched over what is there.
    pub fn selected(&self) -> Style {
        match self
            .has_tints()
            .then(|| self.hue(self.colours.row, Color::Reset))
            .flatten()
        {
            Some(colour) => Style::new().bg(colour).add_modifier(Modifier::BOLD),
            None => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// The cursor row of a pane that has not the focus.
    pub fn selected_unfocused(&self) -> Style {
        match self
            .has_tints()
            .then(|| self.hue(self.colours.row, Color::Reset))
            .flatten()
        {
            Some(colour) => Style::new().bg(colour),
            None => Style::new().add_modifier(Modifier::BOLD),
        }
    }

    /// The bar in front of the cursor row.
    pub fn cursor_bar(&self, focused: bool) -> Style {
        if focused {
            self.accent().add_modifier(Modifier::BOLD)
        } else {
            self.dim()
        }
    }

    /// A range of lines that is being selected.
    pub fn range(&self) -> Style {
        self.selected_unfocused().add_modifier(Modifier::UNDERLINED)
    }

    /// Letters that a search matched.
    pub fn matched(&self) -> Style {
        self.accent()
            .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// The match on which the cursor stands.
    pub fn matched_here(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// Old content while new content is awaited.
    pub fn stale(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// A key in a hint.
    pub fn key(&self) -> Style {
        self.accent().add_modifier(Modifier::BOLD)
    }

    /// An address behind a link.
    pub fn link(&self) -> Style {
        self.accent().add_modifier(Modifier::UNDERLINED)
    }

    /// Code within prose.
    pub fn inline_code(&self) -> Style {
        self.code(Syntax::String)
    }

    /// What stands for something that is not there: `…`, a token, a filler.
    pub fn marker(&self) -> Style {
        self.dim()
    }

    /// The background of a line added.
    pub fn add_line(&self) -> Style {
        if self.has_tints() {
            self.tint(0, Modifier::empty())
        } else {
            self.add()
        }
    }

    /// The words that were added in it.
    pub fn add_word(&self) -> Style {
        self.word(1)
    }

    /// The background of a line removed.
    pub fn delete_line(&self) -> Style {
        if self.has_tints() {
            self.tint(2, Modifier::empty())
        } else {
            self.delete()
        }
    }

    /// The words that were removed from it.
    pub fn delete_word(&self) -> Style {
        self.word(3)
    }

    /// The palette of 256 has no dark tints but strong ones: on those only white can be read.
    fn word(&self, which: usize) -> Style {
        let style = self.tint(which, Modifier::BOLD | Modifier::UNDERLINED);
        let light = matches!(self.scheme, Scheme::Light | Scheme::DaltonisedLight);
        match self.depth {
            ColorDepth::Palette if !light => style.fg(Color::Indexed(231)),
            _ => style,
        }
    }

    /// Code in a changed line. Like [`Theme::code`], but that nothing in it is too dim for the tint.
    pub fn code_on_tint(&self, syntax: Syntax) -> Style {
        match syntax {
            Syntax::Comment if self.has_tints() => self.code_hue(0),
            _ => self.code(syntax),
        }
    }

    /// Code. Without tints the colour of a changed line says that it changed, so callers patch this *under* it.
    pub fn code(&self, syntax: Syntax) -> Style {
        let (which, sixteen) = match syntax {
            Syntax::Plain => return Style::new(),
            Syntax::Comment => return self.dim(),
            Syntax::Keyword => (1, Color::Magenta),
            Syntax::Function => (2, Color::Blue),
            Syntax::Type => (3, Color::Cyan),
            Syntax::String => (4, Color::Green),
            Syntax::Constant => (5, Color::Yellow),
            Syntax::Property => (6, Color::Cyan),
            Syntax::Punctuation => {
                return if self.has_tints() {
                    self.code_hue(7)
                } else {
                    Style::new()
                };
            }
        };
        match self.hue(self.colours.code[which], sixteen) {
            Some(colour) => Style::new().fg(colour),
            None => Style::new(),
        }
    }

    fn code_hue(&self, which: usize) -> Style {
        self.fg(self.colours.code[which], Color::Reset, Modifier::empty())
    }

    /// A style that a command's output asked for, as far as this terminal and this theme can show it.
    pub fn foreign(&self, style: Style) -> Style {
        let keep = |colour: Color| match (self.depth, colour) {
            (ColorDepth::None, _) => None,
            (ColorDepth::Sixteen, Color::Rgb(..)) => None,
            (ColorDepth::Sixteen, Color::Indexed(i)) if i > 15 => None,
            (ColorDepth::Palette, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest(r, g, b))),
            (_, colour) => Some(colour),
        };
        let mut out = style;
        out.fg = style.fg.and_then(keep);
        out.bg = style.bg.and_then(keep);
        out.underline_color = None;
        // Blinking and hidden text are not for output: the one disturbs, the other hides.
        out.add_modifier
            .remove(Modifier::SLOW_BLINK | Modifier::RAPID_BLINK | Modifier::HIDDEN);
        out
    }
}

/// The nearest colour of the cube of 256 colours.
fn nearest(r: u8, g: u8, b: u8) -> u8 {
    let step = |v: u8| match v {
        0..=47 => 0,
        48..=114 => 1,
        _ => (v - 35) / 40,
    };
    16 + 36 * step(r) + 6 * step(g) + step(b)
}
