import { describe, expect, test } from 'vitest';
import { readDocument } from '../conformance/spec-text.ts';
import { renderPage } from './trace-page.ts';
import { coverage, faults, register, type Facts } from './trace-rules.ts';

const SENTENCE = '- **[ABC-1]** A reader MUST read.';

describe('the text', () => {
  const messages = (text: string): string[] =>
    readDocument('a.md', text).faults.map(({ message }) => message);

  test('gives each sentence its id, level and words', () => {
    expect(readDocument('a.md', `# A\n\n${SENTENCE}\n`).requirements).toEqual([
      { id: 'ABC-1', level: 'MUST', file: 'a.md', line: 3, sentence: 'A reader MUST read.' },
    ]);
    expect(readDocument('a.md', '**[ABC-2]** A writer MUST NOT write.').requirements[0]?.level).toBe(
      'MUST NOT',
    );
  });

  test('has no keyword without an id, and one keyword for each id', () => {
    expect(messages('A reader MUST read.')).toHaveLength(1);
    expect(messages(`${SENTENCE} It SHOULD do more.`)).toHaveLength(1);
    expect(messages('- **[ABC-1]** A reader reads.')).toHaveLength(1);
    expect(messages('- **[ABC-1]** A reader SHALL read.')).toHaveLength(1);
    expect(messages(SENTENCE)).toEqual([]);
  });

  test('may name keywords in code', () => {
    expect(
      messages('Keywords such as `MUST` are those of BCP 14.\n\n```\nA reader MUST read.\n```\n'),
    ).toEqual([]);
  });
});

describe('the register', () => {
  const { requirements } = readDocument('a.md', `${SENTENCE}\n- **[ABC-2]** A writer MUST write.\n`);
  const facts: Facts = {
    requirements,
    registered: requirements.map(register),
    citations: new Map([['case.one', ['ABC-1']]]),
    passed: new Set(['case.one']),
    kills: [{ requirement: 'ABC-1', killedBy: 'case.one' }],
    selfTested: [],
    alive: [],
    mentions: [],
    exclusions: [{ id: 'ABC-2', reason: 'nobody can see it' }],
    retired: [],
  };

  test('is clean when everything fits', () => {
    expect(faults(facts)).toEqual([]);
  });

  test('lets an id go that the text calls retired', () => {
    const gone = { id: 'ABC-9', level: 'MUST', file: 'a.md', sha256: '' };
    expect(faults({ ...facts, registered: [...facts.registered, gone], retired: ['ABC-9'] })).toEqual([]);
  });

  test.each<[string, Partial<Facts>]>([
    ['an id twice', { requirements: [...requirements, ...requirements.slice(0, 1)] }],
    [
      'an id that is gone',
      { registered: [...facts.registered, { id: 'ABC-9', level: 'MUST', file: 'a.md', sha256: '' }] },
    ],
    ['an id that is retired and used again', { retired: ['ABC-1'] }],
    ['an id that is new', { registered: facts.registered.slice(1) }],
    ['other words', { registered: facts.registered.map((one) => ({ ...one, sha256: 'x' })) }],
    ['a case that cites nothing that exists', { citations: new Map([['case.one', ['ABC-7']]]) }],
    ['a test that names nothing that exists', { mentions: [['a.test.ts', 'ABC-7']] }],
    [
      'an exclusion of nothing',
      { exclusions: [...facts.exclusions, { id: 'ABC-8', reason: 'nobody can see it' }] },
    ],
    ['an exclusion of what is tested', { exclusions: [{ id: 'ABC-1', reason: 'nobody can see it' }] }],
    ['a mutant that lives', { alive: [{ id: 'some-mutant', reason: 'the case passes' }] }],
    ['an exclusion without a reason', { exclusions: [{ id: 'ABC-2', reason: '' }] }],
  ])('finds %s', (_name, change) => {
    expect(faults({ ...facts, ...change }).length).toBeGreaterThan(0);
  });

  test('counts a requirement as proven only by a kill of a case that passes', () => {
    expect(coverage(facts)).toEqual(
      new Map([
        ['ABC-1', 'proven'],
        ['ABC-2', 'excluded'],
      ]),
    );
    expect(coverage({ ...facts, kills: [] }).get('ABC-1')).toBe('executed');
    expect(coverage({ ...facts, passed: new Set() }).get('ABC-1')).toBe('declared');
    expect(coverage({ ...facts, selfTested: ['ABC-2'] }).get('ABC-2')).toBe('proven');
    expect(coverage({ ...facts, citations: new Map(), passed: new Set() }).get('ABC-1')).toBe('nothing');
    expect(coverage({ ...facts, exclusions: [] }).get('ABC-2')).toBe('nothing');
    expect(coverage({ ...facts, exclusions: [], mentions: [['a.test.ts', 'ABC-2']] }).get('ABC-2')).toBe(
      'declared',
    );
  });

  test('becomes a page that lists every rule that is not proven, once', () => {
    const text = `${SENTENCE}\n- **[ABC-2]** A writer MUST write.\n- **[ABC-3]** It MUST last.\n- **[ABC-4]** It MAY rest.\n`;
    const all = readDocument('a.md', text).requirements;
    const some: Facts = { ...facts, requirements: all, mentions: [['a.test.ts', 'ABC-3']] };
    const page = renderPage(some, coverage(some));
    expect(page).toMatch(
      /^\| 1 \| proven \|.*\n\| 0 \| executed \|.*\n\| 1 \| declared \|.*\n\| 1 \| excluded \|/mu,
    );
    expect(page).toMatch(/nobody can see it\n\n- \[ABC-2\]\(\.\.\/spec\/a\.md\): A writer MUST write\./u);
    expect(page).toMatch(/## Declared\n\n### a\.md\n\n- \[ABC-3\]/u);
    expect(page.match(/ABC-[14]/gu)).toBeNull();
  });
});
