#!/usr/bin/env bash
# Builds the targets as OSS-Fuzz and ClusterFuzzLite ask for: from $SRC/scepgate (or where this file
# is) into $OUT, with the compiler, flags and engine of the environment.
#
#   CC CXX CFLAGS CXXFLAGS LIB_FUZZING_ENGINE OUT [WORK]      fuzz/oss_fuzz_build.sh [TARGET...]
#
# $OUT then has each target with its seeds (TARGET_seed_corpus.zip) and dictionary (TARGET.dict), and
# in lib/ the shared libraries that it needs beside libc: it runs where nothing is installed.
set -euo pipefail
source=$(cd "$(dirname "$0")/.." && pwd)
: "${OUT:?where the targets go}" "${LIB_FUZZING_ENGINE:?what links the engine: -fsanitize=fuzzer}"
work=${WORK:-$(mktemp -d)}
targets=("$@")
if ((${#targets[@]} == 0)); then
  mapfile -t targets < <(find "$source/fuzz" -maxdepth 1 -name '*_fuzz.cpp' -printf '%f\n' | sed 's/\.cpp$//')
fi

# The libraries of the distribution are built with libstdc++.
export CXXFLAGS=${CXXFLAGS//-stdlib=libc++/}
# shellcheck disable=SC2016 # $ORIGIN is the loader's
cmake -S "$source" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=None -DSCEPGATE_FUZZ=ON \
  -DSCEPGATE_BENCH=OFF -DSCEPGATE_WERROR=OFF -DSCEPGATE_PRECOMPILE=ON -DCMAKE_UNITY_BUILD=ON \
  -DCMAKE_UNITY_BUILD_BATCH_SIZE=10 -DCMAKE_BUILD_RPATH='$ORIGIN/lib'
cmake --build "$work/build" --target "${targets[@]}"

mkdir -p "$OUT/lib"
for target in "${targets[@]}"; do
  name=${target%_fuzz}
  cp "$work/build/$target" "$OUT/"
  ldd "$work/build/$target" | awk '$3 ~ /^\// {print $3}' |
    grep -vE '/(libc|libm|libpthread|libdl|librt|libresolv|ld-linux[^/]*)\.so' |
    xargs -r cp -L -n -t "$OUT/lib"
  (cd "$source/fuzz" && rm -f "$OUT/${target}_seed_corpus.zip" &&
    find corpus regressions -type f -path "*/$name/*" | zip -q -j -@ "$OUT/${target}_seed_corpus.zip")
  dictionary=$(sed -n "s/^scepgate_fuzzer($name \([a-z0-9_]*\).*/\1/p" "$source/fuzz/CMakeLists.txt")
  cp "$source/fuzz/dictionaries/$dictionary.dict" "$OUT/$target.dict"
done
