// From Prometheus' text to figures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  gauge, quantiles, rate, share_of_counters, share_of_gauges, snapshot_before,
} from './figures.js';
import { labels_of, lines_of } from './lines.js';
import { parse_metrics } from './prometheus.js';

function at(time, text) {
  return { time, metrics: parse_metrics(text) };
}

test('reads samples', () => {
  const metrics = parse_metrics(`# HELP a_total help
# TYPE a_total counter
a_total{model="org/m",device="cpu"} 12
a_total{ model = "x" , device="b" , } 1.5e3 1700000000000
b 3
c{le="+Inf"} +Inf
d{text="a\\"b\\\\c\\nd}"} -0.5
`);
  assert.deepEqual(metrics.get('a_total').map(({ labels, value }) => [labels, value]), [
    [{ model: 'org/m', device: 'cpu' }, 12],
    [{ model: 'x', device: 'b' }, 1500],
  ]);
  assert.equal(metrics.get('b')[0].value, 3);
  assert.equal(metrics.get('c')[0].value, Infinity);
  assert.equal(metrics.get('d')[0].labels.text, 'a"b\\c\nd}');
});

test('passes over what is no sample', () => {
  const metrics = parse_metrics('a\n{} 1\nb{x="y" 1\nc{x=y} 1\nd one\n\ne{} 2\n9f 1');
  assert.deepEqual([...metrics.keys()], ['e']);
});

const early = at(100, `
model_server_generation_tokens_total{model="a",device="cpu"} 100
model_server_generation_tokens_total{model="a",device="cuda:0"} 50
`);
const late = at(110, `
model_server_generation_tokens_total{model="a",device="cpu"} 150
model_server_generation_tokens_total{model="a",device="cuda:0"} 20
model_server_generation_tokens_total{model="b",device="cpu"} 10
`);

test('a rate is what a counter grew by; one that went down began anew', () => {
  assert.deepEqual(rate(early, late, 'generation_tokens_total', ''), [
    { names: ['a', 'cpu'], value: 5 },
    { names: ['a', 'cuda:0'], value: 2 },
    { names: ['b', 'cpu'], value: 1 },
  ]);
});

test('a gauge is as it is', () => {
  assert.deepEqual(gauge(at(1, 'model_server_x{model="m",device="d"} 7'), 'x', ''),
    [{ names: ['m', 'd'], value: 7 }]);
});

test('labels are as short as tells lines apart', () => {
  assert.deepEqual(labels_of([['a', 'cpu'], ['a', 'gpu']]), ['cpu', 'gpu']);
  assert.deepEqual(labels_of([['a', 'cpu'], ['b', 'gpu']]),
    ['a · cpu', 'b · gpu']);
  assert.deepEqual(labels_of([['m', 'd']]), ['d']);
  assert.deepEqual(labels_of([]), []);
});

test('a line stays one when others come and go', () => {
  const cpu = (value) => ({ names: ['a', 'cpu'], value });
  const gpu = (value) => ({ names: ['a', 'gpu'], value });
  const gone = { names: ['b', 'cpu'], value: null };
  assert.deepEqual(lines_of([
    { age: 4, figure: null },
    { age: 2, figure: [cpu(1), gone] },
    { age: 0, figure: [gpu(3)] },
  ]), [
    { label: 'gpu', points: [{ age: 4, value: null }, { age: 2, value: null },
                             { age: 0, value: 3 }] },
    { label: 'cpu', points: [{ age: 4, value: null }, { age: 2, value: 1 },
                             { age: 0, value: null }] },
  ]);
});

test('a metric that is not there gives no figure', () => {
  const none = at(1, '');
  assert.equal(gauge(none, 'requests_waiting', ''), null);
  assert.equal(rate(null, none, 'x', ''), null);
  assert.equal(rate(none, none, 'x', ''), null);
  assert.equal(quantiles(null, none, 'x', [], ''), null);
  assert.equal(share_of_gauges(none, 'x', 'y', ''), null);
  assert.equal(share_of_counters(null, none, 'x', 'y', ''), null);
});

test('shares', () => {
  const now = at(1, `
model_server_running{model="m",device="a"} 2
model_server_capacity{model="m",device="a"} 8
model_server_capacity{model="m",device="b"} 0`);
  assert.deepEqual(share_of_gauges(now, 'running', 'capacity', ''),
    [{ names: ['m', 'a'], value: 25 }, { names: ['m', 'b'], value: null }]);
});

test('quantiles of what came between', () => {
  const histogram = (time, counts) => at(time, ['0.1', '0.2', '0.4', '+Inf']
    .map((le, i) => `model_server_t_bucket{model="m",le="${le}"} ${counts[i]}`)
    .join('\n'));
  const ranks = [{ label: 'half', q: 0.5 }, { label: 'most', q: 0.95 }];
  const of = (older, newer) =>
    quantiles(older, newer, 't', ranks, '').map(({ value }) => value);
  const before = histogram(0, [100, 100, 100, 100]);
  assert.deepEqual(of(before, histogram(1, [100, 110, 110, 110])),
    [0.15000000000000002, 0.195]);
  assert.deepEqual(of(before, histogram(1, [110, 110, 110, 130])), [0.4, 0.4]);
  assert.deepEqual(of(before, before), [null, null]);
});

test('the past is the newest snapshot that is old enough, else the oldest', () => {
  const snapshots = [0, 2, 4, 6].map((time) => ({ time }));
  assert.equal(snapshot_before(snapshots, 3).time, 2);
  assert.equal(snapshot_before(snapshots, 60).time, 0);
  assert.equal(snapshot_before(snapshots.slice(0, 1), 3), null);
});
