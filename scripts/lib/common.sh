# shellcheck shell=bash
# What every part of scripts/dev uses: messages, the number of jobs, the list of sources.

say() { printf '==> %s\n' "$*"; }

die() {
  printf 'scripts/dev: %s\n' "$*" >&2
  exit 1
}

# Whole seconds as "1m05s".
as_time() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# Compiling one of the larger files takes about a gigabyte, so memory bounds the jobs as well.
jobs_max() {
  local cores memory_jobs
  cores=$(nproc)
  memory_jobs=$(awk '/^MemAvailable:/ {print int($2 / 1048576)}' /proc/meminfo)
  [ "$memory_jobs" -ge 1 ] || memory_jobs=1
  printf '%d\n' $((cores < memory_jobs ? cores : memory_jobs))
}
# shellcheck disable=SC2034  # the other parts use it
JOBS=${MANTIS_JOBS:-$(jobs_max)}

# cpp_files FOLDER…: the C++ files under them, sorted.
cpp_files() { find "$@" -type f \( -name '*.cc' -o -name '*.h' \) | LC_ALL=C sort; }
