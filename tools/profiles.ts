// Writes the profiles of the version that is not released yet (part of npm run vectors).
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../conformance/assets.ts';
import { allCases } from '../conformance/cases/index.ts';
import { makeProfiles, PROFILE_VERSION } from '../conformance/runner/profile.ts';
import { loadVectors } from '../conformance/vectors.ts';

const root = join(packageRoot(), 'conformance', 'profiles');
const set = loadVectors();
rmSync(join(root, PROFILE_VERSION), { recursive: true, force: true });
for (const [name, profile] of makeProfiles(allCases(set), set)) {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), `${JSON.stringify(profile, undefined, 1)}\n`);
}
