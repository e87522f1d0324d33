// What stands in a SentencePiece model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What a piece is for, with the file's own numbers.
enum class piece_kind {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6,
};

struct sentence_piece {
  std::string_view text;
  float score = 0;
  piece_kind kind = piece_kind::normal;
};

/// A model file (sentencepiece_model.proto), apart. Texts lie in the bytes that
/// were read.
struct sentence_piece_file {
  enum class model_kind { unigram = 1, bpe = 2, word = 3, character = 4 };

  /// The place is the id.
  std::vector<sentence_piece> pieces;
  model_kind model = model_kind::unigram;
  bool byte_fallback = false;
  /// The space belongs to the word before it.
  bool space_is_suffix = false;
  /// How text is rewritten; empty if it stays.
  std::string_view charsmap;
  /// A space before the text.
  bool add_prefix = true;
  /// Spaces at the ends go, several between words are one.
  bool remove_extra_spaces = true;
  bool escape_spaces = true;
};

/// Throws `std::runtime_error` if the bytes are broken or a number in them is
/// none of the known ones.
sentence_piece_file read_sentence_piece_file(std::string_view bytes);

} // namespace model_server
