/**
 * `npm run bench`: every benchmark, as a table on standard output and as JSON beside it.
 *
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { chat } from './chat.ts';
import { chunks } from './chunks.ts';
import { incremental, largeFiles, singleFile, smallFiles } from './files.ts';
import { table, type Row } from './harness.ts';
import { objects } from './objects.ts';
import { opaque, stretching } from './opaque.ts';
import { vault } from './vault.ts';
import { exchanges } from './vault-http.ts';
import { sizes } from './vault-size.ts';

const HELP = `Usage: npm run bench -- [--quick] [--only <section>] [--million] [--json <file>]

  --quick          short runs and 64 MiB instead of 1 GiB: does it run at all?
  --only <name>    chunks, objects, files, folders, incremental, chat, opaque, stretching, vault, exchanges
                   or sizes; can be repeated
  --million        sizes also with 1,000,000 accounts: 9 GB of disk while it runs, and minutes to make them
  --json <file>    where the figures go as JSON (default .strongroom/bench.json)
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    million: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'string', default: '.strongroom/bench.json' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const time = values.quick ? 60 : 1500;
const sections: Readonly<Record<string, () => Promise<Row[]>>> = {
  chunks: () => chunks(time),
  objects: () => objects(time, values.quick ? 64 : 1024),
  files: async () => singleFile(values.quick ? 128 : 1024, values.quick ? 1 : 7),
  folders: async () => [
    ...largeFiles(values.quick ? 128 : 1024, values.quick ? 1 : 5),
    ...smallFiles(values.quick ? 500 : 10_000, values.quick ? 1 : 5),
  ],
  incremental: async () => incremental(values.quick ? 1000 : 10_000, values.quick ? 1 : 5),
  chat: () => chat(values.quick ? 20_000 : 1_000_000),
  opaque: () => opaque(time),
  stretching: () => stretching(time),
  vault: () => vault(values.quick ? 8 : 64),
  exchanges: () => exchanges(values.quick ? 10 : 1000, values.quick ? 64 : 2000),
  sizes: () =>
    sizes([...(values.quick ? [100, 1000] : [1000, 100_000]), ...(values.million ? [1_000_000] : [])]),
};
const wanted = values.only ?? Object.keys(sections);
const unknown = wanted.find((name) => !Object.hasOwn(sections, name));
if (unknown !== undefined) {
  process.stderr.write(`no section "${unknown}"\n\n${HELP}`);
  process.exit(2);
}

const rows: Row[] = [];
for (const name of wanted) {
  process.stderr.write(`measuring ${name} …\n`);
  rows.push(...((await sections[name]?.()) ?? []));
}
const machine = {
  node: process.version,
  openssl: process.versions.openssl,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
};
process.stdout.write(
  `${table(rows)}\n\nNode ${machine.node}, OpenSSL ${machine.openssl}, ${machine.cores} x ${machine.cpu}\n`,
);
const file = values.json;
await mkdir(new URL('.', new URL(file, `file://${process.cwd()}/`)), { recursive: true });
await writeFile(file, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`);
process.stdout.write(`figures as JSON: ${file}\n`);
