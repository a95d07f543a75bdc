# shellcheck shell=bash
# `scripts/dev fuzz`: the libFuzzer programs build/asan/bin/*_fuzz. New inputs are kept under
# build/asan/corpus/; tests/fuzz/corpus/NAME and tests/fuzz/NAME.dict are read where they exist.

fuzz_targets() {
  local path
  for path in build/asan/bin/*_fuzz; do
    [ ! -x "$path" ] || basename "$path"
  done
}

fuzz_build() {
  configure asan -DMANTIS_TESTS=ON -DMANTIS_BENCH=OFF &&
    ninja -C build/asan -j "$JOBS" tests/fuzz/all
}

# fuzz_one TARGET SECONDS
fuzz_one() {
  local name=$1 seconds=$2
  local corpus=build/asan/corpus/$name artifacts=build/asan/artifacts/$name
  local options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048
    -print_final_stats=1 -artifact_prefix="$artifacts/")
  mkdir -p "$corpus" "$artifacts"
  [ ! -f "tests/fuzz/$name.dict" ] || options+=(-dict="tests/fuzz/$name.dict")
  local inputs=("$corpus")
  [ ! -d "tests/fuzz/corpus/$name" ] || inputs+=("tests/fuzz/corpus/$name")
  say "fuzz $name for $seconds s"
  with_fixed_addresses "build/asan/bin/$name" "${options[@]}" "${inputs[@]}" ||
    {
      say "fuzz $name FAILED; the input is in $artifacts"
      return 1
    }
}

cmd_fuzz() {
  local target=${1:-all} seconds=${2:-60}
  case $seconds in *[!0-9]* | '') die "fuzz: '$seconds' is not a number of seconds" ;; esac
  setup_groups build test
  say "building the fuzz targets with $JOBS jobs"
  fuzz_build
  if [ "$target" != all ]; then
    [ -x "build/asan/bin/$target" ] ||
      die "fuzz: there is no '$target'; there are: $(fuzz_targets | tr '\n' ' ')"
    fuzz_one "$target" "$seconds"
    return
  fi
  local name failed=0
  for name in $(fuzz_targets); do fuzz_one "$name" "$seconds" || failed=1; done
  return $failed
}
