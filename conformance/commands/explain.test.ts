import { describe, expect, test } from 'vitest';
import { mutants } from '../mutants/catalogue.ts';
import { explainVector } from '../report/explanation.ts';
import { requestSchema } from '../schema/protocol.ts';
import { loadVectors } from '../vectors.ts';
import { cli } from './cli.fixture.ts';

const { vectors } = loadVectors();

describe('a vector', () => {
  test('that was made by an edit of bytes shows them, before and after', async () => {
    const { stdout } = await cli('explain', 'header.magic-first-byte');
    expect(stdout).toMatch(/before:\n +000000 \[89\]53 42 4f 0d/u);
    expect(stdout).toMatch(/after:\n +000000 \[09\]53 42 4f 0d/u);
    expect(stdout).toContain('expects   reject with not-an-object\n          released by then: nothing\n');
    expect(stdout).toContain('made from header.blob\n');
  });

  test('whose value was sealed shows where the bytes begin to differ', async () => {
    const { stdout } = await cli('explain', 'header.version-2');
    expect(stdout).toMatch(/version: 1 became 2, before the whole was authenticated/u);
    expect(stdout).toMatch(/0d 0a 1a 0a\[01\]01[^]*0d 0a 1a 0a\[02\]01/u);
  });

  test('shows the sentences that it tests and the mistakes that it finds', async () => {
    const { stdout } = await cli('explain', 'chunks.swapped');
    expect(stdout).toMatch(/^tests +CHK-5 +A reader MUST refuse a chunk/mu);
    const [mutant] = mutants.filter(({ cases }) => cases.includes('chunks.swapped'));
    expect(stdout).toContain(`finds     ${mutant?.mistake} (mutant ${mutant?.id})\n`);
  });

  test('of any kind can be explained, with the bytes of its edit marked', () => {
    for (const { vector } of vectors.values()) {
      const { vector: twin = '', edit } = vector.from ?? {};
      const lines = explainVector(vector, vectors.get(twin)?.vector);
      expect(lines.join('\n'), vector.id).toMatch(/^expects {3}(reject|ok|\d)/mu);
      const marked = lines.filter((line) => /^ +[0-9a-f]{6} .*[[\]|]/u.test(line));
      if (edit?.kind === 'bytes') expect(marked.length, vector.id).toBeGreaterThanOrEqual(2);
    }
  });
});

test('a scenario and a requirement are explained too', async () => {
  const scenario = await cli('explain', 'client.stretch-lowered');
  expect(scenario.stdout).toMatch(/^tests +CLI-33[^]*^finds [^]*^run /mu);
  const requirement = await cli('explain', 'CHK-5');
  expect(requirement.stdout).toMatch(/^CHK-5 {2}A reader MUST[^]*^tested by chunks\.swapped [^]*^finds /mu);
});

test('what does not exist is not explained, but what is near to it is named', async () => {
  const { code, stderr } = await cli('explain', 'headers.blob');
  expect([code, stderr]).toEqual([2, expect.stringContaining('there is header.blob')]);
  expect((await cli('explain', 'nothing')).code).toBe(2);
  expect((await cli('explain', 'chunks.swapped', 'chunks.three')).code).toBe(2);
});

test('the request of a vector is a line of the protocol, with its bytes written out', async () => {
  const { stdout } = await cli('explain', 'chunks.many', '--request');
  const request = requestSchema.parse(JSON.parse(stdout));
  expect(request).toMatchObject({ op: 'container.open', params: { sink: 'sink' } });
  expect(JSON.stringify(request.params['object'])).toMatch(/^"8953[0-9a-f]+"$/u);
  expect((await cli('explain', 'restore.album', '--request')).code).toBe(2);
});
