/**
 * `init`: a first adapter, in one of several languages.
 *
 * @module
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT } from '../runner/verdict.ts';
import { SKELETONS, skeletonText, type Skeleton } from '../skeletons/index.ts';
import { parseOptions, UsageError, type Command, type Streams } from './command.ts';

const LANGUAGES = [...SKELETONS.keys()].join(', ');

const HELP = `Usage: strongroom-conformance init --lang LANGUAGE FOLDER

Writes a first adapter of at most 40 lines into FOLDER, with what its language needs to build it and three lines on
how to go on. It runs as it is: it greets, and opens no object yet. Files that are there already are never replaced.

Options
  --lang LANGUAGE      ${LANGUAGES}

Examples
  strongroom-conformance init --lang python my-reader
  strongroom-conformance init --lang c .
`;

/** How to build and to try an adapter, from its folder. */
function steps({ build, adapter }: Skeleton): string {
  return [build, `strongroom-conformance doctor --adapter "${adapter}"`].filter(Boolean).join(' && ');
}

function readme(skeleton: Skeleton): string {
  return `Adapter around a reader of Strongroom objects, for the conformance suite. It needs ${skeleton.needs}.
Try it: \`${steps(skeleton)}\`; then \`run\` in place of \`doctor\`.
Fill it in: ${skeleton.files[0]}, by spec/container.md (Reading). Other operations: spec/conformance.md (Adapter protocol).
`;
}

function main(args: readonly string[], io: Streams): number {
  const { values, positionals } = parseOptions(args, { lang: { type: 'string', default: '' } });
  const [folder, ...more] = positionals;
  if (folder === undefined || more.length > 0) throw new UsageError('init takes one folder');
  const { lang } = values;
  const skeleton = SKELETONS.get(lang);
  if (skeleton === undefined) throw new UsageError(`init takes --lang with one of ${LANGUAGES}`);
  const texts = skeleton.files.map((file) => [join(folder, file), skeletonText(lang, file)] as const);
  const files = [...texts, [join(folder, 'README.md'), readme(skeleton)] as const];
  const there = files.find(([path]) => existsSync(path));
  if (there !== undefined) throw new UsageError(`${there[0]} is there already; nothing was written`);
  for (const [path, text] of files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  const written = files.map(([path]) => path).join(', ');
  io.stdout.write(`Wrote ${written}.\nNext: cd ${folder} && ${steps(skeleton)}\n`);
  return EXIT.asAsked;
}

/** Writes a first adapter. */
export const init: Command = {
  summary: `a first adapter to fill in: --lang ${LANGUAGES}`,
  help: HELP,
  run: main,
};
