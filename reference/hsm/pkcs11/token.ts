/**
 * A PKCS#11 token, open (spec/hsm.md, "Agent"): its sessions, each lent to one user at a time and given up after an
 * error, and its errors by name.
 *
 * @module
 */
import { createRequire } from 'node:module';
import type { Attribute, Handle, Mechanism, PKCS11, Pkcs11Error } from 'pkcs11js';
import { isStrongroomError, StrongroomError, type ErrorCode } from '../../errors.ts';
import { copy, type Bytes } from '../../wire/bytes.ts';

/** Compiled for this machine; whoever imports this module finds out if it was not. */
export const p11: typeof import('pkcs11js') = createRequire(import.meta.url)(
  'pkcs11js',
) as typeof import('pkcs11js');

/** Calls that are in the device at once. */
const SESSIONS = 8;
/** Objects of one label that are looked at; more are never there. */
const MAX_OBJECTS = 256;

const CODES: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [p11.CKR_PIN_INCORRECT, 'hsm-pin-incorrect'],
  [p11.CKR_PIN_INVALID, 'hsm-pin-incorrect'],
  [p11.CKR_PIN_LEN_RANGE, 'hsm-pin-incorrect'],
  [p11.CKR_PIN_LOCKED, 'hsm-pin-locked'],
  [p11.CKR_PIN_EXPIRED, 'hsm-pin-locked'],
  [p11.CKR_TOKEN_NOT_PRESENT, 'hsm-token-missing'],
  [p11.CKR_TOKEN_NOT_RECOGNIZED, 'hsm-token-missing'],
  [p11.CKR_SLOT_ID_INVALID, 'hsm-token-missing'],
  [p11.CKR_DEVICE_REMOVED, 'hsm-token-missing'],
  [p11.CKR_MECHANISM_INVALID, 'hsm-mechanism-missing'],
  [p11.CKR_MECHANISM_PARAM_INVALID, 'hsm-mechanism-missing'],
  [p11.CKR_FUNCTION_NOT_SUPPORTED, 'hsm-mechanism-missing'],
]);

/** Return value of the module that an error of pkcs11js carries; some errors have it in their text alone. */
export function returnValue(error: unknown): number | undefined {
  const { code, message } = error as Partial<Pkcs11Error>;
  if (typeof code === 'number' && code !== 0) return code;
  const [, digits] = /CKR_\w+:(\d+)/u.exec(message ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** An error of the module by its name here. */
export function named(error: unknown, doing: string): StrongroomError {
  if (isStrongroomError(error)) return error;
  const code = CODES.get(returnValue(error) ?? -1) ?? 'hsm-unavailable';
  return new StrongroomError(code, `${doing}: ${error instanceof Error ? error.message : String(error)}`);
}

/** The same bytes as pkcs11js takes them. */
export function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A token that a user is logged in to. */
export class Token {
  /** Serial number of the token. */
  readonly serial: string;
  readonly #library: PKCS11;
  readonly #slot: Handle;
  /** Keeps the login; objects are managed in it, by calls that do not wait. */
  readonly #main: Handle;
  readonly #free: Handle[] = [];
  readonly #waiting: ((session: Handle) => void)[] = [];

  private constructor(library: PKCS11, slot: Handle, serial: string, main: Handle) {
    this.#library = library;
    this.#slot = slot;
    this.serial = serial;
    this.#main = main;
    for (let i = 0; i < SESSIONS; i++) this.#free.push(this.#openSession());
  }

  /**
   * @throws StrongroomError `hsm-unavailable`, `hsm-token-missing`, `hsm-pin-incorrect`, `hsm-pin-locked`
   */
  static open(module: string, label: string, pin: string): Token {
    const library = new p11.PKCS11();
    try {
      library.load(module);
      // Without it modules crash as soon as two threads are in them.
      library.C_Initialize({ flags: p11.CKF_OS_LOCKING_OK });
    } catch (error) {
      const message = `${module}: ${error instanceof Error ? error.message : String(error)}`;
      throw new StrongroomError('hsm-unavailable', message, { subject: 'hsm.module' }, { cause: error });
    }
    try {
      const slots = library.C_GetSlotList(true).flatMap((slot) => {
        const info = library.C_GetTokenInfo(slot);
        return info.label.trimEnd() === label ? [{ slot, info }] : [];
      });
      const [found, ...others] = slots;
      if (found === undefined || others.length > 0) {
        const message = `${slots.length} tokens are called ${label}`;
        throw new StrongroomError('hsm-token-missing', message, { subject: 'hsm.tokenLabel' });
      }
      const { slot, info } = found;
      checkPinFlags(info.flags);
      const main = library.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION);
      library.C_Login(main, p11.CKU_USER, pin);
      return new Token(library, slot, info.serialNumber.trimEnd(), main);
    } catch (error) {
      throw named(error, `opening token ${label}`);
    }
  }

  /** @throws StrongroomError `hsm-mechanism-missing` if the token does not have it for this use */
  requireMechanism(name: keyof typeof p11 & `CKM_${string}`, use: number): void {
    let flags: number;
    try {
      ({ flags } = this.#library.C_GetMechanismInfo(this.#slot, p11[name]));
    } catch (error) {
      throw named(error, name);
    }
    if ((flags & use) !== use) {
      throw new StrongroomError('hsm-mechanism-missing', `${name} is there, but not for this use`);
    }
  }

  /**
   * Does something in a session that nobody else has meanwhile. After an error the session is given up, and it is done
   * once more in another: sessions end, devices do not.
   */
  async use<T>(doing: string, work: (library: PKCS11, session: Handle) => Promise<T>): Promise<T> {
    try {
      return await this.#once(work).catch(() => this.#once(work));
    } catch (error) {
      throw named(error, doing);
    }
  }

  /** Does something with objects, at once. */
  manage<T>(doing: string, work: (library: PKCS11, session: Handle) => T): T {
    try {
      return work(this.#library, this.#main);
    } catch (error) {
      throw named(error, doing);
    }
  }

  /** Objects that have all of these attributes. */
  find(template: Attribute[]): Handle[] {
    return this.manage('finding objects', (library, session) => {
      library.C_FindObjectsInit(session, template);
      try {
        const found = library.C_FindObjects(session, MAX_OBJECTS);
        if (found.length < MAX_OBJECTS) return found;
        throw new StrongroomError('hsm-unavailable', `more than ${MAX_OBJECTS} objects of one label`);
      } finally {
        library.C_FindObjectsFinal(session);
      }
    });
  }

  /** One attribute of an object. */
  attribute(object: Handle, type: number): Bytes {
    return this.manage('reading an attribute', (library, session) => {
      const [attribute] = library.C_GetAttributeValue(session, object, [{ type }]);
      return copy(attribute?.value ?? new Uint8Array(0));
    });
  }

  /** Signature or MAC. */
  sign(doing: string, mechanism: Mechanism, key: Handle, data: Uint8Array, length: number): Promise<Bytes> {
    return this.use(doing, async (library, session) => {
      library.C_SignInit(session, mechanism, key);
      const signature = copy(await library.C_SignAsync(session, buffer(data), Buffer.alloc(length)));
      if (signature.length === length) return signature;
      throw new StrongroomError('hsm-mechanism-missing', `${doing}: ${signature.length} bytes`);
    });
  }

  /** Fresh bytes of the device's generator. */
  random(length: number): Bytes {
    return this.manage('drawing random bytes', (library, session) =>
      copy(library.C_GenerateRandom(session, Buffer.alloc(length))),
    );
  }

  /** Ends the use of the module, unless a call is still in it. */
  close(): void {
    if (this.#free.length === SESSIONS) this.#library.C_Finalize();
  }

  #openSession(): Handle {
    return this.#library.C_OpenSession(this.#slot, p11.CKF_SERIAL_SESSION);
  }

  async #once<T>(work: (library: PKCS11, session: Handle) => Promise<T>): Promise<T> {
    const session = this.#free.pop() ?? (await new Promise<Handle>((lend) => this.#waiting.push(lend)));
    let next: Handle | undefined = session;
    try {
      return await work(this.#library, session);
    } catch (error) {
      next = this.#replace(session);
      throw error;
    } finally {
      if (next !== undefined) this.#give(next);
    }
  }

  /** A session may hold an operation that never ended; a new one does not. */
  #replace(session: Handle): Handle | undefined {
    try {
      this.#library.C_CloseSession(session);
    } catch {
      // It is gone already.
    }
    try {
      return this.#openSession();
    } catch {
      return session; // whoever gets it is told what is wrong with the device
    }
  }

  #give(session: Handle): void {
    const lend = this.#waiting.shift();
    if (lend === undefined) this.#free.push(session);
    else lend(session);
  }
}

/** A wrong PIN in a file must not be tried until the token is locked. */
function checkPinFlags(flags: number): void {
  if ((flags & p11.CKF_USER_PIN_LOCKED) !== 0) {
    throw new StrongroomError('hsm-pin-locked', 'the token says that the PIN is locked');
  }
  if ((flags & p11.CKF_USER_PIN_FINAL_TRY) !== 0) {
    throw new StrongroomError('hsm-pin-incorrect', 'one try is left: log in once by hand with the right PIN');
  }
}
