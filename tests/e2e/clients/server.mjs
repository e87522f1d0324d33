// Where the server under test is, and what its models say.
export const origin = process.env.MODEL_SERVER_ORIGIN;
export const base_url = `${origin}/v1`;
export const key = process.env.MODEL_SERVER_TEST_KEY ?? 'none';

export const hello = [{ role: 'user', content: 'What does activate do?' }];

/** A message that makes the model `fault` go on until it is cut off. */
export const endless = [
  { role: 'user', content: 'len=30000 sleep_ms=10' },
];

/** How many replies of a model run now. */
export async function running(model) {
  const response = await fetch(`${origin}/api/v1/`, {
    headers: { authorization: `Bearer ${key}` },
  });
  const { models } = await response.json();
  return models[model].entities.reduce((sum, each) => sum + each.running, 0);
}

/** Asks until so many replies run; throws when it takes too long. */
export async function comes_to(model, count) {
  const until = Date.now() + 20_000;
  while ((await running(model)) !== count)
    if (Date.now() > until) throw new Error(`${model}: not ${count} running`);
}
