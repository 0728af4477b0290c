#!/bin/sh
# Random histories, compared with what a second implementation makes of them:
# see test/random/run. HISTORIES and SEED say how many, and from which one on.

. "$(dirname "$0")/../bin/tap.sh"
. "$(dirname "$0")/../bin/db.sh"

command -v python3 >/dev/null || skip_all "there is no python3"

fresh chatmig_random
sql chatmig_random "CREATE EXTENSION chatmig"

ok "${HISTORIES:-500} random histories come out as they must" \
	test/random/run -d chatmig_random -n "${HISTORIES:-500}" -s "${SEED:-1}" -j "${JOBS:-$(nproc)}"
done_testing
