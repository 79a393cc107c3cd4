/**
 * The anchor on a token (spec/hsm.md, "Token anchor"): what its objects say.
 *
 * @module
 */
import { isStrongroomError, StrongroomError } from '../../errors.ts';
import { equal, wipe, type Bytes } from '../../wire/bytes.ts';
import { decode, encode, opaque, struct, u64, u8, vector, type Codec } from '../../wire/codec.ts';
import { AnchorEntryCodec, QueuedAnchor } from '../anchor.ts';
import type { AnchorEntry } from '../interface.ts';
import type { AgentClient } from './client.ts';

interface AnchorObject {
  readonly version: number;
  /** Grows by one with every object. */
  readonly serial: number;
  /** Random for each time that the anchor is opened: who opens it takes it away from whoever had it. */
  readonly owner: Bytes;
  readonly entries: readonly AnchorEntry[];
}

const AnchorObject: Codec<AnchorObject> = struct<AnchorObject>('TokenAnchor', {
  version: u8,
  serial: u64,
  owner: opaque(16, 'owner'),
  entries: vector(AnchorEntryCodec, 0, 3840),
});

function damaged(message: string): StrongroomError {
  return new StrongroomError('anchor-damaged', message);
}

function read(value: Bytes): AnchorObject {
  try {
    const object = decode(AnchorObject, value);
    if (object.version === 1) return object;
  } catch (error) {
    if (!isStrongroomError(error, 'malformed')) throw error;
  }
  throw damaged('an anchor on the token is not readable');
}

/** The newest of the objects. @throws StrongroomError `anchor-missing`, `anchor-damaged` */
function newest(values: readonly Bytes[]): AnchorObject {
  const objects = values.map((value) => ({ value, ...read(value) }));
  const serial = Math.max(...objects.map((object) => object.serial));
  const [first, ...others] = objects.filter((object) => object.serial === serial);
  if (first === undefined) throw new StrongroomError('anchor-missing', 'the token has no anchor');
  if (!others.every(({ value }) => equal(value, first.value)))
    throw damaged(`the token has two anchors of serial ${serial}`);
  return first;
}

/** {@link QueuedAnchor} on a token. */
export class TokenAnchor extends QueuedAnchor {
  readonly #agent: AgentClient;
  #object: AnchorObject;

  private constructor(agent: AgentClient, object: AnchorObject) {
    super();
    this.#agent = agent;
    this.#object = object;
  }

  /** Makes the first object. @throws StrongroomError `state-exists` */
  static async create(agent: AgentClient, entries: readonly AnchorEntry[]): Promise<void> {
    const object = { version: 1, serial: 0, owner: new Uint8Array(16), entries };
    await agent.call('createAnchor', encode(AnchorObject, object));
  }

  /**
   * Takes the anchor: with the next object, which has its own name in it, and without those that a crash has left.
   *
   * @param owner 16 random bytes
   * @throws StrongroomError `anchor-missing`, `anchor-damaged`, `anchor-conflict`
   */
  static async open(agent: AgentClient, owner: Bytes): Promise<TokenAnchor> {
    const found = newest(await agent.call('readAnchor'));
    const anchor = new TokenAnchor(agent, { ...found, owner });
    await anchor.replace(found.entries);
    return anchor;
  }

  protected get entries(): readonly AnchorEntry[] {
    return this.#object.entries;
  }

  protected async replace(entries: readonly AnchorEntry[]): Promise<void> {
    const object = { ...this.#object, serial: this.#object.serial + 1, entries };
    const value = encode(AnchorObject, object);
    await this.#agent.call('replaceAnchor', value);
    wipe(value);
    this.#object = object;
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    return this.settled();
  }
}
