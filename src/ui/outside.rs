//! What reaches beyond the screen. The real one is the terminal; tests have one that only writes down.

use color_eyre::Result;
use ratatui::Terminal;
use ratatui::backend::Backend;

use super::message::Effect;

/// Does what is asked of the outside.
pub trait Outside<B: Backend> {
    /// Carries an effect out; what came of it is told to the loop as a message.
    fn run(&mut self, effect: Effect, terminal: &mut Terminal<B>) -> Result<()>;
    /// Before a frame is drawn; the model believes that the screen has this size.
    fn before_frame(&mut self, terminal: &mut Terminal<B>, size: (u16, u16)) -> Result<()>;
    /// After it.
    fn after_frame(&mut self, terminal: &mut Terminal<B>) -> Result<()>;
}
