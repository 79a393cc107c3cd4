/**
 * Profiles: which cases a verdict is about, frozen with a release (spec/conformance.md, "Profiles").
 *
 * @module
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ownFiles, type Files } from '../assets.ts';
import { LEVELS, ROLES, type Level, type Role } from '../schema/vector.ts';
import type { VectorSet } from '../vectors.ts';
import type { Case } from './case.ts';

/** The version whose profiles are made from the cases as they are; older ones do not change any more. */
export const PROFILE_VERSION = '1.0';

/** A level, or `remote`: every case of a vault that is only reached by its address. */
export type Scope = Level | 'remote';

/** The cases of a role that count, each with what identifies it. */
export interface Profile {
  readonly format: 'strongroom-profile/1';
  readonly role: Role;
  readonly scope: Scope;
  /** Id of a case to SHA-256: of a vector, or of the id, requirements and title of another case. */
  readonly cases: Readonly<Record<string, string>>;
}

/** A profile by its name, with the SHA-256 of its file. */
export interface NamedProfile extends Profile {
  readonly name: string;
  readonly sha256: string;
}

const profileSchema: z.ZodType<Profile> = z.strictObject({
  format: z.literal('strongroom-profile/1'),
  role: z.enum(ROLES),
  scope: z.enum([...LEVELS, 'remote']),
  cases: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/u)),
});

/** JSON with the names of every object in order, and without spaces. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`;
}

/** What identifies a case. */
export function caseHash({ id, requirements, title }: Case, { vectors }: VectorSet): string {
  const text = canonical(vectors.get(id)?.vector ?? { id, requirements, title });
  return createHash('sha256').update(text).digest('hex');
}

/** True for cases that can run against a vault of which only the address is known. */
function isRemote(one: Case): boolean {
  const context = { vaultUrl: 'http://vault', folder: '', worker: 0, seed: 0, loose: false };
  return one.role === 'vault-server' && one.blocked?.(context) === undefined;
}

/** The profiles that the cases come to, by the names of their files. */
export function makeProfiles(cases: readonly Case[], set: VectorSet): Map<string, Profile> {
  const made = new Map<string, Profile>();
  const add = (role: Role, scope: Scope, wanted: (one: Case) => boolean): void => {
    const own = cases.filter((one) => one.role === role && wanted(one));
    if (own.length === 0) return;
    const hashes = own.map((one): [string, string] => [one.id, caseHash(one, set)]);
    made.set(`${PROFILE_VERSION}/${role}.${scope}.json`, {
      format: 'strongroom-profile/1',
      role,
      scope,
      cases: Object.fromEntries(hashes.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    });
  };
  for (const role of ROLES) {
    add(role, 'core', ({ level }) => level === 'core');
    add(role, 'full', () => true);
  }
  add('vault-server', 'remote', isRemote);
  return made;
}

/** The profiles that decide what counts in a run. */
export function profilesOf({
  profile,
  level,
  vaultUrl,
}: {
  readonly profile?: string;
  readonly level: Level;
  readonly vaultUrl?: string;
}): NamedProfile[] {
  return profile === undefined ? [] : loadProfiles(vaultUrl === undefined ? level : 'remote', profile);
}

/** The profiles of a version and a scope. */
export function loadProfiles(
  scope: Scope,
  version: string = PROFILE_VERSION,
  files: Files = ownFiles('conformance/profiles'),
): NamedProfile[] {
  return files
    .names()
    .filter((name) => name.startsWith(`${version}/`) && name.endsWith(`.${scope}.json`))
    .map((path) => {
      const bytes = files.read(path);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return {
        ...profileSchema.parse(JSON.parse(bytes.toString('utf8'))),
        name: path.replace(/\.json$/u, ''),
        sha256,
      };
    });
}
