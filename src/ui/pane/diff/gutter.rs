//! What stands in front of a line: the cursor's bar, the numbers, the sign. Drops numbers where code needs the room.

use super::content::{Body, Section};

/// Narrower panes have one column of numbers.
const TWO_NUMBERS_FROM: usize = 90;
/// Narrower panes have none.
const ONE_NUMBER_FROM: usize = 48;

/// The columns in front of the lines of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gutter {
    /// Digits of the greatest number; 0 without numbers.
    digits: usize,
    /// Columns of numbers where there is room: 2 in a change, 1 elsewhere.
    numbers: usize,
    /// Whether lines have signs.
    signs: bool,
    /// The numbers stay, however narrow it is.
    always: bool,
}

impl Gutter {
    /// The gutter of a section; `always`: its numbers are wanted even where it is narrow.
    pub fn of(section: &Section, always: bool) -> Gutter {
        let digits = |number: u32| {
            if number == 0 {
                0
            } else {
                number.ilog10() as usize + 1
            }
        };
        match &section.body {
            Body::Nothing => Gutter {
                digits: 0,
                numbers: 0,
                signs: false,
                always,
            },
            Body::Lines(lines) => Gutter {
                digits: digits(lines.text.last_number()),
                numbers: 1,
                signs: false,
                always,
            },
            Body::Change(change) => {
                let digits = digits(change.old.last_number()).max(digits(change.new.last_number()));
                Gutter {
                    digits,
                    numbers: 2,
                    signs: true,
                    always,
                }
            }
        }
    }

    /// Columns of numbers at a width.
    pub fn numbers(&self, width: usize) -> usize {
        match width {
            _ if self.digits == 0 => 0,
            0..ONE_NUMBER_FROM if !self.always => 0,
            0..TWO_NUMBERS_FROM => self.numbers.min(1),
            _ => self.numbers,
        }
    }

    /// Digits of a number.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// Whether lines have signs.
    pub fn signs(&self) -> bool {
        self.signs
    }

    /// Cells in front of the code: the bar, the numbers each with a space, the sign with a space.
    pub fn width(&self, width: usize) -> usize {
        let numbers = self.numbers(width) * (self.digits + 1);
        1 + numbers + if self.signs { 2 } else { 0 }
    }

    /// Cells for code.
    pub fn code_width(&self, width: usize) -> usize {
        width.saturating_sub(self.width(width)).max(1)
    }

    /// Cells for a remark.
    pub fn remark_width(&self, width: usize) -> usize {
        width.saturating_sub(2).max(1)
    }

    /// Side by side: cells of one half, its gutter included.
    pub fn half(&self, width: usize) -> usize {
        width.saturating_sub(2) / 2
    }

    /// Side by side: cells in front of the code of one half: number, space, sign, space.
    pub fn half_gutter(&self) -> usize {
        let number = if self.digits == 0 { 0 } else { self.digits + 1 };
        number + 2
    }

    /// Side by side: cells for the code of one half.
    pub fn half_width(&self, width: usize) -> usize {
        self.half(width).saturating_sub(self.half_gutter()).max(1)
    }
}
