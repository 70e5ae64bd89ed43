//! Claude Code.
use super::*;
/// Claude Code's JSONL files.
pub struct Claude;
impl Source for Claude {
    fn agent(&self) -> Agent {
        Agent::Claude
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
