#!/bin/sh
# Install what the tests of an editor need from the system's packages: `install.sh emacs` or `install.sh vscode`.
# Ends with 0 where it is there, 3 where it can't be installed, after one sentence that says what is skipped and why.
set -u

emacs_is_there() {
	command -v emacs && ls -d /usr/share/emacs/site-lisp/elpa-src/lsp-mode-*
}

vscode_is_there() {
	command -v node && command -v npm && command -v chromium && command -v g++ && command -v make &&
		test -e /usr/include/node/node.h && timeout 60 npm view code-server version
}

case "${1:-}" in
emacs) packages="emacs-nox elpa-eglot elpa-lsp-mode elpa-markdown-mode" ;;
vscode) packages="chromium g++ make nodejs npm libnode-dev" ;;
*) echo "usage: install.sh emacs|vscode" >&2 && exit 2 ;;
esac

"$1_is_there" >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	log=$(mktemp)
	apt-get update -qq >"$log" 2>&1
	# shellcheck disable=SC2086 # a list of words
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >>"$log" 2>&1
	"$1_is_there" >/dev/null 2>&1 && rm -f "$log" && exit 0
	tail -n 5 "$log" >&2
	rm -f "$log"
fi
echo "SKIPPED: the tests of $1 need packages that could not be installed here; on Debian: apt-get install $packages (and npm's registry)" >&2
exit 3
