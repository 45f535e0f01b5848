# shellcheck shell=bash
# What test/run, demo/run and bench/run share: an installation and a cluster
# of their own, so that nothing of the machine's PostgreSQL is touched.
#
# PostgreSQL finds its files relative to its executable.  A tree with copies
# of the programs and links to everything else is therefore an installation
# of its own, into which "make install DESTDIR=" puts crmaudit.
#
# The server refuses to run as root.  For root, all that runs is run as
# "postgres", or "nobody" where there is no such user.
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$TOP"

# Neither the caller's connection settings nor the outer make may leak in.
for name in ${!PG@}; do
	[ "$name" = PG_CONFIG ] || unset "$name"
done
unset MAKEFLAGS MFLAGS MAKELEVEL LANGUAGE
export LC_ALL=C.UTF-8
umask 022

test/deps
# Absolute, since private_root puts another one into PATH.
PG_CONFIG=$(command -v "${PG_CONFIG:-pg_config}")
export PG_CONFIG

RUN_USER=$(id -un)
if [ "$(id -u)" = 0 ]; then
	RUN_USER=$(id -un postgres 2>/dev/null || echo nobody)
fi

die()
{
	echo "$*" >&2
	exit 1
}

# as_user [VARIABLE=value ...] COMMAND: run it as the user that may run a server.
as_user()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid="$RUN_USER" --regid="$(id -g "$RUN_USER")" --clear-groups \
			env HOME=/ USER="$RUN_USER" LOGNAME="$RUN_USER" "$@"
	else
		env "$@"
	fi
}

# own DIR: give DIR to the user that may run a server, and to nobody else.
own()
{
	[ "$(id -u)" != 0 ] || chown -R "$RUN_USER:" "$1"
	chmod 700 "$1"
}

# "make", quiet while all is well.
build()
{
	make -s -j"$(nproc)" all
}

# mirror DIR ROOT: make ROOT/DIR a directory of links to what is in DIR, less
# any crmaudit that is installed there.
mirror()
{
	local file

	rm -f "$2$1"
	mkdir -p "$2$1"
	for file in "$1"/*; do
		case ${file##*/} in
			crmaudit*) ;;
			*) ln -s "$file" "$2$1/" ;;
		esac
	done
}

# private_root ROOT: make an installation with the built crmaudit under ROOT
# and put its programs first in PATH.
private_root()
{
	local bin lib share dir

	bin=$("$PG_CONFIG" --bindir)
	lib=$("$PG_CONFIG" --pkglibdir)
	share=$("$PG_CONFIG" --sharedir)

	mkdir -p "$1$bin"
	cp "$bin"/* "$1$bin/"
	for dir in "$lib" "$lib/bitcode" "$share" "$share/extension"; do
		[ ! -d "$dir" ] || mirror "$dir" "$1"
	done
	make -s install DESTDIR="$1" >/dev/null
	export PATH="$1$bin:$PATH"
}

# cluster_start DIR: start a cluster in DIR, which the running user owns, with
# the settings read from standard input.  It listens in DIR only; the
# superuser is always "postgres".
cluster_start()
{
	as_user initdb -D "$1/data" -U postgres -A trust -E UTF8 \
		--locale=C.UTF-8 --lc-messages=C --no-sync >"$1/initdb.log" ||
		die "initdb failed, see $1/initdb.log"
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$1'"
		echo "fsync = off"
		cat
	} >>"$1/data/postgresql.conf"
	as_user pg_ctl -D "$1/data" -l "$1/server.log" -w start >/dev/null || {
		tail -n 20 "$1/server.log" >&2
		die "the server did not start"
	}
}

# cluster_stop DIR: stop it if it runs.
cluster_stop()
{
	[ ! -e "$1/data/postmaster.pid" ] ||
		as_user pg_ctl -D "$1/data" -m immediate -w stop >/dev/null 2>&1 || true
}
