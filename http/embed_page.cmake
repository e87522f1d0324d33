# Writes a C++ file that holds the files of a folder: cmake -D FROM=FOLDER -D TO=... -P this
file(GLOB names RELATIVE "${FROM}" "${FROM}/*")
list(SORT names)
set(entries "")
foreach(name IN LISTS names)
  file(READ "${FROM}/${name}" text)
  file(SHA256 "${FROM}/${name}" hash)
  string(SUBSTRING "${hash}" 0 32 tag)
  string(APPEND entries "    {\"${name}\", \"\\\"${tag}\\\"\", R\"embedded(${text})embedded\"},\n")
endforeach()
file(WRITE "${TO}" "// Made from the files of page/ when the program is built.
#include \"http/page.hpp\"

namespace model_server {

namespace {

constexpr page_file files[] = {
${entries}};

} // namespace

std::span<const page_file> page_files() {
  return files;
}

} // namespace model_server
")
