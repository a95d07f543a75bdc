# shellcheck shell=bash
# `scripts/dev setup`: the Debian packages of scripts/packages.txt.

# packages_missing GROUP…: the packages of these groups that are not installed.
packages_missing() {
  local wanted
  wanted=$(awk -v groups=" $* " '!/^#/ && index(groups, " " $1 " ") {print $2}' \
    scripts/packages.txt | LC_ALL=C sort -u)
  # dpkg-query exits non-zero when it does not know a package, which is an answer here.
  # shellcheck disable=SC2086
  LC_ALL=C comm -23 <(echo "$wanted") <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' \
    $wanted 2>/dev/null | awk '$1 == "installed" {print $2}' | LC_ALL=C sort -u)
}

# setup_groups GROUP…: installs what is missing; says nothing when nothing is.
setup_groups() {
  command -v dpkg-query >/dev/null ||
    die "this is not a Debian system; install what scripts/packages.txt lists by other means"
  local missing
  mapfile -t missing < <(packages_missing "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  if [ "$(id -u)" = 0 ]; then
    scripts/lib/apt_install.sh "${missing[@]}"
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    sudo scripts/lib/apt_install.sh "${missing[@]}"
  else
    die "packages are missing and this is neither root nor can it use sudo. As root, run:
  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  fi
}

cmd_setup() {
  local group
  for group in "$@"; do
    grep -q "^$group " scripts/packages.txt || die "setup: no package group '$group'"
  done
  [ $# -gt 0 ] || set -- build test bench lint
  setup_groups "$@"
  say "every package is there"
}
