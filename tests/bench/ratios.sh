#!/bin/sh
# Prints all ratios of the benchmarks, measured side by side on this machine at this moment. Nothing is asserted and
# nothing is written down: quote ratios, never a figure of one machine against a figure of another.
#
#   tests/bench/ratios.sh                          a small corpus, made on the spot
#   REGENT_BENCH_HOME=DIR tests/bench/ratios.sh    the transcripts below DIR/.claude/projects
#
# REGENT_BENCH_ROUNDS=N repeats the readings (3).
set -eu
cd "$(dirname "$0")/../.."
echo "# load: $(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || echo unknown); processors: $(getconf _NPROCESSORS_ONLN)"
echo "# reading"
cargo bench --quiet --bench ingest
echo "# asking"
cargo bench --quiet --bench query
echo "# who wrote what"
cargo bench --quiet --bench blame
