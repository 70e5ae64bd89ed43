//! What people and the agent said, and what only looks as if a person had said it.

use crate::model::Via;
use crate::source::{Body, Context};

use super::Reader;
use super::record::{Happening, Item};

/// The editor extension puts what the editor shows in front of what was typed.
const EDITOR_CONTEXT: &str = "# Context from my IDE setup:";
const EDITOR_REQUEST: &str = "## My request for Codex:";

/// Which kind of record told of a prompt. The same words from two kinds in a row are one prompt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// `event_msg/user_message`.
    Event,
    /// `response_item/message` of the user.
    Item,
    /// `event_msg/item_completed` of the newest versions.
    Completed,
    /// `response_item/agent_message`: the task from a parent.
    Task,
}

impl Told {
    fn letter(self) -> &'static str {
        match self {
            Told::Event => "e",
            Told::Item => "i",
            Told::Completed => "c",
            Told::Task => "t",
        }
    }
}

impl Reader<'_> {
    /// `event_msg/user_message`.
    pub(super) fn user_message(&mut self, happening: &Happening<'_>) {
        // Some versions of 2025 marked what they had injected.
        if matches!(
            happening.sort.get(),
            Some("user_instructions" | "environment_context")
        ) {
            return self.say(Body::Ignored);
        }
        let pictures = [happening.images, happening.local_images]
            .into_iter()
            .flatten()
            .any(|list| list.get().trim_start_matches(['[', ' ']) != "]");
        let text = typed(happening.message.or_empty());
        self.prompt(Told::Event, None, text, pictures);
    }

    /// `response_item/message`.
    pub(super) fn message(&mut self, item: &Item<'_>) {
        let key = item.id.owned();
        match item.role.get() {
            Some("assistant") => {
                let text = item.content.joined();
                if text.is_empty() {
                    self.say(Body::Ignored);
                } else {
                    let text = text.into_owned();
                    self.say_as(key, Body::Say { text });
                }
            }
            Some("user") => self.user_item(item, key),
            Some("developer" | "system") => self.say(Body::Ignored),
            other => self.unknown(format!("response_item/message/{}", other.unwrap_or("?"))),
        }
    }

    /// A message of the user's role: a shell command, injected blocks, or (in old files) a prompt.
    fn user_item(&mut self, item: &Item<'_>, key: Option<String>) {
        let whole = item.content.joined();
        if let Some(command) = shell_command(&whole) {
            let text = command.to_owned();
            return self.say_as(
                key,
                Body::Prompt {
                    text,
                    via: Via::Shell,
                },
            );
        }
        let before = self.out.len();
        if self.state.get("named") != Some("meta") || self.state.get("cwd").is_none() {
            self.folder_from(&whole);
        }
        if self.events_tell_prompts() {
            if self.out.len() == before {
                self.say(Body::Ignored);
            }
            return;
        }
        let texts: Vec<&str> = item
            .content
            .texts
            .iter()
            .map(|t| t.or_empty())
            .filter(|t| !is_injected(t))
            .collect();
        if texts.is_empty() && !(item.content.texts.is_empty() && item.content.pictures) {
            if self.out.len() == before {
                self.say(Body::Ignored);
            }
            return;
        }
        let text = texts.join("\n");
        self.prompt(Told::Item, key, typed(&text), item.content.pictures);
    }

    /// The oldest files tell their folder only in what they inject.
    fn folder_from(&mut self, text: &str) {
        let Some((_, inside)) = text.split_once("<environment_context>") else {
            return;
        };
        let folder = inside
            .split_once("<cwd>")
            .and_then(|(_, rest)| rest.split_once("</cwd>"))
            .map(|(folder, _)| folder)
            .or_else(|| {
                let (_, rest) = inside.split_once("Current working directory:")?;
                rest.lines().next()
            })
            .map(str::trim)
            .filter(|folder| !folder.is_empty());
        if let Some(folder) = folder {
            self.context(Context {
                cwd: Some(folder.to_owned()),
                ..Context::default()
            });
        }
    }

    /// A prompt, unless the record before told it in another way.
    pub(super) fn prompt(&mut self, told: Told, key: Option<String>, text: &str, pictures: bool) {
        let text = match text {
            "" if pictures => "[picture]",
            "" => return self.say(Body::Ignored),
            text => text,
        };
        let hash = &blake3::hash(text.trim().as_bytes()).to_hex()[..16];
        let twin = self.state.get("prompt").is_some_and(|last| {
            last.get(1..) == Some(hash) && last.get(..1) != Some(told.letter())
        });
        if twin {
            // The first teller stays noted: its next telling of the same words is a new prompt.
            return self.say(Body::Ignored);
        }
        self.state
            .set("prompt", &format!("{}{hash}", told.letter()));
        let via = match told {
            Told::Task => Via::Task,
            _ if self.is_subagent() => Via::Task,
            _ => Via::Typed,
        };
        let text = text.to_owned();
        self.say_as(key, Body::Prompt { text, via });
    }

    /// `response_item/agent_message`: in a sub-agent the first one is its task; others are letters between agents.
    pub(super) fn letter(&mut self, item: &Item<'_>) {
        let text = item.content.joined();
        if text.is_empty() {
            // Often all of it is encrypted.
            return self.say(Body::Ignored);
        }
        let first = self.cold || (self.is_subagent() && self.state.get("prompt").is_none());
        if first {
            return self.prompt(Told::Task, item.id.owned(), &text, false);
        }
        let text = text.into_owned();
        self.say(Body::Notice {
            what: "message from an agent",
            text,
        });
    }
}

/// What was typed, without what the editor extension puts in front.
fn typed(text: &str) -> &str {
    if text.trim_start().starts_with(EDITOR_CONTEXT)
        && let Some((_, request)) = text.split_once(EDITOR_REQUEST)
    {
        return request.trim();
    }
    text
}

/// The command in a `<user_shell_command>` block: what a person ran from the prompt with `!`.
fn shell_command(text: &str) -> Option<&str> {
    let inside = text.trim_start().strip_prefix("<user_shell_command>")?;
    let (_, rest) = inside.split_once("<command>")?;
    Some(rest.split_once("</command>")?.0.trim_matches('\n'))
}

/// Whether a text is a block that the program put in: the project's instructions, or one element from its first word to its
/// last (`<environment_context>`, `<user_instructions>`, `<turn_aborted>`, and whatever comes next).
fn is_injected(text: &str) -> bool {
    let text = text.trim();
    if text.is_empty()
        || text.starts_with("# AGENTS.md instructions")
        || text.starts_with("<permissions instructions>")
    {
        return true;
    }
    let Some((name, _)) = text.strip_prefix('<').and_then(|t| t.split_once('>')) else {
        return false;
    };
    // HTML that a person pastes has no underscores in its names.
    let is_name = name.contains('_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    KNOWN_BLOCKS.contains(&name) || (is_name && text.ends_with(&format!("</{name}>")))
}

/// Injected blocks that need not end where the text ends.
const KNOWN_BLOCKS: &[&str] = &[
    "environment_context",
    "user_instructions",
    "recommended_plugins",
    "turn_aborted",
    "subagent_notification",
    "skill",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_blocks_are_told_from_words() {
        for text in [
            "# AGENTS.md instructions for /a\n\n<INSTRUCTIONS>x</INSTRUCTIONS>",
            "<environment_context>\n  <cwd>/a</cwd>\n</environment_context>",
            "<turn_aborted>\nThe user interrupted",
            "  <something_new>x</something_new>\n",
            "",
        ] {
            assert!(is_injected(text), "{text}");
        }
        for text in [
            "why does <div> not close?",
            "<div> is never closed",
            "<p>why is this red?</p>",
            "< 3",
            "# A heading",
        ] {
            assert!(!is_injected(text), "{text}");
        }
    }

    #[test]
    fn what_the_editor_adds_is_left_out() {
        let text = "# Context from my IDE setup:\n\n## Active file: a.rs\n\n## My request for Codex:\nfix it\n";
        assert_eq!(typed(text), "fix it");
        assert_eq!(
            typed("## My request for Codex: x"),
            "## My request for Codex: x"
        );
        assert_eq!(
            shell_command(
                "<user_shell_command>\n<command>\nls -l\n</command>\n<result>x</result></user_shell_command>"
            ),
            Some("ls -l")
        );
    }
}
