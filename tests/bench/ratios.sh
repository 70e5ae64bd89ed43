#!/bin/sh
# Prints all ratios of the benchmarks, measured side by side on this machine at this moment. Nothing is asserted and
# nothing is written down: quote ratios, never a figure of one machine against a figure of another. Where others use the
# machine, what was worked says more than the wall.
#
#   tests/bench/ratios.sh                          a small corpus, made on the spot
#   REGENT_BENCH_HOME=DIR tests/bench/ratios.sh    the transcripts below DIR/.claude/projects
#
# REGENT_BENCH_ROUNDS=N repeats the readings (3) and the rewinds (5); REGENT_BENCH_FILES=N is the size of the tree that
# snapshots are taken of (10,000; the targets speak of 100,000).
set -eu
cd "$(dirname "$0")/../.."
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
echo "# load: $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || echo unknown); processors: $(getconf _NPROCESSORS_ONLN)"
if [ -z "${REGENT_BENCH_HOME:-}" ]; then
  REGENT_BENCH_HOME=$temp/home
  export REGENT_BENCH_HOME
  cargo bench --quiet --bench ingest -- --make "$REGENT_BENCH_HOME"
fi
echo "# reading: targets 1 to 6"
command -v agentsview >/dev/null || echo "agentsview is not installed: target 2 has no yardstick here"
cargo bench --quiet --bench ingest
REGENT_BENCH_DB=$temp/history.db
export REGENT_BENCH_DB
cargo bench --quiet --bench ingest -- --read "$REGENT_BENCH_HOME" "$REGENT_BENCH_DB" >"$temp/read"
echo "# asking: targets 9 and 10"
cargo bench --quiet --bench query
if command -v fzf >/dev/null; then
  # The lines of the benchmark's hundred thousand prompts, near enough.
  seq 100000 | awk '{ printf "make the %x of part %d retry and look at %x again\n", $1 * 7919 % 4096, $1, $1 * 104729 % 65536 }' >"$temp/lines"
  for word in retry mkthe; do
    echo "fzf --filter $word over as many lines:"
    ( time -p fzf --filter "$word" <"$temp/lines" >"$temp/found" ) 2>&1 | head -1
  done
else
  echo "fzf is not installed: target 9 has no yardstick here"
fi
echo "# who wrote what: target 17"
cargo bench --quiet --bench blame
echo "# the screen: targets 7, 8, 15 and 16"
cargo bench --quiet --bench screen
echo "# snapshots and rewinds: targets 11 to 14"
cargo bench --quiet --bench rewind
echo "# beside agents: a line to the pixel, a key while eight write, quiet"
cargo bench --quiet --bench live
echo "# hooks: target 18"
cargo bench --quiet --bench hook
echo "# the binary: target 19"
cargo build --quiet --release
ls -l target/release/regent-tui | awk '{ printf "%.2f MB\n", $5 / 1e6 }'
