# SPDX-License-Identifier: MIT
#
# What run, growth and plot share: a folder of their own with data and an
# nginx that serves it, both gone at the end, and the collecting of samples. A
# sample is a line "NAME VALUE"; the names of one measurement begin alike.

out=build/bench
dir=$(mktemp -d) server=
samples=$dir/samples
mkdir -p "$out" "$dir/data"

# The one process that was started, and the folder that was made.
clean_up () {
  [ -z "$server" ] || kill "$server" 2>/dev/null
  rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

build () {
  ${MAKE:-make} -s --no-print-directory "$@" || exit 1
}

# The VMs of $1 that are here.
present () {
  for name in $1; do
    command -v "$name" >/dev/null && echo "$name"
  done
}

# data NAME ROWS [SIZE [KIND]]: a listing at /NAME, see make_data.lua.
data () {
  mkdir -p "$dir/data/$1/v2"
  "$any_vm" bench/make_data.lua "$2" "$dir/data/$1/v2/generations" \
    "${3:-1100}" "${4:-mixed}" || exit 1
}

# Tries ports until nginx answers on one with our data.
start_server () {
  echo pong >"$dir/data/ping"
  port=$((20000 + $$ % 20000))
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    port=$((port + 2)) base=http://127.0.0.1:$port
    bench/nginx "$dir" "$port" >"$dir/nginx.out" 2>&1 &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      sleep 0.1
      kill -0 "$server" 2>/dev/null || break
      "$out/raw" "$base/ping" >/dev/null 2>&1 && return
    done
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
  done
  server=
  cat "$dir/nginx.out" "$dir/error.log" >&2
  exit 1
}

# on VM SCRIPT ARGUMENT…: with this tree's modules and those of the bench.
on () {
  on_vm=$1
  shift
  LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" \
  LUA_CPATH="build/$on_vm/?.so;$out/$on_vm/?.so;;" "$on_vm" "$@"
}

# measure NAME COMMAND…: what it prints becomes samples below NAME.
measure () {
  measured=$1
  shift
  "$@" >"$dir/printed" || { echo "failed: $*" >&2; exit 1; }
  sed "s/^/$measured./" "$dir/printed" >>"$samples"
}

# try NAME COMMAND…: the same for what may fail, as a peer does that needs
# more memory than there is. Then there are no samples.
try () {
  tried=$1
  shift
  "$@" >"$dir/printed" 2>/dev/null || return 0
  sed "s/^/$tried./" "$dir/printed" >>"$samples"
}

# The published SDK and a script that lists with it, where npm can get them.
have_sdk () {
  [ -z "${QUICK:-}" ] && NODE_PATH=$(scripts/sdk) && export NODE_PATH
}

sdk () {
  node --max-old-space-size=8192 bench/peer_sdk.js "$1"
}

# instructions COMMAND…: what callgrind counts in it. With "preload", a response
# is never there before it is waited for, see late.c.
preload=$out/late.so
instructions () {
  LD_PRELOAD=$preload valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 |
    sed -n 's/.*Collected : *//p'
}

# each COMMAND…: instructions of one call, those of the process's start and of
# the first calls left out.
each () {
  many=$(instructions "$@" 600) some=$(instructions "$@" 100)
  echo "instructions $(((many - some) / 500))"
}

# per_row FEW SOME COMMAND…: instructions of one of the rows by which the two
# listings differ, whose folders follow the command.
per_row () {
  fewer=$1 more=$2
  shift 2
  many=$(instructions "$@" "$base/some") few=$(instructions "$@" "$base/few")
  echo "instructions $(((many - few) / (more - fewer)))"
}

# of_many FEW MORE COMMAND…: instructions of one of the deletions by which the
# two runs differ, with $at_once at a time.
of_many () {
  fewer=$1 more=$2 preload=
  shift 2
  many=$(instructions "$@" "$more" "$at_once")
  few=$(instructions "$@" "$fewer" "$at_once")
  preload=$out/late.so
  echo "instructions $(((many - few) / (more - fewer)))"
}

# in_vm COUNT VM SCRIPT ARGUMENT…: one of the three above, of a script. (valgrind
# needs the program, not a function.)
in_vm () {
  count=$1 in_vm=$2
  shift 2
  LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;;" \
  LUA_CPATH="build/$in_vm/?.so;;" $count "$in_vm" "$@"
}
