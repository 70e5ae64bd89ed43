#!/usr/bin/env python3
"""Writes the demo's project and transcripts from the story, or with --check proves that they are in step with it.

    python3 assets/demo/make.py            write project/ and home/
    python3 assets/demo/make.py --check    regenerate in memory, compare with the disk, replay every record
    python3 assets/demo/make.py --list     what is in the story

Standard library only; the output never depends on the clock, the machine or the order of a set.
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from story import plot, proof  # noqa: E402
from story.world import World  # noqa: E402


def read_tree(folder):
    """Path -> text of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tell():
    """Plays the story: the world at its end, the sessions, and everything that is to be on the disk."""
    world = World(read_tree(HERE / "story" / "base"))
    sessions = [session for day in plot.DAYS for session in day.play(world)]
    files = {f"project/{name}": text for name, text in world.files.items()}
    for session in sessions:
        files |= {f"home/{name}": text for name, text in session.files().items()}
    return world, sessions, files


def on_disk():
    return {f"{top}/{name}": text for top in ("project", "home") for name, text in read_tree(HERE / top).items()}


def write(files):
    for gone in set(on_disk()) - set(files):
        (HERE / gone).unlink()
    for name, text in files.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    world, _, files = tell()
    if args.list:
        proof.show(files)
        return 0
    base = read_tree(HERE / "story" / "base")
    complaints = proof.check(base, files, world.unseen)
    if args.check:
        disk = on_disk()
        for name in sorted(set(disk) | set(files)):
            if disk.get(name) != files.get(name):
                complaints.append(f"{name} is not what the story says: run make.py")
    elif not complaints:
        write(files)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    size = sum(len(text.encode()) for text in files.values())
    print(f"{len(files)} files, {size:,} bytes" + ("" if complaints else ", every change proved"))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
