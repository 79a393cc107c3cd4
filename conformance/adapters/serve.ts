/**
 * The adapter's side of the protocol: lines in, lines out. An adapter in TypeScript is a table of operations.
 *
 * @module
 */
import { createInterface } from 'node:readline';
import { requestSchema, type Answer } from '../schema/protocol.ts';
import type { Value } from '../schema/vector.ts';

/** Parameters of one request, with what an operation needs to read them. */
export class Params {
  readonly #values: Readonly<Record<string, Value>>;

  constructor(values: Readonly<Record<string, Value>>) {
    this.#values = values;
  }

  /** All of them. */
  get all(): Record<string, Value> {
    return { ...this.#values };
  }

  /** True if the parameter is there. */
  has(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** A parameter that is text. */
  text(name: string): string {
    const value = this.#values[name];
    if (typeof value !== 'string') throw new TypeError(`${name} is not text`);
    return value;
  }

  /** A parameter that is text, or `otherwise` if it is absent. */
  textOr<T>(name: string, otherwise: T): string | T {
    return this.has(name) ? this.text(name) : otherwise;
  }

  /** A parameter that is bytes. */
  bytes(name: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(Buffer.from(this.text(name), 'hex'));
  }

  /** A parameter that is bytes; none if it is absent. */
  bytesOr(name: string, otherwise: Uint8Array = new Uint8Array(0)): Uint8Array {
    return this.has(name) ? this.bytes(name) : otherwise;
  }

  /** A parameter that is a number. */
  number(name: string): number {
    const value = this.#values[name];
    if (typeof value !== 'number') throw new TypeError(`${name} is not a number`);
    return value;
  }

  /** A parameter that is true or false. */
  flag(name: string): boolean {
    const value = this.#values[name];
    if (typeof value !== 'boolean') throw new TypeError(`${name} is not true or false`);
    return value;
  }

  /** A parameter that is an object. */
  object(name: string): Params {
    const value = this.#values[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new TypeError(`${name} is not an object`);
    return new Params(value);
  }

  /** A parameter that is a list of texts. */
  texts(name: string): string[] {
    const value = this.#values[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value.map((item) => new Params({ item }).text('item'));
  }

  /** A parameter that is a list of numbers. */
  numbers(name: string): number[] {
    const value = this.#values[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value.map((item) => new Params({ item }).number('item'));
  }

  /** A parameter that is a list of pairs of numbers. */
  pairs(name: string): [number, number][] {
    const value = this.#values[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value.map((item) => {
      const [a, b, more] = new Params({ item }).numbers('item');
      if (a === undefined || b === undefined || more !== undefined)
        throw new TypeError(`${name} has no pairs`);
      return [a, b];
    });
  }

  /** A parameter that is a list of lists. */
  rows(name: string): Value[][] {
    const value = this.#values[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value.map((row) => {
      if (!Array.isArray(row)) throw new TypeError(`${name} has no lists`);
      return row;
    });
  }

  /** A parameter that is a list of objects; none if it is absent. */
  list(name: string): Params[] {
    const value = this.#values[name] ?? [];
    if (!Array.isArray(value)) throw new TypeError(`${name} is not a list`);
    return value.map((item) => new Params({ item }).object('item'));
  }
}

/** An operation that the implementation does not have. */
export class Unsupported extends Error {
  readonly feature: string;

  constructor(feature: string) {
    super(feature);
    this.feature = feature;
  }
}

/** Code and position of an error that the implementation threw, if it is one of its own. */
export type CodeOf = (error: unknown) => { readonly error: string; readonly position?: number } | undefined;

/** One operation: parameters in, result out. */
export type Operation = (params: Params) => Record<string, Value> | Promise<Record<string, Value>>;

async function answer(
  operations: Readonly<Record<string, Operation>>,
  op: string,
  params: Record<string, Value>,
  codeOf: CodeOf,
): Promise<Answer> {
  try {
    const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
    if (operation === undefined) return { outcome: 'unsupported', feature: op };
    return { outcome: 'ok', result: await operation(new Params(params)) };
  } catch (error) {
    if (error instanceof Unsupported) return { outcome: 'unsupported', feature: error.feature };
    const code = codeOf(error);
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return code === undefined
      ? { outcome: 'error', detail }
      : { outcome: 'reject', ...code, native: String(error) };
  }
}

/** Answers requests until the input ends. */
export async function serve(operations: Readonly<Record<string, Operation>>, codeOf: CodeOf): Promise<void> {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const { id, op, params } = requestSchema.parse(JSON.parse(line));
    process.stdout.write(`${JSON.stringify({ id, ...(await answer(operations, op, params, codeOf)) })}\n`);
  }
}
