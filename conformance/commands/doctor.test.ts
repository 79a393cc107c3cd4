import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { allCases } from '../cases/index.ts';
import { SMOKE } from '../cases/smoke.ts';
import { helloFindings } from '../runner/first-contact.ts';
import type { Hello } from '../schema/protocol.ts';
import { loadVectors } from '../vectors.ts';
import { cli, nullAdapter, REFERENCE } from './cli.fixture.ts';

const cases = allCases(loadVectors());

test('the first cases of every role exist, are of that role, and need no optional feature alone', () => {
  for (const [role, ids] of Object.entries(SMOKE)) {
    expect(ids.length).toBeGreaterThan(0);
    for (const id of ids) expect(cases.find((one) => one.id === id)).toMatchObject({ role, level: 'core' });
  }
});

test('nothing is wrong with the reference, and every first case passes', async () => {
  const { code, stdout } = await cli('doctor', '--adapter', REFERENCE);
  expect(stdout.match(/^(?!ok ).*/gmu)?.filter((line) => line !== '')).toEqual([
    expect.stringContaining('Nothing is wrong so far. All cases: strongroom-conformance run --adapter'),
  ]);
  for (const id of Object.values(SMOKE).flat()) expect(stdout).toContain(`ok    ${id}: `);
  expect(code).toBe(0);
});

describe('what to do about an adapter', () => {
  test.each([
    ['hello-crash', /ended with exit code 1\n +Try it by hand/u],
    ['hello-garbage', /not JSON.*\n.*logs belong on standard error/u],
    ['hello-reject', /did not answer hello: reject malformed\n +Try it by hand/u],
    ['hello-shape', /no answer.*result/u],
    ['log', /"listening on port 8080"\n.*logs belong on standard error/u],
    ['no-line-end', /no answer in 500 ms\n.*flush standard output/u],
    ['ok', /what came: ok\n.*CFM-7/u],
  ])('that does %s', async (mode, said) => {
    const { code, stdout } = await cli('doctor', '--adapter', nullAdapter(mode), '--timeout', '500');
    expect(stdout).toMatch(said);
    expect(stdout).toMatch(/^FAULT .*$/mu);
    expect(stdout).toContain(`Mend the first fault and ask again`);
    expect(code).toBe(3);
  });

  test('that is not there', async () => {
    const { code, stdout } = await cli('doctor', '--adapter', './not-there');
    expect(stdout).toMatch(/ENOENT\n +There is no such program/u);
    expect(code).toBe(3);
  });

  test('that fails a case: the class, what to do, and where to read on', async () => {
    const { code, stdout } = await cli('doctor', '--adapter', nullAdapter('unsupported'));
    expect(stdout).toMatch(/^FAULT header\.blob \(unsupported-but-claimed\): .*\n.*explain header\.blob$/mu);
    expect(stdout).toMatch(/^ok {4}a request of 9 megabytes/mu);
    expect(code).toBe(1);
  });
});

describe('hello', () => {
  const hello: Hello = {
    protocol: 1,
    implementation: { name: 'mine', version: '1' },
    testing: false,
    roles: ['container-reader'],
    suites: [1],
    features: ['container', 'keys', 'sweep'],
  };
  const kinds = (change: Partial<Hello>): string[] =>
    helloFindings({ ...hello, ...change }, cases, new Set(['container-writer'])).map(
      ({ kind, text }) => `${kind} ${text}`,
    );

  test('with all that its role needs has nothing but the count of cases', () => {
    expect(kinds({})).toEqual([
      expect.stringMatching(/^good container-reader: \d+ cases .*not claimed: .*ranges/u),
    ]);
  });

  test('with a name that the suite does not know, and without a feature of the role', () => {
    const found = kinds({ features: ['container', 'key'] });
    expect(found).toContainEqual(
      expect.stringMatching(/^hint .*feature key, which the suite does not know/u),
    );
    expect(found).toContainEqual(expect.stringMatching(/^hint .*does not claim .*keys \(\d+ cases\)/u));
  });

  test('with a role of which nothing can be asked', () => {
    expect(kinds({ roles: ['vault-server'] })).toEqual([
      expect.stringMatching(/^hint vault-server: hello claims none/u),
    ]);
  });

  test('of a build for users, if its role has cases with injected values', () => {
    expect(kinds({ roles: ['container-writer'] })).toContainEqual(
      expect.stringMatching(/^hint .*testing false/u),
    );
    expect(kinds({ roles: ['container-writer'], testing: true }).join('\n')).not.toMatch(/testing/u);
  });
});

describe('a vault', () => {
  test('where nothing listens, and where something else does', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const other = await cli('doctor', '--vault', url);
    expect(other.stdout).toMatch(/^FAULT .*status 404\n.*spec\/http\.md/mu);
    server.close();
    const none = await cli('doctor', '--vault', url);
    expect(none.stdout).toMatch(/^FAULT nothing answers .*ECONNREFUSED.*\n +Start the vault/mu);
    expect([other.code, none.code]).toEqual([3, 3]);
  });

  test('elsewhere is not asked', async () => {
    expect((await cli('doctor', '--vault', 'http://example.org')).code).toBe(2);
    expect((await cli('doctor')).code).toBe(2);
  });
});
