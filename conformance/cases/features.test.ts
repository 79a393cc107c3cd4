import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OPTIONAL_FEATURES } from '../schema/protocol.ts';
import { loadVectors, packageRoot } from '../vectors.ts';
import { allCases } from './index.ts';

it('roles need the features that the specification says', () => {
  const spec = readFileSync(join(packageRoot(), 'spec', 'conformance.md'), 'utf8');
  const [, table = ''] = spec.split('| role | features that it needs | optional features |\n|---|---|---|\n');
  const said = table
    .slice(0, table.indexOf('\n\n'))
    .split('\n')
    .map((row) => row.split('|').map((cell) => [...cell.matchAll(/[a-z0-9-]+/gu)].map(([name]) => name)))
    .map(([, role, needs, optional]) => [role?.[0], { needs, optional }]);
  const found = Map.groupBy(allCases(loadVectors()), ({ role }) => role);
  const expected = [...found].map(([role, cases]) => {
    const features = [...new Set(cases.map(({ feature }) => feature))].sort();
    return [
      role,
      {
        needs: features.filter((each) => !OPTIONAL_FEATURES.includes(each)),
        optional: features.filter((each) => OPTIONAL_FEATURES.includes(each)),
      },
    ];
  });
  expect(Object.fromEntries(said)).toEqual(Object.fromEntries(expected));
});
