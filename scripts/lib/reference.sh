# The reference of all SQL objects, from their own comments. Needs a running server whose database "$1" has the extension.
# shellcheck shell=bash

# reference_write DATABASE: docs/reference.md to standard output.
reference_write() {
  psql -X -d "$1" -v ON_ERROR_STOP=1 -v missing_only=false -f scripts/lib/reference.sql
}

# reference_check DATABASE: every public object has a comment, and docs/reference.md is what they say.
reference_check() {
  local missing
  missing=$(psql -X -d "$1" -v ON_ERROR_STOP=1 -v missing_only=true -f scripts/lib/reference.sql)
  if [[ -n $missing ]]; then
    printf '%s\n' "$missing"
    return 1
  fi
  reference_write "$1" | diff -u docs/reference.md - || {
    echo "docs/reference.md is not what the comments in the SQL say: run scripts/reference"
    return 1
  }
}
