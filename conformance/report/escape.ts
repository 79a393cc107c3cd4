/**
 * Text inside HTML and XML.
 *
 * @module
 */

/** What XML 1.0 cannot hold in any spelling: most control characters, and halves of surrogate pairs. */
// oxlint-disable-next-line no-control-regex
const IMPOSSIBLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/** The text for an element or a quoted attribute; characters that have no place there become U+FFFD. */
export function escape(text: string): string {
  return text.replace(IMPOSSIBLE, '\u{fffd}').replace(/[&<>"']/gu, (c) => `&#${c.codePointAt(0)};`);
}
