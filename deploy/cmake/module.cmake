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
  target_compile_options(mooring_flags INTERFACE -fstack-protector-strong -fstack-clash-protection
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Windows")
    target_link_options(mooring_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
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
    set(T_TIMEOUT 120)
  endif()
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()

# A library known to pkg-config, found once, as an imported target PkgConfig::<prefix>.
function(require_pkg prefix package)
  if(NOT TARGET PkgConfig::${prefix})
    pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${package})
  endif()
endfunction()
