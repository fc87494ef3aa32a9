# Rules about the tree that no compiler checks. Each prints what breaks it, one line each, and prints nothing if all is
# well. They run in the source directory of a copy that holds source files only.
# shellcheck shell=bash

cpp_files() { find src test bench -name '*.cpp' -o -name '*.hpp' 2>/dev/null | sort; }

# A test that nobody runs, and an expected file that nothing is compared with, look like coverage.
hygiene_tests_paired() {
  local name
  comm -3 <(test_names sql .sql) <(test_names expected .out) | while read -r name; do
    echo "sql/$name.sql and expected/$name.out do not come in a pair"
  done
  comm -3 <(test_names test/isolation/specs .spec) <(test_names test/isolation/expected .out) | while read -r name; do
    echo "test/isolation/specs/$name.spec and test/isolation/expected/$name.out do not come in a pair"
  done
  # Names are chosen by wildcard, one level deep.
  find sql -mindepth 1 ! -path 'sql/*.sql' ! -path sql/include ! -path 'sql/include/*.inc' | sed 's/$/: not a file that pg_regress would run/'
  find test/isolation/specs -mindepth 1 ! -path 'test/isolation/specs/*.spec' 2>/dev/null |
    sed 's/$/: not a file that pg_isolation_regress would run/'
  find test/tap -mindepth 1 -name '*.pl' ! -path 'test/tap/*.pl' -o -path test/tap/lib -prune -o -mindepth 1 -type f ! -name '*.pl' -print |
    sed 's/$/: not a file that prove would run/'
  find sql -name '*.sql' ! -name '[0-9][0-9]_*.sql' | sed 's/$/: the name does not start with two digits and an underscore/'
}

# A source that the build does not know is never compiled. A CMakeLists.txt names files, or takes a directory's.
hygiene_everything_built() {
  local file dir
  find src/core test/unit test/fuzz bench/core src/client -name '*.cpp' 2>/dev/null | sort | while read -r file; do
    dir=$(dirname "$file")
    grep -qF -e "$dir/*.cpp" -e "$(dirname "$dir")/*/*.cpp" -e "$file" CMakeLists.txt ||
      grep -qsE "(^|[^/])\*\.cpp|\<$(basename "$file" .cpp)\>|\<$(basename "$file" _fuzz.cpp)\>" "$dir/CMakeLists.txt" ||
      echo "$file: not in CMakeLists.txt"
  done
}

# The core never sees a server header, and the server is spoken to in src/pg only.
hygiene_header_wall() {
  local server header file
  server=$("$PG_CONFIG" --includedir-server)
  grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src/core | grep -v '#include "core/' |
    sed 's/$/   (the core includes the core only)/'
  grep -rhoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*<[^>]+>' src/core | sed 's/.*<\(.*\)>/\1/' | sort -u |
    while read -r header; do
      if [[ -e $server/$header ]]; then
        grep -rlE "<$header>" src/core | sed "s|\$|: includes the server header <$header>|"
      fi
    done
  grep -rlE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"](postgres|fmgr|c|postgres_ext)\.h[>"]' src test bench 2>/dev/null |
    grep -v '^src/pg/' | sed 's/$/: includes a server header outside src\/pg/'
  # One prelude holds the order of headers and the version shims.
  grep -rlE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]postgres\.h[>"]' src/pg | grep -vx 'src/pg/prelude.hpp' |
    sed 's/$/: includes postgres.h and not the prelude/'
  # Every SQL function is declared by the macro that puts the guard around it.
  grep -rnE '\bPG_FUNCTION_INFO_V1[[:space:]]*\(' src/pg | grep -vE '^src/pg/guard\.hpp:' |
    sed 's/$/   (declare it with SPEND_FUNCTION)/'
  for file in $(cpp_files | grep '\.hpp$'); do
    grep -q '^#pragma once' "$file" || echo "$file: no #pragma once"
  done
}

hygiene_size() {
  local lines file
  find src -type f | while read -r file; do
    lines=$(wc -l <"$file")
    [[ $lines -le 500 ]] || echo "$file: $lines lines, more than 500"
  done
}

hygiene_leftovers() {
  # Spelled so that this line does not find itself.
  grep -rnIwE 'TO''DO|FIX''ME|HA''CK' --exclude-dir=.git --exclude-dir=golden . | sed 's/^\.\///'
  # In quotes it is a currency code.
  grep -rnIE '(//|--|#|/\*).*\bX''XX\b' --exclude-dir=.git --exclude-dir=golden . | sed 's/^\.\///'
  grep -rnIE '(<<<<''<<<|>>>>''>>>) ' --exclude-dir=.git . | sed 's/^\.\///'
  grep -rnIE '[[:space:]]+$' --include='*.cpp' --include='*.hpp' --include='*.sql' --include='*.sh' --include='*.md' \
    --include='*.pl' --include='*.pm' --include=Makefile --include=CMakeLists.txt src sql test scripts docs ./*.md Makefile \
    CMakeLists.txt 2>/dev/null | sed 's/:\([0-9]*\):.*/:\1: white space at the end of the line/'
}

# One version number, in the control file.
hygiene_version() {
  local version found
  version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_spend.control)
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || echo "pg_spend.control: default_version \"$version\" is not of the form X.Y.Z"
  perl -MJSON::PP -e '
    my ($version) = @ARGV;
    local $/; open my $f, "<", "META.json" or die; my $meta = JSON::PP->new->decode(<$f>);
    print "META.json: version $meta->{version}, control file $version\n" if $meta->{version} ne $version;
    my $p = $meta->{provides}{pg_spend}{version};
    print "META.json: provides version $p, control file $version\n" if $p ne $version;' "$version"
  grep -qE "^## (\[?$version\b|Unreleased)" CHANGELOG.md || echo "CHANGELOG.md: no section for $version"
  for found in Makefile CMakeLists.txt; do
    grep -nF "$version" "$found" | sed "s|^|$found:|; s|\$|   (the version belongs in the control file)|"
  done
  grep -rnF "\"$version\"" src | sed 's/$/   (use PG_SPEND_VERSION)/'
}

hygiene_scripts() {
  local file
  for file in scripts/* .ci/run; do
    [[ -f $file ]] || continue
    [[ -x $file ]] || echo "$file: not executable"
  done
  for file in scripts/* scripts/lib/*.sh .ci/run; do
    [[ -f $file ]] || continue
    if head -n 1 "$file" | grep -qE 'bash|shellcheck|^#' && ! head -n 1 "$file" | grep -qE 'perl|python'; then
      bash -n "$file" 2>&1
    fi
  done
}

# All of them. A command that finds nothing "fails" here; one that cannot do its work complains, and that is a finding.
hygiene_all() (
  set +e +o pipefail
  hygiene_tests_paired
  hygiene_everything_built
  hygiene_header_wall
  hygiene_size
  hygiene_leftovers
  hygiene_version
  hygiene_scripts
) 2>&1
