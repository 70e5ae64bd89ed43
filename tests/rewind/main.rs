//! Rewinds of throw-away folders, against histories that are written straight into a store, or read from a transcript by
//! the real program.
//!
//! What is tested where. `T` is a test of the reliability plan, `L` a way in which others lost their users' work, `P` a
//! promise. The name of a test begins with what it is for (`t8_l9_...`), so that it can be found; those that end in `_1`,
//! `_2` are one test in parts. What takes minutes is ignored and named `tN_all_...`; all of it runs by
//! `cargo test --locked --test rewind -- --ignored`.
//!
//! | what | where | in each run | ignored |
//! |---|---|---|---|
//! | T1 kill before and after every call | `crash` (in process: every call of a rewind of 40 paths, of its undo, with and without exchange; 8 interrupted rewinds x every call of their recovery), `killed` (real processes, strace: every 11th call of the rewind, every 22nd of undo and recovery) | yes | every call |
//! | T2 errors | `errors` (in process: 7 errors x every call; 2 x every call of the undo), `killed` (real: every 11th call; all writes of one byte) | yes | every call |
//! | T3 power cuts | `power`, on a disk that forgets what was not synced (`model`) | 8 x 60 | 10,000 |
//! | T4 random kills over rewind, undo, redo, gc, snapshot, reading | `processes` | 500 | 5,000 |
//! | T5 generated histories against an oracle | `history`, `oracle` | 2,000 | `REGENT_CASES=20000` |
//! | T6 writers | `races` | 50 rounds | 500 |
//! | T7 two rewinders, gc, git; the lock | `processes`, `crash` | 20 rounds each | 200 |
//! | T8 paths that lead out | `races` (swaps, with the system as witness), `untouched`, `fsx::names` (302 paths) | 10,000 swaps | 1,000,000 |
//! | T9 version control's own files | `untouched`, `disk` (mounts), `fsx::names` | yes | |
//! | T10 states of git | `git_states` | 44, and a linked worktree | |
//! | T11 special files, other users, marks | `untouched`, `disk`, `protocol` | yes | |
//! | T12 names | `untouched`, `snapshot` | all single bytes and 24 more | |
//! | T13 size | `processes` (10,000 files, 5,000 steps; time and memory are for the benchmarks) | a tenth | |
//! | T18 full disks | `disk` | 40 sizes, 8 sizes, every 9th call | |
//! | T19 read-only | `disk` | yes | |
//! | T22 clocks | `untouched` | 6 jumps | |
//! | L1 L3-L8 L10-L15 L17-L25 L27 L28 | `lessons`; L2 L4 L22 also in `snapshot`; L9 in `races`; L16 in `git_states`; L26 in `processes` | yes | |
//! | every row of the table of verdicts, and the cases under it | `table`, `cases` | yes | |
//! | P2 P5 and what reading the code against the protocol found | `protocol` | yes | |
//!
//! Not covered: file systems that do not tell letter case apart (this needs a kernel that has them), names that only Windows
//! or macOS take for others beyond the list of `fsx::names`, whether a disk that says that it synced really did.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod cases;
mod crash;
mod disk;
mod errors;
mod frozen;
mod git_states;
mod history;
mod killed;
mod lessons;
mod model;
mod oracle;
mod power;
mod processes;
mod project;
mod protocol;
mod races;
mod scene;
mod table;
mod untouched;
