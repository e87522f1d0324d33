// Takes a SentencePiece model apart, field by field.
#include "models/text/sentence_piece_file.hpp"

#include "models/text/wire_reader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace model_server {

namespace {

[[noreturn]] void fail(const char* what, std::uint64_t value) {
  throw std::runtime_error{fmt::format("{} is {}", what, value)};
}

sentence_piece read_piece(std::string_view message) {
  sentence_piece result;
  wire_reader fields{message};
  for (wire_field field; fields.next(field);) {
    if (field.number == 1)
      result.text = field.bytes;
    else if (field.number == 2)
      result.score = field.real();
    else if (field.number == 3 && field.value >= 1 && field.value <= 6)
      result.kind = static_cast<piece_kind>(field.value);
    else if (field.number == 3)
      fail("the kind of a piece", field.value);
  }
  if (!std::isfinite(result.score))
    throw std::runtime_error{"the score of a piece is not finite"};
  return result;
}

void read_trainer(std::string_view message, sentence_piece_file& result) {
  wire_reader fields{message};
  for (wire_field field; fields.next(field);) {
    if (field.number == 3 && field.value >= 1 && field.value <= 4)
      result.model = static_cast<sentence_piece_file::model_kind>(field.value);
    else if (field.number == 3)
      fail("the kind of the model", field.value);
    else if (field.number == 24)
      result.space_is_suffix = field.value != 0;
    else if (field.number == 35)
      result.byte_fallback = field.value != 0;
  }
}

void read_rules(std::string_view message, sentence_piece_file& result) {
  wire_reader fields{message};
  for (wire_field field; fields.next(field);) {
    if (field.number == 2)
      result.charsmap = field.bytes;
    else if (field.number == 3)
      result.add_prefix = field.value != 0;
    else if (field.number == 4)
      result.remove_extra_spaces = field.value != 0;
    else if (field.number == 5)
      result.escape_spaces = field.value != 0;
  }
}

} // namespace

sentence_piece_file read_sentence_piece_file(std::string_view bytes) {
  sentence_piece_file result;
  wire_reader fields{bytes};
  for (wire_field field; fields.next(field);) {
    if (field.number == 1)
      result.pieces.push_back(read_piece(field.bytes));
    else if (field.number == 2)
      read_trainer(field.bytes, result);
    else if (field.number == 3)
      read_rules(field.bytes, result);
  }
  if (result.pieces.empty())
    throw std::runtime_error{"has no pieces"};
  return result;
}

} // namespace model_server
