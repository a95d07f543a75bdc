# shellcheck shell=bash
# `scripts/dev docs`: docs/commands.md from the command table of a fresh build.

cmd_docs() {
  setup_groups build test
  [ -f build/release/build.ninja ] ||
    configure release -DMANTIS_TESTS=OFF -DMANTIS_BENCH=OFF
  say "building mantisd with $JOBS jobs"
  ninja -C build/release -j "$JOBS" mantisd
  /usr/bin/python3 -B scripts/gen_commands_doc.py "$@"
}
