//! `state.vscdb`: tables of keys and values, one for the whole editor and one for each folder that was open in it.
//!
//! Until early 2025 the chats stood in the folder's database (`chatdata` and the composers with their conversations inside).
//! Since then they stand in the one for the whole editor: `composerData:ID` names the bubbles in their order, or holds
//! them, and each is a row `bubbleId:ID:BUBBLE`. Since 2026 edits point at `composer.content.HASH`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::bubble;
use crate::model::Time;
use crate::source::extract::{Extractor, Input, Stream, Take};
use crate::source::json;
use crate::source::record::rank;
use crate::source::sqlite::{Allow, Db};
use crate::source::{Given, Places};

const ITEMS: &str = "ItemTable";
const CHATS: &str = "cursorDiskKV";
const HEADERS: &str = "composer.composerHeaders";
const COMPOSERS: &str = "composer.composerData";
const TABS: &str = "workbench.panel.aichat.view.aichat.chatdata";
/// All that is read. Beside it the tables hold the owner's tokens.
const ALLOW: &[Allow] = &[
    Allow {
        table: ITEMS,
        keys: &[HEADERS, COMPOSERS, TABS],
    },
    Allow {
        table: CHATS,
        keys: &["composerData:", "bubbleId:", "composer.content."],
    },
];

/// Whether a database is Cursor's. Other editors of its family have `ItemTable` too.
pub(super) fn is_ours(path: &Path) -> bool {
    Open::at(path).is_ok_and(|mut open| {
        open.chats || open.item(COMPOSERS).is_some() || open.item(TABS).is_some()
    })
}

/// The database.
pub(super) struct State;

impl Extractor for State {
    fn files(&self, input: &Path) -> Vec<PathBuf> {
        crate::source::sqlite::files(input)
    }

    fn holds_several(&self) -> bool {
        true
    }

    fn open(&self, input: &Path, _: &Places) -> Result<Box<dyn Input>> {
        Ok(Box::new(Open::at(input)?))
    }
}

struct Open {
    path: PathBuf,
    db: Db,
    items: bool,
    chats: bool,
    /// What the list of chats says of each.
    heads: BTreeMap<String, Value>,
}

impl Open {
    fn at(path: &Path) -> Result<Open> {
        let db = Db::open(path, ALLOW)?;
        let (items, chats) = (
            db.has(ITEMS, &["key", "value"])?,
            db.has(CHATS, &["key", "value"])?,
        );
        if !items && !chats {
            return Err(eyre!("it has not the tables of Cursor"));
        }
        let mut open = Open {
            path: path.to_owned(),
            db,
            items,
            chats,
            heads: BTreeMap::new(),
        };
        for key in [HEADERS, COMPOSERS] {
            open.list(key);
        }
        Ok(open)
    }

    /// A list that is torn is read as far as it goes: it only says where and when.
    fn list(&mut self, key: &str) {
        let Some(list) = self.item(key) else { return };
        each_composer(&list, &mut |id, text| {
            if let Ok(mut head) = serde_json::from_str::<Value>(text) {
                // The old list holds the whole chats.
                if let Some(fields) = head.as_object_mut() {
                    fields.remove("conversation");
                }
                self.heads.entry(id).or_insert(head);
            }
        });
    }

    fn item(&mut self, key: &str) -> Option<String> {
        match self.items {
            true => self.db.get(ITEMS, key).ok().flatten(),
            false => None,
        }
    }

    /// The folder of the window that this database belongs to.
    fn own_folder(&self) -> Option<String> {
        folder_of(self.path.parent()?)
    }

    /// A chat that has a row of its own.
    fn composer(&self, id: &str, text: &str, take: &mut Take<'_>) -> Result<()> {
        let info: Value = serde_json::from_str(text).unwrap_or_default();
        let mut bubbles = Vec::new();
        for header in array(&info, "fullConversationHeadersOnly") {
            let Some(bubble) = header.get("bubbleId").and_then(Value::as_str) else {
                continue;
            };
            let kept = match self.db.get(CHATS, &format!("bubbleId:{id}:{bubble}"))? {
                Some(text) => Some(text),
                None => info
                    .pointer(&format!("/conversationMap/{bubble}"))
                    .map(Value::to_string),
            };
            bubbles.extend(kept.map(|text| (bubble.to_owned(), text)));
        }
        if bubbles.is_empty() {
            bubbles = conversation(text);
        }
        self.chat(id, &info, &bubbles, take)
    }

    fn chat(
        &self,
        id: &str,
        info: &Value,
        bubbles: &[(String, String)],
        take: &mut Take<'_>,
    ) -> Result<()> {
        // A draft, or a chat whose bubbles were thrown away.
        if bubbles.is_empty() {
            return Ok(());
        }
        let head = self.heads.get(id).unwrap_or(&Value::Null);
        let field = |name: &str| info.get(name).or_else(|| head.get(name)).cloned();
        let folder = folder(info)
            .or_else(|| folder(head))
            .or_else(|| self.own_folder());
        let parent = [info, head]
            .iter()
            .find_map(|v| v.pointer("/subagentInfo/parentComposerId")?.as_str());
        let body = json!({
            "_v": field("_v"),
            "folder": folder,
            "name": field("name"),
            "createdAt": field("createdAt"),
            "unifiedMode": field("unifiedMode"),
            "model": info.pointer("/modelConfig/modelName"),
            "parent": parent,
            "role": info.pointer("/subagentInfo/subagentTypeName"),
        });
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(Given {
                session: id,
                key,
                order,
                kind,
                body,
            })
        };
        give("composer", "", "composer", &body.to_string())?;
        let firsts = created(info);
        for (n, (bubble, text)) in bubbles.iter().enumerate() {
            let (kind, body) = bubble::body(bubble, text, parent.is_some(), &firsts, &|key| {
                self.content(key)
            })?;
            let order = rank(n as u64);
            give(bubble, &format!("{order}/{bubble}"), kind, &body)?;
        }
        Ok(())
    }

    /// The text of a file, by the name of its content.
    fn content(&self, key: &str) -> Result<Option<String>> {
        match key.starts_with("composer.content.") && self.chats {
            true => self.db.get(CHATS, key),
            false => Ok(None),
        }
    }

    /// The folders of the chats that do not say it themselves, from the lists of the windows beside this database.
    fn folders(&self) -> HashMap<String, String> {
        let mut found = HashMap::new();
        let windows = self
            .path
            .parent()
            .and_then(Path::parent)
            .map(|user| user.join("workspaceStorage"));
        let entries = windows.and_then(|w| std::fs::read_dir(w).ok());
        for window in entries.into_iter().flatten().flatten().map(|e| e.path()) {
            let Some(folder) = folder_of(&window) else {
                continue;
            };
            // It is not worth a copy; one that is being written to is asked at the next look.
            let list = Db::open_with(&window.join("state.vscdb"), ALLOW, 0)
                .and_then(|db| db.get(ITEMS, COMPOSERS));
            if let Ok(Some(list)) = list {
                each_composer(&list, &mut |id, _| {
                    found.insert(id, folder.clone());
                });
            }
        }
        found
    }
}

impl Input for Open {
    fn sessions(&mut self) -> Result<Vec<Stream>> {
        let mut streams: BTreeMap<String, (String, Option<Time>)> = BTreeMap::new();
        if self.chats {
            let mut sums: BTreeMap<String, [u64; 3]> = BTreeMap::new();
            self.db.sizes(CHATS, "composerData:", &mut |key, size| {
                if let Some(id) = key.strip_prefix("composerData:").filter(|_| size > 0) {
                    sums.entry(id.to_owned()).or_default()[0] = size;
                }
            })?;
            self.db.sizes(CHATS, "bubbleId:", &mut |key, size| {
                let id = key.split(':').nth(1).unwrap_or_default();
                if let Some(sum) = sums.get_mut(id) {
                    sum[1] += 1;
                    sum[2] += size;
                }
            })?;
            for (id, [own, bubbles, bytes]) in sums {
                let head = self.heads.get(&id);
                let time = |name| head?.get(name)?.as_i64();
                let (at, seen) = (
                    time("lastUpdatedAt"),
                    time("conversationCheckpointLastUpdatedAt"),
                );
                let token = format!("{own} {bubbles} {bytes} {at:?} {seen:?}");
                streams.insert(id, (token, at.max(seen).map(Time)));
            }
        }
        if let Some(list) = self.item(COMPOSERS) {
            each_composer(&list, &mut |id, text| {
                if !conversation(text).is_empty() {
                    let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
                    streams.entry(id).or_insert((hash, None));
                }
            });
        }
        if let Some(tabs) = self.item(TABS) {
            each_of(&tabs, "tabs", "tabId", &mut |id, text| {
                let mut said = false;
                parts(text, "bubbles", &mut |_| said = true);
                if !said {
                    return;
                }
                let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
                streams.entry(id).or_insert((hash, None));
            });
        }
        let own = self.own_folder();
        let said = |id: &str| self.heads.get(id).and_then(folder);
        let unsaid = own.is_none() && streams.keys().any(|id| said(id).is_none());
        let folders = match unsaid {
            true => self.folders(),
            false => HashMap::new(),
        };
        let streams = streams.into_iter().map(|(name, (token, updated))| Stream {
            folder: said(&name)
                .or_else(|| own.clone())
                .or_else(|| folders.get(&name).cloned()),
            name,
            token,
            updated,
        });
        Ok(streams.collect())
    }

    fn records(&mut self, session: &str, take: &mut Take<'_>) -> Result<()> {
        let row = match self.chats {
            true => self.db.get(CHATS, &format!("composerData:{session}"))?,
            false => None,
        };
        let mut found = None;
        if let Some(text) = row {
            self.composer(session, &text, take)?;
        } else if let Some(list) = self.item(COMPOSERS) {
            each_composer(&list, &mut |id, text| {
                if id == session {
                    found = Some(text.to_owned());
                }
            });
        }
        if let Some(text) = found {
            let info: Value = serde_json::from_str(&text).unwrap_or_default();
            self.chat(session, &info, &conversation(&text), take)?;
        } else if let Some(tabs) = self.item(TABS) {
            let mut tab = None;
            each_of(&tabs, "tabs", "tabId", &mut |id, text| {
                if id == session {
                    tab = Some(text.to_owned());
                }
            });
            if let Some(tab) = tab {
                self.tab(session, &tab, take)?;
            }
        }
        self.db.still()
    }
}

impl Open {
    /// A chat of the first generation.
    fn tab(&self, id: &str, text: &str, take: &mut Take<'_>) -> Result<()> {
        let info: Value = serde_json::from_str(text).unwrap_or_default();
        let body = json!({
            "folder": self.own_folder(),
            "name": info.get("chatTitle"),
            "lastSendTime": info.get("lastSendTime"),
        });
        let mut bubbles = Vec::new();
        parts(text, "bubbles", &mut |text| bubbles.push(text.to_owned()));
        if bubbles.is_empty() {
            return Ok(());
        }
        let mut give = |key: &str, order: &str, kind: &str, body: &str| {
            take(Given {
                session: id,
                key,
                order,
                kind,
                body,
            })
        };
        give("composer", "", "tab", &body.to_string())?;
        for (n, text) in bubbles.iter().enumerate() {
            let order = rank(n as u64);
            let (kind, body) = bubble::body("", text, false, &HashSet::new(), &|_| Ok(None))?;
            give(&format!("{id}/{n}"), &order, kind, &body)?;
        }
        Ok(())
    }
}

/// The elements of a list in a document, as texts, as far as they stand whole.
fn parts(text: &str, list: &str, each: &mut dyn FnMut(&str)) {
    let mut take = |name: &str, part: json::Part<'_>| {
        if name == list {
            let _torn = json::elements(part.text, &mut |element| {
                each(element);
                true
            });
        }
        name != list
    };
    let _torn = json::members(text, &mut take);
}

fn each_of(text: &str, list: &str, id: &str, each: &mut dyn FnMut(String, &str)) {
    parts(text, list, &mut |element| {
        let mut name = None;
        let _torn = json::members(element, &mut |key, part| {
            if key == id {
                name = serde_json::from_str::<String>(part.text).ok();
            }
            name.is_none()
        });
        if let Some(name) = name {
            each(name, element);
        }
    });
}

fn each_composer(list: &str, each: &mut dyn FnMut(String, &str)) {
    each_of(list, "allComposers", "composerId", each);
}

/// The bubbles that stand in the chat's own row, each with its name: its id, else its place.
fn conversation(text: &str) -> Vec<(String, String)> {
    let mut bubbles: Vec<(String, String)> = Vec::new();
    parts(text, "conversation", &mut |bubble| {
        let mut id = None;
        let _torn = json::members(bubble, &mut |key, part| {
            if key == "bubbleId" {
                id = serde_json::from_str::<String>(part.text).ok();
            }
            id.is_none()
        });
        let id = id.unwrap_or_else(|| format!("#{}", bubbles.len()));
        bubbles.push((id, bubble.to_owned()));
    });
    bubbles
}

fn array<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The bubbles that made a file which was not there.
fn created(info: &Value) -> HashSet<String> {
    let states = info.get("originalFileStates").and_then(Value::as_object);
    let is_new =
        |state: &&Value| state.get("isNewlyCreated").and_then(Value::as_bool) == Some(true);
    states
        .into_iter()
        .flat_map(|s| s.values())
        .filter(is_new)
        .filter_map(|state| Some(state.get("firstEditBubbleId")?.as_str()?.to_owned()))
        .collect()
}

/// The folder that a chat was held in, where it says so.
fn folder(info: &Value) -> Option<String> {
    let uri = info.pointer("/workspaceIdentifier/uri")?;
    let path = ["fsPath", "path"].iter().find_map(|n| uri.get(n)?.as_str());
    path.filter(|p| !p.is_empty()).map(str::to_owned)
}

/// The folder that a window shows, by the file beside its database. A window of several folders has none.
fn folder_of(window: &Path) -> Option<String> {
    let text = crate::source::extract::read_text(&window.join("workspace.json")).ok()?;
    let info: Value = serde_json::from_str(&text).ok()?;
    bubble::path_of_uri(info.get("folder")?.as_str()?)
}
