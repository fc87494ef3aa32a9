# The core library without a server: builds, unit tests, fuzzers, linter. For scripts/check, in its work directory.
# shellcheck shell=bash

core_build() {
  cmake -S . -B "$SPEND_WORK/core" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=g++ -DSPEND_BENCH=ON \
    -DSPEND_CLIENT=ON
  cmake --build "$SPEND_WORK/core" -j "$JOBS"
}

core_test() {
  ctest --test-dir "$SPEND_WORK/core" -j "$JOBS" --output-on-failure --no-tests=error
}

core_build_sanitized() {
  cmake -S . -B "$SPEND_WORK/sanitized" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER="clang++-$CLANG_MAJOR" \
    -DSPEND_SANITIZE=address,undefined -DSPEND_FUZZ=ON
  cmake --build "$SPEND_WORK/sanitized" -j "$JOBS"
}

core_test_sanitized() {
  UBSAN_OPTIONS=print_stacktrace=1 ctest --test-dir "$SPEND_WORK/sanitized" -j "$JOBS" --output-on-failure \
    --no-tests=error
}

# Each fuzz target for FUZZ_SECONDS, on a copy of its seeds; a crash leaves its input in the work directory.
core_fuzz() {
  local target name seeds count=0
  for target in $(find "$SPEND_WORK/sanitized" -type f -executable -name 'fuzz_*' | sort); do
    name=$(basename "$target")
    seeds=$SPEND_WORK/tmp/$name
    mkdir -p "$seeds"
    if [[ -d test/fuzz/corpus/${name#fuzz_} ]]; then cp -r "test/fuzz/corpus/${name#fuzz_}/." "$seeds"; fi
    echo "== $name"
    "$target" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="$SPEND_WORK/tmp/$name-" "$seeds"
    count=$((count + 1))
  done
  [[ $count -gt 0 ]] || die "no fuzz target was built"
  echo "$count" >"$SPEND_WORK/log/count"
}

# clang-tidy over everything we compile, with the flags of the extension's build.
core_tidy() {
  local flags limit=() word
  flags=$(make -s PG_CONFIG="$PG_CONFIG" compile-flags)
  # The analyzer gives up on a function after this many states; its own limit, seven times as many, doubles the time.
  for word in -Xclang -analyzer-config -Xclang max-nodes=30000; do limit+=("--extra-arg=$word"); done
  find src -name '*.cpp' | wc -l >"$SPEND_WORK/log/count"
  # Findings go to standard output; how many were suppressed, to standard error.
  find src -name '*.cpp' -print0 |
    CLANG_TIDY="clang-tidy-$CLANG_MAJOR --quiet ${limit[*]}" FLAGS=$flags xargs -0 -n 1 -P "$JOBS" \
      sh -c '$CLANG_TIDY "$1" -- $FLAGS 2>/dev/null' sh
}
