# shellcheck shell=bash
# `scripts/dev build`, `run` and `bench`.

# Ninja's own progress line: done/total, then the seconds so far.
export NINJA_STATUS='[%f/%t %es] '

# configure PRESET [cmake options…]
configure() {
  local preset=$1
  shift
  # Not every compiler a preset names is one this project has a language for.
  cmake --preset "$preset" --log-level=WARNING --no-warn-unused-cli "$@"
}

# build_preset PRESET [target…]: configures with everything switched on, then builds.
build_preset() {
  local preset=$1
  shift
  say "building $preset with $JOBS jobs${*:+: $*}"
  configure "$preset" -DMANTIS_TESTS=ON -DMANTIS_BENCH=ON &&
    ninja -C "build/$preset" -j "$JOBS" "$@"
}

cmd_build() {
  local preset=${1:-release}
  case $preset in
    release | debug | asan | tsan | clang) ;;
    *) die "build: no preset '$preset' (release, debug, asan, tsan, clang)" ;;
  esac
  setup_groups build test bench
  build_preset "$preset"
  say "built: build/$preset/bin"
}

cmd_run() {
  setup_groups build
  # Starting the server needs no test or benchmark library; a tree that was configured with them
  # already is taken as it is.
  [ -f build/release/build.ninja ] ||
    configure release -DMANTIS_TESTS=OFF -DMANTIS_BENCH=OFF
  say "building mantisd with $JOBS jobs"
  ninja -C build/release -j "$JOBS" mantisd
  exec build/release/bin/mantisd "$@"
}

# A benchmark is a program build/release/bin/NAME_bench or a script tests/bench/NAME_bench.py.
bench_list() {
  local path
  for path in build/release/bin/*_bench tests/bench/*_bench.py; do
    [ -f "$path" ] || continue
    path=${path##*/}
    path=${path%.py}
    echo "${path%_bench}"
  done
}

# bench_one NAME [arguments…]
bench_one() {
  local name=$1
  shift
  say "bench $name"
  if [ -x "build/release/bin/${name}_bench" ]; then
    "build/release/bin/${name}_bench" "$@"
  elif [ -f "tests/bench/${name}_bench.py" ]; then
    MANTISD=$ROOT/build/release/bin/mantisd python3 "tests/bench/${name}_bench.py" "$@"
  else
    die "bench: there is no '$name'; there are: $(bench_list | tr '\n' ' ')"
  fi
}

cmd_bench() {
  setup_groups build test bench
  build_preset release
  if [ $# -eq 0 ]; then
    local name
    for name in $(bench_list); do bench_one "$name"; done
  elif [ "$1" = list ]; then
    bench_list
  else
    bench_one "$@"
  fi
}
