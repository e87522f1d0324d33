// Puts the page together.
import { chat_list } from './chat_list.js';
import { chat_store } from './chats.js';
import { chat_view } from './chat_view.js';
import { conversations } from './conversations.js';
import { h, icon, icon_button } from './dom.js';
import { figures_view } from './figures_view.js';
import { make_key_dialog } from './key_dialog.js';
import { models_view } from './models_view.js';
import { notify } from './notices.js';
import { figures, status } from './watch.js';

const at = (id) => document.getElementById(id);
const theme_name = 'model-server.theme';

// -- views ----------------------------------------------------------------------

const talks = new conversations(new chat_store(localStorage));
const chat = new chat_view(at('view-chat'), talks);
new models_view(at('view-models'));
const plots = new figures_view(at('view-figures'));
new chat_list(at('chats'), talks, () => {
  location.hash = 'chat';
  close_side();
  chat.focus();
});

const views = {
  chat: { title: 'Chat', bar: chat.bar, status: 3000, figures: 10000 },
  models: { title: 'Models', bar: [], status: 700, figures: 10000 },
  figures: { title: 'Figures', bar: plots.bar, status: 3000, figures: 2000 },
};

function show_view() {
  const name = location.hash.slice(1) in views ? location.hash.slice(1) : 'chat';
  for (const each of Object.keys(views)) {
    at(`view-${each}`).hidden = each !== name;
    at(`to-${each}`).setAttribute('aria-current',
      each === name ? 'page' : 'false');
  }
  const view = views[name];
  document.title = name === 'chat' ? 'Model Server'
                                   : `${view.title} · Model Server`;
  at('top').replaceChildren(menu_button,
    h('h1', { class: name === 'chat' ? 'unseen' : null }, view.title),
    ...view.bar);
  status.set_period(view.status);
  figures.set_period(view.figures);
  close_side();
  if (name === 'chat') chat.focus();
}

// -- the side, which is a drawer on a narrow screen -------------------------------

const menu_button = icon_button('menu', 'Menu', () => open_side(),
  { class: 'icon-button menu', 'aria-expanded': 'false',
    'aria-controls': 'side' });

function open_side() {
  at('side').classList.add('open');
  at('shade').hidden = false;
  menu_button.setAttribute('aria-expanded', 'true');
  at('to-chat').focus();
}

function close_side() {
  if (!at('side').classList.contains('open')) return;
  at('side').classList.remove('open');
  at('shade').hidden = true;
  menu_button.setAttribute('aria-expanded', 'false');
  menu_button.focus();
}

at('shade').addEventListener('click', close_side);
at('side').addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') close_side();
});
for (const name of Object.keys(views)) at(`to-${name}`).prepend(icon(name));

// -- theme and key ----------------------------------------------------------------

// What theme.js has set.
function is_dark() {
  return document.documentElement.dataset.theme === 'dark';
}

function toggle_theme() {
  const theme = is_dark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  localStorage.setItem(theme_name, theme);
  theme_button.replaceChildren(icon(is_dark() ? 'light' : 'dark'));
}

const theme_button = icon_button(is_dark() ? 'light' : 'dark',
  'Switch between light and dark', toggle_theme);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
  theme_button.replaceChildren(icon(is_dark() ? 'light' : 'dark')));
const ask_for_key = make_key_dialog(() => {
  status.refresh();
  figures.refresh();
});
at('side-foot').append(theme_button,
  icon_button('key', 'API key', () => {
    close_side();
    ask_for_key();
  }));

talks.addEventListener('full', () =>
  notify('The browser has no room for more: this chat is not kept. Delete '
    + 'others to make some.', { is_error: true }));

window.addEventListener('hashchange', show_view);
show_view();
