/**
 * The keys of a vault on a token (spec/hsm.md, "Objects"): made there, found by their labels, and tried.
 *
 * @module
 */
import type { Attribute, Handle } from 'pkcs11js';
import { isP256PublicKey } from '../../crypto/p256.ts';
import { StrongroomError } from '../../errors.ts';
import { concat, copy, equal, fromHex, hex, type Bytes } from '../../wire/bytes.ts';
import { HMAC_KEYS, type HmacKey, type PairKind } from '../interface.ts';
import type { TokenPair, TokenPairs } from './protocol.ts';
import { buffer, p11, type Token } from './token.ts';

/** OBJECT IDENTIFIER of P-256 (RFC 5480, section 2.1.1.1), DER. */
const P256 = fromHex('06082a8648ce3d030107');
const PAIR_KINDS: readonly PairKind[] = ['kem', 'receipt'];
/** Bytes of a pair's CKA_ID. */
const ID_LENGTH = 8;

/** A secret key, by its name in labels. */
export type SecretName = HmacKey | 'box';

/** Bytes of each secret key: the output of its hash, or AES-256. */
const SECRETS: Readonly<Record<SecretName, number>> = { index: 32, head: 32, oprf: 64, attempt: 64, box: 32 };

/** What a key that never leaves its device has. */
const KEPT: readonly Attribute[] = [
  { type: p11.CKA_TOKEN, value: true },
  { type: p11.CKA_PRIVATE, value: true },
  { type: p11.CKA_SENSITIVE, value: true },
  { type: p11.CKA_EXTRACTABLE, value: false },
];

/** One pair, with handles that hold for this session of the agent. */
interface Pair extends TokenPair {
  readonly privateKey: Handle;
}

/** A point as tokens give it: as a DER OCTET STRING, as PKCS#11 has it, or as it is. */
function pointOf(value: Bytes): Bytes | undefined {
  const wrapped = value.length === 67 && value[0] === 0x04 && value[1] === 65;
  const point = wrapped ? value.subarray(2) : value;
  return isP256PublicKey(point) ? copy(point) : undefined;
}

/** Later ones are greater: time in milliseconds, and two random bytes. */
function newId(token: Token): Bytes {
  return concat(fromHex(Date.now().toString(16).padStart(12, '0')), token.random(2));
}

/** The keys of one vault. */
export class TokenKeys {
  readonly #token: Token;
  readonly #prefix: string;
  #secrets: ReadonlyMap<SecretName, Handle> = new Map();
  #pairs: Readonly<Record<PairKind, readonly Pair[]>> = { kem: [], receipt: [] };

  constructor(token: Token, prefix: string) {
    this.#token = token;
    this.#prefix = prefix;
  }

  /** Makes all keys. @throws StrongroomError `state-exists` if there is any object of these labels */
  create(): void {
    const names = [...Object.keys(SECRETS), ...PAIR_KINDS, 'anchor'];
    for (const name of names) {
      const found = this.#token.find([{ type: p11.CKA_LABEL, value: this.#label(name) }]);
      if (found.length > 0) {
        throw new StrongroomError('state-exists', `the token has an object ${this.#label(name)}`);
      }
    }
    for (const [name, length] of Object.entries(SECRETS) as [SecretName, number][]) {
      this.#createSecret(name, length);
    }
    for (const kind of PAIR_KINDS) this.#createPair(kind);
  }

  /** Finds all keys. @throws StrongroomError `keys-missing`, `keys-damaged`, `keys-exposed` */
  load(): void {
    this.#secrets = new Map((Object.keys(SECRETS) as SecretName[]).map((name) => [name, this.#find(name)]));
    this.refresh();
    for (const handle of this.#secrets.values()) this.#tryToTake(handle);
  }

  /** Finds the pairs anew. @throws StrongroomError those of `load` */
  refresh(): void {
    const [kem, receipt] = [this.#findPairs('kem'), this.#findPairs('receipt')];
    for (const { privateKey } of [...kem, ...receipt]) this.#tryToTake(privateKey);
    this.#pairs = { kem, receipt };
  }

  get pairs(): TokenPairs {
    const seen = ({ handle, publicKey }: Pair): TokenPair => ({ handle, publicKey });
    return { kem: this.#pairs.kem.map(seen), receipt: this.#pairs.receipt.map(seen) };
  }

  secret(name: SecretName): Handle {
    const handle = this.#secrets.get(name);
    if (handle === undefined) throw new StrongroomError('keys-missing', `no key ${this.#label(name)}`);
    return handle;
  }

  /** The private half of a pair. @throws StrongroomError `keys-missing` */
  privateKey(kind: PairKind, id: Bytes): Handle {
    const pair = this.#pairs[kind].find(({ handle }) => equal(handle, id));
    if (pair === undefined) throw new StrongroomError('keys-missing', `no ${kind} key ${hex(id)}`);
    return pair.privateKey;
  }

  add(kind: PairKind): TokenPair {
    const id = this.#createPair(kind);
    this.refresh();
    const pair = this.pairs[kind].find(({ handle }) => equal(handle, id));
    if (pair === undefined) throw new StrongroomError('hsm-unavailable', `the new ${kind} key is not there`);
    return pair;
  }

  /** Destroys both halves, the private one first. */
  remove(kind: PairKind, id: Bytes): void {
    const privateKey = this.privateKey(kind, id);
    const publicKeys = this.#halves(kind, p11.CKO_PUBLIC_KEY, id);
    this.#token.manage(`destroying a ${kind} key`, (library, session) => {
      for (const half of [privateKey, ...publicKeys]) library.C_DestroyObject(session, half);
    });
    this.refresh();
  }

  #label(name: string): string {
    return this.#prefix + name;
  }

  #createSecret(name: SecretName, length: number): void {
    const box = name === 'box';
    const uses: Attribute[] = box
      ? [
          { type: p11.CKA_ENCRYPT, value: true },
          { type: p11.CKA_DECRYPT, value: true },
        ]
      : [{ type: p11.CKA_SIGN, value: true }];
    const template: Attribute[] = [
      { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
      { type: p11.CKA_KEY_TYPE, value: box ? p11.CKK_AES : p11.CKK_GENERIC_SECRET },
      { type: p11.CKA_LABEL, value: this.#label(name) },
      { type: p11.CKA_VALUE_LEN, value: length },
      ...KEPT,
      ...uses,
    ];
    const mechanism = box ? p11.CKM_AES_KEY_GEN : p11.CKM_GENERIC_SECRET_KEY_GEN;
    this.#token.manage(`making key ${this.#label(name)}`, (library, session) =>
      library.C_GenerateKey(session, { mechanism }, template),
    );
  }

  #createPair(kind: PairKind): Bytes {
    const id = newId(this.#token);
    const common: Attribute[] = [
      { type: p11.CKA_TOKEN, value: true },
      { type: p11.CKA_LABEL, value: this.#label(kind) },
      { type: p11.CKA_ID, value: buffer(id) },
      { type: p11.CKA_KEY_TYPE, value: p11.CKK_EC },
    ];
    const publicKey: Attribute[] = [
      { type: p11.CKA_CLASS, value: p11.CKO_PUBLIC_KEY },
      ...common,
      { type: p11.CKA_EC_PARAMS, value: buffer(P256) },
      ...(kind === 'receipt' ? [{ type: p11.CKA_VERIFY, value: true }] : []),
    ];
    const privateKey: Attribute[] = [
      { type: p11.CKA_CLASS, value: p11.CKO_PRIVATE_KEY },
      ...common,
      ...KEPT.filter(({ type }) => type !== p11.CKA_TOKEN),
      { type: kind === 'kem' ? p11.CKA_DERIVE : p11.CKA_SIGN, value: true },
    ];
    this.#token.manage(`making a ${kind} key`, (library, session) =>
      library.C_GenerateKeyPair(session, { mechanism: p11.CKM_EC_KEY_PAIR_GEN }, publicKey, privateKey),
    );
    return id;
  }

  #find(name: SecretName): Handle {
    const label = this.#label(name);
    const found = this.#token.find([
      { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
      { type: p11.CKA_LABEL, value: label },
    ]);
    const [handle, ...others] = found;
    if (handle === undefined) throw new StrongroomError('keys-missing', `the token has no key ${label}`);
    if (others.length > 0) throw new StrongroomError('keys-damaged', `the token has two keys ${label}`);
    return handle;
  }

  #halves(kind: PairKind, type: number, id?: Bytes): Handle[] {
    return this.#token.find([
      { type: p11.CKA_CLASS, value: type },
      { type: p11.CKA_LABEL, value: this.#label(kind) },
      ...(id === undefined ? [] : [{ type: p11.CKA_ID, value: buffer(id) }]),
    ]);
  }

  #findPairs(kind: PairKind): Pair[] {
    const pairs = this.#halves(kind, p11.CKO_PRIVATE_KEY).map((privateKey) => {
      const handle = this.#token.attribute(privateKey, p11.CKA_ID);
      const [half, ...others] = this.#halves(kind, p11.CKO_PUBLIC_KEY, handle);
      const publicKey = half && pointOf(this.#token.attribute(half, p11.CKA_EC_POINT));
      if (handle.length !== ID_LENGTH || publicKey === undefined || others.length > 0) {
        throw new StrongroomError('keys-damaged', `${this.#label(kind)} ${hex(handle)} is no P-256 pair`);
      }
      return { handle, publicKey, privateKey };
    });
    if (pairs.length === 0) {
      throw new StrongroomError('keys-missing', `the token has no key ${this.#label(kind)}`);
    }
    return pairs.toSorted((a, b) => (hex(a.handle) > hex(b.handle) ? -1 : 1));
  }

  /** Tries what a thief with the PIN would. @throws StrongroomError `keys-exposed` if the device lets it happen */
  #tryToTake(key: Handle): void {
    const label = buffer(this.#token.attribute(key, p11.CKA_LABEL)).toString();
    const exposed = (how: string): StrongroomError =>
      new StrongroomError('keys-exposed', `${label}: ${how}`, { subject: label });
    for (const [type, expected] of [
      [p11.CKA_SENSITIVE, 1],
      [p11.CKA_ALWAYS_SENSITIVE, 1],
      [p11.CKA_EXTRACTABLE, 0],
      [p11.CKA_NEVER_EXTRACTABLE, 1],
    ] as const) {
      if (this.#token.attribute(key, type)[0] !== expected) throw exposed(`attribute 0x${type.toString(16)}`);
    }
    this.#token.manage(label, (library, session) => {
      const refuses = (what: () => unknown): boolean => {
        try {
          what();
          return false;
        } catch {
          return true;
        }
      };
      if (!refuses(() => library.C_GetAttributeValue(session, key, [{ type: p11.CKA_VALUE }])))
        throw exposed('its value can be read');
      const extractable = [{ type: p11.CKA_EXTRACTABLE, value: true }];
      if (!refuses(() => library.C_SetAttributeValue(session, key, extractable)))
        throw exposed('it can be made extractable');
    });
  }
}

/** Bytes of what a key gives out. */
export function macLength(key: HmacKey): number {
  return HMAC_KEYS[key] === 'sha256' ? 32 : 64;
}
