# The server-side suites, run against the current tree and cluster. Each is run from the source directory.
# shellcheck shell=bash

# build_extension: warning-free PGXS build and install into the tree that PG_CONFIG belongs to.
build_extension() {
  make -s -j"$JOBS" PG_CONFIG="$PG_CONFIG" all && make -s PG_CONFIG="$PG_CONFIG" install >/dev/null
}

# older_server MAJOR DIR: a copy of another major's server in DIR that has the extension, too; where it is says DIR/install.
older_server() (
  PG_CONFIG=/usr/lib/postgresql/$1/bin/pg_config
  [[ -x $PG_CONFIG ]] || die "PostgreSQL $1 is not installed with its server headers"
  mkdir -p "$2"
  tree_create "$2/tree"
  copy_source "$2/src"
  cd "$2/src"
  build_extension
  dirname "$TREE_BIN" >"$2/install"
)

# test_names DIR SUFFIX: names of the test files, in the order in which they run.
test_names() {
  find "$1" -maxdepth 1 -name "*$2" -printf '%f\n' 2>/dev/null | sed "s/${2//./\\.}\$//" | sort
}

# expect_something DIR NAME...: pg_regress stops dead at a test without an expected file; with an empty one it shows the
# output as a difference and goes on. (scripts/check refuses tests without an expected file before it gets here.)
expect_something() {
  local dir=$1 name
  shift
  mkdir -p "$dir"
  for name in "$@"; do [[ -e $dir/$name.out ]] || : >"$dir/$name.out"; done
}

# run_regress [NAME...]: pg_regress over sql/ and expected/, in a database that has the extension.
run_regress() {
  local names=("$@")
  [[ $# -gt 0 ]] || mapfile -t names < <(test_names sql .sql)
  expect_something expected "${names[@]}"
  "$PGXS_SRC/test/regress/pg_regress" --inputdir=. --outputdir=. --bindir="$TREE_BIN" --dbname=contrib_regression \
    --load-extension=btree_gist --load-extension=pg_spend "${names[@]}"
}

# run_isolation [--shared] [NAME...]: pg_isolation_regress over test/isolation. --shared: budget counters are in shared memory,
# where a writer waits for less; what differs is in expected_shared.
run_isolation() {
  local shared='' names input=test/isolation
  if [[ ${1:-} == --shared ]]; then
    shared=1
    shift
  fi
  names=("$@")
  [[ $# -gt 0 ]] || mapfile -t names < <(test_names test/isolation/specs .spec)
  mkdir -p output_iso
  expect_something test/isolation/expected "${names[@]}"
  if [[ -n $shared ]]; then
    input=output_iso/shared
    rm -rf "$input"
    mkdir -p "$input"
    cp -r test/isolation/specs test/isolation/expected "$input"
    cp test/isolation/expected_shared/*.out "$input/expected"
  fi
  "$PGXS_SRC/test/isolation/pg_isolation_regress" --inputdir="$input" --outputdir=output_iso --bindir="$TREE_BIN" \
    --dbname=isolation_regression --load-extension=btree_gist --load-extension=pg_spend "${names[@]}"
}

# run_tap [FILE...]: the TAP tests; each starts clusters of its own from the tree, as many at once as there are processors.
run_tap() {
  local files=("$@")
  [[ $# -gt 0 ]] || mapfile -t files < <(find test/tap -maxdepth 1 -name '*.pl' | sort)
  rm -rf tmp_check
  # A test that wants a server must ask for one of its own.
  env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE TESTDATADIR="$PWD/tmp_check" TESTLOGDIR="$PWD/tmp_check/log" \
    TESTDIR="$PWD" PG_REGRESS="$PGXS_SRC/test/regress/pg_regress" \
    prove -j "$JOBS" -I "$PGXS_SRC/test/perl" -I test/tap/lib "${files[@]}" && return
  # prove shows failed tests; why one ended early is in its log only.
  local log
  for log in tmp_check/log/regress_log_*; do
    if grep -q -E '# Looks like|no plan was declared' "$log" || ! grep -q -E '\) 1\.\.[0-9]+$' "$log"; then
      echo "== $log"
      tail -n 25 "$log"
    fi
  done
  return 1
}
