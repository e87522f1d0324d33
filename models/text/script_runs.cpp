// Spells the runs out as one pattern.
#include "models/text/script_runs.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

namespace model_server {

namespace {

/// The other scripts; frequent ones first.
constexpr std::array names{
    "Latin", "Cyrillic", "Arabic", "Hangul", "Adlam", "Ahom",
    "AnatolianHieroglyphs", "Armenian", "Avestan", "Balinese", "Bamum",
    "BassaVah", "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi",
    "Braille", "Buginese", "Buhid", "CanadianAboriginal", "Carian",
    "CaucasianAlbanian", "Chakma", "Cham", "Cherokee", "Coptic", "Cuneiform",
    "Cypriot", "Deseret", "Devanagari", "Duployan", "EgyptianHieroglyphs",
    "Elbasan", "Ethiopic", "Georgian", "Glagolitic", "Gothic", "Grantha",
    "Greek", "Gujarati", "Gurmukhi", "Hanunoo", "Hatran", "Hebrew",
    "ImperialAramaic", "Inherited", "InscriptionalPahlavi",
    "InscriptionalParthian", "Javanese", "Kaithi", "Kannada", "KayahLi",
    "Kharoshthi", "Khmer", "Khojki", "Khudawadi", "Lao", "Lepcha", "Limbu",
    "LinearA", "LinearB", "Lisu", "Lycian", "Lydian", "Mahajani", "Malayalam",
    "Mandaic", "Manichaean", "Marchen", "MeeteiMayek", "MendeKikakui",
    "MeroiticCursive", "MeroiticHieroglyphs", "Miao", "Modi", "Mongolian",
    "Mro", "Multani", "Myanmar", "Nabataean", "NewTaiLue", "Newa", "Nko",
    "Ogham", "OlChiki", "OldHungarian", "OldItalic", "OldNorthArabian",
    "OldPermic", "OldPersian", "OldSouthArabian", "OldTurkic", "Oriya", "Osage",
    "Osmanya", "PahawhHmong", "Palmyrene", "PauCinHau", "PhagsPa", "Phoenician",
    "PsalterPahlavi", "Rejang", "Runic", "Samaritan", "Saurashtra", "Sharada",
    "Shavian", "Siddham", "SignWriting", "Sinhala", "SoraSompeng", "Sundanese",
    "SylotiNagri", "Syriac", "Tagalog", "Tagbanwa", "TaiLe", "TaiTham",
    "TaiViet", "Takri", "Tamil", "Tangut", "Telugu", "Thaana", "Thai",
    "Tibetan", "Tifinagh", "Tirhuta", "Ugaritic", "Vai", "WarangCiti", "Yi"};

} // namespace

unicode_pattern script_runs() {
  auto run_of = [](const std::string& letters) {
    return fmt::format(R"([{0}][{0} \p{{Unknown}}]*)", letters);
  };
  auto pattern = run_of(R"(\p{Han}\p{Hiragana}\p{Katakana}\x{30FC})");
  // The space and the long mark of Japanese are "Common" for Unicode.
  pattern += R"(|(?! )\p{Common}(?:(?!\x{30FC})[\p{Common} \p{Unknown}])*)";
  for (auto* name : names)
    pattern += "|" + run_of(fmt::format(R"(\p{{{}}})", name));
  return unicode_pattern{pattern};
}

} // namespace model_server
