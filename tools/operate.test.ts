import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../reference/errors.ts';
import { RELAY_VARIABLES } from '../reference/relay/index.ts';
import { serverMetrics } from '../reference/service/metrics.ts';
import { VARIABLES } from '../reference/vault/index.ts';
import { vaultMetrics } from '../reference/vault/metrics.ts';

const read = (path: string): string => readFileSync(new URL(`../docs/${path}`, import.meta.url), 'utf8');
const runbook = read('operate.md');

describe('the runbook', () => {
  test('has every setting, and the variable that sets it, and no other', () => {
    const rows = [...runbook.matchAll(/^\| `([\w.]+)` \| `(STRONGROOM_\w+)` \|/gmu)];
    const expected = [...VARIABLES, ...RELAY_VARIABLES];
    const sorted = (pairs: readonly (readonly (string | undefined)[])[]): string[] =>
      pairs.map((pair) => pair.join(' ')).toSorted();
    expect(sorted(rows.map(([, field, variable]) => [field, variable]))).toEqual(sorted(expected));
  });

  test('has every metric of a vault of its own, and those that a relay shares', async () => {
    const metrics = vaultMetrics();
    metrics.watch(
      () => [],
      () => 0,
    );
    const shared = serverMetrics('relay_');
    shared.watch(() => 0);
    const names = [
      ...(await metrics.registry.getMetricsAsJSON()),
      ...(await shared.registry.getMetricsAsJSON()),
    ]
      .map(({ name }) => name)
      .filter((name) => !/_(?:nodejs|process)_/u.test(name));
    const [, section = ''] = /## Metrics\n([^]*?)\n## /u.exec(runbook) ?? [];
    for (const name of names) expect(section).toContain(`\`${name}\``);
    const known = new Set([
      ...names,
      'vault_nodejs_eventloop_lag_seconds',
      'vault_process_resident_memory_bytes',
    ]);
    for (const [, name = ''] of section.matchAll(/`((?:vault|relay)_\w+)`/gu)) {
      if (name !== 'relay_') expect(known).toContain(name);
    }
    const used = [...read('examples/alerts.yml').matchAll(/\b(?:vault|relay)_\w+/gu)].map(([name]) =>
      name.replace(/_bucket$/u, ''),
    );
    expect(used.length).toBeGreaterThan(5);
    for (const name of used) expect(known).toContain(name);
  });

  test('names codes that exist', () => {
    const [, section = ''] = /## What you see, and what to do\n([^]*?)\n### /u.exec(runbook) ?? [];
    const codes = [...section.matchAll(/`([a-z]+(?:-[a-z]+)+)`/gu)].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(15);
    for (const code of codes.filter((code) => !['check-config'].includes(code))) {
      expect(Object.keys(ERRORS)).toContain(code);
    }
  });

  test('names examples that are there', () => {
    for (const [, path = ''] of runbook.matchAll(/\]\((examples\/[^)]+)\)/gu)) {
      expect(existsSync(new URL(`../docs/${path}`, import.meta.url))).toBe(true);
    }
  });
});

describe('the examples', () => {
  test('of units are what systemd takes', ({ skip }) => {
    const units = ['vault', 'relay'].map((name) => `docs/examples/strongroom-${name}.service`);
    const cwd = new URL('..', import.meta.url);
    const ran = spawnSync('systemd-analyze', ['verify', ...units], { cwd, encoding: 'utf8' });
    if (ran.error !== undefined) skip('there is no systemd-analyze');
    // That the program is not installed here is no fault of the unit.
    const faults = ran.stderr
      .split('\n')
      .filter((line) => line !== '' && !line.includes('is not executable'));
    expect(faults).toEqual([]);
  });

  test('of units and of the container run commands that exist, with variables that exist', () => {
    const bin = (
      JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
        bin: { strongroom: string };
      }
    ).bin.strongroom;
    expect(read('examples/Containerfile')).toContain(`"/app/${bin}"`);
    const texts = ['strongroom-vault.service', 'strongroom-relay.service', 'Containerfile'].map((name) =>
      read(`examples/${name}`),
    );
    const variables = new Set([...VARIABLES.values(), ...RELAY_VARIABLES.values()]);
    for (const [variable] of texts.join('\n').matchAll(/STRONGROOM_\w+/gu))
      expect(variables).toContain(variable);
  });
});
