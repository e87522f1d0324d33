// How many threads libtorch and the BLAS below it may use.
#pragma once

namespace model_server {

/// Lets the calling thread's tensor operations use `count` threads, at least 1
/// and never more than there are cores for this process. A BLAS with threads of
/// its own (OpenBLAS) has one number for the whole process: the last one set.
void set_torch_threads(int count);

} // namespace model_server
