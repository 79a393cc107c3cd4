/**
 * The requirements of the specification, read from its text.
 *
 * @module
 */
import { ownFiles } from './assets.ts';

/** One normative sentence. */
export interface Requirement {
  readonly id: string;
  /** The keyword of BCP 14. */
  readonly level: 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY';
  /** File below `spec/`. */
  readonly file: string;
  readonly line: number;
  readonly sentence: string;
}

/** A place where the text breaks the rules for normative sentences. */
export interface TextFault {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const MARK = /^\s*(?:[-*]\s+|\d+\.\s+|\|\s*)?\*\*\[([A-Z]{3}-[0-9]+)\]\*\*\s+(.*)$/u;
const KEYWORD =
  /\b(MUST NOT|SHALL NOT|SHOULD NOT|NOT RECOMMENDED|MUST|SHALL|SHOULD|MAY|REQUIRED|RECOMMENDED|OPTIONAL)\b/gu;
const LEVELS: readonly Requirement['level'][] = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY'];

/** Lines of a document that are text, not code; a code span counts as no text. */
function* prose(text: string): Generator<readonly [number, string]> {
  let fence = false;
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*```/u.test(line)) fence = !fence;
    else if (!fence) yield [i + 1, line.replaceAll(/`[^`]*`/gu, (span) => '`'.repeat(span.length))];
  }
}

/** The requirements of one document, and what is wrong with its text. */
export function readDocument(
  file: string,
  text: string,
): { requirements: Requirement[]; faults: TextFault[] } {
  const requirements: Requirement[] = [];
  const faults: TextFault[] = [];
  const lines = text.split('\n');
  for (const [line, plain] of prose(text)) {
    const keywords = [...plain.matchAll(KEYWORD)].map(([word]) => word);
    const id = MARK.exec(plain)?.[1];
    const fault = (message: string): number => faults.push({ file, line, message });
    if (id === undefined) {
      if (keywords.length > 0) fault(`${keywords.join(', ')} without an id`);
      continue;
    }
    const level = LEVELS.find((one) => one === keywords[0]);
    if (keywords.length !== 1 || level === undefined) {
      fault(
        `${id} has ${keywords.length === 0 ? 'no keyword' : keywords.join(' and ')}; it needs exactly one of ${LEVELS.join(', ')}`,
      );
      continue;
    }
    const sentence = MARK.exec(lines[line - 1] ?? '')?.[2] ?? '';
    requirements.push({ id, level, file, line, sentence: sentence.replace(/\s*\|\s*$/u, '').trim() });
  }
  return { requirements, faults };
}

/** Ids that a document calls retired: a line "Retired, ...: ABC-1, ABC-2". */
function retiredIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => /\bRetired\b[^:]*:/u.test(line));
  return lines.flatMap((line) => line.slice(line.indexOf('Retired')).match(/\b[A-Z]{3}-[0-9]+\b/gu) ?? []);
}

/** Every requirement of the documents of the specification, in the order of files and lines. */
export function readSpec(): {
  requirements: Requirement[];
  faults: TextFault[];
  /** Ids that were given up, and are not given to another rule. */
  retired: string[];
} {
  const spec = ownFiles('spec');
  const files = spec.names().filter((name) => name.endsWith('.md') && !name.includes('/'));
  const texts = files.map((file) => spec.read(file).toString('utf8'));
  const documents = files.map((file, i) => readDocument(file, texts[i] ?? ''));
  return {
    requirements: documents.flatMap((one) => one.requirements),
    faults: documents.flatMap((one) => one.faults),
    retired: texts.flatMap(retiredIn),
  };
}
