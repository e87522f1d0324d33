// What a front counts of its models, for Prometheus.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
struct MetricFamily;
template <class T>
class Family;
} // namespace prometheus

namespace model_server {

/// How a reply came to its end, as far as figures tell.
enum class request_outcome : std::uint8_t {
  stop,
  length,
  /// Its client left.
  cancelled,
  /// No worker had begun with it.
  rejected,
  failed
};

inline constexpr std::size_t request_outcomes = 5;

std::string to_string(request_outcome outcome);

/// Of one model on one device, whichever workers it had there. They stay when
/// the device is removed: counters never go back.
struct device_figures {
  prometheus::Counter& generation_tokens;
  prometheus::Counter& cache_query_tokens;
  prometheus::Counter& cache_hit_tokens;
  prometheus::Counter& restarts;
  prometheus::Histogram& batch_size;
};

/// Of one model.
struct model_figures {
  prometheus::Counter& prompt_tokens;
  prometheus::Counter& resumes;
  prometheus::Counter& suspects;
  prometheus::Counter& cancels;
  /// By outcome.
  std::array<prometheus::Counter*, request_outcomes> requests;
  prometheus::Histogram& time_to_first_token;
  prometheus::Histogram& inter_token;
  prometheus::Histogram& request;
  prometheus::Histogram& queue;
};

/// All figures of a front that are counted as things happen; what holds at a
/// moment, such as how many wait, is asked of the actors. One for all of them;
/// calls come from any thread. What it hands out lives as long as it does.
///
/// Every label has few values: models are those of the configuration, devices
/// those that supervisors have used, the rest is ours.
class figures {
public:
  figures();
  ~figures();

  figures(const figures&) = delete;
  figures& operator=(const figures&) = delete;

  /// A model of the configuration; one that is known is left as it is.
  void add_model(const std::string& name);

  /// A device that the model has an entity on. Beyond `most_devices` they are
  /// counted together, as `other`.
  device_figures& add_device(const std::string& model,
                             const std::string& device);

  /// Null if there is no such model: what clients make up is no label.
  model_figures* of(std::string_view model);

  /// What `add_device` has given for it, else `other`; null if there is no such
  /// model.
  device_figures* of(std::string_view model, std::string_view device);

  /// A reply was refused before a worker had it, or failed later; by the code
  /// of the contract. Unknown models don't count.
  void count_reject(std::string_view model, const std::string& code);
  void count_failure(std::string_view model, const std::string& code);

  /// An HTTP request to this line of the route table was answered with a status
  /// of this class (`2xx`), or its client left before (`none`).
  void count_answer(std::string_view route, const std::string& status_class);

  /// Memory for the server has come to this level.
  void count_memory_level(std::string_view level);

  void set_memory_left(std::uint64_t bytes);

  /// Streams of events that have begun and not ended.
  prometheus::Gauge& open_streams();

  /// Everything, in the order of names and labels. A model that has had no
  /// device yet shows no histograms: there may be many such models.
  std::vector<prometheus::MetricFamily> collect() const;

  static constexpr std::size_t most_devices = 256;

private:
  struct families;
  struct known_model {
    model_figures own;
    std::map<std::string, device_figures, std::less<>> devices;
  };

  device_figures make_device(const std::string& model,
                             const std::string& device);
  bool is_known(std::string_view model) const;

  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<families> families_;
  // Guards the map, which grows when models are configured and devices added.
  mutable std::shared_mutex lock_;
  std::map<std::string, known_model, std::less<>> models_;
};

} // namespace model_server
