#!/usr/bin/env bash
# Builds the libraries that the Windows programs link, from Debian's source packages, for one target:
#
#   deploy/cmake/deps.sh x86_64|i686|aarch64
#
# apt checks the signatures (a list of its own, so neither root nor a change of the system is needed), and each
# library is kept in ${XDG_CACHE_HOME:-~/.cache}/mooring under a key made of its version, its recipe, the compiler
# and what it links; a second run takes a second. It leaves in build/deps/:
#
#   TARGET.cmake      where the libraries are (read by deploy/cmake/toolchain-TARGET.cmake)
#   TARGET.versions   what was built: library, source package, version, SHA-256 of its description (for the SBOM)
#
# aarch64 has no compiler in Debian: one is made of clang, lld and the sources of mingw-w64 and compiler-rt.
#
# shellcheck disable=SC2016,SC2154 # pkg-config's own variables; NAME_prefix, set by library()
set -eu -o pipefail
cd "$(dirname "$0")/../.."

arch=${1:-}
case $arch in
x86_64 | i686 | aarch64) ;;
*)
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
host=$arch-w64-mingw32
jobs=${MOORING_JOBS:-$(nproc)}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mooring/windows
checkout=$PWD
winver=0x0A00 # Windows 10: what the transport's driver asks for too
mkdir -p "$cache/src" "$cache/log" build/deps
exec 9>"$cache/lock"
flock 9 # one build at a time: two would only fight for the processors

say() { printf '%s\n' "$*" >&2; }

# logged NAME command...: into a file; its end is shown when the command fails. In the background, because in a
# condition the shell would not stop at the first command that fails.
logged() {
    local log=$cache/log/$arch-$1.log
    shift
    "$@" >"$log" 2>&1 </dev/null &
    if ! wait $!; then
        tail -n 40 "$log" >&2
        say "failed; the whole log is $log"
        exit 1
    fi
}

# ---- sources ---------------------------------------------------------------------------------------------------

# The system's own mirrors and keyring, as source entries, in a list of ours.
apt_options=(-o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt/cache"
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=3)
update_lists() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ -n "$(find "$cache/apt/lists" -name '*_Sources*' -mmin -1440 2>/dev/null | head -n 1)" ]; then
        return
    fi
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/cache/archives/partial"
    # shellcheck disable=SC2016 # apt's variables, not ours
    apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Identifier: Packages' |
        awk -v k="$keyring" '$1 == "Debian" && $4 == "main" && !seen[$2 $3]++ {
            print "deb-src [signed-by=" k "] " $2 " " $3 " main" }' >"$cache/apt/sources.list"
    if [ ! -s "$cache/apt/sources.list" ]; then
        printf 'deb-src [signed-by=%s] %s main\n' \
            "$keyring" 'http://deb.debian.org/debian bookworm' \
            "$keyring" 'http://deb.debian.org/debian-security bookworm-security' >"$cache/apt/sources.list"
    fi
    if ! apt-get "${apt_options[@]}" update -qq >&2; then
        say "the lists of source packages could not be renewed; taking those that are here"
    fi
}

# All versions of a source package, newest first.
versions_of() {
    local versions=() v sorted i
    while read -r v; do
        versions+=("$v")
    done < <(apt-cache "${apt_options[@]}" showsrc --only-source "$1" 2>/dev/null |
        sed -n 's/^Version: //p' | sort -u)
    while [ ${#versions[@]} -gt 0 ]; do
        sorted=0
        for i in "${!versions[@]}"; do
            if dpkg --compare-versions "${versions[$i]}" gt "${versions[$sorted]}"; then
                sorted=$i
            fi
        done
        printf '%s\n' "${versions[$sorted]}"
        unset "versions[$sorted]"
        versions=("${versions[@]}")
    done
}

# fetch PACKAGE: the newest version that the mirror really has (an index may name one that is gone), unpacked and
# patched as Debian does. Sets src and version.
fetch() {
    local package=$1 v dir newest=
    for v in $(versions_of "$package"); do
        dir=$cache/src/${package}_$v
        if [ ! -e "$dir/.complete" ]; then
            if [ -n "$(find "$dir.gone" -mmin -1440 2>/dev/null)" ]; then
                continue
            fi
            rm -rf "$dir"
            mkdir -p "$dir"
            if ! (cd "$dir" && apt-get "${apt_options[@]}" source -qq --download-only --only-source \
                "$package=$v" >"$cache/log/fetch-$package.log" 2>&1); then
                say "$package $v is in the index and cannot be fetched; trying the version before it"
                rm -rf "$dir"
                touch "$dir.gone" # asked again tomorrow
                continue
            fi
            sha256sum "$dir"/*.dsc | cut -d ' ' -f 1 >"$dir/dsc.sha256"
            logged "unpack-$package" "unpack_${package//-/_}" "$dir"
            touch "$dir/.complete"
        fi
        newest=$v
        break
    done
    if [ -z "$newest" ]; then
        # No index and no network: what an earlier run fetched will do.
        dir=$(find "$cache/src" -maxdepth 1 -type d -name "${package}_*" | sort -V | tail -n 1)
        if [ -z "$dir" ] || [ ! -e "$dir/.complete" ]; then
            say "no version of the source package $package can be fetched"
            exit 1
        fi
        newest=${dir##*_}
    fi
    version=$newest
    src=$cache/src/${package}_$version/tree
}

unpack() { (cd "$1" && dpkg-source --no-copy -x ./*.dsc tree && rm -f ./*.orig* ./*.debian.tar.*); }
for package in openssl zlib nghttp2 curl cjson libyaml expat libmicrohttpd cmocka; do
    eval "unpack_$package() { unpack \"\$1\"; }"
done
unpack_sqlite3() { # the one file that all of SQLite becomes; made by the build machine
    unpack "$1"
    mkdir "$1/one"
    (cd "$1/one" && ../tree/configure --disable-tcl && make sqlite3.c)
}
# For these two, without Debian's patches, which are about Debian's own packages.
unpack_some() { # unpack_some FOLDER [pattern...]
    (cd "$1" && mkdir tree && find . -maxdepth 1 -name '*.orig.tar.*' ! -name '*.asc' \
        -exec tar --strip-components=1 -C tree --wildcards -xf '{}' "${@:2}" ';' && [ -n "$(ls tree)" ] &&
        rm -f ./*.orig* ./*.debian.tar.*)
}
unpack_mingw_w64() { unpack_some "$1"; }
unpack_llvm_toolchain_14() { # 130 MB, of which we need what the compiler calls behind our back
    unpack_some "$1" '*/compiler-rt/*' '*/cmake/*' '*/llvm/cmake/*'
}

# ---- compilers -------------------------------------------------------------------------------------------------

key_of() { sha256sum | cut -c 1-16; }

flags="-O2 -D_WIN32_WINNT=$winver -ffunction-sections -fdata-sections"
use_gcc() {
    CC=$host-gcc-posix
    CXX=$host-g++-posix
    AR=$host-ar
    RANLIB=$host-ranlib
    RC=$host-windres
    flags="$flags -fstack-protector-strong"
    compiler_key=$("$CC" --version | head -n 1)
}

wrapper() { # wrapper NAME command line: a program in the toolchain's bin
    printf '#!/bin/sh\nexec %s "$@"\n' "$2" >"$tools/bin/$host-$1"
    chmod +x "$tools/bin/$host-$1"
}
make_toolchain() {
    local sys=$tools/$host work=$tools/work resource
    resource=$(clang-14 -print-resource-dir)
    rm -rf "$tools"
    mkdir -p "$tools/bin" "$tools/res/lib/windows" "$work"/{headers,crt,rt,pthreads}
    cp -r "$resource/include" "$tools/res/"
    wrapper clang "clang-14 --target=$host --sysroot=$sys -resource-dir=$tools/res -rtlib=compiler-rt -unwindlib=none -fuse-ld=lld-14 -Wno-unused-command-line-argument"
    wrapper dlltool 'llvm-dlltool-14 -m arm64'
    wrapper ar llvm-ar-14
    wrapper ranlib llvm-ranlib-14
    # With a --preprocessor of one's own, llvm-windres 14 names the file before the options: -xc comes too late, and
    # clang gives nothing for a .rc. Its own choice is `clang` with the right options in the right order.
    wrapper windres "llvm-windres-14 --target=$host --preprocessor-arg=--sysroot=$sys"
    export PATH="$tools/bin:$PATH"
    (cd "$work/headers" && "$mingw/mingw-w64-headers/configure" --host="$host" --prefix="$sys" --enable-idl \
        --with-default-win32-winnt="$winver" --with-default-msvcrt=ucrt && make install)
    (cd "$work/crt" && "$mingw/mingw-w64-crt/configure" --host="$host" --prefix="$sys" --disable-lib32 \
        --disable-lib64 --enable-libarm64 --with-default-msvcrt=ucrt --disable-dependency-tracking \
        CC="$host-clang" AR="$host-ar" RANLIB="$host-ranlib" DLLTOOL="$host-dlltool" AS="$host-clang" &&
        make -j"$jobs" && make install)
    cmake -G Ninja -S "$llvm/compiler-rt/lib/builtins" -B "$work/rt" -DCMAKE_SYSTEM_NAME=Windows \
        -DCMAKE_C_COMPILER="$tools/bin/$host-clang" -DCMAKE_C_COMPILER_TARGET="$host" \
        -DCMAKE_ASM_COMPILER="$tools/bin/$host-clang" -DCMAKE_ASM_COMPILER_TARGET="$host" \
        -DCMAKE_AR=/usr/bin/llvm-ar-14 -DCMAKE_RANLIB=/usr/bin/llvm-ranlib-14 -DCMAKE_C_COMPILER_WORKS=1 \
        -DCMAKE_ASM_COMPILER_WORKS=1 -DCMAKE_SIZEOF_VOID_P=8 -DCOMPILER_RT_DEFAULT_TARGET_ONLY=TRUE \
        -DCOMPILER_RT_USE_BUILTINS_LIBRARY=TRUE -DCOMPILER_RT_BUILD_BUILTINS=TRUE \
        -DCOMPILER_RT_EXCLUDE_ATOMIC_BUILTIN=FALSE -DLLVM_CONFIG_PATH= -DCMAKE_INSTALL_PREFIX="$tools/res" \
        -DCMAKE_C_FLAGS=-Wno-everything
    ninja -j"$jobs" -C "$work/rt" install
    (cd "$work/pthreads" && "$mingw/mingw-w64-libraries/winpthreads/configure" --host="$host" --prefix="$sys" \
        --enable-static --disable-shared CC="$host-clang" AR="$host-ar" RANLIB="$host-ranlib" \
        RC="$host-windres" && make -j"$jobs" && make install)
    rm -rf "$work"
    touch "$tools/.complete"
}
use_clang() {
    local mingw llvm
    fetch mingw-w64
    mingw=$src
    record mingw-w64 mingw-w64
    fetch llvm-toolchain-14
    llvm=$src
    record compiler-rt llvm-toolchain-14
    compiler_key=$({ declare -f make_toolchain wrapper && echo "$mingw $llvm" && clang-14 --version; } | key_of)
    tools=$cache/toolchain-$arch-$compiler_key
    if [ ! -e "$tools/.complete" ]; then
        say "compiler for $arch ..."
        logged toolchain make_toolchain
    fi
    export PATH="$tools/bin:$PATH"
    CC=$tools/bin/$host-clang
    CXX=$CC
    AR=/usr/bin/llvm-ar-14
    RANLIB=/usr/bin/llvm-ranlib-14
    RC=$tools/bin/$host-windres
}

# ---- recipes ---------------------------------------------------------------------------------------------------
# Each builds $src into $prefix, in the folder it is called in. What is odd about each was found by trying.

with_cmake() { # with_cmake SOURCE options...
    local from=$1
    shift
    cmake -S "$from" -B . -G Ninja -DCMAKE_SYSTEM_NAME=Windows -DCMAKE_SYSTEM_PROCESSOR="$arch" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_COMPILER_WORKS=1 \
        -DCMAKE_AR="$(command -v "$AR")" -DCMAKE_RANLIB="$(command -v "$RANLIB")" -DCMAKE_RC_COMPILER="$RC" \
        -DCMAKE_FIND_ROOT_PATH="$roots" -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER \
        -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG -DCMAKE_INSTALL_PREFIX="$prefix" \
        -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_SHARED_LIBS=OFF "$@"
    ninja -j"$jobs" install
}

build_openssl() {
    local target=mingw64 asm=()
    case $arch in
    i686)
        # Debian's patch for position-independent code on Linux breaks the assembler for COFF.
        target=mingw
        cp -r "$src" tree
        src=$PWD/tree
        if ! (cd tree && patch -R -p1 --force <debian/patches/pic.patch); then
            asm=(no-asm)
        fi
        mkdir -p out
        cd out
        ;;
    aarch64) asm=(no-asm) ;; # 3.0 knows no Windows on arm64; the C code does well
    esac
    # shellcheck disable=SC2086 # several words
    CC=$CC AR=$AR RANLIB=$RANLIB RC=$RC "$src/Configure" "$target" "${asm[@]}" --prefix="$prefix" --libdir=lib \
        --openssldir='C:/ProgramData/Mooring/ssl' no-shared no-tests no-engine no-module no-legacy no-dso no-comp \
        no-ui-console no-srp no-psk no-idea no-seed no-camellia no-aria no-bf no-cast no-rc2 no-rc4 no-mdc2 \
        no-whirlpool no-sm2 no-sm3 no-sm4 no-gost no-ssl3 no-dtls no-sctp no-ct no-cms no-ts no-rfc3779 \
        $flags
    if [ "$arch" = aarch64 ]; then
        sed -i 's/^CNF_CFLAGS=-m64/CNF_CFLAGS=/' Makefile
    fi
    make -j"$jobs" build_libs
    make install_dev
}

build_zlib() { # its CMake wants a resource file that Debian's tarball does not have
    local f
    mkdir -p "$prefix/lib/pkgconfig" "$prefix/include"
    for f in adler32 compress crc32 deflate gzclose gzlib gzread gzwrite infback inffast inflate inftrees trees \
        uncompr zutil; do
        # shellcheck disable=SC2086 # several words
        "$CC" $flags -D_LARGEFILE64_SOURCE=1 -c "$src/$f.c" -o "$f.o"
    done
    "$AR" rcs "$prefix/lib/libz.a" ./*.o
    cp "$src/zlib.h" "$src/zconf.h" "$prefix/include/"
    printf 'prefix=%s\nName: zlib\nDescription: compression\nVersion: %s\nLibs: -L${prefix}/lib -lz\nCflags: -I${prefix}/include\n' \
        "$prefix" "${version%%[-+:]*}" >"$prefix/lib/pkgconfig/zlib.pc"
}

build_nghttp2() { # finds both clocks and links neither
    with_cmake "$src" -DCMAKE_C_FLAGS="$flags" -DENABLE_LIB_ONLY=ON -DENABLE_STATIC_LIB=ON \
        -DENABLE_SHARED_LIB=OFF -DENABLE_DOC=OFF -DHAVE_CLOCK_GETTIME=OFF -DHAVE_DECL_CLOCK_MONOTONIC=OFF
}

build_curl() {
    with_cmake "$src" -DCMAKE_C_FLAGS="$flags -DNGHTTP2_STATICLIB" -DBUILD_CURL_EXE=OFF -DBUILD_TESTING=OFF \
        -DENABLE_MANUAL=OFF -DHTTP_ONLY=ON -DCURL_TARGET_WINDOWS_VERSION="$winver" \
        -DCURL_USE_OPENSSL=ON -DCURL_USE_SCHANNEL=OFF -DOPENSSL_ROOT_DIR="$openssl_prefix" \
        -DOPENSSL_USE_STATIC_LIBS=ON -DUSE_NGHTTP2=ON -DNGHTTP2_INCLUDE_DIR="$nghttp2_prefix/include" \
        -DNGHTTP2_LIBRARY="$nghttp2_prefix/lib/libnghttp2.a" -DCURL_ZLIB=ON \
        -DZLIB_INCLUDE_DIR="$zlib_prefix/include" -DZLIB_LIBRARY="$zlib_prefix/lib/libz.a" \
        -DUSE_WINDOWS_SSPI=ON -DUSE_WIN32_LDAP=OFF -DCURL_DISABLE_LDAP=ON -DCURL_DISABLE_LDAPS=ON \
        -DCURL_USE_LIBSSH2=OFF -DCURL_USE_LIBPSL=OFF -DUSE_LIBIDN2=OFF -DUSE_WIN32_IDN=ON
    # Written for shared libraries: what a static one needs of the system stands nowhere in it.
    sed -i -e '/^Requires/d' -e 's/^Libs:.*/Libs: -L${libdir} -lcurl -lsecur32 -lcrypt32 -lbcrypt -lws2_32 -lnormaliz -ladvapi32/' \
        -e 's/^Cflags:.*/Requires: libssl libcrypto libnghttp2 zlib\nCflags: -I${includedir} -DCURL_STATICLIB -DNGHTTP2_STATICLIB/' \
        "$prefix/lib/pkgconfig/libcurl.pc"
}

build_cjson() {
    with_cmake "$src" -DCMAKE_C_FLAGS="$flags" -DENABLE_CJSON_TEST=OFF -DENABLE_CJSON_UTILS=OFF \
        -DBUILD_SHARED_AND_STATIC_LIBS=OFF -DENABLE_CUSTOM_COMPILER_FLAGS=OFF
    sed -i 's/^Cflags:/Cflags: -DCJSON_HIDE_SYMBOLS/' "$prefix/lib/pkgconfig/libcjson.pc"
}

build_libyaml() {
    with_cmake "$src" -DCMAKE_C_FLAGS="$flags" -DBUILD_TESTING=OFF
    mkdir -p "$prefix/lib/pkgconfig"
    printf 'prefix=%s\nName: yaml-0.1\nDescription: YAML\nVersion: %s\nLibs: -L${prefix}/lib -lyaml\nCflags: -I${prefix}/include -DYAML_DECLARE_STATIC\n' \
        "$prefix" "${version%%[-+:]*}" >"$prefix/lib/pkgconfig/yaml-0.1.pc"
}

build_expat() { # a security patch asks for XML_DTD == 1, CMake defines it empty
    cp -r "$src/expat" tree
    sed -i 's/^#cmakedefine XML_DTD *$/#cmakedefine XML_DTD 1/; s/^#cmakedefine XML_GE *$/#cmakedefine XML_GE 1/' \
        tree/expat_config.h.cmake
    with_cmake tree -DCMAKE_C_FLAGS="$flags" -DEXPAT_SHARED_LIBS=OFF -DEXPAT_BUILD_TOOLS=OFF \
        -DEXPAT_BUILD_EXAMPLES=OFF -DEXPAT_BUILD_TESTS=OFF -DEXPAT_BUILD_DOCS=OFF
    sed -i 's/^Cflags:/Cflags: -DXML_STATIC/' "$prefix/lib/pkgconfig/expat.pc"
}

build_sqlite3() {
    mkdir -p "$prefix/lib/pkgconfig" "$prefix/include"
    # shellcheck disable=SC2086
    "$CC" $flags -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_DQS=0 -c "$src/../one/sqlite3.c"
    "$AR" rcs "$prefix/lib/libsqlite3.a" sqlite3.o
    cp "$src/../one/sqlite3.h" "$prefix/include/"
    printf 'prefix=%s\nName: sqlite3\nDescription: SQL database\nVersion: %s\nLibs: -L${prefix}/lib -lsqlite3\nCflags: -I${prefix}/include\n' \
        "$prefix" "${version%%[-+:]*}" >"$prefix/lib/pkgconfig/sqlite3.pc"
}

build_libmicrohttpd() { # --with-threads is best left to its own judgement
    "$src/configure" --host="$host" --prefix="$prefix" --disable-shared --enable-static --disable-doc \
        --disable-examples --disable-tools --disable-curl --disable-https \
        CC="$CC" AR="$AR" RANLIB="$RANLIB" RC="$RC" CFLAGS="${flags/-D_WIN32_WINNT=$winver/}" \
        CPPFLAGS=-D_WIN32_WINNT=$winver
    make -j"$jobs" -C src/microhttpd install
    make -C src/include install
    mkdir -p "$prefix/lib/pkgconfig"
    cp libmicrohttpd.pc "$prefix/lib/pkgconfig/"
}

build_cmocka() { # builds a static library on request, and installs the other one
    with_cmake "$src" -DCMAKE_C_FLAGS="$flags" -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF -DWITH_STATIC_LIB=ON
    rm -rf "${prefix:?}/bin" "${prefix:?}/lib/cmake" "${prefix:?}"/lib/*.dll.a
    cp src/libcmocka-static.a "$prefix/lib/libcmocka.a"
}

# ---- all of them -----------------------------------------------------------------------------------------------

list=build/deps/$arch.versions
: >"$list.new"
record() { # record LIBRARY PACKAGE: what fetch() found
    printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$version" "$(cat "$cache/src/${2}_$version/dsc.sha256")" >>"$list.new"
}

# library NAME DEPENDENCY...: sets NAME_prefix
roots=
library() {
    local name=$1 dependency key prefix work start=$SECONDS keys=
    shift
    fetch "$name"
    record "$name" "$name"
    for dependency in "$@"; do
        dependency=${dependency}_prefix
        keys="$keys ${!dependency##*-}"
    done
    key=$({ declare -f "build_$name" with_cmake && echo "$version $flags $compiler_key $keys"; } | key_of)
    prefix=$cache/$arch-$name-$key
    if [ ! -e "$prefix/.complete" ]; then
        work=$cache/work-$arch-$name
        rm -rf "$prefix" "$work"
        mkdir -p "$prefix" "$work"
        logged "$name" in_folder "$work" "build_$name"
        mkdir -p "$prefix/share/doc/$name"
        cp "$src/debian/copyright" "$prefix/share/doc/$name/copyright"
        rm -rf "$work"
        touch "$prefix/.complete"
        say "$name $version for $arch: $((SECONDS - start)) s"
    fi
    printf -v "${name}_prefix" %s "$prefix"
    roots="$roots;$prefix"
}
in_folder() { (cd "$1" && set -e && "$2"); }

update_lists
if [ "$arch" = aarch64 ]; then
    use_clang
else
    use_gcc
fi
export PKG_CONFIG_LIBDIR=/nonexistent
library openssl
library zlib
library nghttp2
library curl openssl zlib nghttp2
library cjson
library libyaml
library expat
library sqlite3
library libmicrohttpd
library cmocka

mv "$list.new" "$list"
roots=${roots#;}
cat >"build/deps/$arch.cmake.new" <<E
# Written by deploy/cmake/deps.sh.
set(MOORING_DEPS "$roots")
set(MOORING_TOOLS "${tools:-}")
E
mv "build/deps/$arch.cmake.new" "build/deps/$arch.cmake"
say "the libraries for $arch are ready: $checkout/$list"
