/**
 * `list`: the cases, for people and for `cut` and `grep`.
 *
 * @module
 */
import { allCases } from '../cases/index.ts';
import { EXIT } from '../runner/verdict.ts';
import { ROLES } from '../schema/vector.ts';
import { loadVectors } from '../vectors.ts';
import { parseOptions, rolesOf, type Command } from './command.ts';

/** Prints the cases. */
export const list: Command = {
  summary: 'the cases, one a line: id, role, requirements, title',
  help: `Usage: strongroom-conformance list [--role ROLE]

One case a line; tabs between id, role, requirements and title.

Options
  --role ROLE   only this role (may be repeated): ${ROLES.join(', ')}

Examples
  strongroom-conformance list --role container-writer
  strongroom-conformance list | cut -f1 | grep ^chunks
`,
  run(args, io) {
    const { values } = parseOptions(args, { role: { type: 'string', multiple: true } });
    const only = rolesOf(values.role) ?? ROLES;
    for (const { id, role, requirements, title } of allCases(loadVectors()))
      if (only.includes(role)) io.stdout.write(`${id}\t${role}\t${requirements.join(',')}\t${title}\n`);
    return EXIT.asAsked;
  },
};
