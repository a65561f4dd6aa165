#!/bin/sh
# Puts a working Pulumi CLI and Python language host into .engine/bin: links to an installed one of a supported
# version, else both are built with Go from the modules that are pinned beside this script (go.sum and all).
# A second run does nothing. Exit code 3: neither is there and Go is missing.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
home="$root/.engine"
bin="$home/bin"
least=259 # the minor version of Pulumi 3 that the tests run with; older ones are not tried

pinned() { # folder of a go.mod, module: the version that it is pinned to
    sed -n "s|^.*$2 \(v[0-9][^ ]*\).*|\1|p" "$here/$1/go.mod" | head -n 1
}

supported() { # a version like v3.259.0
    case $1 in v3.*) ;; *) return 1 ;; esac
    minor=${1#v3.}
    minor=${minor%%.*}
    [ "$minor" -ge "$least" ] 2>/dev/null
}

link_installed() {
    found=$(command -v pulumi) || return 1
    found=$(readlink -f "$found")
    folder=$(dirname "$found")
    version=$(PULUMI_SKIP_UPDATE_CHECK=1 "$found" version 2>/dev/null) || return 1
    if ! supported "$version"; then
        echo "engine: the installed pulumi $version is older than v3.$least.0; another one is built" >&2
        return 1
    fi
    [ -x "$folder/pulumi-language-python" ] && [ -x "$folder/pulumi-language-python-exec" ] || return 1
    rm -rf "$bin"
    mkdir -p "$bin"
    for name in pulumi pulumi-language-python pulumi-language-python-exec; do
        ln -s "$folder/$name" "$bin/$name"
    done
    echo "engine: the installed pulumi $version ($found)"
}

build() {
    if ! command -v go >/dev/null; then
        echo "engine: no pulumi >= v3.$least.0 is installed, and Go is missing to build one; install either" >&2
        exit 3
    fi
    sdk=github.com/pulumi/pulumi/sdk/v3
    version=$(pinned cli "$sdk")
    made="$home/made.$$"
    trap 'rm -rf "$made"' EXIT
    rm -rf "$made"
    mkdir -p "$made"
    echo "engine: building pulumi $version and its Python language host; minutes the first time" >&2
    (cd "$here/python" && nice go build -trimpath -mod=readonly -o "$made/pulumi-language-python" "$sdk/python/cmd/pulumi-language-python")
    (cd "$here/cli" && nice go build -trimpath -mod=readonly \
        -ldflags "-s -w -X $sdk/go/common/version.Version=$version" \
        -o "$made/pulumi" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi)
    # The script that starts a program is of the engine's version: the newest one that the Go modules hold.
    source=$(cd "$here/cli" && go list -mod=readonly -m -f '{{.Dir}}' "$sdk")
    cp "$source/python/cmd/pulumi-language-python-exec" "$made/pulumi-language-python-exec"
    chmod 755 "$made/pulumi-language-python-exec"
    rm -rf "$bin"
    mv "$made" "$bin"
    trap - EXIT
    echo "engine: built pulumi $version"
}

# What the engine in .engine/bin was made from; another pin makes another engine.
wanted=$(cat "$here"/install.sh "$here"/*/go.mod "$here"/*/go.sum | cksum)
if [ -x "$bin/pulumi" ] && [ -e "$bin/pulumi-language-python" ] && [ "$(cat "$home/.made" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi
mkdir -p "$home"
link_installed || build
echo "$wanted" >"$home/.made"
