// The set-up and status page: what there is to see until the inbox comes.
const at = (id) => document.getElementById(id);
const show = (id) => {
  for (const part of ['setup', 'sign-in', 'status']) at(part).hidden = part !== id;
};

async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  const text = await answer.text();
  const value = text ? JSON.parse(text) : {};
  if (!answer.ok) {
    const named = (value.errors ?? []).map(({ pointer, detail }) => `${pointer.replace('/', '')}: ${detail}`);
    throw new Error([value.detail ?? `The server answered ${String(answer.status)}.`, ...named].join(' '));
  }
  return value;
}

function onSubmit(id, act) {
  const form = at(id);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const problem = form.querySelector('.problem');
    problem.textContent = '';
    act(Object.fromEntries(new FormData(form)))
      .then(refresh)
      .catch((error) => {
        problem.textContent = error.message;
      });
  });
}

/** A session's state in words, and what to do about it. */
function words({ state, code, detail, until }) {
  const why = detail ?? code ?? '';
  if (state === 'online') return 'online';
  if (state === 'backing-off') return `trying again at ${new Date(until).toLocaleTimeString()}: ${why}`;
  if (state === 'needs-person') return `needs you: ${why}`;
  return state;
}

async function refresh() {
  const ready = await fetch('/readyz').then((answer) => answer.json());
  at('ready').textContent =
    ready.status === 'ok' ? 'The server is well.' : `The server is ${ready.status}: see /readyz.`;
  let me;
  try {
    me = await call('GET', '/v1/me');
  } catch {
    show(location.hash.startsWith('#setup') ? 'setup' : 'sign-in');
    return;
  }
  history.replaceState(null, '', '/');
  at('status-title').textContent = `Hello, ${me.name}`;
  const { items } = await call('GET', '/v1/accounts');
  at('accounts').replaceChildren(
    ...(items.length > 0 ? items : [undefined]).map((account) => {
      const line = document.createElement('li');
      line.textContent = account
        ? `${account.label} (${account.network}): ${words(account.session)}`
        : 'No accounts yet: add one over the API.';
      return line;
    }),
  );
  show('status');
}

onSubmit('setup', async ({ code, name, email, password }) => {
  await call('POST', '/v1/setup', { code: code.trim(), name, email, password });
  await call('POST', '/v1/session', { email, password });
});
onSubmit('sign-in', (fields) => call('POST', '/v1/session', fields));
at('sign-out').addEventListener('click', () => {
  void call('DELETE', '/v1/session').then(refresh);
});
at('setup').elements.code.value = decodeURIComponent(/^#setup=(.+)$/.exec(location.hash)?.[1] ?? '');
void refresh();
setInterval(() => {
  if (!at('status').hidden) void refresh();
}, 5_000);
