# Gives FMT_BESIDE_TORCH, the fmt to link where headers of libtorch are included.
#
# libtorch 2 has headers of a fmt of its own among them, which come first, and
# brings no library for these. Whichever headers are found, without a library
# they are whole.
set(FMT_BESIDE_TORCH fmt::fmt)
get_target_property(fmt_folders fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
foreach(folder IN LISTS TORCH_INCLUDE_DIRS)
  if(EXISTS "${folder}/fmt/format.h" AND NOT folder IN_LIST fmt_folders)
    set(FMT_BESIDE_TORCH fmt::fmt-header-only)
  endif()
endforeach()
