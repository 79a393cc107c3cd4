/**
 * Paths and symbolic links that a set may hold (spec/manifest.md, "Paths").
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';

/** Longest path, and longest target of a symbolic link, in bytes of UTF-8. */
export const MAX_PATH_LENGTH = 4096;
/** Longest segment of a path in bytes of UTF-8. */
export const MAX_SEGMENT_LENGTH = 255;

/** Whose rules for names apply, beyond those that hold everywhere. */
export type PathRules = 'posix' | 'windows';

/** Names that Windows takes for devices, with or without something after a dot. */
const DEVICES = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:[ .]|$)/iu;
/** Characters that Windows reserves; the colon covers drive letters and streams, the backslash separates. */
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const RESERVED = /[\u0000-\u001f<>:"|?*\\]/u;

/**
 * Refuses a path that could name anything but a place below the folder that is restored into.
 *
 * @throws StrongroomError `unsafe-path`, whose `subject` is the path
 */
export function checkPath(path: string, rules: PathRules = 'posix'): void {
  const length = utf8Length(path);
  if (length === 0 || length > MAX_PATH_LENGTH) throw unsafe(path, `${length} bytes long`);
  for (const segment of path.split('/')) {
    if (segment === '') throw unsafe(path, 'an empty segment');
    if (segment === '.' || segment === '..') throw unsafe(path, `the segment ${segment}`);
    if (segment.includes('\0')) throw unsafe(path, 'a zero byte');
    if (utf8Length(segment) > MAX_SEGMENT_LENGTH) throw unsafe(path, 'a segment of more than 255 bytes');
    if (rules === 'windows') checkWindowsName(path, segment);
  }
}

function checkWindowsName(path: string, segment: string): void {
  if (RESERVED.test(segment)) throw unsafe(path, 'a character that Windows reserves');
  if (DEVICES.test(segment)) throw unsafe(path, 'the name of a device');
  if (/[. ]$/u.test(segment)) throw unsafe(path, 'a dot or space at the end of a name');
}

/**
 * Refuses the target of a symbolic link at `path` unless it stays inside the folder. `..` may stand only at the
 * start, so that it climbs from the link's own folder, which is a real one, and never from behind another link.
 *
 * @throws StrongroomError `unsafe-path`, whose `subject` is the path
 */
export function checkTarget(path: string, target: string, rules: PathRules = 'posix'): void {
  const length = utf8Length(target);
  if (length === 0 || length > MAX_PATH_LENGTH) throw unsafe(path, `a target of ${length} bytes`);
  if (target.startsWith('/')) throw unsafe(path, 'an absolute target');
  if (target.includes('\0')) throw unsafe(path, 'a zero byte in the target');
  let climbs = 0;
  let descended = false;
  for (const segment of target.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') {
      descended = true;
      if (rules === 'windows') checkWindowsName(path, segment);
    } else if (descended) throw unsafe(path, 'a target that climbs after it descended');
    else climbs++;
  }
  if (climbs > path.split('/').length - 1) throw unsafe(path, 'a target outside the folder');
}

/** The path of the directory that holds `path`; empty at the top. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Ascending order of the UTF-8 bytes. */
export function comparePaths(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Where UTF-16 and UTF-8 differ in order: what takes two units stands above U+E000 to U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function utf8Length(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : 0;
}

function unsafe(path: string, what: string): StrongroomError {
  return new StrongroomError('unsafe-path', `${JSON.stringify(path)}: ${what}`, { subject: path });
}
