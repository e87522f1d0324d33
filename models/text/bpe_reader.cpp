// Reads a "model" of type BPE: vocabulary, merges and how they are used.
#include "models/text/json_events.hpp"
#include "models/text/model_readers.hpp"
#include "models/text/part_readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

/// Reads a list of merges, each `"a b"` or `["a", "b"]`.
class merge_reader {
public:
  merge_reader(const json_node& list, bpe_model& model)
      : list_(list), model_(model) {
    auto json = list.left_out_list();
    // Each has two letters at least.
    model.reserve_merges(std::min(json.items, json.letters / 2));
    visit_json(json.text, [&](auto& event) { take(event); });
  }

private:
  using kind = json_event::kind;

  void take(const json_event& event) {
    if (event.depth == 1 && event.is == kind::text)
      take_line(event.text);
    else if (event.depth == 1 && event.is == kind::begin_list)
      place_ = 0;
    else if (event.depth == 1 && event.is == kind::end_list && place_ == 2)
      add(pair_[0], pair_[1]);
    else if (event.depth == 2 && event.is == kind::text && place_ < 2)
      pair_[place_++] = event.text;
    else if (event.depth > 0)
      fail();
  }
  void take_line(std::string_view line) {
    if (line.starts_with("#version")) {
      ++entry_;
      return;
    }
    auto space = line.find(' ');
    if (space == std::string_view::npos
        || line.find(' ', space + 1) != std::string_view::npos)
      fail();
    add(line.substr(0, space), line.substr(space + 1));
  }
  void add(std::string_view left, std::string_view right) {
    ++entry_;
    at_node(list_, [&] { model_.add_merge(left, right); });
  }
  [[noreturn]] void fail() const {
    list_.fail(fmt::format("entry {} is not a pair of tokens", entry_));
  }

  const json_node list_;
  bpe_model& model_;
  std::size_t entry_ = 0;
  std::string pair_[2];
  std::size_t place_ = 0;
};

} // namespace

bpe_model read_bpe_model(const json_node& node,
                         const std::vector<bool>& is_control) {
  if (!node.find("merges"))
    node.fail("lacks \"merges\"");
  // Its `dropout`, leaving out merges by chance, is for training.
  auto vocabulary = read_vocabulary(node.get("vocab"));
  bpe_options options;
  options.fuse_unknown = node.flag("fuse_unk", false);
  options.byte_fallback = node.flag("byte_fallback", false);
  options.ignore_merges = node.flag("ignore_merges", false);
  options.unknown = read_unknown(node, vocabulary);
  if (auto prefix = node.find("continuing_subword_prefix"))
    options.inner_prefix = prefix->text();
  if (auto suffix = node.find("end_of_word_suffix"))
    options.end_suffix = suffix->text();
  bpe_model result{std::move(vocabulary), is_control, std::move(options)};
  merge_reader{node.get("merges"), result};
  return result;
}

} // namespace model_server
