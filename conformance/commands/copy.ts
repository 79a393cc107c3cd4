/**
 * `copy`: the vectors of a role, written out plainly, for those who want no runner.
 *
 * @module
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownFiles } from '../assets.ts';
import { fillFolder } from '../runner/folder.ts';
import { EXIT } from '../runner/verdict.ts';
import { ROLES, type Role, type Value, type Vector, type VectorFile } from '../schema/vector.ts';
import { loadVectors, unpack } from '../vectors.ts';
import { parseOptions, rolesOf, UsageError, type Command } from './command.ts';

const RECIPE = 'check.py';
/** Input fields that are folders. */
const FOLDERS = ['storage', 'target'];

/** Writes the folders of a vector below `folder`, and returns its input with all bytes written out and all paths. */
function plainInput({ id, input, expect }: Vector, folder: string): Record<string, Value> {
  const plain = Object.entries(input).map(([name, value]): [string, Value] => {
    if (!FOLDERS.includes(name)) return [name, unpack(value)];
    fillFolder(join(folder, name, id), value);
    return [name, `${name}/${id}`];
  });
  const made = expect.outcome === 'each' ? {} : expect;
  return {
    ...('released' in made && { sink: 'sink' }),
    ...('tree' in made && { target: 'made' }),
    ...Object.fromEntries(plain),
  };
}

/** A vector without anything that has to be expanded: bytes are hexadecimal text, `released` is a list. */
function plainVector(vector: Vector, folder: string): Record<string, unknown> {
  const { expect } = vector;
  const released = 'released' in expect && { released: [expect.released ?? []].flat() };
  const rest = unpack({ ...vector, input: {} } as unknown as Value) as Record<string, Value>;
  return {
    ...rest,
    input: plainInput(vector, folder),
    expect: { ...(rest['expect'] as Record<string, Value>), ...released },
  };
}

/** Writes the vectors of a role, one file a family, and returns how many there are and how many were left out. */
function copyRole(
  files: readonly VectorFile[],
  role: Role,
  folder: string,
): { copied: number; sweeps: number } {
  const count = { copied: 0, sweeps: 0 };
  for (const file of files) {
    const own = file.vectors.filter((vector) => vector.role === role);
    const single = own.filter(({ expect }) => expect.outcome !== 'each');
    count.copied += single.length;
    count.sweeps += own.length - single.length;
    if (single.length === 0) continue;
    const plain = {
      ...file,
      format: 'strongroom-copy/1',
      vectors: single.map((one) => plainVector(one, folder)),
    };
    writeFileSync(join(folder, `${file.family}.json`), `${JSON.stringify(plain, undefined, 1)}\n`);
  }
  return count;
}

/** Copies vectors. */
export const copy: Command = {
  summary: 'the vectors of a role as plain JSON, with a recipe that needs no runner',
  help: `Usage: strongroom-conformance copy --role ROLE FOLDER

Writes the vectors of ROLE into FOLDER, which is made: one JSON file a family, in which all bytes are plain
hexadecimal text; storages as folders beside them; and ${RECIPE}, a loop over all of them in Python. Sweeps are left
out, each of which stands for thousands of requests. The vectors are yours to use (CC0-1.0).

Options
  --role ROLE   ${ROLES.join(', ')}

Examples
  strongroom-conformance copy --role container-reader vectors-of-strongroom
`,
  run(args, io) {
    const { values, positionals } = parseOptions(args, { role: { type: 'string', multiple: true } });
    const [role, ...others] = rolesOf(values.role) ?? [];
    const [folder, ...more] = positionals;
    if (role === undefined || folder === undefined || others.length + more.length > 0)
      throw new UsageError('copy takes one --role and one folder');
    if (existsSync(folder) && readdirSync(folder).length > 0)
      throw new UsageError(`${folder} is not empty; nothing was written`);
    const { files } = loadVectors();
    if (!files.some((file) => file.vectors.some((vector) => vector.role === role)))
      throw new UsageError(`there are no vectors of ${role}: its cases need a runner`);
    mkdirSync(folder, { recursive: true });
    const { copied, sweeps } = copyRole(files, role, folder);
    writeFileSync(join(folder, RECIPE), ownFiles('conformance/recipe').read(RECIPE));
    const left = sweeps === 0 ? '' : ` ${sweeps} sweeps were left out; a runner makes their requests.`;
    io.stdout.write(
      `Wrote ${copied} vectors of ${role} into ${folder}.${left}\nNext: see ${join(folder, RECIPE)}\n`,
    );
    return EXIT.asAsked;
  },
};
