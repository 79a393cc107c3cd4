/**
 * The anchor on a token (spec/hsm.md, "Token anchor"): private data objects, of which a new one is made before the old
 * one is destroyed. PKCS#11 can neither compare nor swap, so the agent looks before it writes and after.
 *
 * @module
 */
import type { Attribute, Handle } from 'pkcs11js';
import { StrongroomError } from '../../errors.ts';
import { equal, type Bytes } from '../../wire/bytes.ts';
import { buffer, p11, type Token } from './token.ts';

interface DataObject {
  readonly handle: Handle;
  readonly value: Bytes;
}

/** The data objects of one label. */
export class DataObjects {
  readonly #token: Token;
  readonly #label: Attribute[];
  /** What this process has read or written last. */
  #held: readonly DataObject[] | undefined;

  constructor(token: Token, label: string) {
    this.#token = token;
    this.#label = [
      { type: p11.CKA_CLASS, value: p11.CKO_DATA },
      { type: p11.CKA_LABEL, value: label },
    ];
  }

  /** Makes the first one. @throws StrongroomError `state-exists` */
  create(value: Bytes): void {
    if (this.#list().length > 0) throw new StrongroomError('state-exists', 'the token has an anchor');
    this.#held = [this.#make(value)];
  }

  /** All values; what a create that was cut off has left without one is taken away. */
  read(): readonly Bytes[] {
    const found = this.#list();
    this.#destroy(found.filter(({ value }) => value.length === 0));
    this.#held = found.filter(({ value }) => value.length > 0);
    return this.#held.map(({ value }) => value);
  }

  /** Makes `value` the only one **[D]**. @throws StrongroomError `anchor-conflict` if another writer was there */
  replace(value: Bytes): void {
    const before = this.#checked();
    const next = this.#make(value);
    try {
      this.#held = [...before, next];
      this.#checked();
    } catch (error) {
      this.#destroy([next]); // it was not confirmed to anybody
      throw error;
    }
    this.#destroy(before);
    this.#held = [next];
  }

  /** @throws StrongroomError `anchor-conflict` if another writer was there */
  check(): void {
    if (this.#held !== undefined) this.#checked();
  }

  #checked(): readonly DataObject[] {
    const held = this.#held ?? [];
    const present = this.#list();
    const same = held.every(({ value }) => present.some((one) => equal(one.value, value)));
    if (!same || present.length !== held.length)
      throw new StrongroomError('anchor-conflict', 'another writer has changed the anchor on the token');
    return present;
  }

  #list(): DataObject[] {
    const values = this.#token.find(this.#label).map((handle) => {
      return { handle, value: this.#token.attribute(handle, p11.CKA_VALUE) };
    });
    return values;
  }

  #make(value: Bytes): DataObject {
    const template: Attribute[] = [
      ...this.#label,
      { type: p11.CKA_TOKEN, value: true },
      { type: p11.CKA_PRIVATE, value: true },
      { type: p11.CKA_MODIFIABLE, value: false },
      { type: p11.CKA_APPLICATION, value: 'strongroom' },
      { type: p11.CKA_VALUE, value: buffer(value) },
    ];
    const handle = this.#token.manage('writing the anchor', (library, session) =>
      library.C_CreateObject(session, template),
    );
    return { handle, value };
  }

  #destroy(objects: readonly DataObject[]): void {
    this.#token.manage('destroying an old anchor', (library, session) => {
      for (const { handle } of objects) library.C_DestroyObject(session, handle);
    });
  }
}
