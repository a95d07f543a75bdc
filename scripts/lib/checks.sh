# shellcheck shell=bash
# `scripts/dev fmt` and `scripts/dev lint`.

# The folders with C++ in them; clang-tidy looks at the first four, the product's own code.
PRODUCT_DIRS=(engine protocol config server)
CPP_DIRS=("${PRODUCT_DIRS[@]}" tests)

cmd_fmt() {
  local files
  setup_groups lint
  mapfile -t files < <(cpp_files "${CPP_DIRS[@]}")
  case ${1-} in
    --check)
      clang-format --dry-run --Werror "${files[@]}" || die "fmt: run scripts/dev fmt"
      say "${#files[@]} files are formatted"
      ;;
    '') clang-format -i "${files[@]}" ;;
    *) die "fmt: unknown argument '$1'" ;;
  esac
}

# Sources for clang-tidy: the ones that changed since the main branch come first.
tidy_files() {
  local base changed
  base=$(git merge-base HEAD origin/main 2>/dev/null) || base=HEAD
  changed=$(git diff --name-only --diff-filter=d "$base" -- "${PRODUCT_DIRS[@]/%//*.cc}" \
    2>/dev/null) || changed=
  { echo "$changed"; cpp_files "${PRODUCT_DIRS[@]}"; } | awk '/\.cc$/ && !seen[$0]++'
}

# tidy_one FILE: one file, its findings kept back until it is done so that they stay together.
# What came of it is left in $TIDY_WORK.
tidy_one() {
  local mark=$TIDY_WORK/${1//\//_}
  if [ "$EPOCHSECONDS" -ge "$TIDY_END" ]; then
    : >"$mark.skipped"
  elif clang-tidy --quiet -p build/clang "$1" >"$mark.log" 2>/dev/null; then
    echo "  ok  $1"
  else
    : >"$mark.bad"
    echo "  BAD $1"
    cat "$mark.log"
  fi
}

# tidy SECONDS: clang-tidy over the sources; no further file is started after so many seconds.
tidy() {
  local files skipped bad
  configure clang -DMANTIS_TESTS=ON -DMANTIS_BENCH=ON || return 1
  ninja -C build/clang generated_code >/dev/null || return 1
  mapfile -t files < <(tidy_files)
  say "clang-tidy over ${#files[@]} files, $JOBS at a time, no new one after $1 s"
  TIDY_WORK=build/clang/tidy TIDY_END=$((EPOCHSECONDS + $1))
  rm -rf "$TIDY_WORK"
  mkdir -p "$TIDY_WORK"
  export -f tidy_one
  export TIDY_WORK TIDY_END
  # shellcheck disable=SC2016
  printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$JOBS" bash -c 'tidy_one "$1"' _ || return 1
  skipped=$(find "$TIDY_WORK" -name '*.skipped' | wc -l)
  bad=$(find "$TIDY_WORK" -name '*.bad' | wc -l)
  say "clang-tidy: $((${#files[@]} - skipped)) files read, $bad with findings, $skipped not reached"
  [ "$bad" = 0 ]
}

shell_scripts() { shellcheck -x scripts/dev scripts/lib/*.sh .ci/run; }

cmd_lint() {
  local seconds=${MANTIS_TIDY_SECONDS:-300} failed=()
  case ${1-} in
    --all) seconds=86400 ;;
    --quick) seconds=0 ;;
    '') ;;
    *) die "lint: unknown argument '$1'" ;;
  esac
  setup_groups build test lint
  say "layers, sizes and paths"
  local check
  for check in includes sizes paths; do
    python3 -B "scripts/check_$check.py" || failed+=("$check")
  done
  shell_scripts || failed+=(shellcheck)
  [ "$seconds" = 0 ] || tidy "$seconds" || failed+=(clang-tidy)
  [ ${#failed[@]} = 0 ] || die "lint failed: ${failed[*]}"
  say "lint passed"
}
