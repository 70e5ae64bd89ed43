//! The key table: which keys mean which action.
//!
//! The defaults are `assets/keys.toml`, inside the binary; a file of the user's merges over them. The same table feeds
//! help, palette, which-key box, status line and docs, so none of them can disagree with the keyboard. Everything that
//! is wrong with a file is said at once, each with its line. This module does not know what actions do.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use toml::Spanned;

use super::action::Action;
use super::key::{KeyPress, parse_sequence, show_sequence};

/// The default table as text.
pub const DEFAULT_KEYS: &str = include_str!("../../assets/keys.toml");

/// One action and its keys.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The heading it stands under in the help.
    pub group: String,
    /// What it means.
    pub action: Action,
    /// Any of these key sequences; the first one is the one that hints show.
    pub keys: Vec<Vec<KeyPress>>,
    /// What it does, in a few words.
    pub does: String,
    /// The word for the status line.
    pub short: Option<String>,
    /// Where alone the keys mean this; everywhere, if nowhere is named.
    pub within: Option<Within>,
}

/// A place with keys of its own. They go before those that work everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// The plan of a rewind.
    Plan,
}

impl Binding {
    /// All key sequences, as text.
    pub fn shown_keys(&self) -> String {
        let words: Vec<String> = self.keys.iter().map(|k| show_sequence(k)).collect();
        words.join("  ")
    }
}

/// What some keys mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// This.
    Action(Action),
    /// They are the beginning of something.
    Prefix,
    /// Nothing.
    Nothing,
}

/// The table, ready to look up.
#[derive(Clone, Debug)]
pub struct Keymap {
    bindings: Vec<Binding>,
    sequences: HashMap<Vec<KeyPress>, Action>,
    plan: HashMap<Vec<KeyPress>, Action>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    group: String,
    action: Spanned<String>,
    keys: Vec<Spanned<String>>,
    does: String,
    short: Option<String>,
    within: Option<Within>,
}

/// A table with the place where every key was claimed, while conflicts are looked for.
struct Claim {
    keys: Vec<KeyPress>,
    action: Action,
    place: String,
    within: Option<Within>,
}

impl Keymap {
    /// The default table.
    pub fn defaults() -> Result<Keymap, String> {
        Keymap::load(None)
    }

    /// The default table with a user's file (its name and its text) merged over it. The error lists everything that is
    /// wrong, a line each: `keys.toml:3: ...`.
    pub fn load(patch: Option<(&str, &str)>) -> Result<Keymap, String> {
        let mut problems = Vec::new();
        let mut claims = Vec::new();
        let mut bindings = read_defaults(&mut claims, &mut problems)?;
        if let Some((name, text)) = patch {
            merge(name, text, &mut bindings, &mut claims, &mut problems)?;
        }
        find_conflicts(&claims, &mut problems);
        refuse_careless(&claims, &mut problems);
        if !problems.is_empty() {
            return Err(problems.join("\n"));
        }
        let of = |within: Option<Within>| {
            let here = claims.iter().filter(|c| c.within == within);
            here.map(|c| (c.keys.clone(), c.action)).collect()
        };
        Ok(Keymap {
            sequences: of(None),
            plan: of(Some(Within::Plan)),
            bindings,
        })
    }

    /// Every action in the order of the table.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The row of an action.
    pub fn binding(&self, action: Action) -> Option<&Binding> {
        self.bindings.iter().find(|b| b.action == action)
    }

    /// The key to show for an action; `None` if it has none.
    pub fn key_of(&self, action: Action) -> Option<String> {
        let binding = self.binding(action)?;
        binding.keys.first().map(|k| show_sequence(k))
    }

    /// What these keys mean.
    pub fn look_up(&self, keys: &[KeyPress]) -> Lookup {
        if let Some(action) = self.sequences.get(keys) {
            return Lookup::Action(*action);
        }
        let longer = |k: &Vec<KeyPress>| k.len() > keys.len() && k.starts_with(keys);
        if self.sequences.keys().any(longer) {
            Lookup::Prefix
        } else {
            Lookup::Nothing
        }
    }

    /// What a key means in the plan of a rewind, if it means something of its own there.
    pub fn look_up_in_plan(&self, key: KeyPress) -> Option<Action> {
        self.plan.get([key].as_slice()).copied()
    }

    /// What can follow a prefix: the next keys and what they do, in the order of the table.
    pub fn after(&self, prefix: &[KeyPress]) -> Vec<(String, &Binding)> {
        let mut found = Vec::new();
        for binding in self.bindings.iter().filter(|b| b.within.is_none()) {
            for keys in &binding.keys {
                if keys.len() > prefix.len() && keys.starts_with(prefix) {
                    found.push((show_sequence(&keys[prefix.len()..]), binding));
                }
            }
        }
        found
    }
}

fn read_defaults(
    claims: &mut Vec<Claim>,
    problems: &mut Vec<String>,
) -> Result<Vec<Binding>, String> {
    const NAME: &str = "assets/keys.toml";
    let table: Table = toml::from_str(DEFAULT_KEYS).map_err(|e| format!("{NAME}: {e}"))?;
    let mut bindings = Vec::new();
    for entry in table.keys {
        let place = |at: usize| format!("{NAME}:{}", line_of(DEFAULT_KEYS, at));
        let Some(action) = Action::from_word(entry.action.get_ref()) else {
            problems.push(unknown_action(
                &place(entry.action.span().start),
                entry.action.get_ref(),
            ));
            continue;
        };
        let mut keys = Vec::new();
        for text in &entry.keys {
            let place = place(text.span().start);
            match parse_sequence(text.get_ref()) {
                Some(sequence) => {
                    claims.push(Claim {
                        keys: sequence.clone(),
                        action,
                        place,
                        within: entry.within,
                    });
                    keys.push(sequence);
                }
                None => problems.push(format!("{place}: `{}` is not a key", text.get_ref())),
            }
        }
        bindings.push(Binding {
            group: entry.group,
            action,
            keys,
            does: entry.does,
            short: entry.short,
            within: entry.within,
        });
    }
    Ok(bindings)
}

/// Puts the user's keys in the place of the default ones.
fn merge(
    name: &str,
    text: &str,
    bindings: &mut [Binding],
    claims: &mut Vec<Claim>,
    problems: &mut Vec<String>,
) -> Result<(), String> {
    type Patch = BTreeMap<Spanned<String>, Vec<Spanned<String>>>;
    let patch: Patch = toml::from_str(text).map_err(|e| format!("{name}: {e}"))?;
    let mut patch: Vec<_> = patch.into_iter().collect();
    patch.sort_by_key(|(word, _)| word.span().start);
    for (word, texts) in patch {
        let place = |at: usize| format!("{name}:{}", line_of(text, at));
        let action = Action::from_word(word.get_ref());
        let Some(binding) = bindings.iter_mut().find(|b| Some(b.action) == action) else {
            problems.push(unknown_action(&place(word.span().start), word.get_ref()));
            continue;
        };
        claims.retain(|c| c.action != binding.action);
        binding.keys.clear();
        for keys in texts {
            let place = place(keys.span().start);
            match parse_sequence(keys.get_ref()) {
                Some(sequence) => {
                    binding.keys.push(sequence.clone());
                    claims.push(Claim {
                        keys: sequence,
                        action: binding.action,
                        place,
                        within: binding.within,
                    });
                }
                None => problems.push(format!("{place}: `{}` is not a key", keys.get_ref())),
            }
        }
    }
    Ok(())
}

fn unknown_action(place: &str, word: &str) -> String {
    format!("{place}: no action is called `{word}`; the palette (:) lists them")
}

/// Two actions on one key, or one on the beginning of another's keys. The later claim is the one at fault.
fn find_conflicts(claims: &[Claim], problems: &mut Vec<String>) {
    for (i, later) in claims.iter().enumerate() {
        for earlier in claims[..i].iter().filter(|c| c.within == later.within) {
            let same = later.keys == earlier.keys && later.action != earlier.action;
            let prefix = later.keys != earlier.keys
                && (later.keys.starts_with(&earlier.keys) || earlier.keys.starts_with(&later.keys));
            if same || prefix {
                problems.push(format!(
                    "{}: `{}` ({}) is in the way of `{}` ({}, {})",
                    later.place,
                    show_sequence(&later.keys),
                    word_of(later.action),
                    show_sequence(&earlier.keys),
                    word_of(earlier.action),
                    earlier.place,
                ));
            }
        }
    }
}

/// What arms and what applies a rewind is one key each, and never Enter.
fn refuse_careless(claims: &[Claim], problems: &mut Vec<String>) {
    let enter = KeyPress::plain(crossterm::event::KeyCode::Enter);
    for claim in claims {
        let armed = matches!(claim.action, Action::PlanArm | Action::PlanApply);
        if armed && claim.keys.contains(&enter) {
            let word = word_of(claim.action);
            problems.push(format!(
                "{}: Enter never applies a rewind ({word})",
                claim.place
            ));
        }
        if claim.within.is_some() && claim.keys.len() > 1 {
            let keys = show_sequence(&claim.keys);
            let word = word_of(claim.action);
            problems.push(format!(
                "{}: `{keys}` ({word}) must be one key",
                claim.place
            ));
        }
    }
}

/// The word of the key table.
pub fn word_of(action: Action) -> String {
    match serde_json::to_value(action) {
        Ok(serde_json::Value::String(word)) => word,
        _ => format!("{action:?}"),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|b| *b == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(map: &Keymap, keys: &str) -> Lookup {
        map.look_up(&parse_sequence(keys).expect(keys))
    }

    #[test]
    fn the_default_table_is_sound() {
        let map = Keymap::defaults().expect("sound");
        assert_eq!(look(&map, "j"), Lookup::Action(Action::Down));
        assert_eq!(look(&map, "g"), Lookup::Prefix);
        assert_eq!(look(&map, "g f"), Lookup::Action(Action::GoToFile));
        assert_eq!(look(&map, "g q"), Lookup::Nothing);
        assert_eq!(map.after(&[KeyPress::parse("y").expect("y")]).len(), 6);
    }

    #[test]
    fn keys_of_later_issues_are_absent() {
        let map = Keymap::defaults().expect("sound");
        for keys in ["X", "a"] {
            assert_eq!(look(&map, keys), Lookup::Nothing, "{keys}");
        }
    }

    #[test]
    fn the_plan_of_a_rewind_has_keys_of_its_own() {
        let map = Keymap::load(Some(("my.toml", "plan_tick = [\"X\"]\n"))).expect("sound");
        let plan = |key: &str| map.look_up_in_plan(KeyPress::parse(key).expect(key));
        assert_eq!(plan("!"), Some(Action::PlanArm));
        assert_eq!(plan("X"), Some(Action::PlanTick));
        assert_eq!(plan("Space"), None);
        assert_eq!(plan("Enter"), None, "Enter never applies");
        assert_eq!(look(&map, "x"), Lookup::Action(Action::Density));
        assert_eq!(look(&map, "!"), Lookup::Nothing);
        let two = "plan_arm = [\"y\"]\n";
        let said = Keymap::load(Some(("my.toml", two))).expect_err("one key for both");
        assert!(said.contains("`y` (plan_arm)"), "{said}");
    }

    #[test]
    fn a_patch_replaces_the_keys_of_an_action() {
        let patch = "density = [\"X\"]\nsessions = []\n";
        let map = Keymap::load(Some(("my.toml", patch))).expect("sound");
        assert_eq!(look(&map, "X"), Lookup::Action(Action::Density));
        assert_eq!(look(&map, "x"), Lookup::Nothing);
        assert_eq!(look(&map, "S"), Lookup::Nothing);
    }

    #[test]
    fn everything_wrong_is_said_at_once_with_its_line() {
        let patch = "density = [\"j\"]\nfly = [\"u\"]\n\nzoom = [\"qq\", \"g\"]\n";
        let said = Keymap::load(Some(("my.toml", patch))).expect_err("unsound");
        assert!(said.contains("my.toml:1: `j` (density)"), "{said}");
        assert!(
            said.contains("my.toml:2: no action is called `fly`"),
            "{said}"
        );
        assert!(said.contains("my.toml:4: `qq` is not a key"), "{said}");
        assert!(said.contains("my.toml:4: `g` (zoom)"), "{said}");
    }
}
