/**
 * Settings of a server: a JSON file, and variables of the environment that take the place of its fields. Each error
 * names the field or the variable.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { StrongroomError } from '../errors.ts';
import type { Rate } from './limits.ts';
import type { Listen } from './listen.ts';

/** Schema of an address to listen on. */
export const ListenConfig: z.ZodType<Listen> = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(0).max(65535),
});

/** Schema of a {@link Rate}. */
export const RateConfig: z.ZodType<Rate> = z.strictObject({
  perMinute: z.number().positive().max(1e9),
  burst: z.int().min(1).max(1e9),
});

/** Where settings come from. */
export interface SettingsSource {
  readonly file: string;
  /** Variables of this server begin with it, for example `STRONGROOM_VAULT_`. */
  readonly prefix: string;
  /** Fields that a variable may set, as paths with dots (`listen.port`), and what they hold. */
  readonly fields: Readonly<Record<string, 'text' | 'number' | 'switch'>>;
  readonly environment: NodeJS.ProcessEnv;
}

type Json = Record<string, unknown>;

/** `listen.port` is set by `STRONGROOM_VAULT_LISTEN_PORT`, `sealingKey` by `…_SEALING_KEY`. */
export function variableOf(prefix: string, field: string): string {
  return (
    prefix +
    field
      .replaceAll(/[A-Z]/gu, (letter) => `_${letter}`)
      .replaceAll('.', '_')
      .toUpperCase()
  );
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts `value` at the path of `field`, beside what is there. */
function put(target: Json, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = isObject(target[name]) ? target[name] : {};
  target[name] = inner;
  put(inner, rest, value);
}

/** What does not read as a number or a truth value stays text, and the schema refuses it. */
function valueOf(kind: 'text' | 'number' | 'switch' | undefined, text: string): unknown {
  if (kind === 'number' && /^\d+(?:\.\d+)?$/u.test(text)) return Number(text);
  return kind === 'switch' && /^(?:true|false)$/u.test(text) ? text === 'true' : text;
}

/**
 * Reads settings. A variable that is set goes before the file.
 *
 * @throws StrongroomError `invalid-config`; `details.subject` names the field, or the variable that set it
 */
export async function readSettings<T>(schema: z.ZodType<T>, source: SettingsSource): Promise<T> {
  const { file, prefix, fields, environment } = source;
  const fault = (subject: string, message: string, cause?: unknown): StrongroomError =>
    new StrongroomError('invalid-config', message, { subject }, { cause });
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw fault(file, `${file}: ${(cause as Error).message}`, cause);
  }
  if (!isObject(json)) throw fault(file, `${file}: not an object`);
  const variables = new Map(Object.keys(fields).map((field) => [variableOf(prefix, field), field]));
  const setBy = new Map<string, string>();
  for (const [variable, text = ''] of Object.entries(environment)) {
    if (!variable.startsWith(prefix)) continue;
    const field = variables.get(variable);
    if (field === undefined) throw fault(variable, `${variable}: there is no such setting`);
    put(json, field.split('.'), valueOf(fields[field], text));
    setBy.set(field, variable);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const field = [...(issue?.path ?? []), ...unknown].join('.');
  const variable = setBy.get(field);
  if (variable !== undefined) throw fault(variable, `${variable}: ${issue?.message}`, parsed.error);
  throw fault(field, `${file}: ${field}: ${issue?.message}`, parsed.error);
}
