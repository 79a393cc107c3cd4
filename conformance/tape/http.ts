/**
 * Requests of the suite to a vault, which are on the tape of the case that sends them.
 *
 * @module
 */
import { observeLater } from './tape.ts';

/** What came back. */
export interface Reply {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The same on a tape, or why there was no answer. */
type Got = { status: number; headers: Record<string, string>; body: string } | { failed: string };

async function send(url: URL, init: RequestInit): Promise<Got> {
  try {
    const response = await fetch(url, init);
    const body = Buffer.from(await response.arrayBuffer()).toString('hex');
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { failed: String(error.cause) };
  }
}

/** There is no answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** Sends a request to a vault: a GET unless there is a body. @throws NoAnswer */
export async function request(
  url: string,
  path: string,
  sent?: { readonly type: string; readonly body: Uint8Array },
): Promise<Reply> {
  const method = sent === undefined ? 'GET' : 'POST';
  const init = sent && { body: new Uint8Array(sent.body), headers: { 'content-type': sent.type } };
  const got = await observeLater<Got>(
    {
      http: `${method} ${path}`,
      ...(sent && { type: sent.type, body: Buffer.from(sent.body).toString('hex') }),
    },
    async () => send(new URL(path, url), { method, ...init }),
  );
  if ('failed' in got) throw new NoAnswer(got.failed);
  return { ...got, body: new Uint8Array(Buffer.from(got.body, 'hex')) };
}
