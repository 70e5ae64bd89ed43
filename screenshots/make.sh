#!/bin/sh
# Makes the pictures in this folder from the real program's cells, on the demo's sessions, with a clock that stands still.
# `--check` changes nothing and says which pictures are not as the program looks. A name makes that one only.
set -eu
cd "$(dirname "$0")/.."
REGENT_PICTURES=write
for word in "$@"; do
    case $word in
        --check) REGENT_PICTURES=check ;;
        -*) echo "usage: screenshots/make.sh [--check] [NAME]" >&2; exit 2 ;;
        *) export REGENT_PICTURE="$word" ;;
    esac
done
export REGENT_PICTURES
exec cargo test --quiet --test e2e pictures::pictures -- --ignored --exact
