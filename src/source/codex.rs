//! Codex.
use super::*;
/// Codex's JSONL files.
pub struct Codex;
impl Source for Codex {
    fn agent(&self) -> Agent {
        Agent::Codex
    }
    fn roots(&self, _: &Places) -> Vec<PathBuf> {
        Vec::new()
    }
    fn is_transcript(&self, _: &Path) -> bool {
        false
    }
    fn claims(&self, _: &[u8]) -> bool {
        false
    }
    fn parse(&self, _: &Path, _: &[u8], _: &mut ParseState, _: &mut Vec<Event>) {}
}
