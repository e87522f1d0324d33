// Puts together what was counted and what is asked at the moment.
#include "http/metrics_text.hpp"

#include "config/version.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace model_server {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily single(std::string name, std::string help, MetricType type,
                    double value,
                    std::vector<ClientMetric::Label> labels = {}) {
  MetricFamily result{std::move(name), std::move(help), type, {}};
  auto& metric = result.metric.emplace_back();
  metric.label = std::move(labels);
  if (type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  return result;
}

std::vector<MetricFamily> families_of(const process_usage& process) {
  auto gauge = [](std::string name, std::string help, auto value) {
    return single(std::move(name), std::move(help), MetricType::Gauge,
                  static_cast<double>(value));
  };
  return {
      single("process_cpu_seconds_total",
             "Time that the processor worked for this process.",
             MetricType::Counter, process.cpu_seconds),
      gauge("process_open_fds", "Descriptors that are open.",
            process.open_descriptors),
      gauge("process_max_fds", "Descriptors that may be open.",
            process.most_descriptors),
      gauge("process_virtual_memory_bytes", "Virtual memory.",
            process.virtual_bytes),
      gauge("process_resident_memory_bytes", "Resident memory.",
            process.resident_bytes),
      gauge("process_start_time_seconds", "When the process began, since 1970.",
            process.start_seconds),
  };
}

/// What is told of each entity. Zero is no value where `needs_value`.
struct entity_gauge {
  const char* name;
  const char* help;
  std::uint64_t (*value)(const model_status&, const entity_status&);
  bool needs_value = false;
};

using model = const model_status&;
using entity = const entity_status&;

constexpr entity_gauge entity_gauges[] = {
    {"requests_running", "Replies in the running batch.",
     [](model, entity x) -> std::uint64_t { return x.running; }},
    {"requests_waiting", "Replies in the worker's queue, or without memory.",
     [](model, entity x) -> std::uint64_t { return x.waiting; }},
    {"batch_capacity", "Replies that may run together.",
     [](model m, entity) -> std::uint64_t { return m.batch_size; }},
    {"cache_blocks", "Blocks of memory for keys and values.",
     [](model, entity x) { return x.cache_blocks; }, true},
    {"cache_blocks_used", "Of these, blocks that replies hold.",
     [](model, entity x) { return x.cache_blocks_used; }},
    {"device_memory_bytes", "Memory of the device that the worker takes.",
     [](model, entity x) { return x.memory_bytes; }, true},
};

std::string label_of(const entity_status& item, std::string_view own_node) {
  return item.node == own_node ? item.device : item.node + '/' + item.device;
}

MetricFamily family_of(const entity_gauge& gauge, const server_status& status,
                       std::string_view own_node) {
  MetricFamily result{std::string{"model_server_"} + gauge.name,
                      gauge.help,
                      MetricType::Gauge,
                      {}};
  for (const auto& each : status.models)
    for (const auto& item : each.entities) {
      auto value = gauge.value(each, item);
      if (gauge.needs_value && value == 0)
        continue;
      auto& metric = result.metric.emplace_back();
      metric.label = {{"device", label_of(item, own_node)},
                      {"model", each.name}};
      metric.gauge.value = static_cast<double>(value);
    }
  return result;
}

} // namespace

std::string metrics_text(const figures& counted, const server_status& status,
                         const process_usage& process,
                         std::string_view own_node) {
  auto all = counted.collect();
  for (const auto& gauge : entity_gauges)
    if (auto family = family_of(gauge, status, own_node);
        !family.metric.empty())
      all.push_back(std::move(family));
  all.push_back(single("model_server_build_info", "The version that runs.",
                       MetricType::Gauge, 1,
                       {{"version", std::string{server_version()}}}));
  for (auto& family : families_of(process))
    all.push_back(std::move(family));
  return prometheus::TextSerializer{}.Serialize(all);
}

} // namespace model_server
