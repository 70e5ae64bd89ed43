//! The transcript that a step stands in, whole: for a session that continues from that step.

use std::path::PathBuf;

use color_eyre::Result;
use rusqlite::OptionalExtension;

use super::refused::Refused;
use super::resolve::Target;
use super::types::StepRow;
use crate::model::Agent;
use crate::store::Reader;

/// A transcript, and where a step ends in it.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// Whose.
    pub agent: Agent,
    /// The agent's own id of the session.
    pub native_id: String,
    /// Where the session ran.
    pub cwd: Option<String>,
    /// The file; it may be gone.
    pub path: PathBuf,
    /// All of it that was read.
    pub bytes: Vec<u8>,
    /// Behind the last record of the step.
    pub end: usize,
    /// The hash of the step's native key.
    pub key: i64,
}

/// The transcript of a step; of a prompt's last step.
///
/// # Errors
/// [`Refused`] for steps of sub-agents, which have no session of their own to be continued.
pub fn transcript(reader: &Reader, target: Target) -> Result<Transcript> {
    use std::os::unix::ffi::OsStrExt;
    let conn = reader.conn();
    let step = match target {
        Target::Step(_, step) => step,
        Target::Prompt(session, no) => conn
            .prepare_cached(
                "SELECT id FROM step WHERE session_id = ?1 AND prompt_no = ?2 AND alias_of IS NULL
                  ORDER BY seq DESC LIMIT 1",
            )?
            .query_row((session.0, no), |r| r.get(0).map(StepRow))
            .optional()?
            .ok_or_else(|| Refused::because(format!("prompt {no} has no steps")))?,
    };
    type Found = (
        u8,
        String,
        Option<String>,
        Option<i64>,
        i64,
        i64,
        Option<i64>,
    );
    let (agent, native_id, cwd, file, end, key, relation): Found = conn
        .prepare_cached(
            "SELECT e.agent, e.native_id, e.cwd, COALESCE(s.out_file, s.call_file),
                    COALESCE(s.out_off + s.out_len, s.call_off + s.call_len, 0), s.key_hash, e.relation
               FROM step s JOIN session e ON e.id = s.session_id WHERE s.id = ?1",
        )?
        .query_row([step.0], |r| {
            Ok((
                r.get(0)?,
                r.get(1)?,
                r.get(2)?,
                r.get(3)?,
                r.get(4)?,
                r.get(5)?,
                r.get(6)?,
            ))
        })?;
    if relation == Some(1) {
        return Err(Refused::with_hint(
            "this is a step of a sub-agent, whose conversation cannot be continued by itself",
            "the step that started the sub-agent can be forked from",
        ));
    }
    let agent = Agent::from_code(agent)
        .ok_or_else(|| Refused::because("an agent that this version does not know"))?;
    let file = file.ok_or_else(|| Refused::because("the record of this step is not known"))?;
    let (path, read_to, format): (Vec<u8>, i64, u8) = conn
        .prepare_cached("SELECT path, read_to, agent FROM file WHERE id = ?1")?
        .query_row([file], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
    if format != agent as u8 {
        return Err(Refused::because(format!(
            "this session is only known from what {} kept of it; {agent} has no transcript to continue from",
            Agent::from_code(format).map_or("another program", Agent::full_name)
        )));
    }
    Ok(Transcript {
        agent,
        native_id,
        cwd,
        path: PathBuf::from(std::ffi::OsStr::from_bytes(&path)),
        bytes: reader.raw(file, 0, u64::try_from(read_to).unwrap_or(0))?,
        end: usize::try_from(end).unwrap_or(0),
        key,
    })
}
