# Windows on aarch64: cmake --preset windows-aarch64
set(MOORING_ARCH aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/windows.cmake)
