# Sourced by the scripts in test/t: says what holds and what does not, as TAP.

set -eu
cd "$(dirname "$0")/../.."

tap_count=0
tap_failed=0

# ok DESCRIPTION COMMAND...: holds if COMMAND succeeds. What it prints is shown
# if it does not.
ok()
{
	tap_count=$((tap_count + 1))
	tap_what=$1
	shift
	if tap_out=$("$@" 2>&1); then
		echo "ok $tap_count - $tap_what"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $tap_what"
		printf 'failed: %s\n%s\n' "$tap_what" "$tap_out" | sed 's/^/# /' >&2
	fi
}

# is GOT WANTED DESCRIPTION
is()
{
	ok "$3" tap_same "$1" "$2"
}

tap_same()
{
	[ "$1" = "$2" ] || {
		printf 'got:\n%s\nwanted:\n%s\n' "$1" "$2"
		return 1
	}
}

# none LINES DESCRIPTION: holds if LINES, which say what is wrong, are empty.
none()
{
	ok "$2" tap_none "$1"
}

tap_none()
{
	[ -z "$1" ] || {
		printf '%s\n' "$1"
		return 1
	}
}

# skip DESCRIPTION REASON: counts as passed, and says why it was not tried
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# The last call of every script.
done_testing()
{
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}
