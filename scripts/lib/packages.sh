# What has to be installed, by purpose, in Debian's package names.
# shellcheck shell=bash

# The clang tools are pinned to one version: another one formats and warns differently.
CLANG_MAJOR=14

# postgresql_major: the server to build for: that of PG_CONFIG, else the newest with server headers, else Debian's own.
postgresql_major() {
  local major config
  if [[ -n ${PG_CONFIG:-} ]]; then
    "$PG_CONFIG" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'
    return
  fi
  for config in $(printf '%s\n' /usr/lib/postgresql/*/lib/pgxs | sort -t/ -k5,5nr); do
    major=${config#/usr/lib/postgresql/}
    major=${major%%/*}
    if [[ -d $config && -x /usr/lib/postgresql/$major/bin/postgres ]]; then
      echo "$major"
      return
    fi
  done
  major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
  echo "${major:-15}"
}

# packages_for PURPOSE...: build (the extension), server (running and testing it), core (the core library's tests and
# benchmarks, the client), lint (formatter, linter, sanitizers, fuzzers), drivers (what BI tools and apps connect with).
# PG_SPEND_MAJOR asks for another server's.
packages_for() {
  local purpose major=${PG_SPEND_MAJOR:-}
  [[ -n $major ]] || major=$(postgresql_major)
  for purpose in "$@"; do
    case $purpose in
      build) echo g++ make pkg-config "postgresql-server-dev-$major" libicu-dev libsodium-dev rapidjson-dev libboost-dev ;;
      server) echo "postgresql-$major" "postgresql-client-$major" perl libipc-run-perl libpqxx-dev locales ;;
      core) echo cmake libgtest-dev libbenchmark-dev libpqxx-dev ;;
      lint) echo "clang-$CLANG_MAJOR" "libclang-rt-$CLANG_MAJOR-dev" "clang-format-$CLANG_MAJOR" "clang-tidy-$CLANG_MAJOR" ;;
      drivers)
        echo libpostgresql-jdbc-java odbc-postgresql unixodbc python3-pyodbc python3-psycopg2
        # Any JDK will do, and any Node.js with npm, wherever it comes from.
        command -v javac >/dev/null || echo default-jdk-headless
        command -v npm >/dev/null || echo nodejs npm
        ;;
      *) die "no packages are known for \"$purpose\"" ;;
    esac
  done | tr ' ' '\n'
}

package_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_without_starting PACKAGE...: as root. Debian starts a server cluster when the server is installed, unless
# policy-rc.d forbids it; what was there before is left alone.
install_without_starting() (
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends "$@"
)

# require_packages PURPOSE...: install what is missing if we may, else say how and give up.
require_packages() {
  local package missing=()
  if ! command -v dpkg-query >/dev/null; then
    say "not Debian: assuming that these are here in some form: $(packages_for "$@" | tr '\n' ' ')"
    return
  fi
  for package in $(packages_for "$@"); do
    package_installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $EUID -ne 0 ]]; then
    die "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing ${missing[*]}"
  install_without_starting "${missing[@]}" >&2 || die "could not install ${missing[*]}"
}

# install_node_postgres DIR: node-postgres, which comes from npm (as npm is configured on this machine), into a directory of its own.
install_node_postgres() {
  [[ ! -e $1/node_modules/pg/package.json ]] || return 0
  mkdir -p "$1"
  npm install --prefix "$1" --no-save --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=3 --fetch-timeout=60000 pg@8 || {
    say "npm has not installed pg@8: without it node-postgres, and so the drivers' contract, was not tested"
    return 1
  }
}

# pg_config_path: the real pg_config of the chosen server (the one in Debian's /usr/bin is a wrapper).
pg_config_path() {
  local bindir
  if [[ -n ${PG_CONFIG:-} ]]; then
    bindir=$("$PG_CONFIG" --bindir)
  else
    bindir=/usr/lib/postgresql/$(postgresql_major)/bin
    [[ -x $bindir/pg_config ]] || bindir=$(pg_config --bindir)
  fi
  echo "$bindir/pg_config"
}
