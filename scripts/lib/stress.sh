# shellcheck shell=bash
# `scripts/dev stress`: the hammers that `test` runs for seconds, for as long as one wants. They are
# the programs labelled concurrency, run over and over with new seeds, and the integration tests
# marked stress. A failure prints its seed; MANTIS_SEED repeats it.

# stress_programs SECONDS: each concurrency program, repeated until its share of the time is over.
stress_programs() {
  local seconds=$1 name end status=0
  for name in $(ctest --test-dir build/release -N -L '^concurrency$' -LE '^integration$' |
    sed -n 's/^ *Test *#[0-9]*: //p'); do
    say "stress $name for $seconds s"
    end=$((SECONDS + seconds))
    while [ $SECONDS -lt $end ]; do
      timeout $((seconds + 300)) "build/release/bin/$name" --gtest_brief=1 \
        >"build/release/stress-$name.log" 2>&1 || {
        tail -n 40 "build/release/stress-$name.log"
        say "stress $name FAILED"
        status=1
        break
      }
    done
  done
  return $status
}

cmd_stress() {
  local seconds=${1:-60} status=0
  case $seconds in *[!0-9]* | '') die "stress: '$seconds' is not a number of seconds" ;; esac
  setup_groups build test
  build_preset release
  stress_programs "$seconds" || status=1
  say "stress: integration tests, $seconds s each"
  (cd tests/integration &&
    MANTIS_STRESS_SECONDS=$seconds MANTISD=$ROOT/build/release/bin/mantisd \
      PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -m stress) || status=1
  return $status
}
