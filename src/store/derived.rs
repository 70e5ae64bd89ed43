//! The derived tables as a whole: emptied before they are folded again, and summed up so that two foldings can be
//! compared. What a row means is not known here.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::Result;

/// The ordinary derived tables.
const TABLES: &[&str] = &[
    "root",
    "path",
    "session",
    "fold_state",
    "session_file",
    "file_state",
    "prompt",
    "step",
    "part",
    "change",
    "sighting",
    "named",
    "damage",
    "unknown_record",
    "observation",
];
/// The full-text tables. They hold no texts, so only all rows at once can be deleted cheaply.
const WORDS: &[&str] = &["words", "letters"];

/// Empties every derived table. The caller's transaction makes it one with the folding that follows.
pub fn drop_derived(conn: &Connection) -> Result<()> {
    for table in TABLES {
        conn.execute(&format!("DELETE FROM {table}"), [])?;
    }
    for table in WORDS {
        conn.execute(
            &format!("INSERT INTO {table} ({table}) VALUES ('delete-all')"),
            [],
        )?;
    }
    Ok(())
}

// Row numbers differ from folding to folding, so every reference is followed to something that does not.
const FILE: &str = "(SELECT quote(f.path) || '#' || f.generation FROM file f WHERE f.id = {})";
const SESSION: &str = "(SELECT s.pub FROM session s WHERE s.id = {})";
const PROMPT: &str = "(SELECT p.pub FROM prompt p WHERE p.id = {})";
const STEP: &str = "(SELECT t.pub FROM step t WHERE t.id = {})";
const PATH: &str = "(SELECT r.kind || quote(r.path) || quote(p.rel) FROM path p \
     JOIN root r ON r.id = p.root_id WHERE p.id = {})";
const CHANGE: &str =
    "(SELECT t.pub || quote(c.no) FROM change c JOIN step t ON t.id = c.step_id WHERE c.id = {})";
const BLOB: &str =
    "CASE {} WHEN 0 THEN 'absent' ELSE (SELECT b.hash FROM blob b WHERE b.id = {}) END";

/// The columns of each table that are compared; `kind:column` is a reference to follow. The states of the fold and of
/// the sources are left out: they are notes on how far it is, not results.
const COMPARED: &[(&str, &str)] = &[
    (
        "session",
        "pub agent native_id parent_native relation session:parent_id step:spawn_step \
         spawn_prompt_no title cwd branch commit_id version model role started_at ended_at \
         prompts steps edits commands failed files_changed added removed tokens_in tokens_out \
         tokens_cached last_words test test_seq edit_seq damaged unknown belongs \
         seen_edits seen_files seen_added seen_removed seen_seq",
    ),
    ("session_file", "session:session_id file:file_id"),
    (
        "prompt",
        "session:session_id no pub at via off_path prompt:alias_of dup head len file:file_id off \
         rec_len",
    ),
    (
        "step",
        "session:session_id prompt_no seq pub key_hash dup step:alias_of at started_at kind \
         status tool target exit_code duration_ms added removed evidence test off_path spawned \
         file:call_file call_off call_len file:out_file out_off out_len seen_added seen_removed",
    ),
    ("part", "step:step_id no file:file_id off len"),
    (
        "change",
        "step:step_id no path:path_id path:old_path_id op blob:before blob:after evidence linked \
         added removed blob:seen_before blob:seen_after",
    ),
    ("sighting", "step:step_id path:path_id blob:blob_id"),
    (
        "named",
        "session:session_id prompt_no seq path:path_id at step name size begins begins_hash",
    ),
    ("damage", "file:file_id off len why"),
    (
        "unknown_record",
        "agent version record session:session_id n",
    ),
    (
        "observation",
        "snapshot_id path:path_id lo hi blob:before blob:after whose step:step_id maybe \
         change:before_of change:after_of",
    ),
];

fn column(spec: &str) -> String {
    let (kind, name) = spec.split_once(':').unwrap_or(("", spec));
    // A path or step reads the row's own column, not one of the table that is looked into.
    let own = format!("x.\"{name}\"");
    let template = match kind {
        "file" => FILE,
        "session" => SESSION,
        "prompt" => PROMPT,
        "step" => STEP,
        "path" => PATH,
        "blob" => BLOB,
        "change" => CHANGE,
        _ => "{}",
    };
    template.replace("{}", &own)
}

/// A sum of the derived tables' contents that depends neither on row numbers nor on the order of rows: one line for
/// each table, with its name, its rows and a hash. Equal for two stores that say the same.
pub fn derived_digest(conn: &Connection) -> Result<String> {
    let mut text = String::new();
    for (table, columns) in COMPARED {
        let columns: Vec<String> = columns.split_whitespace().map(column).collect();
        let sql = format!("SELECT {} FROM \"{table}\" AS x", columns.join(", "));
        let mut q = conn.prepare(&sql)?;
        let mut rows = q.query([])?;
        let (mut count, mut sum) = (0u64, Sum::default());
        while let Some(row) = rows.next()? {
            count += 1;
            sum.add(&hash(row, columns.len())?);
        }
        text.push_str(&format!("{table} {count} {}\n", sum.hex()));
    }
    text.push_str(&words_digest(conn)?);
    Ok(text)
}

/// The full text: which word stands in which column of which prompt or step.
fn words_digest(conn: &Connection) -> Result<String> {
    conn.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.words_in USING fts5vocab('main', 'words', 'instance')",
    )?;
    let prompt = PROMPT.replace("{}", "x.doc / 2");
    let step = STEP.replace("{}", "x.doc / 2");
    let sql = format!(
        "SELECT x.term, x.col, CASE x.doc % 2 WHEN 0 THEN {prompt} ELSE {step} END \
         FROM temp.words_in AS x"
    );
    let (mut count, mut sum) = (0u64, Sum::default());
    {
        let mut q = conn.prepare(&sql)?;
        let mut rows = q.query([])?;
        while let Some(row) = rows.next()? {
            count += 1;
            sum.add(&hash(row, 3)?);
        }
    }
    conn.execute_batch("DROP TABLE temp.words_in")?;
    Ok(format!("words {count} {}\n", sum.hex()))
}

fn hash(row: &Row<'_>, columns: usize) -> Result<blake3::Hash> {
    let mut hash = blake3::Hasher::new();
    for i in 0..columns {
        let (kind, bytes): (u8, &[u8]) = match row.get_ref(i)? {
            ValueRef::Null => (0, &[]),
            ValueRef::Integer(n) => {
                hash.update(&[1]).update(&n.to_le_bytes());
                continue;
            }
            ValueRef::Real(n) => {
                hash.update(&[2]).update(&n.to_le_bytes());
                continue;
            }
            ValueRef::Text(t) => (3, t),
            ValueRef::Blob(b) => (4, b),
        };
        hash.update(&[kind])
            .update(&(bytes.len() as u64).to_le_bytes())
            .update(bytes);
    }
    Ok(hash.finalize())
}

/// A sum of hashes: rows may come in any order, and equal rows count.
#[derive(Default)]
struct Sum([u128; 2]);

impl Sum {
    fn add(&mut self, hash: &blake3::Hash) {
        for (sum, half) in self.0.iter_mut().zip(hash.as_bytes().chunks_exact(16)) {
            let half = half.try_into().map_or(0, u128::from_le_bytes);
            *sum = sum.wrapping_add(half);
        }
    }

    fn hex(&self) -> String {
        format!("{:032x}{:032x}", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::Store;

    /// Rows that say the same thing with other numbers.
    fn fold(store: &Store, shift: i64, reverse: bool) {
        let mut sql = vec![format!(
            "INSERT INTO file VALUES ({0}, 1, x'2f61', 0, 1, 2, 3, 4, 5, NULL, 1, NULL, 0);
             INSERT INTO blob VALUES ({0}, x'aa', 1, 0, x'61');
             INSERT INTO root VALUES ({0}, x'2f', 0);
             INSERT INTO path VALUES ({0}, {0}, x'62');
             INSERT INTO session (id, pub, agent, native_id) VALUES ({0}, x'01', 1, 'one');",
            shift + 1
        )];
        sql.push(format!(
            "INSERT INTO session (id, pub, agent, native_id, parent_id) VALUES ({}, x'02', 1, 'two', {});",
            shift + 2,
            shift + 1
        ));
        for (n, text) in [(3, "a needle"), (4, "hay")] {
            sql.push(format!(
                "INSERT INTO step (id, session_id, prompt_no, seq, pub, key_hash, dup, kind, status, target)
                   VALUES ({0}, {1}, 0, {n}, x'1{n}', 7, 8, 3, 1, 'b');
                 INSERT INTO change (step_id, no, path_id, op, before, after, evidence, linked, added, removed)
                   VALUES ({0}, 0, {1}, 2, 0, {1}, 2, 0, 1, 1);
                 INSERT INTO words (rowid, output) VALUES ({0} * 2 + 1, '{text}');",
                shift + n,
                shift + 1
            ));
        }
        if reverse {
            sql.reverse();
        }
        store.conn().execute_batch(&sql.concat()).unwrap();
    }

    #[test]
    fn the_sum_is_of_what_is_said_not_of_row_numbers() {
        let stores: Vec<Store> = (0..3).map(|_| Store::open_in_memory().unwrap()).collect();
        fold(&stores[0], 0, false);
        fold(&stores[1], 100, true);
        let sums: Vec<String> = stores
            .iter()
            .map(|s| derived_digest(s.conn()).unwrap())
            .collect();
        assert_eq!(sums[0], sums[1]);
        assert_ne!(sums[0], sums[2]);
        assert!(sums[0].contains("session 2 "), "{}", sums[0]);

        for change in [
            "UPDATE session SET title = 'x' WHERE native_id = 'one'",
            "UPDATE session SET parent_id = NULL",
            "UPDATE step SET seq = seq + 1",
            "UPDATE change SET before = NULL",
            "UPDATE path SET rel = x'63'",
            "UPDATE blob SET hash = x'ab'",
            "INSERT INTO words (rowid, output) VALUES (7, 'straw')",
        ] {
            let tx = stores[0].begin().unwrap();
            tx.execute(change, []).unwrap();
            assert_ne!(derived_digest(&tx).unwrap(), sums[0], "{change}");
        }
    }

    #[test]
    fn dropping_leaves_truth_alone() {
        let store = Store::open_in_memory().unwrap();
        fold(&store, 0, false);
        drop_derived(store.conn()).unwrap();
        let empty = derived_digest(Store::open_in_memory().unwrap().conn()).unwrap();
        assert_eq!(derived_digest(store.conn()).unwrap(), empty);
        let truth = "SELECT (SELECT count(*) FROM file) + (SELECT count(*) FROM blob)";
        let rows: i64 = store.conn().query_row(truth, [], |r| r.get(0)).unwrap();
        assert_eq!(rows, 2);
    }

    #[test]
    fn every_column_is_compared_or_left_out_on_purpose() {
        let store = Store::open_in_memory().unwrap();
        for (table, columns) in COMPARED {
            let mut q = store
                .conn()
                .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
                .unwrap();
            let names: Vec<String> = q
                .query_map([], |r| r.get(0))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            for name in names {
                let named = columns
                    .split_whitespace()
                    .any(|c| c.rsplit(':').next() == Some(name.as_str()));
                assert!(named || name == "id", "{table}.{name}");
            }
        }
    }
}
