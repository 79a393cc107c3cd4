/**
 * The list of classes as a page for people.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { classFileSchema, type ClassFile, type MalformedClass } from '../../conformance/schema/classes.ts';
import { CLASSES } from '../../conformance/vectors.ts';

/** vectors/classes.json. */
export function readClasses(): ClassFile {
  const text = readFileSync(new URL(`../${CLASSES}`, import.meta.url), 'utf8');
  return classFileSchema.parse(JSON.parse(text));
}

function covered({ vectors = [], generated = [], scenarios = [], tests = [], note }: MalformedClass): string {
  const ids = [...vectors, ...generated, ...scenarios].map((id) => `\`${id}\``);
  const names = tests.map(({ file, name }) => `${name} (\`${file}\`)`);
  return [[...ids, ...names].join(' · '), ...(note === undefined ? [] : [note])].join('. ');
}

/** Markdown: one table for each group. */
export function classesPage(): string {
  const groups = Map.groupBy(readClasses().classes, ({ group }) => group);
  const tables = [...groups].map(([group, classes]) => {
    const rows = classes.map((one) => `| ${one.number} | ${one.title} | ${covered(one)} |`);
    return `\n## ${group}\n\n| | class | covered by |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Classes of malformed input and misuse

Every way in which an object, a set or a writer was found to go wrong, and what of the suite asks about it. Made from
[classes.json](classes.json) by \`npm run vectors\`; a test checks that all that is named here exists. \`*\` stands for all ids that begin so.
${tables.join('')}`;
}
