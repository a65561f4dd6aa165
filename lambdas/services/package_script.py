"""The shell script of our document: it installs the given packages by the package manager that the instance has.

`{{ Packages }}` is put in by Systems Manager, between quotes, and its allowedPattern admits no quote. Only packages
that are installed are asked for: what they depend on comes with them, and a newer version where the repository no
longer has the one that is named. What counts is what is installed in the end, compared by the package manager's own
rules; a package that is not installed is a failure, for nothing was done about what Inspector reports of it.
Source: dnf(8), yum(8) "Specifying package names", apt-get(8) `--only-upgrade`, zypper(8); rpm(8) query formats;
RPM Reference Manual, "Embedded Lua" (rpm.vercmp); dpkg(1) `--compare-versions`.
"""

from __future__ import annotations

SCRIPT = r"""#!/bin/bash
set -u
packages='{{ Packages }}'

has() { command -v "$1" >/dev/null 2>&1; }
for manager in dnf yum apt-get zypper none; do
  if has "$manager"; then break; fi
done
if [ "$manager" = none ]; then echo "no package manager is known here" >&2; exit 1; fi

installed() {
  if [ "$manager" = apt-get ]; then
    dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null | while read -r state version; do
      if [ "$state" = installed ]; then echo "$version"; fi
    done
  elif rpm -q "$1" >/dev/null 2>&1; then
    rpm -q --qf '%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}\n' "$1"
  fi
}

compare() { rpm --eval "%{lua:print(rpm.vercmp('$1','$2'))}"; }

at_least() {
  local have=$1 want=$2 order
  if [ "$manager" = apt-get ]; then dpkg --compare-versions "$have" ge "$want"; return; fi
  case $want in *:*) ;; *) want="0:$want" ;; esac
  order=$(compare "${have%%:*}" "${want%%:*}")
  have=${have#*:} want=${want#*:}
  if [ "$order" = 0 ]; then order=$(compare "${have%-*}" "${want%-*}"); fi
  if [ "$order" = 0 ] && [ "$want" != "${want#*-}" ]; then order=$(compare "${have##*-}" "${want##*-}"); fi
  [ "$order" = 0 ] || [ "$order" = 1 ]
}

fixed() {
  local version
  for version in $(installed "$1"); do
    at_least "$version" "$2" || return 1
  done
}

install() {
  local plain=${2#*:}
  case $manager in
    apt-get)
      apt-get -q -y -o Dpkg::Options::=--force-confold --no-remove --only-upgrade install "$1=$2" ||
        apt-get -q -y -o Dpkg::Options::=--force-confold --no-remove --only-upgrade install "$1" ;;
    zypper)
      zypper --non-interactive install --no-recommends "$1=$plain" || zypper --non-interactive update "$1" ;;
    *)
      "$manager" -q -y install "$1-$plain" || "$manager" -q -y update "$1" ;;
  esac
}

export DEBIAN_FRONTEND=noninteractive
if [ "$manager" = apt-get ]; then apt-get -q update || exit 1; fi
left=0
while IFS='=' read -r -d, name version; do
  if [ -z "$(installed "$name")" ]; then echo "$name is not installed" >&2; left=1; continue; fi
  if ! fixed "$name" "$version"; then install "$name" "$version" </dev/null; fi
  if fixed "$name" "$version"; then
    echo "$name is at" $(installed "$name")
  else
    echo "$name is still at" $(installed "$name")", and not at $version" >&2; left=1
  fi
done <<< "$packages,"
if [ -e /var/run/reboot-required ] || { has needs-restarting && ! needs-restarting -r >/dev/null 2>&1; }; then
  echo "the instance wants a restart, which people decide on"
fi
exit $left
"""
