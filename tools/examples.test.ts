import { expect, it } from 'vitest';
import { documents, renew } from './examples.ts';

// proves CNV-24
it('every example in the specification is the one that the reference makes', () => {
  const marked = documents().filter(({ text }) => text.includes('<!-- example:'));
  expect(marked.length).toBeGreaterThanOrEqual(3);
  for (const { text } of marked) expect(renew(text)).toBe(text);
});

it('a stale example is noticed, and so is a marker without an example', () => {
  const [text] = documents().flatMap((each) => (each.text.includes('example:container') ? [each.text] : []));
  const stale = (text ?? '').replace('base_nonce   = ', 'base_nonce   = 00');
  expect(stale).not.toBe(text);
  expect(renew(stale)).toBe(text);
  expect(() => renew('<!-- example:nothing -->\n<!-- /example:nothing -->')).toThrow('nothing');
});
