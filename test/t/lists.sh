#!/bin/sh
# The Makefile's lists and the files agree: no test is left out, none is missing,
# and no expected output or source file has lost its place.

. "$(dirname "$0")/../bin/tap.sh"

# files FOLDER ENDING: their names, without folder and ending
files()
{
	find "$1" -maxdepth 1 -name "*.$2" 2>/dev/null | stems | LC_ALL=C sort
}

# listed VARIABLE...: what the Makefile lists there, likewise
listed()
{
	for variable in "$@"; do
		make -s "print-$variable" | tr ' ' '\n'
	done | sed '/^$/d' | stems | LC_ALL=C sort
}

stems()
{
	sed -E 's|.*/||; s/\.(c|o|out|spec|sql)$//'
}

is "$(listed OBJS)" "$(files src c)" "OBJS lists src"
is "$(listed DATA)" "$(files sql sql)" "DATA lists sql"
is "$(listed REGRESS)" "$(files test/sql sql)" "REGRESS lists test/sql"
is "$(listed ISOLATION)" "$(files test/specs spec)" "ISOLATION lists test/specs"
is "$(files expected out)" "$(listed REGRESS ISOLATION)" \
	"expected has one file for each of these tests"
is "$(find test/t -name '*.sh' ! -perm -u+x)" "" \
	"the scripts in test/t can be run"
done_testing
