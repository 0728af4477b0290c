#!/bin/sh
# What clang-format and the compiler do not see.

. "$(dirname "$0")/../bin/tap.sh"

# From the line with the name to the closing brace.
none "$(awk -v most=80 '
	FNR == 1 { name = "" }
	/^[a-zA-Z_][a-zA-Z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name); first = FNR }
	/;[ \t]*$/ && !/^[ \t]/ { name = "" }
	/^}/ {
		if (name != "" && FNR - first + 1 > most)
			printf "%s:%d: %s has %d lines\n", FILENAME, first, name, FNR - first + 1
		name = ""
	}' src/*.c)" "no function has more than 80 lines"

# Comments and strings are blanked first, so that a parenthesis in a message
# does not end the call.
none "$(perl -0777 -ne '
	s{(/\*.*?\*/)|"(?:\\.|[^"\\])*"}{ defined $1 ? $1 =~ tr/\n//cdr : q("") }gse;
	while (/\bereport\s*(\((?:[^()]++|(?1))*\))/g) {
		my ($call, $line) = ($1, 1 + (substr($_, 0, $-[0]) =~ tr/\n//));
		next unless $call =~ /^\(\s*(ERROR|FATAL|PANIC)\b/;
		print "$ARGV:$line: no errcode\n" unless $call =~ /\berrcode\w*\s*\(/;
	}' src/*.c)" "every ereport that raises has an SQLSTATE"

none "$(for file in src/*.c; do
	sed -n 's/^#include //p' "$file" | head -n 1 | grep -qx '"postgres.h"' || echo "$file"
done)" "every .c file includes postgres.h first"

none "$(grep -n '#include *"postgres.h"' src/*.h || true)" "no header includes postgres.h"

none "$(grep -ln 'PG_VERSION_NUM' src/*.[ch] | grep -vx src/compat.h || true)" \
	"only compat.h asks for the server's version"
done_testing
