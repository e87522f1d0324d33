// Models and the devices they run on: add, remove, activate, and see it happen.
import { change } from './api.js';
import { h, icon } from './dom.js';
import { trail } from './message_view.js';
import { morph_children } from './morph.js';
import { notify } from './notices.js';
import { running_replies } from './replies.js';
import { status } from './watch.js';

const shown_words = 90;

export class models_view {
  #busy = new Set(); // what has been asked and not been answered

  constructor(root) {
    this.replies = h('ul', { class: 'live', 'aria-label': 'Replies of this page' });
    this.live = h('div', { class: 'panel live-panel', hidden: true },
      h('h2', {}, 'On their way from this page'), this.replies);
    this.problem = h('p', { class: 'problem', role: 'alert', hidden: true });
    this.machines = h('div', { class: 'machines' });
    this.models = h('div', { class: 'models' });
    this.all = h('div', { class: 'all', hidden: true },
      this.models, h('h2', {}, 'Machines'), this.machines);
    root.append(h('div', { class: 'wide' }, this.problem, this.live, this.all));
    root.addEventListener('click', ({ target }) => {
      const { action, model, device } = target.closest('button')?.dataset ?? {};
      if (action) this.#change(action, model, device);
    });
    status.addEventListener('change', () => this.#show());
    running_replies.addEventListener('change', () => this.#show_replies());
    setInterval(() => this.#show_replies(), 250);
  }

  #show() {
    const problem = status.error ?? status.value?.refusal;
    this.problem.hidden = !problem;
    this.problem.textContent = problem?.message ?? '';
    this.all.hidden = !status.value || Boolean(status.value.refusal);
    if (this.all.hidden) return;
    const { models, nodes } = status.value;
    morph_children(this.models, Object.entries(models).map(([name, model]) =>
      this.#card(name, model, nodes)));
    morph_children(this.machines, nodes.map((node) => machine(node, models)));
  }

  // -- a model ----------------------------------------------------------------

  #card(name, model, nodes) {
    const { entities } = model;
    return h('article', { class: 'panel model', 'aria-label': name,
                          'data-key': name },
      h('header', {},
        h('h3', {}, name),
        h('span', { class: `state ${model.state}` }, model.state),
        h('span', { class: 'facts' },
          `${model.entry} · batches of ${model.batch_size}`)),
      entities.length > 0 && h('ul', { class: 'entities' },
        entities.map((each) => this.#entity(name, model, each, nodes))),
      this.#doors(name, model, nodes));
  }

  #entity(name, model, entity, nodes) {
    const device = full_name(entity, nodes);
    return h('li', { class: `entity ${entity.state}`, 'aria-label': device,
                     'data-key': device },
      h('span', { class: 'device' }, device),
      h('span', { class: `state ${entity.state}` }, state_of(entity)),
      load_bar(entity, model),
      h('span', { class: 'facts' }, facts_of(entity, model)),
      this.#button('remove', name, device, `Remove ${name} from ${device}`,
        ['Remove'], 'quiet'),
      entity.reason && h('p', { class: 'reason' }, entity.reason));
  }

  // Where an entity could be added.
  #doors(name, model, nodes) {
    const used = model.entities.map((each) => full_name(each, nodes));
    const free = devices_of(nodes).filter((each) => !used.includes(each));
    return h('div', { class: 'doors' },
      model.state === 'inactive' && this.#button('activate', name, null,
        `Activate ${name}`, ['Activate'], 'strong'),
      free.map((device) =>
        this.#button('add', name, device, `Add ${name} on ${device}`,
          [icon('add'), device])));
  }

  #button(action, model, device, label, content, kind = '') {
    const key = key_of(action, model, device);
    return h('button', { type: 'button', class: `button ${kind}`,
                         'data-key': key, 'data-action': action,
                         'data-model': model, 'data-device': device,
                         'aria-label': label, title: label,
                         disabled: this.#busy.has(key) },
      content);
  }

  // -- changes ----------------------------------------------------------------

  async #change(action, model, device) {
    const key = key_of(action, model, device);
    const is_last = status.value.models[model].entities.length === 1;
    this.#busy.add(key);
    this.#show();
    status.refresh();
    try {
      const answer = await change(model, action, device);
      notify(told(model, action, answer, is_last));
    } catch (error) {
      notify(error.message, { is_error: true });
    }
    this.#busy.delete(key);
    this.#show();
    status.refresh();
  }

  // -- replies of this page ---------------------------------------------------

  #show_replies() {
    const replies = [...running_replies];
    this.live.hidden = replies.length === 0;
    morph_children(this.replies, replies.map((reply) =>
      h('li', {},
        h('span', { class: 'model-name' }, reply.model),
        trail(reply.facts.devices),
        h('span', { class: 'facts' }, `${reply.facts.tokens} tokens`),
        h('span', { class: 'words', dir: 'auto' },
          reply.text.slice(-shown_words).replaceAll('\n', ' ')))));
  }
}

function key_of(...parts) {
  return parts.filter(Boolean).join(' ');
}

// -- words ----------------------------------------------------------------------

function told(name, action, { device, moved_replies, unchanged }, is_last) {
  if (unchanged) return `${name} was active already.`;
  if (action !== 'remove') return `${name} is ready on ${device}.`;
  if (is_last) return `${name} was removed from ${device}, its last device.`;
  const moved = moved_replies === 1 ? '1 reply' : `${moved_replies} replies`;
  return `${name} was removed from ${device}; ${moved} moved.`;
}

/** The name that orders take: the first machine is this one. */
function full_name({ node, device }, nodes) {
  return node === nodes[0].name ? device : `${node}/${device}`;
}

function devices_of(nodes) {
  return nodes.flatMap((node) =>
    node.devices.map((device) => full_name({ node: node.name, device }, nodes)));
}

function state_of({ state, progress }) {
  if (state !== 'loading' || !progress) return state;
  return `loading ${Math.round(100 * progress)} %`;
}

function facts_of(entity, { batch_size }) {
  const words = [`${entity.running} of ${batch_size} running`];
  if (entity.waiting > 0) words.push(`${entity.waiting} waiting`);
  if (entity.running > 0)
    words.push(`${entity.tokens_per_second.toFixed(0)} tokens/s`);
  if (entity.restarts > 0) words.push(`restarted ${entity.restarts} times`);
  return words.join(' · ');
}

function load_bar({ state, running, progress }, { batch_size }) {
  const share = state === 'loading' ? progress ?? 0 : running / batch_size;
  return h('progress', { max: 1, value: Math.min(1, share),
                         'aria-label': state === 'loading' ? 'Loaded'
                                                           : 'Batch' });
}

function machine({ name, devices }, models) {
  const loads = (device) => Object.entries(models)
    .filter(([, { entities }]) => entities.some((each) =>
      each.node === name && each.device === device))
    .map(([model]) => model);
  return h('div', { class: 'panel machine' },
    h('h3', {}, name),
    h('dl', {}, devices.map((device) =>
      h('div', {},
        h('dt', { class: 'device' }, device),
        h('dd', {}, loads(device).join(', ') || 'free')))));
}
