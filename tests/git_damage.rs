//! Damaged git object stores: an error each time, never a panic, never a wrong content.
#![allow(clippy::unwrap_used)]

#[path = "support/git.rs"]
mod support;

use std::fs;

use proptest::prelude::*;
use regent_tui::git::{GitError, Kind, Objects, Oid};
use support::{commit, folder, git, history, init, write};

/// A packed repository's files, and every object's name and content as they should be.
struct Packed {
    pack: Vec<u8>,
    idx: Vec<u8>,
    all: Vec<(Oid, (Kind, Vec<u8>))>,
}

fn packed() -> Packed {
    let (_guard, dir) = folder();
    history(&dir);
    git(&dir, &["repack", "-q", "-a", "-d", "-f"]);
    let objects = Objects::open(&dir.join(".git")).unwrap();
    let list = git(
        &dir,
        &[
            "cat-file",
            "--batch-check=%(objectname)",
            "--batch-all-objects",
        ],
    );
    let all = list
        .lines()
        .map(|hex| Oid::from_hex(hex).unwrap())
        .map(|oid| (oid, objects.read(&oid).unwrap().unwrap()))
        .collect();
    let file = |extension: &str| {
        let path = fs::read_dir(dir.join(".git/objects/pack"))
            .unwrap()
            .flatten()
            .map(|e| e.path())
            .find(|p| p.extension().is_some_and(|e| e == extension))
            .unwrap();
        fs::read(path).unwrap()
    };
    Packed {
        pack: file("pack"),
        idx: file("idx"),
        all,
    }
}

#[test]
fn damage_is_an_error_never_a_panic_or_a_wrong_content() {
    let whole = packed();
    let (_guard, dir) = folder();
    let packs = dir.join("objects/pack");
    fs::create_dir_all(&packs).unwrap();
    let damage = proptest::collection::vec(
        (any::<bool>(), any::<prop::sample::Index>(), any::<u8>()),
        1..6,
    );
    let cut = proptest::option::weighted(0.2, any::<prop::sample::Index>());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let mut errors = 0;
    let errors_seen = std::cell::RefCell::new(&mut errors);
    runner
        .run(&(damage, cut), |(damage, cut)| {
            let (mut pack, mut idx) = (whole.pack.clone(), whole.idx.clone());
            for (in_pack, place, value) in damage {
                let bytes = if in_pack { &mut pack } else { &mut idx };
                let at = place.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(cut) = cut {
                pack.truncate(cut.index(pack.len()));
            }
            fs::write(packs.join("pack-x.pack"), &pack).unwrap();
            fs::write(packs.join("pack-x.idx"), &idx).unwrap();
            let objects = Objects::open(&dir).unwrap();
            for (oid, content) in &whole.all {
                match objects.read(oid) {
                    Ok(Some(found)) => prop_assert_eq!(&found, content),
                    Ok(None) => {}
                    Err(_) => **errors_seen.borrow_mut() += 1,
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(errors > 0, "no damage was noticed");
}

#[test]
fn damaged_loose_objects_are_errors() {
    let (_guard, dir) = folder();
    init(&dir);
    write(&dir, "a", "some words\n");
    let first = commit(&dir);
    let blob = git(&dir, &["hash-object", "a"]);
    let path = dir.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let read = || {
        Objects::open(&dir.join(".git"))
            .unwrap()
            .blob_at(&first, b"a")
    };
    assert_eq!(
        read(),
        Err(GitError::ObjectNotHere(Oid::from_hex(&blob).unwrap()))
    );
    for at in 0..good.len() {
        for bad in [good[..at].to_vec(), {
            let mut flipped = good.clone();
            flipped[at] ^= 0x55;
            flipped
        }] {
            fs::write(&path, bad).unwrap();
            match read() {
                Ok(found) => assert_eq!(found, Some(b"some words\n".to_vec())),
                Err(GitError::Damaged(_) | GitError::TooLarge { .. }) => {}
                Err(other) => panic!("{other}"),
            }
        }
    }
}
