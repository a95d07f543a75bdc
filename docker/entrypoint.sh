#!/bin/sh
# Entry point of the image. The server's arguments may stand alone or follow its name or that of
# redis-server, with or without a configuration file; any other command is run as it is.
#
# Outside of the container nothing is reachable until a port is published, so the server listens on
# every address; the leading minus makes a host without IPv6 no error. The server reads these
# defaults only where it is given no configuration file, which is left to say all of it. Variables
# and flags win over them.
set -eu

case "${1-}" in
  mantisd | redis-server) shift ;;
  '' | - | -* | *.conf) ;;
  *) exec "$@" ;;
esac

export MANTIS_DEFAULTS="${MANTIS_DEFAULTS-bind 0.0.0.0 -::*
protected-mode no
dir /data}"
exec mantisd "$@"
