# A private work directory: everything a script builds, installs and runs lives in it and goes with it.
# shellcheck shell=bash

# enter_workdir PURPOSES "$@": called once at the top of a script with the packages it needs and its own arguments.
#
# The first instance installs missing packages (as root), makes the directory, copies the source into it and runs the
# copy of the script there as the unprivileged user; it waits, stops every server that is left, removes the directory
# and exits with the script's status. In that second instance this function returns, with SPEND_WORK set and the copy of
# the source as current directory. KEEP=1 leaves the directory and says where it is. Files named in SPEND_RESULTS
# (relative to the source, separated by spaces) are copied back if the script succeeded.
enter_workdir() {
  local purposes=$1 script
  shift
  script=$(basename "$0")
  if [[ -n ${SPEND_WORK:-} ]]; then
    cd "$SPEND_WORK/src"
    return
  fi

  # shellcheck disable=SC2086 # a list of words
  require_packages $purposes
  SPEND_WORK=$(mktemp -d "${TMPDIR:-/tmp}/pg_spend.XXXXXX")
  SPEND_CHILD=
  trap 'workdir_end' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  mkdir "$SPEND_WORK/tmp" "$SPEND_WORK/home" "$SPEND_WORK/log"
  copy_source "$SPEND_WORK/src"
  [[ $EUID -ne 0 ]] || chown -R "$(unprivileged_user)": "$SPEND_WORK"
  as_user test -r "$SPEND_WORK/src/scripts/$script" ||
    die "user $(unprivileged_user) cannot reach $SPEND_WORK: set TMPDIR to a directory that everybody may enter"

  # A process group of its own, so that an interrupt reaches whatever runs below (make, prove, psql), and in the
  # background, because bash runs traps only between foreground commands.
  set -m
  (
    cd "$SPEND_WORK"
    as_user env SPEND_WORK="$SPEND_WORK" HOME="$SPEND_WORK/home" TMPDIR="$SPEND_WORK/tmp" JOBS="$JOBS" \
      "$SPEND_WORK/src/scripts/$script" "$@"
  ) </dev/null &
  SPEND_CHILD=$!
  set +m
  local status=0
  wait "$SPEND_CHILD" || status=$?
  SPEND_CHILD=
  if [[ $status -eq 0 ]]; then
    local file
    for file in ${SPEND_RESULTS:-}; do
      [[ -e $SPEND_WORK/src/$file ]] || continue
      copy_back "$SPEND_WORK/src/$file" "$SOURCE_ROOT/$file"
    done
  fi
  exit "$status"
}

# copy_back FROM TO: contents only; a new file belongs to whom the source belongs to, also if root runs this.
copy_back() {
  mkdir -p "$(dirname "$2")"
  local new=1
  [[ ! -e $2 ]] || new=
  cat "$1" >"$2"
  if [[ -n $new && $EUID -eq 0 ]]; then chown --reference="$SOURCE_ROOT" "$2"; fi
}

workdir_end() {
  local status=$?
  trap - EXIT INT TERM HUP
  if [[ -n $SPEND_CHILD ]]; then
    kill -TERM -- "-$SPEND_CHILD" 2>/dev/null || true
    wait "$SPEND_CHILD" 2>/dev/null || true
  fi
  stop_all_below "$SPEND_WORK"
  if [[ -n ${KEEP:-} ]]; then
    say "kept: $SPEND_WORK"
  else
    rm -rf "$SPEND_WORK"
  fi
  exit "$status"
}

# server_up [SETTING...]: in the work directory: the tree with the extension built and installed, a running cluster, and a
# database "spend" with the extension as default of psql.
server_up() {
  tree_create "$SPEND_WORK/tree"
  build_extension
  cluster_start "$SPEND_WORK/cluster" "$@"
  createdb spend
  export PGDATABASE=spend
  psql -Xq -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION pg_spend CASCADE'
}
