#!/bin/sh
# Install what the tests of an editor need from the system's packages: `install.sh emacs` or `install.sh vscode`.
# Ends with 0 where it is there, 3 where it can't be installed, after one sentence that says what is skipped and why.
set -u

# Names the packages of what is missing, and no others: Debian's npm, say, can't stand beside a Node.js from elsewhere.
missing() {
	case "$1" in
	emacs)
		command -v emacs >/dev/null || echo emacs-nox
		for name in eglot lsp-mode markdown-mode; do
			ls -d /usr/share/emacs/site-lisp/elpa-src/"$name"-* >/dev/null 2>&1 || echo "elpa-$name"
		done
		;;
	vscode)
		for name in chromium g++ make npm; do
			command -v "$name" >/dev/null || echo "$name"
		done
		command -v node >/dev/null || echo nodejs
		test -e /usr/include/node/node.h || echo libnode-dev
		;;
	*) echo "usage: install.sh emacs|vscode" >&2 && exit 2 ;;
	esac
}

reachable() {
	test "$1" != vscode || timeout 60 npm view code-server version >/dev/null 2>&1
}

wanted=$(missing "${1:-}") || exit 2
if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	log=$(mktemp)
	apt-get update -qq >"$log" 2>&1
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $wanted >>"$log" 2>&1 ||
		tail -n 5 "$log" >&2
	rm -f "$log"
	wanted=$(missing "$1")
fi
[ -z "$wanted" ] && reachable "$1" && exit 0
if [ -n "$wanted" ]; then
	why="packages that could not be installed here; on Debian: apt-get install $(echo "$wanted" | tr '\n' ' ')"
else
	why="npm's registry, which can't be reached"
fi
echo "SKIPPED: the tests of $1 need $why" >&2
exit 3
