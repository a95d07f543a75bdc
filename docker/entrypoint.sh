#!/bin/sh
# Entry point of the image. The server's arguments may stand alone or follow its name or that of
# redis-server, with or without a configuration file; any other command is run as it is.
#
# Outside of the container nothing is reachable until a port is published, so the server listens on
# every address; the leading minus makes a host without IPv6 no error. Variables and flags win over
# these defaults, and where there is a configuration file, it is left to say all of it.
set -eu

case "${1-}" in
  mantisd | redis-server) shift ;;
  '' | - | -* | *.conf) ;;
  *) exec "$@" ;;
esac

for word in "$@"; do
  case "$word" in
    - | *.conf) exec mantisd "$@" ;;
  esac
done
export MANTIS_BIND="${MANTIS_BIND-0.0.0.0 -::*}"
export MANTIS_PROTECTED_MODE="${MANTIS_PROTECTED_MODE-no}"
export MANTIS_DIR="${MANTIS_DIR-/data}"
exec mantisd "$@"
