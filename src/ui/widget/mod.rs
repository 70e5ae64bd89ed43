//! Pieces of a screen that draw what they are handed. They know no model, no pane and no key.

mod file;
mod frame;
mod input;
mod scroll;
mod spans;
mod wrapped;

pub use file::{op_letter, path_and_lines};
pub use frame::{Title, boxed, fill, popup, rule};
pub use input::Input;
pub use scroll::Scroll;
pub use spans::{Cells, Row, line_of, put_line};
pub use wrapped::wrapped;
