// What a worker answers to requests.
#pragma once

#include "actors/worker_parts.hpp"

#include <caf/result.hpp>

namespace model_server {

/// Encodes and queues a reply, or says why not.
caf::result<admitted> admit(worker_pointer self, submit& order,
                            const token_sink& sink);

// Tokens without a reply.
caf::result<tokenized> answer(worker_pointer self, const tokenize& question);
caf::result<detokenized> answer(worker_pointer self,
                                const detokenize& question);

} // namespace model_server
