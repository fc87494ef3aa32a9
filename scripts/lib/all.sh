# Everything a script needs, in one line at its top.
# shellcheck shell=bash
LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
. "$LIB/common.sh"
. "$LIB/packages.sh"
. "$LIB/server.sh"
. "$LIB/suites.sh"
. "$LIB/workdir.sh"
. "$LIB/reference.sh"
