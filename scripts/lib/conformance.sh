# shellcheck shell=bash
# `scripts/dev conformance`: Redis's own Tcl tests against mantisd.

cmd_conformance() {
  [ $# -ge 1 ] || die "conformance: give the path of a Redis source tree"
  setup_groups build conformance
  [ -f build/release/build.ninja ] ||
    configure release -DMANTIS_TESTS=OFF -DMANTIS_BENCH=OFF
  say "building mantisd with $JOBS jobs"
  ninja -C build/release -j "$JOBS" mantisd
  /usr/bin/python3 -B scripts/conformance.py "$@"
}
