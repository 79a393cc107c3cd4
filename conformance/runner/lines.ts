/**
 * Lines from an adapter: cut out of what arrives, and read.
 *
 * @module
 */
import * as z from 'zod';
import { answerSchema, type Answer } from '../schema/protocol.ts';

/** The longest line that is read, in UTF-16 code units; more is a fault of the adapter. */
const MAX_LINE = 64 << 20;

/** Cuts lines out of a stream of text. A line is joined once, however small the parts are that it comes in. */
export class Lines {
  #parts: string[] = [];
  #length = 0;

  /** The lines that end in `text`, without their ends. */
  push(text: string): string[] {
    const [head = '', ...rest] = text.split('\n');
    this.#parts.push(head);
    this.#length += head.length;
    return rest.map((part) => {
      const line = this.#parts.join('');
      this.#parts = [part];
      this.#length = part.length;
      return line;
    });
  }

  /** True if the line that has not ended is longer than any answer may be. */
  get endless(): boolean {
    return this.#length > MAX_LINE;
  }
}

/** The beginning of a line, for people. */
function shown(line: string): string {
  return JSON.stringify(line.length > 120 ? `${line.slice(0, 120)}…` : line);
}

/** What a line answers; or what is wrong with it, in words. */
export function readAnswer(line: string): { readonly id: string; readonly answer: Answer } | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `a line that is not JSON: ${shown(line)}`;
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success)
    return `a line that is no answer: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}: ${shown(line)}`;
  const { id, ...answer } = parsed.data;
  return { id, answer };
}
