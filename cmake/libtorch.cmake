# Finds libtorch and gives model_server::torch: link that, not libtorch itself.
#
# The libtorch 2 of the Python wheels carries more than itself:
# - Headers of a fmt of its own, which come first, and no library for these.
#   Whichever are found, without a library fmt is whole.
# - Parts of another standard library, visible to all, such as a
#   std::filesystem::remove_all that ends the program. Ours must be found first.
find_package(Torch REQUIRED)

set(fmt_beside_torch fmt::fmt)
get_target_property(fmt_folders fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
foreach(folder IN LISTS TORCH_INCLUDE_DIRS)
  if(EXISTS "${folder}/fmt/format.h" AND NOT folder IN_LIST fmt_folders)
    set(fmt_beside_torch fmt::fmt-header-only)
  endif()
endforeach()

add_library(model_server_torch INTERFACE)
add_library(model_server::torch ALIAS model_server_torch)
target_link_libraries(model_server_torch INTERFACE
  stdc++ ${TORCH_LIBRARIES} ${fmt_beside_torch})
