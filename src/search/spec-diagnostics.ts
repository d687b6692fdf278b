import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { JSONPath } from 'jsonc-parser';
import { readDocuments } from '../formats/documents.js';
import { type ModelConfig, readModelConfig } from '../formats/hf-config.js';
import { isFile, isRecord } from '../formats/json-file.js';
import { enumerateVariants } from '../model/variants.js';
import { metricNamed, type Metric, parseConstraint, parseConstraints } from './constraints.js';
import { inputMessage } from './input-message.js';
import { ruleProblems } from './rules.js';
import { resolveSpec, type Spec } from './spec.js';
import { fieldName, specProblems } from './spec-problems.js';
import { specSchema } from './spec-schema.js';
import { readJsonText, type Span, spanOf } from './spec-text.js';
import { importedTables } from './target-tables.js';

/** One thing that keeps a spec from being searched, and the part of its text that says so. */
export interface SpecDiagnostic extends Span {
  severity: 'error' | 'warning';
  /** `json`: no valid JSON. `schema`: what the JSON schema says too. `content`: what only this program can tell. */
  kind: 'json' | 'schema' | 'content';
  message: string;
}

/** What a check of a spec's content finds. */
interface Finding {
  path: JSONPath;
  message: string;
  part?: 'name' | 'value';
  severity?: 'error' | 'warning';
}

/**
 * Everything about the text of a spec that can be told without reading a weight or solving: JSON, schema, and what the
 * schema cannot say: folders and files that are not there, models that are not supported, KV heads that do not divide,
 * limits and rules that mean nothing.
 *
 * @param file where the text is or will be: its paths are relative to it
 */
export async function specDiagnostics(text: string, file: string): Promise<SpecDiagnostic[]> {
  const { json, tree, problems } = readJsonText(text);
  if (problems.length > 0) {
    return problems.map((problem) => ({ ...problem, severity: 'error', kind: 'json' }));
  }
  const parsed = specSchema.safeParse(json, { reportInput: true });
  if (!parsed.success) {
    return specProblems(parsed.error.issues, specSchema).map(({ path, part, message }) => ({
      ...{ severity: 'error', kind: 'schema', message: `${fieldName(path)} ${message}` },
      ...spanOf(tree, path, part),
    }));
  }
  const spec = resolveSpec(parsed.data, file);
  const parent = await readParent(spec.parent);
  const findings = [
    ...parent.findings,
    ...(await textFindings(parsed.data, spec)),
    ...(await taskFindings(spec)),
    ...limitFindings(spec),
    ...(await tableFindings(spec, parent.config)),
    ...(parent.config === undefined ? [] : modelFindings(spec, parent.config)),
  ];
  return findings.map(({ path, message, part = 'value', severity = 'error' }) => ({
    ...{ severity, kind: 'content', message },
    ...spanOf(tree, path, part),
  }));
}

/** Where a metric is limited in the text of a spec, or where its limits are; undefined where there are none. */
export function limitRange(text: string, metric: Metric): Span | undefined {
  const { json, tree } = readJsonText(text);
  const limits = isRecord(json) ? json['limits'] : undefined;
  if (!isRecord(limits)) return undefined;
  const name = Object.keys(limits).find((name) => metricNamed(name) === metric);
  return name === undefined ? spanOf(tree, ['limits'], 'name') : spanOf(tree, ['limits', name], 'value');
}

async function readParent(dir: string): Promise<{ config?: ModelConfig; findings: Finding[] }> {
  const about = (message: string) => ({ findings: [{ path: ['parent'], message }] });
  const found = await stat(dir).catch(() => undefined);
  if (found === undefined) return about(`no such folder: ${dir}`);
  if (!found.isDirectory()) return about(`is a file; give the folder that holds config.json and the weights: ${dir}`);
  if (!(await isFile(path.join(dir, 'config.json')))) {
    return about(`has no config.json; give the folder of a trained model: ${dir}`);
  }
  const config = await attempt(() => readModelConfig(dir));
  if (typeof config === 'string') return about(config);
  const names = await readdir(dir);
  const missing = [
    ...(names.some((name) => name.endsWith('.safetensors')) ? [] : ['*.safetensors']),
    ...(names.includes('tokenizer.json') ? [] : ['tokenizer.json']),
  ];
  if (missing.length === 0) return { config, findings: [] };
  return { config, ...about(`has no ${missing.join(' and no ')}, which a search needs: ${dir}`) };
}

async function textFindings(written: Spec, { data }: Spec): Promise<Finding[]> {
  const paths = [data.text].flat();
  const findings = await Promise.all(
    paths.map(async (file, i): Promise<Finding[]> => {
      const path = ['data', 'text', ...(Array.isArray(written.data.text) ? [i] : [])];
      if (await isMissing(file)) return [{ path, message: `no such file or folder: ${file}` }];
      const message = await attempt(async () => {
        const documents = readDocuments([file]);
        const { done } = await documents.next();
        await documents.return(undefined);
        return done === true ? `holds no text: ${file}` : undefined;
      });
      return message === undefined ? [] : [{ path, message }];
    }),
  );
  return findings.flat();
}

async function taskFindings({ tasks }: Spec): Promise<Finding[]> {
  const findings = await Promise.all(
    tasks.map(async (file, i): Promise<Finding[]> => {
      const path = ['tasks', i];
      const found = await stat(file).catch(() => undefined);
      if (found === undefined) return [{ path, message: `no such file or folder: ${file}` }];
      if (!found.isDirectory() || (await readdir(file)).some((name) => name.endsWith('.jsonl'))) return [];
      return [{ path, message: `holds no .jsonl files with multiple-choice tasks: ${file}` }];
    }),
  );
  return findings.flat();
}

function limitFindings({ limits }: Spec): Finding[] {
  const findings = Object.entries(limits).flatMap(([name, text]): Finding[] => {
    const message = attemptNow(() => parseConstraint(name, text, 'limits'));
    const part = metricNamed(name) === undefined ? 'name' : 'value';
    return typeof message === 'string' ? [{ path: ['limits', name], part, message }] : [];
  });
  if (findings.length > 0) return findings;
  const repeated = attemptNow(() => parseConstraints(limits));
  return typeof repeated === 'string' ? [{ path: ['limits'], part: 'name', message: repeated }] : [];
}

async function tableFindings({ target, space }: Spec, config: ModelConfig | undefined): Promise<Finding[]> {
  if (target.engine !== 'table') return [];
  const { file } = target;
  const about = (message: string): Finding[] => [{ path: ['target', 'file'], message }];
  if (await isMissing(file)) return about(`no such file: ${file}`);
  const tables = await attempt(() => importedTables(target));
  if (typeof tables === 'string') return about(tables);
  const variants = config && attemptNow(() => enumerateVariants(config, space));
  // What is wrong with the space is said where the space is.
  if (config === undefined || variants === undefined || typeof variants === 'string') return [];
  const message = await attempt(() => importedTables(target, { config, variants }));
  return typeof message === 'string' ? about(message) : [];
}

/** What does not go with the parent. */
function modelFindings({ data, space, rules }: Spec, config: ModelConfig): Finding[] {
  const { maxPositionEmbeddings: longest } = config;
  const findings: Finding[] = [];
  if (data.sequenceLength !== undefined && data.sequenceLength > longest) {
    const message = `the parent was made for at most ${longest} tokens (max_position_embeddings)`;
    findings.push({ path: ['data', 'sequenceLength'], message });
  }
  const { kvHeads } = space.attention;
  for (const [i, one] of Array.isArray(kvHeads) ? kvHeads.entries() : []) {
    const attention = { ...space.attention, kvHeads: [one] };
    const message = attemptNow(() => enumerateVariants(config, { ...space, attention }));
    if (typeof message === 'string') findings.push({ path: ['space', 'attention', 'kvHeads', i], message });
  }
  const variants = attemptNow(() => enumerateVariants(config, space));
  if (typeof variants === 'string') return findings;
  const contradictions = ruleProblems(rules, variants).map(({ path, message }) => ({
    path: ['rules', ...path],
    message,
  }));
  return [...findings, ...contradictions];
}

async function isMissing(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) === undefined;
}

/** What `work` gives; where that is not to be had, why. */
async function attempt<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    return inputMessage(error);
  }
}

function attemptNow<T>(work: () => T): T | string {
  try {
    return work();
  } catch (error) {
    return inputMessage(error);
  }
}
