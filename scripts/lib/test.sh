# shellcheck shell=bash
# `scripts/dev test`: phases that each build a preset and run what it is there to show. Tests are
# chosen by their ctest labels: unit, model, concurrency, integration, smoke (a short part of
# integration) and style.
#
#   release  every test
#   tsan     model and concurrency tests under ThreadSanitizer, of the engine and of the daemon
#   asan     everything compiles with the second compiler, thread-safety analysis included; every
#            test but integration and style, then smoke, under ASan, LSan and UBSan
#   fuzz     each fuzz target for a few seconds, of the same build
#   fmt, lint  what `scripts/dev fmt --check` and `scripts/dev lint` do (asked for by CI)

PASSED=0
FAILED=0
FAILURES=()

# count_result NAME STATUS: one thing that is not a ctest test, as a passed or failed one.
count_result() {
  if [ "$2" = 0 ]; then
    PASSED=$((PASSED + 1))
  else
    FAILED=$((FAILED + 1))
    FAILURES+=("$1")
  fi
}

# with_fixed_addresses COMMAND…: sanitizer run times of GCC 12 and Clang 14 cannot place their
# shadow memory on kernels that randomise addresses by 32 bits, so that is switched off where the
# system lets us.
with_fixed_addresses() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    setarch "$(uname -m)" -R "$@"
  else
    "$@"
  fi
}

# build_tests PRESET CTEST-SELECTION…: builds the programs of the selected tests, and mantisd if
# one of them is not a program of its own (an integration test drives the daemon).
build_tests() {
  local preset=$1 names targets
  shift
  configure "$preset" -DMANTIS_TESTS=ON -DMANTIS_BENCH=OFF || return 1
  names=$(ctest --test-dir "build/$preset" -N "$@" | sed -n 's/^ *Test *#[0-9]*: //p' |
    LC_ALL=C sort -u)
  targets=$(ninja -C "build/$preset" -t targets all | sed -n 's/^\([^/ ]*\): phony$/\1/p' |
    LC_ALL=C sort -u)
  mapfile -t targets < <(LC_ALL=C comm -12 <(echo "$names") <(echo "$targets"))
  [ "${#targets[@]}" -ge "$(echo "$names" | wc -l)" ] || targets+=(mantisd)
  say "building ${#targets[@]} targets of $preset with $JOBS jobs"
  ninja -C "build/$preset" -j "$JOBS" "${targets[@]}"
}

# run_ctest PRESET CTEST-SELECTION…: runs the tests and adds them to the sums.
run_ctest() {
  local preset=$1 log status=0 bad total
  log=build/$preset/ctest-$((PASSED + FAILED)).log
  shift
  with_fixed_addresses ctest --test-dir "build/$preset" --output-on-failure --no-tests=error \
    -j "$JOBS" "$@" 2>&1 | tee "$log" || status=$?
  read -r bad total < <(sed -n \
    's/^[0-9]*% tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$log") || true
  if [ -z "${total-}" ]; then
    count_result "$preset: no result from ctest $*" 1
    return 1
  fi
  PASSED=$((PASSED + total - bad))
  FAILED=$((FAILED + bad))
  [ "$bad" = 0 ] || FAILURES+=("$preset: $(sed -n \
    's/^[\t ]*[0-9]* - \([^ ]*\) (.*)\( .*\)\{0,1\}$/\1/p' "$log" | tr '\n' ' ')")
  return $status
}

# built STATUS NAME: a build that broke counts as one failure.
built() {
  [ "$1" = 0 ] || count_result "$2: the build" 1
  return "$1"
}

phase_release() {
  local status=0
  build_preset release || status=$?
  built $status release && run_ctest release
}

phase_tsan() {
  local status=0 chosen=(-L '^(model|concurrency)$')
  export TSAN_OPTIONS="second_deadlock_stack=1 history_size=4"
  [ ! -f tests/support/tsan.supp ] ||
    TSAN_OPTIONS="$TSAN_OPTIONS suppressions=$ROOT/tests/support/tsan.supp"
  build_tests tsan "${chosen[@]}" || status=$?
  built $status tsan && run_ctest tsan "${chosen[@]}"
}

phase_asan() {
  local status=0
  export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:check_initialization_order=1"
  export UBSAN_OPTIONS="print_stacktrace=1"
  build_preset asan || status=$?
  built $status asan || return 1
  run_ctest asan -LE '^(integration|smoke|style)$' || status=$?
  run_ctest asan -L '^smoke$' || status=$?
  return $status
}

phase_fuzz() {
  local status=0 name one targets
  fuzz_build || status=$?
  built $status fuzz || return 1
  targets=$(fuzz_targets)
  [ -n "$targets" ] || count_result "fuzz: there are no targets" 1
  for name in $targets; do
    one=0
    # libFuzzer reports on every new input; its last lines say what matters, unless it failed.
    fuzz_one "$name" "${MANTIS_FUZZ_SECONDS:-10}" >"build/asan/$name.log" 2>&1 || one=$?
    tail -n $((one == 0 ? 8 : 80)) "build/asan/$name.log"
    count_result "fuzz: $name" $one
    status=$((status | one))
  done
  return $status
}

phase_fmt() {
  local status=0
  (cmd_fmt --check) || status=$?
  count_result "fmt --check" $status
  return $status
}

phase_lint() {
  local status=0
  (cmd_lint) || status=$?
  count_result "lint" $status
  return $status
}

cmd_test() {
  local phase began=$SECONDS start word report=()
  local phases=${MANTIS_TEST_PHASES:-release tsan asan fuzz}
  setup_groups build test bench
  for phase in $phases; do
    declare -F "phase_$phase" >/dev/null || die "test: no phase '$phase'"
  done
  for phase in $phases; do
    start=$SECONDS
    printf '\n######## phase %s (%s since the start) ########\n' "$phase" \
      "$(as_time $((start - began)))"
    word=passed
    "phase_$phase" </dev/null || word=FAILED
    report+=("$(printf '%-8s %-6s %s' "$phase" "$word" "$(as_time $((SECONDS - start)))")")
  done
  printf '\n######## summary (%s in all) ########\n' "$(as_time $((SECONDS - began)))"
  printf '%s\n' "${report[@]}"
  [ ${#FAILURES[@]} = 0 ] || printf 'FAILED %s\n' "${FAILURES[@]}"
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  [ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}
