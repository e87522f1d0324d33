# Finds the C++ Actor Framework where it brings no CMake package (Debian's 0.17).
# Gives CAF::core, CAF::io and CAF::openssl, each for the COMPONENT asked for.
find_path(CAF_INCLUDE_DIR caf/all.hpp)
set(CAF_REQUIRED_VARIABLES CAF_INCLUDE_DIR)
foreach(component IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${component}_LIBRARY caf_${component})
  list(APPEND CAF_REQUIRED_VARIABLES CAF_${component}_LIBRARY)
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS ${CAF_REQUIRED_VARIABLES})

foreach(component IN LISTS CAF_FIND_COMPONENTS)
  if(CAF_FOUND AND NOT TARGET CAF::${component})
    add_library(CAF::${component} UNKNOWN IMPORTED)
    set_target_properties(CAF::${component} PROPERTIES
      IMPORTED_LOCATION "${CAF_${component}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${CAF_INCLUDE_DIR}")
    target_link_libraries(CAF::${component} INTERFACE Threads::Threads)
    # CAF 0.17 counts on a <cstdint> that older standard libraries included.
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU
       AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
      target_compile_options(CAF::${component} INTERFACE "SHELL:-include cstdint")
    endif()
    if(NOT component STREQUAL core)
      target_link_libraries(CAF::${component} INTERFACE CAF::core)
    endif()
  endif()
endforeach()
