#!/usr/bin/env bash
# Installs the real servers that *.peers.spec.ts talk to, on Debian. Says nothing and costs nothing when all is there.
# No daemon is started: a policy-rc.d that exits 101 stands in the way while apt works, and what was there before it is
# put back. Daemons that already run are left alone; tests start their own instances on free ports.
set -euo pipefail

# libident and libpam0g are what ngIRCd needs of the system.
packages=(inspircd libfaketime anope ircd-hybrid znc redis-server postgresql openssl libident libpam0g prosody ejabberd)
# What text messages go through: gateways, an SMSC's library, and the spools of a local modem.
packages+=(kannel libnet-smpp-perl gammu gammu-smsd smstools)
# A SIP registrar and presence server on SQLite files (sqlite3 writes them), and what plays scenarios to it.
packages+=(kamailio kamailio-presence-modules kamailio-sqlite-modules kamailio-tls-modules sqlite3 sip-tester)
# ngIRCd refuses to be installed beside IRCD-Hybrid (they share a port, which no test uses), so it is only unpacked.
unpacked=/opt/parley-peers/ngircd

missing=()
if command -v dpkg-query >/dev/null 2>&1; then
  for package in "${packages[@]}"; do
    # shellcheck disable=SC2016 # ${Status} is dpkg's own variable
    [[ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)" == *'ok installed' ]] || missing+=("$package")
  done
else
  missing=("${packages[@]}")
fi
ngircd=''
[[ -x "$unpacked/usr/sbin/ngircd" ]] || ngircd=ngircd
[[ ${#missing[@]} -eq 0 && -z "$ngircd" ]] && exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "npm run peers installs Debian packages and this is no Debian." >&2
  echo "Install what corresponds to: ${missing[*]} $ngircd. Tests of what is missing are skipped." >&2
  exit 1
fi
if [[ $EUID -ne 0 ]]; then
  echo "npm run peers needs root to install: ${missing[*]} $ngircd" >&2
  echo "Run: sudo bash tools/peers.sh" >&2
  exit 1
fi

policy=/usr/sbin/policy-rc.d
kept=''
aside=$policy.parley-kept
restore() {
  if [[ -n "$kept" ]]; then mv -f "$kept" "$policy"; else rm -f "$policy"; fi
}
# A run that was killed left the machine's own file aside.
if [[ -e "$aside" || -L "$aside" ]]; then mv -f "$aside" "$policy"; fi
if [[ -e "$policy" || -L "$policy" ]]; then
  kept=$aside
  mv -f "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

export DEBIAN_FRONTEND=noninteractive
install() {
  apt-get install --yes --quiet --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o Dpkg::Lock::Timeout=300 "${missing[@]}"
}
unpack() {
  local download
  download=$(mktemp -d)
  # apt fetches as a user of its own.
  chmod 755 "$download"
  (cd "$download" && apt-get download --quiet ngircd) || { rm -rf "$download"; return 1; }
  mkdir -p "$unpacked"
  dpkg-deb --extract "$download"/ngircd_*.deb "$unpacked"
  rm -rf "$download"
}
all() {
  [[ ${#missing[@]} -eq 0 ]] || install || return 1
  [[ -z "$ngircd" ]] || unpack
}
# A fresh image has no package lists, a stale list names files that are gone: both are cured by one update.
all || { apt-get update --quiet -o Dpkg::Lock::Timeout=300 && all; }

# What came with this run must not start at the next boot either.
if [[ -d /run/systemd/system ]]; then
  for package in "${missing[@]}"; do
    systemctl disable --quiet "$package.service" 2>/dev/null || true
  done
fi
