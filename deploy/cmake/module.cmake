# How a module, a program and a test are built here. Every target gets the same warnings, hardening and
# sanitizers, so that no folder can quietly opt out.
include(CheckCCompilerFlag)
include(CheckPIESupported)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(mooring_flags INTERFACE)
target_compile_features(mooring_flags INTERFACE c_std_11)
target_compile_definitions(mooring_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64
  MOORING_VERSION="${PROJECT_VERSION}")
target_compile_options(mooring_flags INTERFACE
  -Wall -Wextra -Wshadow -Wformat=2 -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wwrite-strings -Wundef -Wimplicit-fallthrough -Werror)
# Apart from the warnings, for the one program that a sanitizer cannot judge (tests/tenant/CMakeLists.txt).
add_library(mooring_sanitize INTERFACE)
if(SANITIZE)
  target_compile_options(mooring_sanitize INTERFACE -fsanitize=${SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(mooring_sanitize INTERFACE -fsanitize=${SANITIZE})
else()
  if(NOT WIN32)
    target_compile_options(mooring_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
      -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    target_link_options(mooring_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
  endif()
endif()
if(WIN32)
  enable_language(RC)
  # Other libraries than last time (deploy/cmake/deps.sh ran again): what pkg-config said then does not count.
  if(NOT "${MOORING_DEPS}" STREQUAL "${MOORING_DEPS_SEEN}")
    get_cmake_property(cached CACHE_VARIABLES)
    foreach(variable IN LISTS cached)
      if(variable MATCHES "^(pkgcfg_lib_|__pkg_config_checked_)")
        unset(${variable} CACHE)
      endif()
    endforeach()
    set(MOORING_DEPS_SEEN "${MOORING_DEPS}" CACHE INTERNAL "")
  endif()
  # Windows 10 is the oldest that we support. UTF-16 at the edge: the functions without a letter are the wide ones.
  target_compile_definitions(mooring_flags INTERFACE _WIN32_WINNT=0x0A00 UNICODE _UNICODE NOMINMAX
    WIN32_LEAN_AND_MEAN)
  target_compile_options(mooring_flags INTERFACE -ffunction-sections -fdata-sections)
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # the pages of a large frame are probed anyhow on Windows
    target_compile_options(mooring_flags INTERFACE -fstack-protector-strong -U_FORTIFY_SOURCE
      -D_FORTIFY_SOURCE=2)
    target_link_options(mooring_flags INTERFACE -fstack-protector-strong)
  endif()
endif()

if(WIN32)
  set(MOORING_SYSTEM win32)
else()
  set(MOORING_SYSTEM posix)
endif()

# add_module(name SOURCES a.c ... [POSIX a.c] [WIN32 b.c] [HEADERS include/m/x.h] [INCLUDE dir]
#            [PUBLIC libs] [PRIVATE libs])
# A static library of the folder it is called in. POSIX and WIN32 name what differs by system, each below its
# folder. Each public header is also compiled alone.
function(add_module name)
  cmake_parse_arguments(M "" "INCLUDE" "SOURCES;POSIX;WIN32;HEADERS;PUBLIC;PRIVATE" ${ARGN})
  set(system_sources ${M_POSIX})
  if(WIN32)
    set(system_sources ${M_WIN32})
  endif()
  set(lone_headers)
  foreach(header IN LISTS M_HEADERS)
    string(MAKE_C_IDENTIFIER ${header} id)
    set(lone ${CMAKE_CURRENT_BINARY_DIR}/lone_${id}.c)
    file(CONFIGURE OUTPUT ${lone} CONTENT "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${header}\"\n")
    list(APPEND lone_headers ${lone})
  endforeach()
  add_library(${name} STATIC ${M_SOURCES} ${system_sources} ${lone_headers})
  if(NOT M_INCLUDE)
    set(M_INCLUDE include)
  endif()
  target_include_directories(${name} PUBLIC ${M_INCLUDE} PRIVATE .)
  target_link_libraries(${name} PUBLIC ${M_PUBLIC} PRIVATE ${M_PRIVATE} mooring_flags mooring_sanitize Threads::Threads)
endfunction()

# Gives a program or DLL of ours its version resource and, a program, its manifest (deploy/windows).
function(add_version target description)
  set(PROGRAM ${target})
  set(DESCRIPTION ${description})
  get_target_property(type ${target} TYPE)
  set(folder ${CMAKE_CURRENT_BINARY_DIR})
  if(type STREQUAL "EXECUTABLE")
    set(FILE_TYPE VFT_APP)
    set(FILE_NAME ${target}.exe)
  else()
    set(FILE_TYPE VFT_DLL)
    set(FILE_NAME ${target}.dll)
  endif()
  configure_file(${CMAKE_SOURCE_DIR}/deploy/windows/program.manifest ${folder}/${target}.manifest @ONLY)
  configure_file(${CMAKE_SOURCE_DIR}/deploy/windows/program.rc ${folder}/${target}.rc @ONLY)
  target_sources(${target} PRIVATE ${folder}/${target}.rc)
  set_source_files_properties(${folder}/${target}.rc PROPERTIES OBJECT_DEPENDS ${folder}/${target}.manifest
    INCLUDE_DIRECTORIES ${folder})
endfunction()

# add_program(name [UNSANITIZED] SOURCES ... [POSIX ...] [WIN32 ...] PRIVATE libs): into build/<preset>/bin.
function(add_program name)
  cmake_parse_arguments(P "UNSANITIZED" "" "SOURCES;POSIX;WIN32;PRIVATE" ${ARGN})
  set(system_sources ${P_POSIX})
  if(WIN32)
    set(system_sources ${P_WIN32})
  endif()
  add_executable(${name} ${P_SOURCES} ${system_sources})
  target_include_directories(${name} PRIVATE .)
  target_link_libraries(${name} PRIVATE ${P_PRIVATE} mooring_flags Threads::Threads)
  if(NOT P_UNSANITIZED)
    target_link_libraries(${name} PRIVATE mooring_sanitize)
  endif()
  if(WIN32)
    add_version(${name} "${PROJECT_DESCRIPTION}")
  endif()
endfunction()

# add_cmocka_test(name SOURCES ... [PRIVATE libs] [INCLUDE dirs] [ARGS ...] [LABELS l] [TIMEOUT s])
# A test program and its ctest row. INCLUDE lets a test see the private headers of the module under test.
function(add_cmocka_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;PRIVATE;INCLUDE;ARGS;LABELS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_include_directories(${name} PRIVATE . ${T_INCLUDE})
  target_link_libraries(${name} PRIVATE ${T_PRIVATE} test_support mooring_flags mooring_sanitize
    Threads::Threads)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${name} COMMAND ${name} ${T_ARGS})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 600)
  endif()
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
  if(CMAKE_CROSSCOMPILING)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
  endif()
endfunction()

# A library known to pkg-config, found once, as an imported target PkgConfig::<prefix>.
function(require_pkg prefix package)
  if(NOT TARGET PkgConfig::${prefix})
    pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${package})
  endif()
endfunction()
