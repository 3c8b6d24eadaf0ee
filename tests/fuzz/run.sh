#!/bin/sh
# Fuzzes every target: run.sh [SECONDS EACH]     (or FUZZ_SECONDS; a minute without either)
#
# With a C++ compiler the targets run under libFuzzer, which sees the code that an input reaches; without one they run
# blind, on mutations of the samples. Everything that is built, bred or found stays in target/fuzz. An input that
# breaks a promise ends the run with an error and the command that replays it.
set -eu

seconds=${1:-${FUZZ_SECONDS:-60}}
case $seconds in
'' | *[!0-9]*)
    echo "run.sh: \"$seconds\" is not a number of seconds" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
out=$root/target/fuzz
mkdir -p "$out/corpus" "$out/artifacts" "$out/logs"

# The compiler that libFuzzer would be built with: it has to find its own standard library, too.
has_cxx() {
    printf '#include <vector>\nint main() { return 0; }\n' >"$out/probe.cc"
    "${CXX:-c++}" "$out/probe.cc" -o "$out/probe" >/dev/null 2>&1
}

# Tells rustc to count edges and comparisons, as cargo-fuzz does, but on the stable compiler and without a sanitizer: what is
# fuzzed holds no unsafe code. The target is named so that build scripts and macros are spared.
build_seeing() {
    flags="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
    flags="$flags -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
    flags="$flags -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
    case $host in *-linux-*) flags="$flags -Cllvm-args=-sanitizer-coverage-stack-depth" ;; esac
    RUSTFLAGS=$flags cargo build --quiet --locked --release --target "$host" --target-dir "$out/seeing" --features libfuzzer --bins
}

build_blind() {
    cargo build --quiet --locked --release --target-dir "$out/blind" --features blind --bins
}

# $1 target, $2 the command that replays a file
failed() {
    echo "$1: BROKEN. From $out/logs/$1.log:" >&2
    grep -a -A 4 -e 'panicked at' -e 'ERROR: libFuzzer' -e '^error' "$out/logs/$1.log" | head -n 40 >&2
    for input in "$out/artifacts/$1"-*; do
        [ -e "$input" ] && echo "To see it again: $2 $input" >&2
    done
    exit 1
}

fuzz_seeing() {
    program=$out/seeing/$host/release/$1
    longest=$("$program" --longest 2>/dev/null)
    mkdir -p "$out/corpus/$1"
    # What was found once is tried first from then on.
    for input in "$out/artifacts/$1"-*; do
        [ -e "$input" ] && mv "$input" "$out/corpus/$1/"
    done
    # RUST_BACKTRACE: a caught panic is part of some targets' plan, and its backtrace would cost more than the input.
    RUST_BACKTRACE=0 "$program" "$out/corpus/$1" -dict="$out/$1.dict" -max_len="$longest" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=1024 -artifact_prefix="$out/artifacts/$1-" -print_final_stats=1 >"$out/logs/$1.log" 2>&1 ||
        failed "$1" "$program"
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/logs/$1.log")
    covered=$(sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p' "$out/logs/$1.log")
    echo "$1: $runs inputs, $covered edges, nothing broken"
}

fuzz_blind() {
    RUST_BACKTRACE=0 "$out/blind/release/blind" "$1" "$seconds" "$out/artifacts" >"$out/logs/$1.log" 2>&1 ||
        failed "$1" "$out/blind/release/blind $1"
    echo "$1: $(tail -n 1 "$out/logs/$1.log"), nothing broken"
}

host=$(rustc -vV | sed -n 's/^host: //p')
if has_cxx; then
    how=seeing
    echo "fuzzing under libFuzzer, $seconds s for each target"
else
    how=blind
    echo "no C++ compiler (${CXX:-c++}): fuzzing blind, $seconds s for each target"
fi
"build_$how"
for source in src/bin/*.rs; do
    name=$(basename "$source" .rs)
    [ "$name" = blind ] || "fuzz_$how" "$name"
done
