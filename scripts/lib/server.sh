# A throw-away server: a copy of the installed one that takes the extension, and clusters that run from the copy.
# shellcheck shell=bash

# tree_create DIR: copy the installed server to DIR and set TREE_BIN and PG_CONFIG to the copy's.
#
# The server finds its library and share directories relative to its binary, as long as the tail of the path is the one
# it was built with. So everything below the prefix that all directories share keeps its place below DIR. pg_config
# answers with the copy's paths, so PGXS builds against the copy and "make install" installs into it.
tree_create() {
  local tree=$1 config prefix dir what
  config=$(pg_config_path)
  prefix=$(tree_prefix "$config")
  if [[ ! -e $tree/.complete ]]; then
    for what in bindir pkglibdir sharedir; do
      dir=$("$config" "--$what")
      mkdir -p "$tree${dir#"$prefix"}"
      # Bitcode is half of it and serves the JIT compiler only.
      tar -C "$dir" --exclude=./bitcode --exclude=./man -cf - . | tar -C "$tree${dir#"$prefix"}" --no-same-owner -xf -
    done
    # Headers and client libraries are read only.
    for what in pkgincludedir libdir; do
      dir=$("$config" "--$what")
      if [[ $dir == "$prefix"/* && ! -e $tree${dir#"$prefix"} ]]; then
        mkdir -p "$(dirname "$tree${dir#"$prefix"}")"
        ln -s "$dir" "$tree${dir#"$prefix"}"
      fi
    done
    touch "$tree/.complete"
  fi
  tree_use "$tree" "$config"
  [[ $("$PG_CONFIG" --pkglibdir) == "$tree"/* && $("$PG_CONFIG" --sharedir) == "$tree"/* ]] ||
    die "the copy of the server in $tree does not find its own directories"
}

# tree_use DIR CONFIG: point this shell at the copy of CONFIG's server in DIR.
tree_use() {
  local tree=$1 config=$2 prefix bindir
  prefix=$(tree_prefix "$config")
  bindir=$("$config" --bindir)
  TREE=$tree
  TREE_BIN=$tree${bindir#"$prefix"}
  PG_CONFIG=$TREE_BIN/pg_config
  PGXS_SRC=$(dirname "$("$PG_CONFIG" --pgxs)")/..
  PATH=$TREE_BIN:$PATH
  export TREE TREE_BIN PG_CONFIG PGXS_SRC PATH
}

# tree_prefix CONFIG: the directory above all directories of that server.
tree_prefix() {
  local config=$1 prefix dir what
  prefix=$("$config" --bindir)
  for what in pkglibdir sharedir; do
    dir=$("$config" "--$what")
    while [[ $dir/ != "$prefix"/* ]]; do prefix=$(dirname "$prefix"); done
  done
  echo "$prefix"
}

# cluster_start DIR [SETTING...]: make a cluster in DIR if there is none, start it, and export PGHOST, PGPORT and PGUSER.
# It listens on a Unix socket in DIR only, on a port of its own. CLUSTER_OPTIONS are options of the server for this start.
cluster_start() {
  local dir=$1 setting
  shift
  if [[ ! -e $dir/data/PG_VERSION ]]; then
    mkdir -p "$dir"
    initdb -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions >"$dir/initdb.log" ||
      { cat "$dir/initdb.log" >&2; die "initdb failed"; }
    {
      echo "listen_addresses = ''"
      echo "unix_socket_directories = '$dir'"
      echo "port = $((20000 + RANDOM % 30000))"
      echo "fsync = off"
      echo "synchronous_commit = off"
      echo "full_page_writes = off"
      echo "jit = off"
      echo "max_prepared_transactions = 10"
      echo "timezone = 'UTC'"
      echo "log_timezone = 'UTC'"
      for setting in "$@"; do echo "$setting"; done
    } >>"$dir/data/postgresql.conf"
  fi
  # 107 bytes is all a socket's path may have.
  [[ ${#dir} -le 85 ]] || die "the path of the cluster is too long for a Unix socket: $dir (set TMPDIR to a shorter one)"
  if ! pg_ctl -D "$dir/data" status >/dev/null; then
    pg_ctl -D "$dir/data" -l "$dir/server.log" -o "${CLUSTER_OPTIONS:-}" -s -w -t 60 start || { tail -n 30 "$dir/server.log" >&2; die "the server did not start"; }
  fi
  PGHOST=$dir
  PGPORT=$(sed -n 4p "$dir/data/postmaster.pid")
  PGUSER=postgres
  export PGHOST PGPORT PGUSER
}

# CLUSTER_OPTIONS with which budget counters are kept in shared memory. Tests that show who waits for whom need the time
# that takes on a busy machine.
# shellcheck disable=SC2034
SHARED_COUNTERS="-c shared_preload_libraries=pg_spend -c pg_spend.pending_wait=60s"
# With which they are rows: from PostgreSQL 17 on they are in shared memory without being asked for.
# shellcheck disable=SC2034
COUNTERS_AS_ROWS="-c pg_spend.counters=table"

# cluster_stop DIR
cluster_stop() {
  if [[ -e $1/data/postmaster.pid ]]; then
    pg_ctl -D "$1/data" -s -m fast -w -t 60 stop || pg_ctl -D "$1/data" -s -m immediate stop || true
  fi
}

# stop_all_below DIR: stop every server whose data directory is below DIR, whoever started it. Works as root too.
stop_all_below() {
  local pidfile pid attempt
  while IFS= read -r pidfile; do
    pid=$(head -n 1 "$pidfile" 2>/dev/null || true)
    [[ $pid =~ ^[0-9]+$ ]] || continue
    # A pid in a stale file may be anybody's by now.
    [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$(dirname "$pidfile")" ]] || continue
    kill -QUIT "$pid" 2>/dev/null || true
    for attempt in {1..50}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done < <(find "$1" -name postmaster.pid 2>/dev/null)
}
