// How entries load networks: params that they share, context, memory, device.
#pragma once

#include "config/entry_params.hpp"
#include "models/load_watch.hpp"
#include "models/nets/causal_net.hpp"
#include "models/nets/decoder_spec.hpp"
#include "models/nets/linear_weights.hpp"
#include "models/weights/weight_folder.hpp"

#include <cstddef>
#include <memory>
#include <string>

namespace model_server {

/// The params `dtype` and `quantize`. Throws `config_error`.
weight_form read_weight_form(const named_params& params);

/// How weights are kept, in a few words.
std::string name_of(const weight_form& form);

/// How long sequences may be at most; `wanted` is 0 for no setting. Where
/// positions are scaled by how long they are, it is the original context unless
/// more is asked for.
std::size_t choose_context(const decoder_spec& spec, std::size_t wanted);

/// Loads a decoder for a device; keys and values are kept as `cache` on the
/// CPU.
std::unique_ptr<causal_net>
load_decoder(decoder_spec spec, std::shared_ptr<const weight_folder> files,
             const std::string& device, const weight_form& form,
             number_format cache, const load_watch& watch);

/// How many blocks the keys and values get: those that fit into `memory`, or
/// without a setting, which is 0, what `most_contexts` sequences of the full
/// context take, or a part of what is free.
std::size_t choose_blocks(const causal_net& net, std::size_t context,
                          std::size_t memory, std::size_t most_contexts);

} // namespace model_server
