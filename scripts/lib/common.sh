# Shared by every script: strict mode, messages, the unprivileged user, a copy of the source tree.
# shellcheck shell=bash

set -euo pipefail

# Tests read messages and sort text: nobody's locale, server address or make flags may change what they see.
for variable in "${!PG@}"; do
  case $variable in
    PG_CONFIG | PG_SPEND_*) ;;
    *) unset "$variable" ;;
  esac
done
unset variable MAKEFLAGS MAKELEVEL MFLAGS PERL5LIB CDPATH
export LC_ALL=C.UTF-8

SOURCE_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
JOBS=${JOBS:-$(nproc)}

say() { printf '%s\n' "$*" >&2; }

die() {
  say "$(basename "$0"): $*"
  exit 1
}

# The server and initdb refuse to run as root. Root hands over to this user, anybody else stays who they are.
unprivileged_user() {
  if [[ $EUID -ne 0 ]]; then
    id -un
  elif id -u postgres >/dev/null 2>&1; then
    echo postgres
  else
    echo nobody
  fi
}

# as_user COMMAND...: run it as the unprivileged user.
as_user() {
  if [[ $EUID -ne 0 ]]; then
    "$@"
    return
  fi
  local user
  user=$(unprivileged_user)
  setpriv --reuid="$user" --regid="$(id -gn "$user")" --init-groups -- env USER="$user" LOGNAME="$user" "$@"
}

# source_files: the files that make up the source, NUL-separated and relative to SOURCE_ROOT: what git tracks or would
# offer to add; without a repository everything but build output.
source_files() {
  local top
  top=$(git -c safe.directory='*' -C "$SOURCE_ROOT" rev-parse --show-toplevel 2>/dev/null || true)
  if [[ $top == "$SOURCE_ROOT" ]]; then
    # A tracked file that is deleted but not yet staged is listed and does not exist.
    git -c safe.directory='*' -C "$SOURCE_ROOT" ls-files -z --cached --others --exclude-standard |
      (cd "$SOURCE_ROOT" && while IFS= read -r -d '' file; do
        if [[ -e $file || -L $file ]]; then printf '%s\0' "$file"; fi
      done)
  else
    (cd "$SOURCE_ROOT" && find . \( -name .git -o -path ./build \) -prune -o \( -type f -o -type l \) \
      ! -name '*.o' ! -name '*.d' ! -name '*.so' ! -name '*.bc' -printf '%P\0')
  fi
}

# copy_source DIR: bring DIR up to date with the source. File times are kept, so that make and cmake rebuild only what
# changed; files that left the source since the last copy leave DIR too. DIR.files remembers what was copied.
copy_source() {
  local target=$1 list
  mkdir -p "$target"
  list=$target.files
  source_files | sort -zu >"$list.new"
  if [[ -e $list ]]; then
    comm -z -23 "$list" "$list.new" | (cd "$target" && xargs -0 -r rm -f --)
  fi
  tar -C "$SOURCE_ROOT" --null --no-recursion -T "$list.new" -cf - | tar -C "$target" --no-same-owner -xf -
  mv "$list.new" "$list"
}
