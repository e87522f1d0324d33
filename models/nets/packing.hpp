// Packs the matrices of a network when it is loaded.
#pragma once

#include "models/kernels/packed_memory.hpp"
#include "models/kernels/thread_pool.hpp"
#include "models/load_watch.hpp"
#include "models/nets/linear_weights.hpp"

#include <cstddef>
#include <optional>
#include <span>

namespace model_server {

/// The packed format that holds blocks of a GGUF file as they are; nothing for
/// other numbers.
std::optional<packed_format> packed_format_of(number_format stored);

/// Packs one matrix with all threads of a pool; `to` has room for it. Its rows
/// may be blocks of a GGUF file, which stay as they are where `format` is
/// theirs.
void pack_matrix(const matrix_view& from, packed_format format, std::byte* to,
                 thread_pool& pool);

/// A matrix that is to be packed.
struct packing_job {
  linear_weights* matrix;
  packed_format format;
};

/// Packs these matrices into one piece of memory, which it returns, with all
/// cores. Of the plain ones only the sizes are left.
packed_memory pack(std::span<const packing_job> jobs, const load_watch& watch);

} // namespace model_server
