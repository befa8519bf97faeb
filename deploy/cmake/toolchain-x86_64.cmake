# Windows on x86_64: cmake --preset windows-x86_64
set(MOORING_ARCH x86_64)
include(${CMAKE_CURRENT_LIST_DIR}/windows.cmake)
