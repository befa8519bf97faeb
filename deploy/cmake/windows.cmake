# What the toolchain files of the three Windows targets share: the compilers, and the libraries that
# deploy/cmake/deps.sh built. Included with MOORING_ARCH set.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_VERSION 10.0)
set(CMAKE_SYSTEM_PROCESSOR ${MOORING_ARCH})
set(host ${MOORING_ARCH}-w64-mingw32)

set(deps ${CMAKE_CURRENT_LIST_DIR}/../../build/deps/${MOORING_ARCH}.cmake)
if(NOT EXISTS ${deps})
  message(FATAL_ERROR "run deploy/cmake/deps.sh ${MOORING_ARCH} first")
endif()
include(${deps})

if(MOORING_TOOLS) # made by deps.sh: Debian has no compiler for this target
  set(CMAKE_C_COMPILER ${MOORING_TOOLS}/bin/${host}-clang)
  set(CMAKE_RC_COMPILER ${MOORING_TOOLS}/bin/${host}-windres)
  set(CMAKE_AR /usr/bin/llvm-ar-14)
  set(CMAKE_RANLIB /usr/bin/llvm-ranlib-14)
else() # -posix: the threads of pthread.h
  set(CMAKE_C_COMPILER ${host}-gcc-posix)
  set(CMAKE_RC_COMPILER ${host}-windres)
endif()

set(CMAKE_FIND_ROOT_PATH ${MOORING_DEPS})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Only these libraries, whole: a program of ours needs nothing but the system's own DLLs.
# No time in the programs: the same sources give the same bytes.
list(TRANSFORM MOORING_DEPS APPEND /lib/pkgconfig OUTPUT_VARIABLE pkg_config_folders)
list(JOIN pkg_config_folders ":" pkg_config_folders)
set(ENV{PKG_CONFIG_LIBDIR} ${pkg_config_folders})
set(PKG_CONFIG_ARGN --static)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--gc-sections -Wl,--dynamicbase -Wl,--nxcompat -Wl,--no-insert-timestamp")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-static -Wl,--gc-sections -Wl,--dynamicbase -Wl,--nxcompat -Wl,--no-insert-timestamp")
if(NOT MOORING_ARCH STREQUAL "i686")
  string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -Wl,--high-entropy-va")
  string(APPEND CMAKE_SHARED_LINKER_FLAGS_INIT " -Wl,--high-entropy-va")
endif()

# Tests run under Wine; the wrapper looks at what a program says, not only at its exit code. Where Wine cannot run it,
# it says so and ends with 77, which counts as skipped.
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/../../tests/wine/run.sh)
