/**
 * The tokens by which a relay knows its accounts (spec/http.md, "Relay"). The file holds hashes: who reads it can speak
 * for nobody.
 *
 * @module
 */
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import { StrongroomError } from '../errors.ts';
import { ACCOUNT_MAX } from '../exchange/request.ts';
import { createFile } from '../hsm/file.ts';
import { equal, fromHex, hex, utf8, type Bytes } from '../wire/bytes.ts';

const Entry = z.strictObject({
  account: z.string().refine((name) => isAccount(name), `1 to ${ACCOUNT_MAX} bytes`),
  sha256: z.string().regex(/^[0-9a-f]{64}$/u),
});
const TokenFile = z.strictObject({ version: z.literal(1), tokens: z.array(Entry) });
type TokenFile = z.infer<typeof TokenFile>;

/** Milliseconds within which a running relay takes note of a changed file. */
const RELOAD_INTERVAL = 1000;

function isAccount(name: string): boolean {
  const { length } = utf8(name);
  return length >= 1 && length <= ACCOUNT_MAX && name.isWellFormed();
}

function hashOf(token: string): Bytes {
  return nodeEngine.hash('sha256', utf8(token));
}

async function readTokens(path: string): Promise<TokenFile> {
  try {
    return TokenFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const message = `tokens: ${path}: ${(cause as Error).message}`;
    throw new StrongroomError('invalid-config', message, { subject: 'tokens' }, { cause });
  }
}

/** Replaces the file. The new one is begun before the old one is read, so that only one command changes it at a time. */
async function change(path: string, next: (file: TokenFile) => TokenFile): Promise<void> {
  const fresh = `${path}.new`;
  const handle = await open(fresh, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new StrongroomError(
      'conflict',
      `another command changes the tokens; if none does, remove ${fresh}`,
    );
  });
  try {
    await handle.writeFile(`${JSON.stringify(next(await readTokens(path)), undefined, 2)}\n`);
    await handle.sync();
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Makes a file without tokens. @throws StrongroomError `state-exists` */
export async function createTokens(path: string): Promise<void> {
  await createFile(path, utf8(`${JSON.stringify({ version: 1, tokens: [] })}\n`));
}

/**
 * Makes another token of an account: 32 random bytes, as 43 letters. It is kept nowhere.
 *
 * @throws StrongroomError `usage` if the name is no account, `invalid-config`, `conflict`
 */
export async function addToken(path: string, account: string): Promise<string> {
  if (!isAccount(account)) throw new StrongroomError('usage', `an account has 1 to ${ACCOUNT_MAX} bytes`);
  const token = Buffer.from(systemRandom('relay_token', 32)).toString('base64url');
  await change(path, ({ version, tokens }) => ({
    version,
    tokens: [...tokens, { account, sha256: hex(hashOf(token)) }],
  }));
  return token;
}

/** Takes all tokens of an account away; returns how many. @throws StrongroomError `invalid-config`, `conflict` */
export async function removeTokens(path: string, account: string): Promise<number> {
  let removed = 0;
  await change(path, ({ version, tokens }) => {
    const left = tokens.filter((entry) => entry.account !== account);
    removed = tokens.length - left.length;
    return { version, tokens: left };
  });
  return removed;
}

/** The tokens of a running relay; it follows the file. */
export class Tokens {
  readonly #path: string;
  readonly #timer: NodeJS.Timeout;
  /** By the first 8 bytes of the hash, which tell one who guesses nothing; the rest is compared in constant time. */
  #entries: ReadonlyMap<string, readonly { readonly account: Bytes; readonly hash: Bytes }[]> = new Map();
  #changed = '';

  private constructor(path: string, failed: (error: unknown) => void) {
    this.#path = path;
    this.#timer = setInterval(() => void this.#read().catch(failed), RELOAD_INTERVAL).unref();
  }

  /**
   * Reads the file, and again whenever it has changed.
   *
   * @param failed is told when a changed file cannot be read; what was read before holds on
   * @throws StrongroomError `invalid-config`
   */
  static async open(path: string, failed: (error: unknown) => void): Promise<Tokens> {
    const tokens = new Tokens(path, failed);
    await tokens.#read().catch((error: unknown) => {
      tokens.close();
      throw error;
    });
    return tokens;
  }

  /**
   * Whose token an `Authorization` header holds.
   *
   * @throws StrongroomError `not-authorised`
   */
  accountOf(authorization: string | undefined): Bytes {
    const token = /^Bearer +(?<token>\S+)$/iu.exec(authorization ?? '')?.groups?.['token'];
    const hash = hashOf(token ?? '');
    const entry = this.#entries.get(hex(hash.slice(0, 8)))?.find((each) => equal(each.hash, hash));
    if (token === undefined || entry === undefined) {
      throw new StrongroomError('not-authorised', 'no token that this relay knows');
    }
    return entry.account;
  }

  /** Does not follow the file any more. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #read(): Promise<void> {
    const { mtimeMs, size, ino } = await stat(this.#path).catch((cause: Error) => {
      const message = `tokens: ${cause.message}`;
      throw new StrongroomError('invalid-config', message, { subject: 'tokens' }, { cause });
    });
    const changed = `${ino} ${size} ${mtimeMs}`;
    if (changed === this.#changed) return;
    this.#changed = changed;
    const { tokens } = await readTokens(this.#path);
    const entries = tokens.map(({ account, sha256 }) => ({ account: utf8(account), hash: fromHex(sha256) }));
    this.#entries = Map.groupBy(entries, ({ hash }) => hex(hash.slice(0, 8)));
  }
}
