/**
 * Values in a transcript. Texts that begin with `@` stand for something: `@folder/…` and `@server/n…` for what has
 * another name in every run, `@sha256/…` for a long text that is written once, and `@@…` for itself without the first `@`.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import type { Value } from '../schema/vector.ts';

/** Texts of more UTF-16 code units are written once. */
const LONG = 300;

/** What has another name in every run. */
export interface Names {
  /** The folder of the run. */
  readonly folder: string;
  /** Origins of servers of the suite's own, in the order in which they were started. */
  readonly servers: readonly string[];
}

/** SHA-256 of a text, in hexadecimal. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Every text of a value changed. */
function mapTexts(value: Value, change: (text: string) => string): Value {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapTexts(each, change)]));
}

/** Keeps a long text under its hash. */
export type Keep = (hash: string, text: string) => void;

/** A value for a transcript; its long texts are kept, unless the suite can make them again. */
export function encode(value: Value, names: Names, keep?: Keep): Value {
  return mapTexts(value, (text) => {
    if (text.startsWith(`${names.folder}/`)) return `@folder${text.slice(names.folder.length)}`;
    const server = names.servers.findIndex((origin) => text.startsWith(origin));
    if (server >= 0) return `@server/${server}${text.slice(names.servers[server]?.length)}`;
    if (text.length <= LONG) return text.startsWith('@') ? `@${text}` : text;
    const hash = sha256Of(text);
    keep?.(hash, text);
    return `@sha256/${hash}`;
  });
}

/** The value that was encoded. @throws Error if a long text is not there */
export function decode(value: Value, names: Names, text: (hash: string) => string): Value {
  return mapTexts(value, (coded) => {
    if (!coded.startsWith('@')) return coded;
    if (coded.startsWith('@folder')) return names.folder + coded.slice('@folder'.length);
    const [, server, rest = ''] = /^@server\/(\d+)(.*)$/su.exec(coded) ?? [];
    if (server !== undefined) return `${names.servers[Number(server)] ?? ''}${rest}`;
    return coded.startsWith('@sha256/') ? text(coded.slice('@sha256/'.length)) : coded.slice(1);
  });
}
