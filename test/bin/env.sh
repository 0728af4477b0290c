# Sourced by the scripts beside it: which PostgreSQL, and a clean environment.
# Sets and exports PG_CONFIG and PG_BINDIR; changes to the top of the checkout.

cd "$(dirname "$0")/../.."

# The server that setup installs, unless the caller names another.
DEBIAN_PG_CONFIG=/usr/lib/postgresql/15/bin/pg_config
PG_CONFIG=${PG_CONFIG:-$DEBIAN_PG_CONFIG}
export PG_CONFIG

if command -v "$PG_CONFIG" >/dev/null; then
	PG_BINDIR=$("$PG_CONFIG" --bindir)
	export PG_BINDIR
fi

# What a calling make says to its own children is not for ours.
unset MAKEFLAGS MFLAGS MAKELEVEL

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}
