#!/bin/sh
# The sources are as clang-format 14 writes them ('make format').

. "$(dirname "$0")/../bin/tap.sh"

command -v clang-format-14 >/dev/null || skip_all "clang-format-14 is not installed"

for file in src/*.[ch]; do
	ok "$file" clang-format-14 --dry-run -Werror "$file"
done
done_testing
