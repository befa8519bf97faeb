# Windows on i686: cmake --preset windows-i686
set(MOORING_ARCH i686)
include(${CMAKE_CURRENT_LIST_DIR}/windows.cmake)
