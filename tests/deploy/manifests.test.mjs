// The files of deploy/ against the schemas of those who read them, against each
// other and against the program.
import assert from "node:assert/strict";
import {execFileSync, spawnSync} from "node:child_process";
import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {test} from "node:test";
import yaml from "yaml";
import {composeErrors, kubernetesErrors} from "./schemas.mjs";

const root = process.env.MODEL_SERVER_SOURCE;
const help = execFileSync(process.env.MODEL_SERVER_PROGRAM, ["--help"], {encoding: "utf8"});
const text = (path) => readFileSync(join(root, path), "utf8");
const kubernetes = (file) =>
  yaml.parseAllDocuments(text(`deploy/kubernetes/${file}`)).map((d) => d.toJS());
// YAML's merge keys are for the shared part of the services.
const compose = yaml.parse(text("deploy/docker/compose.yaml"), {merge: true});
const dockerfile = text("deploy/docker/Dockerfile");
const unit = text("deploy/systemd/model-server.service.in");
const kustomization = kubernetes("kustomization.yaml")[0];
const objects = kustomization.resources.flatMap(kubernetes);

const named = (kind, name) => objects.find((o) => o.kind === kind && o.metadata.name === name);
const workloads = objects.filter((o) => ["Deployment", "StatefulSet"].includes(o.kind));
const podOf = (workload) => workload.spec.template.spec;
const containers = workloads.flatMap((w) => podOf(w).containers);
const labelsOf = (workload) => workload.spec.template.metadata.labels;
const selects = (selector, labels) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
const selectedBy = (selector) => workloads.filter((w) => selects(selector, labelsOf(w)));
const variables = (container) =>
  Object.fromEntries((container.env ?? []).map(({name, value}) => [name, value]));
const portNames = (workload) =>
  podOf(workload).containers.flatMap((c) => (c.ports ?? []).map((p) => p.name));
const seconds = (time) => Number(/^(\d+)s$/.exec(time)[1]);

/// What the program needs to end when replies take as long as they may.
const drainLimit = seconds(/--drain-timeout .*\n.*default (\d+s)/.exec(help)[1]);
const endSeconds = 10;
const defaultPort = Number(/--port .*\n.*default (\d+)/.exec(help)[1]);

/// Every option that a file sets must be one of this program. A key by itself is a
/// variable alone.
function checkVariables(names, place) {
  for (const name of names.filter((n) => /^MODEL_SERVER_/.test(n)))
    assert.ok(help.includes(name), `${place}: the program knows no ${name}`);
}

test("Kubernetes knows every field of the manifests", async () => {
  assert.deepEqual(await kubernetesErrors(objects), []);
});

test("a misspelt or missing field would be found", async () => {
  const [front] = workloads.map((w) => structuredClone(w));
  podOf(front).containers[0].livenesProbe = {};
  assert.match((await kubernetesErrors([front])).join(), /livenesProbe/);
  delete podOf(front).containers[0].livenesProbe;
  delete front.spec.selector;
  assert.match((await kubernetesErrors([front])).join(), /selector/);
  assert.notDeepEqual(composeErrors({services: {a: {imagge: "x"}}}), []);
});

test("the kustomization names every file, and makes what pods mount", () => {
  const files = readdirSync(join(root, "deploy/kubernetes"))
    .filter((f) => f.endsWith(".yaml") && f !== "kustomization.yaml");
  assert.deepEqual(kustomization.resources.toSorted(), files.toSorted());
  const made = new Set([...kustomization.configMapGenerator, ...kustomization.secretGenerator]
    .map((g) => g.name));
  const keys = Object.fromEntries(kustomization.secretGenerator.map((g) =>
    [g.name, g.files.map((f) => f.split("=")[0])]));
  for (const workload of workloads) {
    const pod = podOf(workload);
    for (const volume of pod.volumes) {
      const name = volume.secret?.secretName ?? volume.configMap?.name;
      assert.ok(!name || made.has(name), `${name} is not made`);
    }
    for (const container of pod.containers) {
      const mounts = container.volumeMounts;
      for (const mount of mounts)
        assert.ok(pod.volumes.some((v) => v.name === mount.name), mount.name);
      for (const path of Object.values(variables(container)).filter((v) => v?.startsWith("/"))) {
        const mount = mounts.find((m) => path.startsWith(`${m.mountPath}/`));
        const volume = pod.volumes.find((v) => v.name === mount?.name);
        assert.ok(keys[volume?.secret?.secretName]?.includes(path.split("/").at(-1)), path);
      }
    }
  }
});

test("kubectl renders the kustomization", (t) => {
  if (spawnSync("kubectl", ["version", "--client"]).error)
    return t.skip("there is no kubectl");
  const folder = mkdtempSync(join(tmpdir(), "kustomize-"));
  try {
    cpSync(join(root, "deploy/kubernetes"), folder, {recursive: true});
    const secrets = join(folder, "secrets");
    execFileSync(join(root, "deploy/make-cluster-certs.sh"), [secrets, "front", "node"]);
    writeFileSync(join(secrets, "api-keys.json"), "{}");
    const rendered = yaml.parseAllDocuments(
      execFileSync("kubectl", ["kustomize", folder], {encoding: "utf8"})).map((d) => d.toJS());
    assert.equal(rendered.filter((o) => o.kind === "Secret").length, 3);
    for (const object of rendered.filter((o) => o.kind === "Deployment"))
      assert.match(object.spec.template.spec.containers[0].image, /^model-server:/);
  } finally {
    rmSync(folder, {recursive: true});
  }
});

test("services and policies select pods, and ports that these have", () => {
  for (const service of objects.filter((o) => o.kind === "Service")) {
    const [workload] = selectedBy(service.spec.selector);
    assert.ok(workload, `${service.metadata.name} selects nothing`);
    for (const port of service.spec.ports ?? [])
      assert.ok(portNames(workload).includes(port.targetPort), port.targetPort);
  }
  for (const {kind, metadata, spec} of objects) {
    const selector = kind === "PodDisruptionBudget" ? spec.selector
      : kind === "NetworkPolicy" ? spec.podSelector : undefined;
    if (selector)
      assert.equal(selectedBy(selector.matchLabels).length, 1, metadata.name);
  }
  for (const workload of workloads)
    assert.ok(selects(workload.spec.selector.matchLabels, labelsOf(workload)));
  const sets = workloads.filter((w) => w.kind === "StatefulSet");
  for (const set of sets)
    assert.equal(named("Service", set.spec.serviceName).spec.clusterIP, "None");
});

test("probes ask what the program answers, where it listens", () => {
  const paths = Object.keys(JSON.parse(text("http/openapi.json")).paths);
  const front = named("Deployment", "model-server");
  const [container] = podOf(front).containers;
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    const {path, port} = container[probe].httpGet;
    assert.ok(paths.includes(path), path);
    assert.equal(container.ports.find((p) => p.name === port).containerPort, defaultPort);
  }
  assert.equal(container.livenessProbe.httpGet.path, "/health/live");
  assert.match(dockerfile, new RegExp(`^EXPOSE ${defaultPort}$`, "m"));
  assert.match(dockerfile, /HEALTHCHECK[^\n]*\\\n +CMD \["\/usr\/bin\/model_api", "health"\]/);
});

test("whoever stops the server gives it the time it needs", () => {
  const pod = podOf(named("Deployment", "model-server"));
  const pause = Number(pod.containers[0].lifecycle.preStop.exec.command[1]);
  const drain = seconds(variables(pod.containers[0]).MODEL_SERVER_DRAIN_TIMEOUT);
  assert.ok(pod.terminationGracePeriodSeconds >= pause + drain + endSeconds);
  assert.ok(seconds(compose.services.front.stop_grace_period) >= drainLimit + endSeconds);
  const [, unitLimit] = /^TimeoutStopSec=(\d+)$/m.exec(unit);
  assert.ok(Number(unitLimit) >= drainLimit + endSeconds);
});

test("nodes join the front under the names that it waits for", () => {
  const front = podOf(named("Deployment", "model-server")).containers[0];
  const set = named("StatefulSet", "model-server-node");
  const node = podOf(set).containers[0];
  const [host, port] = variables(node).MODEL_SERVER_JOIN.split(":");
  const service = named("Service", host);
  assert.equal(service.spec.ports[0].port, Number(port));
  assert.ok(variables(front).MODEL_SERVER_CLUSTER_LISTEN.endsWith(
    `:${front.ports.find((p) => p.name === "cluster").containerPort}`));
  const waitedFor = front.args.filter((a) => a.includes("/")).map((a) => a.split("/")[0]);
  const names = [...Array(set.spec.replicas).keys()].map((i) => `${set.metadata.name}-${i}`);
  assert.deepEqual(waitedFor, names);

  const {front: first, "node-b": second} = compose.services;
  const [composeHost, composePort] = second.environment.MODEL_SERVER_JOIN.split(":");
  assert.ok(compose.services[composeHost] === first);
  assert.ok(first.environment.MODEL_SERVER_CLUSTER_LISTEN.endsWith(`:${composePort}`));
  assert.ok(first.networks.some((n) => second.networks.includes(n)));
  assert.deepEqual(first.command.filter((a) => a.includes("/")),
                   [`${second.environment.MODEL_SERVER_NODE_NAME}/cpu`]);
});

test("nothing runs with more rights than it needs", () => {
  for (const workload of workloads) {
    const {securityContext, automountServiceAccountToken} = podOf(workload);
    assert.equal(automountServiceAccountToken, false);
    assert.equal(securityContext.runAsNonRoot, true);
    assert.equal(securityContext.seccompProfile.type, "RuntimeDefault");
    const [, user] = /^USER (\d+):\d+$/m.exec(dockerfile);
    assert.equal(securityContext.runAsUser, Number(user));
  }
  for (const {securityContext} of containers) {
    assert.equal(securityContext.allowPrivilegeEscalation, false);
    assert.equal(securityContext.readOnlyRootFilesystem, true);
    assert.deepEqual(securityContext.capabilities, {drop: ["ALL"]});
  }
  for (const service of Object.values(compose.services)) {
    assert.equal(service.read_only, true);
    assert.deepEqual(service.cap_drop, ["ALL"]);
  }
});

test("compose knows every field of its file, and every secret is there", () => {
  assert.deepEqual(composeErrors(compose), []);
  for (const [name, service] of Object.entries(compose.services)) {
    for (const secret of service.secrets)
      assert.equal(compose.secrets[secret].file, `secrets/${secret}`);
    for (const path of Object.values(service.environment).filter((v) => v.startsWith("/run/")))
      assert.ok(service.secrets.includes(path.split("/").at(-1)), `${name}: ${path}`);
  }
});

test("every variable that a file sets is one of the program's options", () => {
  for (const container of containers)
    checkVariables(Object.keys(variables(container)), container.name);
  for (const [name, service] of Object.entries(compose.services))
    checkVariables(Object.keys(service.environment), name);
  checkVariables(dockerfile.match(/(?<!-D)MODEL_SERVER_[A-Z_]+/g), "Dockerfile");
  checkVariables(text("deploy/debian/default").match(/MODEL_SERVER_[A-Z_]+/g), "default");
});
