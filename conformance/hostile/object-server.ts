/**
 * A server of one object, as RFC 9110 has it, that lies in one place.
 *
 * @module
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { serve } from '../tape/server.ts';

/** A request for a part, as it came. */
export interface PartRequest {
  /** Header `Range`; empty if there was none. */
  readonly range: string;
  /** First byte and end (exclusive) of the part that was asked for; the whole object if the header is not one part. */
  readonly start: number;
  readonly end: number;
  readonly ifRange: string | undefined;
}

/** What is answered. */
export interface PartAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Uint8Array;
  /** Closes the connection when half of the body was sent. */
  breaksOff?: boolean;
}

/** Changes an answer in one place; `number` counts the requests from 0. */
export type Lie = (answer: PartAnswer, request: PartRequest, number: number) => void;

/** The server, which runs until it is closed. */
export interface ObjectServer {
  readonly url: string;
  readonly requests: readonly PartRequest[];
  close(): Promise<void>;
}

/** The entity tag of the object. */
export const TAG = '"version-1"';

function honest(object: Uint8Array, { range, start, end, ifRange }: PartRequest): PartAnswer {
  const whole = { status: 200, headers: { etag: TAG }, body: object };
  if (range === '' || (ifRange !== undefined && ifRange !== TAG)) return whole;
  if (start >= object.length)
    return { status: 416, headers: { 'content-range': `bytes */${object.length}` }, body: new Uint8Array(0) };
  const body = object.slice(start, end);
  const place = `bytes ${start}-${start + body.length - 1}/${object.length}`;
  return { status: 206, headers: { etag: TAG, 'content-range': place }, body };
}

function send(response: ServerResponse, { status, headers, body, breaksOff }: PartAnswer): void {
  response.writeHead(status, { 'content-length': body.length, ...headers });
  if (breaksOff !== true) response.end(body);
  else response.write(body.subarray(0, body.length >> 1), () => response.destroy());
}

/** Serves `object` on this machine. */
export async function serveObject(object: Uint8Array, lie?: Lie): Promise<ObjectServer> {
  const requests: PartRequest[] = [];
  const server = await serve(({ headers }, _body, response) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/u.exec(headers.range ?? '') ?? [];
    const ifRange = headers['if-range'];
    const request: PartRequest = {
      range: headers.range ?? '',
      start: Number(first ?? 0),
      end: Math.min(object.length, Number(last ?? object.length) + 1),
      ifRange: typeof ifRange === 'string' ? ifRange : undefined,
    };
    const answer = honest(object, request);
    lie?.(answer, request, requests.length);
    requests.push(request);
    send(response, answer);
  });
  return { url: `${server.origin}/object`, requests, close: async () => server.close() };
}
