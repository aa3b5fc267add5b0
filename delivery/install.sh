#!/usr/bin/env bash
# Puts programs that the build images lack into a folder: install.sh FOLDER pulumi|terraform...
# Each is checked against the checksums that its publisher has beside it: that catches a broken download, not a
# publisher who was broken into.
set -euo pipefail

PULUMI=${PULUMI_RELEASES:-https://github.com/pulumi/pulumi/releases/download}
TERRAFORM=${TERRAFORM_RELEASES:-https://releases.hashicorp.com/terraform}
TERRAFORM_VERSION=1.11.4 # what the tests have run on

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

get() { # URL ARCHIVE CHECKSUMS
    local file
    for file in "$2" "$3"; do
        curl --fail --silent --show-error --location --retry 3 --output "$file" "$1/$file"
    done
    grep -E "^[0-9a-f]{64} [ *]$2\$" "$3" > expected || { echo "$3 has no checksum of $2" >&2; exit 1; }
    sha256sum --check --quiet expected
}

machine=$(uname -m)
for program in "$@"; do
    case $program in
    pulumi) # with its language hosts; the version that the tests run on
        version=$(sed -n 's/^VERSION = "\([0-9.]*\)".*/\1/p' "$here/../sandbox/cli.py")
        archive=pulumi-v$version-linux-${machine/x86_64/x64}
        archive=${archive/aarch64/arm64}.tar.gz
        get "$PULUMI/v$version" "$archive" "pulumi-$version-checksums.txt"
        tar --extract --gzip --file "$archive" --strip-components 1 --directory "$folder"
        ;;
    terraform)
        archive=terraform_${TERRAFORM_VERSION}_linux_${machine/x86_64/amd64}
        archive=${archive/aarch64/arm64}.zip
        get "$TERRAFORM/$TERRAFORM_VERSION" "$archive" "terraform_${TERRAFORM_VERSION}_SHA256SUMS"
        python3 -m zipfile --extract "$archive" .
        install --mode 755 terraform "$folder"
        ;;
    *)
        echo "install.sh knows pulumi and terraform, not $program" >&2
        exit 2
        ;;
    esac
done
