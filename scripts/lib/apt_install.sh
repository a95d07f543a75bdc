#!/usr/bin/env bash
# apt_install.sh PACKAGE…: installs Debian packages as root, without starting or enabling any
# service they bring: redis-server and memcached are wanted as programs, not as daemons that
# hold their ports now or after the next boot.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
saved=$policy.before-mantis

forbid_services() {
  local status=0
  if [ -x $policy ]; then
    # A policy that already forbids starting (most containers have one) does the job.
    $policy redis-server start >/dev/null 2>&1 || status=$?
    [ $status != 101 ] || return 0
  fi
  trap restore_policy EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  [ ! -e $policy ] || mv $policy $saved
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
}

restore_policy() {
  rm -f $policy
  [ ! -e $saved ] || mv $saved $policy
}

forbid_services
apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 update </dev/null
if ! apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install -y \
  --no-install-recommends "$@" </dev/null; then
  release=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release)
  echo "apt-get could not install: $* (this is $release; Debian 12 has them all)" >&2
  exit 1
fi
for service in redis-server memcached; do
  case " $* " in
    *" $service "*)
      if command -v systemctl >/dev/null; then
        systemctl disable "$service" >/dev/null 2>&1 || echo "note: $service may start at boot"
      fi
      ;;
  esac
done
