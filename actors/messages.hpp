// Every message between actors. What would change with CAF 1.x is here.
#pragma once

#include "actors/errors.hpp"
#include "actors/story.hpp"
#include "models/chat.hpp"
#include "models/entry.hpp"
#include "models/sampling.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace model_server {

/// Names a request on its front; never used twice there.
using request_id = std::uint64_t;

/// How a client gives a prompt.
enum class prompt_form : std::uint8_t { chat, text, tokens };

/// What a reply goes on from: a conversation, or text or tokens as they stand.
/// Only the field of the form is filled.
struct reply_prompt {
  prompt_form form = prompt_form::chat;
  chat conversation;
  std::string text;
  std::vector<token_id> tokens;

  /// True if the reply begins a turn; else it continues what is there.
  bool begins_turn() const {
    return form == prompt_form::chat && !conversation.continues_agent();
  }

  friend bool operator==(const reply_prompt&, const reply_prompt&) = default;
};

/// What is made of a prompt.
enum class request_task : std::uint8_t { reply, embedding };

/// What a client asks of a model; never changes once submitted. Of an embedding
/// only the ids, the prompt, `priority` and `dimensions` count.
struct generation_request {
  request_id id = 0;
  std::string model;
  reply_prompt prompt;
  sampling_options sampling;
  std::uint64_t seed = 0;
  /// 0 leaves it to the model.
  std::uint32_t max_tokens = 0;
  /// The smaller, the sooner it leaves a worker's queue.
  std::int32_t priority = 0;
  /// Text that ends the reply and is not part of it.
  std::vector<std::string> stop;
  request_task task = request_task::reply;
  /// Numbers that an embedding shall have; 0 leaves it to the model.
  std::uint32_t dimensions = 0;

  friend bool operator==(const generation_request&,
                         const generation_request&) = default;
};

// -- down the tree ------------------------------------------------------------

/// What a reply's tokens follow from, beside its request: a setting of its
/// model, and the weights. All 0 is none.
struct model_version {
  /// Of two settings of a model that are in force one after the other, the
  /// later one has the larger number.
  std::uint64_t setting = 0;
  /// As in `model_info`.
  std::uint64_t identity = 0;

  /// Where this holds, a reply that began with this version goes on as it would
  /// have.
  bool goes_on_with(const model_version& other) const {
    return setting == 0 || setting == other.setting
           || (identity != 0 && identity == other.identity);
  }

  friend bool operator==(const model_version&, const model_version&) = default;
};

/// Asks for a reply, or for the rest of one.
struct submit {
  generation_request request;
  /// The tokens that the reply has already; empty for a new one.
  std::vector<token_id> log;
  /// 1 for a new request, one more for each worker that was lost under it.
  std::uint32_t attempt = 1;
  /// The worker may make tokens with numbers up to this one (the first token
  /// of a reply is number 1).
  std::uint64_t credit = 0;
  /// A worker had taken this reply before: it passes full queues and a
  /// draining gateway.
  bool resumed = false;
  /// A worker broke in a step that would have made this token: up to it the
  /// reply takes its steps without any other. 0 is no suspicion.
  std::uint64_t suspect_until = 0;
  /// Belongs to a request that is being answered already: it passes full queues
  /// and a draining gateway, but waits its turn.
  bool has_right_of_way = false;
  /// Another part of its request stands for it: once in a queue it waits as
  /// long as it takes, and its prompt counts in none.
  bool is_promised = false;
  /// That of its tokens so far.
  model_version version = {};

  friend bool operator==(const submit&, const submit&) = default;
};

/// A worker took the request; its sender is the worker to monitor.
struct admitted {
  std::uint64_t incarnation = 0;
  std::string device;
  std::uint32_t prompt_tokens = 0;

  friend bool operator==(const admitted&, const admitted&) = default;
};

/// Raises the credit of a request. A smaller number than before is ignored.
struct credit {
  request_id id = 0;
  std::uint64_t up_to = 0;

  friend bool operator==(const credit&, const credit&) = default;
};

/// Ends a request early: the client left, or the reply is complete.
struct cancel {
  request_id id = 0;

  friend bool operator==(const cancel&, const cancel&) = default;
};

/// Names a worker among all that its supervisor has started. The secret, a
/// random number, proves that who says it is this worker was started as it.
struct worker_ticket {
  std::string model;
  /// No two workers of a model have the same; a later one has a larger one.
  std::uint64_t incarnation = 0;
  std::uint64_t secret = 0;

  friend bool operator==(const worker_ticket&, const worker_ticket&) = default;
};

/// What may wait at a worker.
struct queue_limits {
  std::uint32_t requests = 256;
  /// Of their prompts together. 0 leaves it to the worker: twice what its
  /// model's cache holds, or any number where there is none.
  std::uint64_t prompt_tokens = 0;
  /// For a place in the batch; 0 is as long as it takes.
  std::chrono::milliseconds wait{0};

  friend bool operator==(const queue_limits&, const queue_limits&) = default;
};

/// Asks a node for a worker. It says `worker_here` to its owner when it can be
/// spoken to, or its node says `worker_ended`.
struct start_worker {
  worker_ticket ticket;
  /// As the node calls it.
  std::string device;
  /// As the clients see it: with the node's name if it is not the front's.
  std::string shown_device;
  std::uint32_t batch_size = 8;
  queue_limits queue;
  /// As config.json would have it; empty if the node has its own.
  std::string setting = {};

  friend bool operator==(const start_worker&, const start_worker&) = default;
};

/// Tells a node that a worker is to be gone soon; what is left of it then is
/// ended by force.
struct stop_worker {
  std::string model;
  std::uint64_t incarnation = 0;
  /// It does not answer any more: by force at once.
  bool at_once = false;

  friend bool operator==(const stop_worker&, const stop_worker&) = default;
};

/// Ends every reply of a worker with this failure.
struct end_replies {
  failure reason;

  friend bool operator==(const end_replies&, const end_replies&) = default;
};

/// Adds an entity. An empty device lets the server choose; `wait` asks for the
/// answer when the entity serves, else it comes when loading has begun.
struct add_device {
  std::string model;
  std::string device;
  bool wait = true;

  friend bool operator==(const add_device&, const add_device&) = default;
};

/// Removes an entity; an empty device means the one added last.
struct remove_device {
  std::string model;
  std::string device;

  friend bool operator==(const remove_device&, const remove_device&) = default;
};

/// Adds an entity if the model has none.
struct activate_model {
  std::string model;
  std::string device;

  friend bool operator==(const activate_model&,
                         const activate_model&) = default;
};

/// Asks for the stories of the replies to a request, by either of its names. Of
/// two requests with one name the later is meant.
struct get_stories {
  std::string id;

  friend bool operator==(const get_stories&, const get_stories&) = default;
};

/// Asks a reply for its own.
struct get_story {
  friend bool operator==(const get_story&, const get_story&) = default;
};

/// Unloads what a call had loaded, unless it is needed.
struct unload_model {
  std::string model;

  friend bool operator==(const unload_model&, const unload_model&) = default;
};

/// A device of a node, and what is known of it.
struct node_device {
  std::string name;
  bool is_accelerator = false;
  std::uint64_t free_bytes = 0;

  friend bool operator==(const node_device&, const node_device&) = default;
};

/// Asks for a device with so much memory, the first of equals.
struct make_room {
  std::string model;
  std::uint64_t bytes = 0;
  /// With what they had free when this was asked.
  std::vector<node_device> devices;

  friend bool operator==(const make_room&, const make_room&) = default;
};

/// Has config.json and the models folder read again, and what they say done.
struct reload_models {
  friend bool operator==(const reload_models&, const reload_models&) = default;
};

/// Asks for the state of every model.
struct get_status {
  friend bool operator==(const get_status&, const get_status&) = default;
};

/// Asks for the tokens of a prompt.
struct tokenize {
  std::string model;
  reply_prompt prompt;

  friend bool operator==(const tokenize&, const tokenize&) = default;
};

/// Asks for the text of tokens.
struct detokenize {
  std::string model;
  std::vector<token_id> tokens;

  friend bool operator==(const detokenize&, const detokenize&) = default;
};

/// Stops admitting; answered when the last reply has ended, at the latest
/// after `limit`, when the rest end with `shutting_down`.
struct drain {
  std::chrono::milliseconds limit{0};

  friend bool operator==(const drain&, const drain&) = default;
};

// -- up to the reply ----------------------------------------------------------

/// A token that the model found likely. `text` may end inside a UTF-8
/// character.
struct likely_token {
  std::string text;
  float logprob = 0;

  friend bool operator==(const likely_token&, const likely_token&) = default;
};

/// One token of a reply. `text` may end inside a UTF-8 character.
struct token {
  token_id id = 0;
  std::string text;
  /// Its own and those of the likeliest ones, the best first; 0 and empty
  /// unless the request asks for logprobs.
  float logprob = 0;
  std::vector<likely_token> likeliest = {};

  friend bool operator==(const token&, const token&) = default;
};

/// How a reply ended, by the worker's reckoning.
enum class finish_reason : std::uint8_t { none, stop, length };

/// How a worker read a prompt, as far as it had to.
struct prompt_reading {
  std::uint32_t steps = 0;
  std::chrono::microseconds time{0};

  friend bool operator==(const prompt_reading&,
                         const prompt_reading&) = default;
};

/// What one step made for one reply.
struct token_chunk {
  request_id id = 0;
  std::uint64_t incarnation = 0;
  /// Number of the first token in `tokens`.
  std::uint64_t first = 1;
  /// The end token is not among them.
  std::vector<token> tokens;
  finish_reason finish = finish_reason::none;
  /// Of the prompt, found already computed by this worker.
  std::uint32_t cached_tokens = 0;
  /// What was asked for in the place of tokens; comes with the finish.
  std::vector<float> embedding = {};
  /// Replies that took part in the step.
  std::uint32_t batch_size = 0;
  /// By this worker; with its first chunk alone.
  prompt_reading reading = {};

  friend bool operator==(const token_chunk&, const token_chunk&) = default;
};

/// What one step made, for several replies.
struct step_chunks {
  std::vector<token_chunk> chunks;

  friend bool operator==(const step_chunks&, const step_chunks&) = default;
};

/// The worker ends a reply with an error; nothing else was harmed.
struct reply_failed {
  request_id id = 0;
  std::uint64_t incarnation = 0;
  failure reason;

  friend bool operator==(const reply_failed&, const reply_failed&) = default;
};

/// The worker gives the reply up because its device is being removed: go on
/// elsewhere. Does not count as an attempt.
struct moved {
  request_id id = 0;
  std::uint64_t incarnation = 0;

  friend bool operator==(const moved&, const moved&) = default;
};

/// The worker that a reply's request is on its way to. Comes before the
/// worker's own answer.
struct routed {
  std::uint64_t incarnation = 0;
  model_version version = {};

  friend bool operator==(const routed&, const routed&) = default;
};

/// A reply in a worker's step, and how many tokens it had before.
struct step_place {
  request_id id = 0;
  std::uint64_t tokens = 0;

  friend bool operator==(const step_place&, const step_place&) = default;
};

/// How a worker came to its end.
struct worker_end {
  /// Something broke in it, so its step may have done it; else it was ended
  /// from outside (by a signal, by a lost link), which is no reply's fault.
  bool is_fault = false;
  /// False if nobody can tell any more who was in its step.
  bool batch_is_known = false;
  /// The replies in its last step; empty between two steps.
  std::vector<step_place> batch;

  friend bool operator==(const worker_end&, const worker_end&) = default;
};

/// A worker is gone, or was given up because it hangs: what it still says is
/// dropped.
struct worker_gone {
  std::string model;
  std::uint64_t incarnation = 0;
  worker_end end;
  /// For people.
  std::string reason = {};

  friend bool operator==(const worker_gone&, const worker_gone&) = default;
};

/// The server ends the reply, whatever its state.
struct stop_reply {
  failure reason;

  friend bool operator==(const stop_reply&, const stop_reply&) = default;
};

/// The client took what was written up to and including this token.
struct written {
  std::uint64_t up_to = 0;

  friend bool operator==(const written&, const written&) = default;
};

/// The client's connection is gone.
struct client_left {
  friend bool operator==(const client_left&, const client_left&) = default;
};

// -- reports ------------------------------------------------------------------

/// What a worker has counted from its start on, and what it uses now.
struct worker_counts {
  /// Steps by how many replies took part: 1, 2, up to 4, up to 8, ...
  std::array<std::uint64_t, 11> steps{};
  /// Replies in all of these steps together.
  std::uint64_t step_places = 0;
  /// Blocks of memory for keys and values, and how many of them sequences hold;
  /// 0 for models that have none.
  std::uint64_t cache_blocks = 0;
  std::uint64_t cache_blocks_used = 0;
  /// On its device; 0 is unknown.
  std::uint64_t memory_bytes = 0;

  friend bool operator==(const worker_counts&, const worker_counts&) = default;
};

/// What a worker tells its supervisor when it changes.
struct worker_load {
  std::uint64_t incarnation = 0;
  /// Submits that the worker has seen so far, taken or refused: the supervisor
  /// knows by it how many are still on their way.
  std::uint64_t submits = 0;
  std::uint32_t running = 0;
  /// In the queue, or in the batch without the memory to go on.
  std::uint32_t waiting = 0;
  /// Of all of them together: prompts that are not read yet, and what their
  /// replies may still come to, as far as one can guess.
  std::uint64_t tokens_to_do = 0;
  /// 0 while nothing runs.
  double tokens_per_second = 0;
  worker_counts counts = {};

  friend bool operator==(const worker_load&, const worker_load&) = default;
};

/// How far a worker has come with loading its model, from 0 to 1.
struct load_progress {
  std::uint64_t incarnation = 0;
  double done = 0;

  friend bool operator==(const load_progress&, const load_progress&) = default;
};

/// A machine joins, or tells again what it has.
struct node_here {
  std::string name;
  std::vector<node_device> devices;
  /// The models that it finds there.
  std::vector<std::string> models;

  friend bool operator==(const node_here&, const node_here&) = default;
};

/// A worker can be spoken to; it has not loaded its model yet.
struct worker_here {
  worker_ticket ticket;

  friend bool operator==(const worker_here&, const worker_here&) = default;
};

/// A node tells that a worker has ended, or could not be started.
struct worker_ended {
  std::uint64_t incarnation = 0;
  failure reason;
  worker_end end;

  friend bool operator==(const worker_ended&, const worker_ended&) = default;
};

/// A worker has its model in memory.
struct worker_ready {
  std::uint64_t incarnation = 0;
  std::uint64_t context_length = 0;
  /// As in `model_info`.
  bool is_exact = false;
  std::uint64_t identity = 0;

  friend bool operator==(const worker_ready&, const worker_ready&) = default;
};

enum class entity_state : std::uint8_t {
  loading,
  ready,
  restarting,
  failed,
  /// Finishes its replies and takes no more.
  leaving
};
enum class model_state : std::uint8_t { inactive, loading, ready, degraded };

std::string to_string(entity_state state);
std::string to_string(model_state state);
std::string to_string(finish_reason reason);

struct entity_status {
  std::string device;
  std::string node;
  entity_state state = entity_state::loading;
  /// While it is loading: how far, from 0 to 1.
  double loaded = 0;
  /// Once it is ready: as in `model_info`.
  bool is_exact = false;
  std::uint32_t running = 0;
  std::uint32_t waiting = 0;
  double tokens_per_second = 0;
  std::uint32_t restarts = 0;
  /// Why it is restarting or failed, or has not got its model's new setting;
  /// else empty.
  std::string reason;
  /// As in `worker_counts`.
  std::uint64_t cache_blocks = 0;
  std::uint64_t cache_blocks_used = 0;
  std::uint64_t memory_bytes = 0;
  /// A call had it loaded.
  bool is_on_demand = false;
  /// What its model is known to need of the device's memory.
  std::uint64_t bytes = 0;

  friend bool operator==(const entity_status&, const entity_status&) = default;
};

struct model_status {
  std::string name;
  std::string entry;
  model_state state = model_state::inactive;
  std::uint32_t batch_size = 0;
  std::vector<entity_status> entities;
  /// The first call that needs it has it loaded.
  bool loads_on_demand = false;
  /// Milliseconds that it stays loaded without work, and that it has been
  /// without; -1 is for ever, and not at all.
  std::int64_t keep_alive = -1;
  std::int64_t idle = -1;
  /// It is not in the configuration any more and finishes its replies.
  bool is_removed = false;

  friend bool operator==(const model_status&, const model_status&) = default;
};

/// A machine, and the devices that it offers.
struct node_status {
  std::string name;
  std::vector<std::string> devices;

  friend bool operator==(const node_status&, const node_status&) = default;
};

struct server_status {
  std::vector<model_status> models;
  /// The front first.
  std::vector<node_status> nodes;
  bool draining = false;

  friend bool operator==(const server_status&, const server_status&) = default;
};

/// A reply has begun; its story comes when it is over.
struct story_begun {
  request_id id = 0;
  /// As in `request_names`.
  std::string public_id;
  std::string reply_id;

  friend bool operator==(const story_begun&, const story_begun&) = default;
};

/// Answers `get_stories`: at least one, in the order of their index.
struct request_stories {
  std::vector<reply_story> replies;

  friend bool operator==(const request_stories&,
                         const request_stories&) = default;
};

/// Answers `tokenize`.
struct tokenized {
  std::vector<token_id> tokens;
  /// Of the model, prompt and reply together.
  std::uint64_t context_length = 0;

  friend bool operator==(const tokenized&, const tokenized&) = default;
};

/// Answers `detokenize`.
struct detokenized {
  /// May hold what is no UTF-8: tokens need not end with characters.
  std::string text;

  friend bool operator==(const detokenized&, const detokenized&) = default;
};

/// Answers `make_room`.
struct room {
  std::string device;

  friend bool operator==(const room&, const room&) = default;
};

/// Answers `reload_models`: what became of each model, by name.
struct reload_report {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;
  std::vector<std::string> unchanged;

  friend bool operator==(const reload_report&, const reload_report&) = default;
};

/// Answers add, activate and remove.
struct device_report {
  std::string device;
  entity_state state = entity_state::ready;
  /// `activate` found the model active and did nothing.
  bool unchanged = false;
  /// Replies that go on elsewhere (remove only).
  std::uint32_t moved_replies = 0;

  friend bool operator==(const device_report&, const device_report&) = default;
};

} // namespace model_server

#include "actors/inspect.hpp" // how each of them is serialised
