# add_room: declares one room of the house as a static library.
#
#   add_room(actors HEADERS gateway.hpp ... SOURCES gateway.cpp ...
#            USES model_server::models CAF::core      # what its headers need
#            PRIVATE_USES Torch)                      # what only its sources need

# Flags of our own code travel on this one target.
add_library(model_server_flags INTERFACE)
add_library(model_server::flags ALIAS model_server_flags)
target_compile_features(model_server_flags INTERFACE cxx_std_20)
target_compile_options(model_server_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow)
target_include_directories(model_server_flags INTERFACE "${PROJECT_SOURCE_DIR}")

function(add_room name)
  cmake_parse_arguments(ROOM "" "" "HEADERS;SOURCES;USES;PRIVATE_USES" ${ARGN})
  set(target "model_server_${name}")
  add_library(${target} STATIC ${ROOM_SOURCES})
  add_library("model_server::${name}" ALIAS ${target})
  target_sources(${target} PUBLIC FILE_SET HEADERS
                 BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${ROOM_HEADERS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_link_libraries(${target} PUBLIC ${ROOM_USES}
                        PRIVATE model_server::flags ${ROOM_PRIVATE_USES})
  set_target_properties(${target} PROPERTIES
    POSITION_INDEPENDENT_CODE ON VERIFY_INTERFACE_HEADER_SETS ON
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
endfunction()

# room_part: adds a folder's files to a room declared above it.
#
#   room_part(models HEADERS text/utf8.hpp SOURCES text/utf8.cpp)
function(room_part name)
  cmake_parse_arguments(PART "" "" "HEADERS;SOURCES;PRIVATE_USES" ${ARGN})
  set(target "model_server_${name}")
  list(TRANSFORM PART_SOURCES PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  list(TRANSFORM PART_HEADERS PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/")
  target_sources(${target} PRIVATE ${PART_SOURCES})
  target_sources(${target} PUBLIC FILE_SET HEADERS FILES ${PART_HEADERS})
  target_link_libraries(${target} PRIVATE ${PART_PRIVATE_USES})
endfunction()

# room_test: one test program and its CTest entry.
#
#   room_test(tokenizer_test SOURCES tokenizer_test.cpp USES model_server::models
#             LABELS slow)
#
# ROOM_TEST_OPTIONS, a variable of the folder, has further options to compile with.
function(room_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_compile_options(${name} PRIVATE ${ROOM_TEST_OPTIONS})
  target_link_libraries(${name} PRIVATE model_server::flags ${TEST_USES}
                        GTest::gmock GTest::gtest GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}"
    ENVIRONMENT "UBSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/ubsan.supp:print_stacktrace=1")
endfunction()
