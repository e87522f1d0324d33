// A pool whose work is claimed from one number, so that a thread that was held
// up holds up nobody else.
#include "models/kernels/thread_pool.hpp"

#include "models/cores.hpp"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <thread>
#include <vector>

namespace model_server {

namespace {

// How often a thread looks before it sleeps or lets others run: about 50 us.
constexpr int patience = 1500;

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

// A loop in progress in one number: which loop (24 bits), how many tasks it has
// and which one is next (20 bits each).
struct ticket {
  static constexpr std::uint64_t mask = thread_pool::most_tasks;

  static std::uint64_t make(std::uint64_t loop, std::uint64_t count) {
    return (loop << 40) | (count << 20);
  }
  static std::uint64_t loop(std::uint64_t x) {
    return x >> 40;
  }
  static std::uint64_t next(std::uint64_t x) {
    return x & mask;
  }
  static bool has_work(std::uint64_t x) {
    return next(x) < ((x >> 20) & mask);
  }
};

} // namespace

struct thread_pool::shared {
  alignas(64) std::atomic<std::uint64_t> work{0};
  alignas(64) std::atomic<std::uint64_t> done{0};
  // Sleepers wait for this number to change.
  alignas(64) std::atomic<std::uint32_t> calls{0};
  std::atomic<int> sleepers{0};
  std::atomic<bool> stops{false};
  // Of the loop in progress. Whoever has claimed a task may read them: they
  // change only after all of its tasks are done.
  function call = nullptr;
  const void* context = nullptr;
  std::vector<std::thread> threads;

  // Claims and does tasks until none is left.
  void take_part() {
    auto seen = work.load(std::memory_order_acquire);
    while (ticket::has_work(seen)) {
      if (!work.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire))
        continue;
      call(context, ticket::next(seen));
      done.fetch_add(1, std::memory_order_release);
      seen = work.load(std::memory_order_acquire);
    }
  }

  void serve() {
    while (!stops.load(std::memory_order_relaxed)) {
      for (int i = 0; i < patience; ++i) {
        if (ticket::has_work(work.load(std::memory_order_relaxed))) {
          take_part();
          i = 0;
        }
        pause_briefly();
      }
      // Says that it sleeps, then looks once more: either this thread sees the
      // work or the caller sees the sleeper.
      auto before = calls.load();
      sleepers.fetch_add(1);
      if (!ticket::has_work(work.load()) && !stops.load())
        calls.wait(before);
      sleepers.fetch_sub(1);
    }
  }

  void wake() {
    calls.fetch_add(1);
    calls.notify_all();
  }
};

thread_pool::thread_pool(int threads) : shared_(std::make_unique<shared>()) {
  threads = std::clamp(threads, 1, usable_cores());
  for (int i = 1; i < threads; ++i)
    shared_->threads.emplace_back([state = shared_.get()] { state->serve(); });
}

thread_pool::~thread_pool() {
  shared_->stops = true;
  shared_->wake();
  for (auto& thread : shared_->threads)
    thread.join();
}

int thread_pool::size() const {
  return static_cast<int>(shared_->threads.size()) + 1;
}

void thread_pool::run(std::size_t count, const void* context, function call) {
  assert(count <= most_tasks);
  auto& state = *shared_;
  if (count < 2 || state.threads.empty()) {
    for (std::size_t i = 0; i < count; ++i)
      call(context, i);
    return;
  }
  state.call = call;
  state.context = context;
  state.done.store(0, std::memory_order_relaxed);
  auto loop = ticket::loop(state.work.load(std::memory_order_relaxed)) + 1;
  state.work.store(ticket::make(loop, count));
  if (state.sleepers.load() > 0)
    state.wake();
  state.take_part();
  for (int i = 0; state.done.load(std::memory_order_acquire) < count; ++i)
    if (i < patience)
      pause_briefly();
    else
      std::this_thread::yield();
}

} // namespace model_server
